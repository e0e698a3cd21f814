"""Target sysctl: a file that sysctl reads."""

from __future__ import annotations

import pytest

from tests.builders import host_files


@pytest.mark.parametrize(("backlog", "wanted"), [(100, "4096"), (4096, "4096"), (10000, "10000")])
def test_the_queue_is_never_cut(backlog: int, wanted: str) -> None:
    text = host_files(server={"backlog": backlog})["etc/sysctl.d/60-shop.conf"]
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert [tuple(map(str.strip, line.split("="))) for line in lines] == [
        ("net.core.somaxconn", wanted)
    ]
