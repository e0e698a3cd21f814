"""Module deploygen_place: what differs is found, and placed by renames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.modules import load

module = load("deploygen_place")


@pytest.fixture
def params(tmp_path: Path) -> dict[str, Any]:
    for name, content in {
        "next/site.conf": "new", "next/snippets/a": "a", "etc/site.conf": "old", "etc/other": "x",
    }.items():  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (tmp_path / "etc/default").symlink_to("/nowhere")
    return {
        "source": str(tmp_path / "next"),
        "root": str(tmp_path / "etc"),
        "links": {"enabled/site.conf": "../site.conf"},
        "absent": ["default", "none"],
    }


def test_what_differs_is_placed_and_then_nothing_does(params: dict[str, Any]) -> None:
    found = module.differing(params)
    assert found == (["site.conf", "snippets/a"], ["enabled/site.conf"], ["default"])
    root = Path(params["root"])
    module.place(Path(params["source"]), root, found, params["links"])
    assert module.differing(params) == ([], [], [])
    assert (root / "enabled/site.conf").read_text() == "new"
    assert (root / "snippets/a").read_text() == "a"
    assert (root / "other").read_text() == "x"
    assert sorted(path.name for path in root.iterdir()) == [
        "enabled", "other", "site.conf", "snippets",
    ]  # fmt: skip


def test_a_mode_and_a_link_in_a_files_place_differ(params: dict[str, Any]) -> None:
    found = module.differing(params)
    root, source = Path(params["root"]), Path(params["source"])
    module.place(source, root, found, params["links"])
    (root / "site.conf").chmod(0o600)
    (root / "snippets/a").unlink()
    (root / "snippets/a").symlink_to(source / "snippets/a")
    assert module.differing(params)[0] == ["site.conf", "snippets/a"]
