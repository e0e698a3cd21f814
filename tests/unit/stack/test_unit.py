from __future__ import annotations

import pytest

from deploygen.errors import DeploygenError
from deploygen.stack.unit import parse, split, substituted

UNIT = r"""
# gunicorn for shop.
[Unit]
Description=shop (%i)
ExecStart=/not/here

[Service]
WorkingDirectory=/srv/shop/%i/src
EnvironmentFile=/etc/shop/env
EnvironmentFile=-/etc/shop/local
Environment="A=one two" B=100%%
ExecStart=/srv/shop/%i/.venv/bin/gunicorn \
    --config /etc/shop/gunicorn.conf.py \
# a comment between the lines
    --name "a \"b\" \x41" --bind unix:/run/shop/%i.sock
StateDirectory=shop shop/cache
UMask=0027
"""


def test_what_a_unit_starts() -> None:
    unit = parse(UNIT, "shop@blue.service")
    assert unit.command == (
        "/srv/shop/blue/.venv/bin/gunicorn",
        "--config",
        "/etc/shop/gunicorn.conf.py",
        "--name",
        'a "b" A',
        "--bind",
        "unix:/run/shop/blue.sock",
    )
    assert unit.working_directory == "/srv/shop/blue/src"
    assert unit.environment_files == (("/etc/shop/env", True), ("/etc/shop/local", False))
    assert unit.environment == {"A": "one two", "B": "100%"}
    assert unit.state == ("shop", "shop/cache")
    assert unit.umask == 0o027


def test_a_later_value_wins_and_an_empty_one_takes_back() -> None:
    text = UNIT + "UMask=0077\nEnvironmentFile=\nEnvironmentFile=/b\nExecStart=\nExecStart=-/x y\n"
    unit = parse(text, "shop@green.service")
    assert unit.umask == 0o077
    assert unit.environment_files == (("/b", True),)
    assert unit.command == ("/x", "y")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[Service]\n", "found 0 lines ExecStart="),
        ("[Service]\nExecStart=/a\nExecStart=/b\n", "found 2 lines ExecStart="),
        ("[Service]\nExecStart=/a %h\n", "found %h, which only systemd can fill in"),
        ("[Service]\nExecStart=/a\nUMask=9\n", "found UMask=9, allowed is an octal number"),
    ],
)
def test_refusals(text: str, message: str) -> None:
    with pytest.raises(DeploygenError, match=message):
        parse(text, "shop@blue.service")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", ()),
        ("  a   b ", ("a", "b")),
        ("'a b' \"c d\"", ("a b", "c d")),
        ("A='b c'", ("A=b c",)),
        ("''", ("",)),
        (r"a\sb \x41 \101 \u00e4 \t", ("a b", "A", "A", "ä", "\t")),
        (r"\q", (r"\q",)),
    ],
)
def test_words(line: str, words: tuple[str, ...]) -> None:
    assert split(line) == words


def test_variables() -> None:
    given = {"PORT": "80", "MORE": "--a --b"}
    words = ("x", "$MORE", "127.0.0.1:${PORT}", "$$PORT", "$NONE", "${NONE}", "a$PORT")
    assert substituted(words, given) == (
        "x", "--a", "--b", "127.0.0.1:80", "$PORT", "", "a$PORT",
    )  # fmt: skip
