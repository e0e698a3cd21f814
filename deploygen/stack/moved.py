"""What the rules for nginx's files and those for Apache's share: edits of single words."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from deploygen.stack.directives import Directive, Edit, Word
from deploygen.stack.machine import Machine

LOOPBACK, LOOPBACK6 = "127.0.0.1", "[::1]"
LEFT_OUT = "left out: not on this machine"
STAND_IN = "stand-in: not on this machine"


@dataclass
class Seen:
    """What the files before had: a name may be given once for each port."""

    named: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)


def inside(found: Iterable[Directive], block: Directive) -> tuple[Directive, ...]:
    """The directives that stand directly in a block."""
    return tuple(each for each in found if each.within and each.within[-1] is block)


def change(word: Word, new: str, what: str) -> Edit:
    """Another word in the place of one."""
    return Edit(word.start, word.end, new, what)


def drop(each: Directive, what: str) -> Edit:
    """Nothing in the place of a directive."""
    return Edit(each.start, each.end, "", what)


def paths(each: Directive, text: str, machine: Machine, *, first: int = 0) -> Iterator[Edit]:
    """The arguments from ``first`` on, with the paths in them moved."""
    for word in each.args[first:]:
        raw = text[word.start : word.end]
        if (new := machine.moves.text(raw)) != raw:
            yield change(word, new, "path")


def written(word: Word, machine: Machine, seen: Seen) -> Iterator[Edit]:
    """What the proxy writes goes below the private folder, wherever it was."""
    old = word.value
    if not old.startswith("/") or old.startswith("/dev/"):
        return
    new = machine.moves.path(old)
    new = new if new.startswith(f"{machine.root}/") else f"{machine.root}{old}"
    seen.folders.add(new.rpartition("/")[0])
    yield change(word, new, "path")


def certificates(
    found: Iterable[Directive], machine: Machine, *, certificate: str, key: str
) -> Iterator[Edit]:
    """Stand-ins for certificates that are not here; a pair is replaced as a pair."""
    blocks: dict[tuple[int, ...], list[Directive]] = {}
    for each in found:
        if each.name in (certificate, key) and each.args:
            blocks.setdefault(tuple(block.start for block in each.within), []).append(each)
    for pair in blocks.values():
        values = [each.args[0].value for each in pair]
        if all(not value.startswith("/") or machine.readable(value) for value in values):
            continue
        for each in pair:
            new = machine.certificate if each.name == certificate else machine.key
            yield change(each.args[0], new, STAND_IN)


def redirect(
    each: Directive, text: str, hosts: Collection[str], machine: Machine
) -> Iterator[Edit]:
    """A redirect to the site itself, one of ``hosts``, needs the port that it has here."""
    known = "|".join(map(re.escape, hosts))
    pattern = re.compile(rf"(https?)://({known})(?![\w:.-])")

    def with_port(match: re.Match[str]) -> str:
        port = machine.ports.get(443 if match[1] == "https" else 80)
        return f"{match[0]}:{port}" if port else match[0]

    for word in each.args:
        raw = text[word.start : word.end]
        if (new := pattern.sub(with_port, raw)) != raw:
            yield change(word, new, "port")
