"""Programs that tests need: missing ones fail in CI, and are skipped, loudly, elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from deploygen.stack import modules, programs, proxies


def needed(name: str) -> str:
    """The program's path. Without it the test is skipped; where CI is set, it fails."""
    found = programs.find(name)
    if isinstance(found, programs.Missing):
        lacking(str(found))
    return found.command[0]


def needed_module(kind: str, directive: str) -> None:
    """A proxy's module that is a package of its own, by a directive that it brings."""
    program = proxies.BY_KIND[kind].find()
    assert isinstance(program, programs.Program)
    if directive in modules.absent(program):
        lacking(f"{kind} has no module for {directive}; make packages installs it")


def lacking(what: str) -> NoReturn:
    """Skip what this machine cannot prove; where CI is set, fail."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}, and CI needs it")
    pytest.skip(what)


def absent(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let deploygen find none of ``names``."""
    which = shutil.which

    def without(name: str, *args: object, **kwargs: object) -> str | None:
        return None if name in names else which(name, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(shutil, "which", without)


def needed_here(name: str) -> str:
    """A program of this very environment, or on PATH; else as needed() has it."""
    own = Path(sys.executable).parent / name
    return str(own) if own.is_file() else needed(name)
