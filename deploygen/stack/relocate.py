"""Moves the rendered files of one machine group below a private folder: text in, text out.

The files stay what they are but for paths, ports and what no laptop has (the proxy's user, a
certificate). Every change is reported, so that a person can see what was tried.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deploygen.stack import apache_site, nginx_site
from deploygen.stack.directives import Edit, apply
from deploygen.stack.machine import Machine
from deploygen.stack.moved import Seen
from deploygen.stack.paths import Moves

# Python 3.12 splits f-strings; 3.11 has them whole.
_STRINGS = (tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING))

NGINX_CONF = "/etc/nginx/nginx.conf"
APACHE_CONF = f"{apache_site.ROOT}/apache2.conf"


@dataclass(frozen=True)
class Change:
    """One change: the file (its path on the host), the line, and what became of what."""

    file: str
    line: int
    what: str
    before: str
    after: str


@dataclass(frozen=True)
class Relocated:
    """The moved files by their paths on the host, and what changed.

    ``folders`` must exist before the proxy starts; ``stand_in`` says that the files name the
    machine's stand-in certificate, which has to be made.
    """

    files: Mapping[str, bytes]
    changes: tuple[Change, ...]
    folders: tuple[str, ...]
    stand_in: bool


def relocate(files: Mapping[str, bytes], machine: Machine) -> Relocated:
    """Move ``files`` (path on the host -> content). What is no text stays as it is."""
    moved: dict[str, bytes] = {}
    changes: list[Change] = []
    seen = Seen()
    for path in sorted(files, key=lambda path: (path != NGINX_CONF, path)):
        try:
            text = files[path].decode()
        except UnicodeDecodeError:
            moved[path] = files[path]
            continue
        found = tuple(_edits(path, text, machine, seen))
        moved[path] = apply(text, found).encode()
        changes += [
            Change(path, text.count("\n", 0, each.start) + 1, each.what,
                   text[each.start : each.end].strip(), each.new.strip())
            for each in sorted(found, key=lambda each: each.start)
        ]  # fmt: skip
    stand_in = any(machine.certificate in change.after for change in changes)
    return Relocated(moved, tuple(changes), tuple(sorted(seen.folders)), stand_in)


def ports(files: Mapping[str, bytes]) -> tuple[int, ...]:
    """The TCP ports that the files of nginx or Apache listen on."""
    found: list[int] = []
    for path, content in files.items():
        text = content.decode(errors="replace")
        if _is_nginx(path):
            found += nginx_site.ports(text)
        elif _is_apache(path):
            found += apache_site.ports(text)
    return tuple(dict.fromkeys(found))


def _is_nginx(path: str) -> bool:
    # A project may be called nginx: its environment then lies in the same folder.
    return path.startswith("/etc/nginx/") and (
        path.endswith(".conf") or path.count("/") > NGINX_CONF.count("/")
    )


def _is_apache(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    inside = name.endswith(".conf") and folder.startswith(f"{apache_site.ROOT}/")
    return inside or path == APACHE_CONF


def _edits(path: str, text: str, machine: Machine, seen: Seen) -> Iterator[Edit]:
    if path.endswith(".py"):
        yield from _python(text, machine.moves)
    elif _is_nginx(path):
        yield from nginx_site.edits(text, machine, main=path == NGINX_CONF, seen=seen)
    elif _is_apache(path):
        yield from apache_site.edits(text, machine, main=path == APACHE_CONF, seen=seen)
    else:
        yield from _lines(text, machine.moves)


def _lines(text: str, moves: Moves) -> Iterator[Edit]:
    """Files of lines (units, environment, tmpfiles.d): every line that is no comment."""
    start = 0
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        if not line.lstrip().startswith(("#", ";")) and (new := moves.text(line)) != line:
            yield Edit(start, start + len(line), new, "path")
        start += len(line)


def _python(text: str, moves: Moves) -> Iterator[Edit]:
    """Python: in its string literals. One that cannot be read is left for Python to report."""
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return
    for token in tokens:
        if token.type in _STRINGS and (new := moves.text(token.string)) != token.string:
            begin = starts[token.start[0] - 1] + token.start[1]
            end = begin + len(token.string)
            if text[begin:end] == token.string:
                yield Edit(begin, end, new, "path")
