"""Module deploygen_sysctl: what differs, and nothing else, is set."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import host_files
from tests.modules import load

sysctl = load("deploygen_sysctl")


def test_the_rendered_file_is_read() -> None:
    [path] = [path for path in host_files() if "sysctl.d" in path]
    assert sysctl.settings(host_files()[path]) == {"net.core.somaxconn": "4096"}


def test_what_differs(tmp_path: Path) -> None:
    (tmp_path / "net/ipv4").mkdir(parents=True)
    (tmp_path / "net/a").write_text("1\n")
    (tmp_path / "net/ipv4/range").write_text("1024\t60999\n")
    wanted = {"net.a": "2", "net.ipv4.range": "1024 60999"}
    assert sysctl.differing(wanted, tmp_path) == {"net.a": "1"}
    with pytest.raises(OSError, match="net/none"):
        sysctl.differing({"net.none": "1"}, tmp_path)
