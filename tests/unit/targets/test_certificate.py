"""Target certificate: the script is rendered where a host needs it, and is shell."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from tests.builders import host_files, machine

SCRIPT = "usr/local/sbin/shop-certificate"
FILES = {"mode": "files", "certificate": "/c", "key": "/k"}
ACME = {"mode": "acme", "acme": {"email": "ops@example.com"}}


@pytest.mark.parametrize(
    ("os", "tls", "needed"),
    [
        ("debian-12", {}, False),
        ("debian-12", FILES, False),
        ("ubuntu-22.04", FILES, True),
        ("debian-13", ACME, True),
    ],
)
def test_it_is_there_where_a_host_needs_it(os: str, tls: dict[str, Any], needed: bool) -> None:
    assert (SCRIPT in host_files(proxy={"tls": tls}, machines=machine(os=os))) is needed


@pytest.mark.parametrize(
    ("os", "tls", "verbs"),
    [("ubuntu-22.04", FILES, "stand-in"), ("debian-12", ACME, "stand-in|issue|live")],
)
def test_it_is_shell_and_says_how_it_is_used(os: str, tls: dict[str, Any], verbs: str) -> None:
    script = host_files(proxy={"tls": tls}, machines=machine(os=os))[SCRIPT]
    command = ["sh", "-c", script, "shop-certificate"]
    for arguments in ([], ["nonsense"]):
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (2, f"usage: shop-certificate {verbs}\n")
