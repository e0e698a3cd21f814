"""Modules that are packages of their own: which of them this machine has.

What the rendered files say in the words of one that is not here is left out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from deploygen.stack.programs import Program


@dataclass(frozen=True)
class Module:
    """A proxy's module: its file, and the directives that it brings, in lower case."""

    proxy: str
    file: str
    directives: tuple[str, ...]


MODULES = (
    Module("nginx", "ngx_http_brotli_static_module.so", ("brotli_static",)),
    Module("apache", "mod_xsendfile.so", ("xsendfile", "xsendfilepath")),
)


def folder(program: Program) -> str:
    """Where a proxy's modules lie; empty if unknown."""
    if program.modules:
        return program.modules
    found = re.search(r"--modules-path=(\S+)", program.build)
    return found[1] if found else ""


def here(program: Program) -> tuple[str, ...]:
    """The files of those modules that this machine has."""
    return tuple(path for path, found in _looked(program) if found)


def absent(program: Program) -> frozenset[str]:
    """The directives of those that it has not."""
    missing = {os.path.basename(path) for path, found in _looked(program) if not found}  # noqa: PTH119
    return frozenset(name for each in MODULES if each.file in missing for name in each.directives)


def _looked(program: Program) -> Iterator[tuple[str, bool]]:
    for module in MODULES:
        if module.proxy == program.name:
            path = f"{folder(program)}/{module.file}"
            yield path, os.path.isfile(path)  # noqa: PTH113
