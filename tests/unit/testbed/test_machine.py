"""What containers get of the machine that they run on."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from testbed import images, machine


def test_containers_conf_is_toml_and_grants_no_more_than_the_machine_may() -> None:
    read = tomllib.loads(machine.containers_conf())
    if machine.cgroup_controllers():
        assert read["engine"]["runtime"] == "runc"
    for limit in read["containers"].get("default_ulimits", []):
        name, _, values = limit.partition("=")
        allowed = subprocess.run(
            ["sh", "-c", f"ulimit -H{'n' if name == 'nofile' else 'u'}"],
            capture_output=True, text=True, check=False,
        ).stdout.strip()  # fmt: skip
        if allowed.isdigit():
            assert int(values.split(":")[1]) <= int(allowed)


def test_pip_gets_indexes_that_a_container_can_reach(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "pip.conf"
    config.write_text(
        "[global]\nindex-url = https://index.example/simple\n"
        "extra-index-url = file:///opt/more/simple https://more.example/simple\n"
        "constraint = /etc/constraints.txt\ntimeout = 90\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_DEFAULT_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)
    read = dict(line.split(" = ") for line in machine.pip_conf().splitlines() if " = " in line)
    assert read["index-url"] == "https://index.example/simple"
    assert read["extra-index-url"] == "https://more.example/simple"
    assert read["timeout"] == "90"
    assert read["cert"] == str(machine.CA_BUNDLE)
    assert "constraint" not in read


def test_a_suite_comes_from_the_machines_own_mirror() -> None:
    lines = machine.Mirror("http://a.example/debian", "http://s.example/security").sources("trixie")
    assert lines.splitlines() == [
        "deb http://a.example/debian trixie main",
        "deb http://a.example/debian trixie-updates main",
        "deb http://s.example/security trixie-security main",
    ]


def test_an_image_is_made_anew_when_what_goes_into_it_changes() -> None:
    recipe = images.RECIPES["trixie"]
    files = {"pip.conf": "[global]\n", "sources.list": "deb http://a.example trixie main\n"}
    assert recipe.hash(files) == recipe.hash(dict(files))
    assert recipe.hash(files) != recipe.hash({**files, "pip.conf": ""})
    assert recipe.hash(files) != images.RECIPES["bookworm"].hash(files)


def test_the_command_names_what_it_does_not_know() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "testbed", "images", "woody"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "no image woody; there are bookworm, trixie, python-3.11, python-3.13" in done.stderr
