"""The engine: file specs in, bytes out; an undefined name is an error."""

from __future__ import annotations

import pytest
from jinja2 import TemplateNotFound, UndefinedError

from deploygen.plan import Setting
from deploygen.plan.sources import DESCRIPTION
from deploygen.render import RenderedFile, render
from deploygen.targets import FileSpec

SETTING = Setting("net.core.somaxconn", 4096, "because of it", DESCRIPTION)
TEMPLATE = "sysctl/etc/sysctl.d/60-NAME.conf"


def one(context: dict[str, object], mode: int = 0o644) -> RenderedFile:
    (made,) = render([FileSpec(TEMPLATE, "a/b.conf", mode, context)])
    return made


def test_a_file_is_rendered_with_its_path_and_mode() -> None:
    made = one({"about": "A file", "settings": [SETTING]}, 0o600)
    assert (made.path, made.mode) == ("a/b.conf", 0o600)
    assert made.content.decode() == (
        "# A file.\n"
        "# Made by deploygen from deploygen.yml: change it there, then run deploygen render.\n"
        "\n"
        "# Because of it. [deploygen.yml]\n"
        "net.core.somaxconn = 4096\n"
    )


def test_files_keep_their_order() -> None:
    context = {"about": "A", "settings": []}
    specs = [FileSpec(TEMPLATE, path, 0o644, context) for path in ("b", "a", "c")]
    assert [made.path for made in render(specs)] == ["b", "a", "c"]


@pytest.mark.parametrize("context", [{}, {"about": "A"}, {"about": "A", "settings": [object()]}])
def test_what_a_template_needs_and_does_not_get_is_an_error(context: dict[str, object]) -> None:
    with pytest.raises((UndefinedError, AttributeError)):
        one(context)


def test_a_template_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(TemplateNotFound):
        render([FileSpec("nginx/none", "x", 0o644, {})])


def test_values_are_never_templates() -> None:
    value = "{{ 7 * 7 }}{% raw %}"
    setting = Setting("a", value, value, DESCRIPTION)
    text = one({"about": value, "settings": [setting]}).content.decode()
    assert text.count(value) == 3
    assert "49" not in text


def test_a_reason_stays_in_its_comment() -> None:
    setting = Setting("a", 1, "one\nb = 2\u2028c = 3\r\nd = 4\\", DESCRIPTION)
    text = one({"about": "A", "settings": [setting]}).content.decode()
    assert [line for line in text.splitlines() if line and line[0] != "#"] == ["a = 1"]
