"""The only user of Jinja2: file specs in, rendered files out.

Templates print, they never decide: an undefined name is an error, and what a template can do
to a value are the filters below.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined

from deploygen import __version__, resources
from deploygen.plan import Setting
from deploygen.render import quoting
from deploygen.targets import FileSpec

HEADER = "Made by deploygen from deploygen.yml: change it there, then run deploygen render."


@dataclass(frozen=True)
class RenderedFile:
    """One file of the tree: its path below deploy/, its bytes, its mode."""

    path: str
    content: bytes
    mode: int


def render(files: Iterable[FileSpec]) -> tuple[RenderedFile, ...]:
    """Every file, in the given order."""
    return tuple(RenderedFile(file.path, _content(file), file.mode) for file in files)


def _content(file: FileSpec) -> bytes:
    if file.verbatim:
        path = os.path.join(resources.folder("roles"), file.template)  # noqa: PTH118
        with open(path, "rb") as original:  # noqa: PTH123
            return original.read()
    return _environment().get_template(file.template).render(file.context).encode()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(resources.folder("templates")),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 (configuration files, no HTML)
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        bytecode_cache=_bytecode_cache(),
    )
    environment.filters.update(
        header=_header,
        why=_why,
        comment=quoting.comment,
        comment_text=quoting.comment_text,
        py=quoting.python,
        nginx=quoting.nginx,
        apache=quoting.apache,
        apache_header=quoting.apache_header,
        nginx_size=quoting.nginx_size,
        envfile=quoting.env_file,
        sh=quoting.sh,
        sh_command=quoting.sh_command,
        docker_env=quoting.docker_env,
        yaml=quoting.yaml,
    )
    return environment


def _bytecode_cache() -> FileSystemBytecodeCache | None:
    """Compiled templates in the user's cache folder, as Python keeps its own; None without one.

    Jinja2 compares each with its template's text: a stale one is never used.
    """
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
    folder = os.path.join(home, "deploygen", f"templates-{__version__}")  # noqa: PTH118
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103
    except OSError:
        return None
    # Compiled code is run: it has to be the user's own.
    owned = os.stat(folder).st_uid == os.getuid() and os.access(folder, os.W_OK)  # noqa: PTH116
    return FileSystemBytecodeCache(folder) if owned else None


def _header(about: str) -> str:
    """The first lines of a file: what it is, what made it, what to edit instead."""
    return f"{quoting.comment(about + '.')}\n{quoting.comment(HEADER)}"


def _why(setting: Setting, indent: int = 0) -> str:
    """The comment above a setting: its reason and its source."""
    planned = "" if setting.overridden is None else f" (deploygen would say {setting.overridden})"
    text = f"{setting.reason[0].upper()}{setting.reason[1:]}{planned}. [{setting.source.name}]"
    return quoting.comment(text, indent)
