from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploygen.render.quoting import env_file
from deploygen.stack.envfile import parse


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A=1", {"A": "1"}),
        ("A=1\nA=2\n", {"A": "2"}),
        ("  A = 1  \n", {"A": "1"}),
        ("# A=1\n; B=2\n\nC=3", {"C": "3"}),
        ("A=", {"A": ""}),
        ("no assignment\nA=1", {"A": "1"}),
        ("9A=1\nB=2", {"B": "2"}),
        ("A=a # b", {"A": "a # b"}),
        ("A='a # b'", {"A": "a # b"}),
        ("A='a\\b'", {"A": "a\\b"}),
        ('A="a\\"b\\\\c\\$d\\`e\\x"', {"A": 'a"b\\c$d`e\\x'}),
        ("A=a\\ b\\\\c", {"A": "a b\\c"}),
        ("A=a\\\nb", {"A": "ab"}),
        ('A="a\\\nb"', {"A": "ab"}),
        ('A="a\nb"', {"A": "a\nb"}),
        ("A='a''b' \"c\"", {"A": "abc"}),
        ('A=a"b"', {"A": 'a"b"'}),
        ("A=a  b  ", {"A": "a  b"}),
        ("A='a  '", {"A": "a  "}),
        ("A=$HOME/x", {"A": "$HOME/x"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A='unclosed", {"A": "unclosed"}),
    ],
)
def test_rules(text: str, found: dict[str, str]) -> None:
    assert parse(text) == found


VALUES = st.text(st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from("'\"\\$` #;=%"))


@given(st.dictionaries(st.from_regex(r"[A-Z_][A-Z0-9_]{0,9}", fullmatch=True), VALUES))
def test_what_deploygen_writes_is_read_back(values: dict[str, str]) -> None:
    text = "".join(f"{name}={env_file(value)}\n" for name, value in values.items())
    assert parse(text) == values


@given(st.text(alphabet="A=1'\"\\ \n#;$", max_size=40))
def test_no_text_fails(text: str) -> None:
    for name in parse(text):
        assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)
