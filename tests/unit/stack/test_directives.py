from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploygen.stack.directives import Edit, apply, directives

SITE = r"""# a comment; with { signs
http {
    map $uri $cache { "~^/a;{}" "x"; default ''; }
    server {
        listen 80; server_name a.example  # b.example;
            c.example;
        location ~ /\.(?!well-known/) { return 404; }
        add_header X "a \"quoted\" word";
        set $x ${host}y;
    }
}
"""


def test_reads_words_blocks_and_lines() -> None:
    found = {(each.name, each.line): each for each in directives(SITE)}
    names = found[("server_name", 5)]
    assert names.values() == ("a.example", "c.example")
    assert names.context == ("http", "server")
    assert found[("location", 7)].values() == ("~", r"/\.(?!well-known/)")
    assert found[("location", 7)].opens
    assert found[("return", 7)].context == ("http", "server", "location")
    assert found[("add_header", 8)].values() == ("X", 'a "quoted" word')
    assert found[("set", 9)].values() == ("$x", "${host}y")
    assert found[("~^/a;{}", 3)].context == ("http", "map")
    assert found[("default", 3)].values() == ("",)


def test_words_know_their_place() -> None:
    for each in directives(SITE):
        for word in each.args:
            assert SITE[word.start : word.end].strip("\"'").replace('\\"', '"') == word.value


@pytest.mark.parametrize("text", ["", "}", "server {", 'a "unclosed', "a b", ";;", "{", "\\"])
def test_broken_text_is_left_to_nginx(text: str) -> None:
    directives(text)


@given(st.text(alphabet="ab \n;{}\"'\\$#", max_size=60))
def test_never_fails_and_never_hangs(text: str) -> None:
    for each in directives(text):
        assert 0 <= each.start < each.end <= len(text)


def test_edits_keep_line_numbers() -> None:
    edits = [Edit(0, 8, "", "dropped"), Edit(9, 11, "x;", "new")]
    assert apply("a 1\n  2;\nb;\nc;", edits) == "\n\nx;\nc;"
