"""How values are written in each kind of file: read back by something else, they are the same."""

from __future__ import annotations

import ast
import shlex
import subprocess
from pathlib import Path

import crossplane
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploygen.render import quoting
from deploygen.stack.apache_directives import directives as directives_of_apache

texts = st.text(st.characters(codec="utf-8"))
literals = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)  # fmt: skip


@given(literals)
def test_python_reads_its_literals(value: object) -> None:
    written = quoting.python(value)
    assert ast.literal_eval(written) == value
    assert len(written.splitlines()) == 1
    assert written.isascii()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a", '"a"'), ('say "x"', '"say \\"x\\""'), ("a\\", '"a\\\\"'), ("a\nb", '"a\\nb"'),
        ("\U0001f600", '"\\U0001f600"'), ("%(a)s", '"%(a)s"'), ((), "[]"), (("a", 1), '["a", 1]'),
        ({"a": None}, '{"a": None}'), (True, "True"), (0, "0"), (1.5, "1.5"),
    ],
)  # fmt: skip
def test_python(value: object, written: str) -> None:
    assert quoting.python(value) == written


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nginx") / "nginx.conf"


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="\\$")))
@settings(max_examples=200)
def test_nginx_reads_one_argument(path: Path, value: str) -> None:
    path.write_text(f"add_header X {quoting.nginx(value)};\nserver {{ }}\n")
    parsed = crossplane.parse(str(path), check_ctx=False, check_args=False)
    assert parsed["status"] == "ok"
    directive, server = parsed["config"][0]["parsed"]
    assert directive["args"] == ["X", value]
    assert server["directive"] == "server"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("nosniff", "nosniff"), ("", '""'), ("a b", '"a b"'), ("a;b", '"a;b"'), ("{", '"{"'),
        ('"', '"\\""'), ("#", '"#"'), ("max-age=5", "max-age=5"), ("'", '"\'"'), ("\\", '"\\\\"'),
    ],
)  # fmt: skip
def test_nginx(value: str, written: str) -> None:
    assert quoting.nginx(value) == written


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_apache_reads_one_argument(value: str) -> None:
    text = f"Header set X {quoting.apache(value)}\nEnd\n"
    header, end = directives_of_apache(text)
    assert header.values() == ("set", "X", value)
    assert (end.name, end.values()) == ("end", ())


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_apaches_header_has_no_fields(value: str) -> None:
    [header] = directives_of_apache(f"Header set X {quoting.apache_header(value)}")
    written = header.values()[2]
    assert "%" not in written.replace("%%", "")
    assert written.replace("%%", "%") == value


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("nosniff", "nosniff"), ("", '""'), ("a b", '"a b"'), ("<a>", '"<a>"'), ('"', '"\\""'),
        ("#", '"#"'), ("^/a\\.b", '"^/a\\\\.b"'), ("100%", '"100%"'), ("'", '"\'"'),
    ],
)  # fmt: skip
def test_apache(value: str, written: str) -> None:
    assert quoting.apache(value) == written


@pytest.mark.parametrize(
    ("size", "written"),
    [(10 * 2**20, "10m"), (8192, "8k"), (2**30, "1024m"), (1500, "1500"), (1536 * 1024, "1536k")],
)
def test_nginx_size(size: int, written: str) -> None:
    assert quoting.nginx_size(size) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("", ""), ("a/b:c@d", "a/b:c@d"), ("a b", "'a b'"), ("#x", "'#x'"), ("it's", '"it\'s"'),
        ("'$x`\"\\", '"\'\\$x\\`\\"\\\\"'), ("~root", "'~root'"), ("$HOME", "'$HOME'"),
        ("a\\", "'a\\'"), ("a;b", "'a;b'"),
    ],
)  # fmt: skip
def test_env_file(value: str, written: str) -> None:
    assert quoting.env_file(value) == written


@given(texts, st.integers(0, 20))
def test_every_line_of_a_comment_is_one(text: str, indent: int) -> None:
    for line in quoting.comment(text, indent).splitlines():
        assert line.strip().startswith("#")
        assert not line.endswith("\\") or "\\ " in text  # a line that ends so goes on
    assert len(quoting.comment_text(text).splitlines()) <= 1
    assert not quoting.comment_text(text).endswith("\\")


def test_comments_are_wrapped_and_indented() -> None:
    lines = quoting.comment("word " * 60, 4).split("\n")
    assert len(lines) > 3
    assert all(len(line) <= 100 for line in lines)
    assert lines[0].startswith("# word") and lines[1].startswith("    # word")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a/b:c@d", "a/b:c@d"), ("", '""'), ("a b", '"a b"'), ("$HOME", '"\\$HOME"'),
        ('say "x"', '"say \\"x\\""'), ("a\\", '"a\\\\"'), ("#x", '"#x"'), ("it's", '"it\'s"'),
    ],
)  # fmt: skip
def test_docker_env(value: str, written: str) -> None:
    assert quoting.docker_env(value) == written


@pytest.mark.parametrize(
    "command", ["python manage.py migrate", "echo 'it''s done'", 'echo "$HOME" `id`', "echo '*' #x"]
)
def test_a_command_in_a_script_has_the_words_that_it_was_described_with(command: str) -> None:
    script = quoting.sh_command(command).replace("python manage.py", "echo")
    words = shlex.split(command.replace("python manage.py", "echo"))
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == f"{' '.join(words[1:])}\n"
