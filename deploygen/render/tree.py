"""Compares what would be rendered with what is on disk: the decision, before anything is written.

A file is the user's as soon as it differs from what the last render wrote. Such a file is
never overwritten and never removed, unless the user says so by name.
"""

from __future__ import annotations

import difflib
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from fnmatch import fnmatchcase
from pathlib import Path

from deploygen.errors import DeploygenError
from deploygen.render.engine import RenderedFile
from deploygen.render.manifest import Entry, Manifest, digest


class State(Enum):
    """How a file on disk stands to what would be rendered."""

    SAME = "same"
    NEW = "new"
    CHANGED = "changed"
    MODE = "mode"
    MISSING = "missing"
    GONE = "no longer rendered"
    EDITED = "edited by hand"
    EDITED_GONE = "edited by hand, no longer rendered"
    FOREIGN = "not made by deploygen"
    KEPT = "kept as edited"


CONFLICTS = (State.EDITED, State.EDITED_GONE, State.FOREIGN)
UNCHANGED = (State.SAME, State.KEPT)


@dataclass(frozen=True)
class Change:
    """One file. ``old`` is on disk, ``new`` would be rendered; None where there is none.

    ``entry`` is what the next manifest says of it; None if nothing.
    """

    path: str
    state: State
    old: bytes | None
    new: bytes | None
    entry: Entry | None

    def diff(self) -> str:
        """From disk to rendering, as a unified diff; empty if the texts are the same."""
        lines = difflib.unified_diff(
            _lines(self.old),
            _lines(self.new),
            fromfile=f"{self.path} (on disk)" if self.old is not None else "/dev/null",
            tofile=f"{self.path} (rendered)" if self.new is not None else "/dev/null",
        )
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def _lines(content: bytes | None) -> list[str]:
    return (content or b"").decode(errors="replace").splitlines(keepends=True)


def compare(tree: Path, files: Sequence[RenderedFile], manifest: Manifest) -> tuple[Change, ...]:
    """Every file that is rendered or was, sorted by path.

    Raises DeploygenError where a folder stands in a file's place, or the other way round.
    """
    rendered = {file.path: file for file in files}
    return tuple(
        _change(tree, path, rendered.get(path), manifest.get(path))
        for path in sorted(rendered.keys() | manifest.keys())
    )


def _change(tree: Path, path: str, file: RenderedFile | None, entry: Entry | None) -> Change:
    disk = _read(tree, path)
    old = disk[0] if disk else None
    old_hash = digest(old) if old is not None else None
    if file is None:
        if entry is None or old is None:
            return Change(path, State.SAME, old, None, None)
        untouched = old_hash == entry.sha256 and not entry.kept
        return Change(path, State.GONE if untouched else State.EDITED_GONE, old, None, None)
    new_hash = digest(file.content)
    written = Entry(new_hash, file.mode)
    if old is None or disk is None:
        state = State.NEW if entry is None else State.MISSING
    elif old_hash == new_hash:
        # Version control keeps of the mode only whether a file is a program.
        programs = bool(disk[1] & 0o111), bool(file.mode & 0o111)
        state = State.SAME if programs[0] == programs[1] else State.MODE
    elif entry is None:
        state = State.FOREIGN
    elif entry.kept and entry.sha256 == new_hash:
        return Change(path, State.KEPT, old, file.content, entry)
    else:
        state = State.CHANGED if old_hash == entry.sha256 and not entry.kept else State.EDITED
    return Change(path, state, old, file.content, written)


def _read(tree: Path, path: str) -> tuple[bytes, int] | None:
    """Content and mode on disk; None if nothing is there."""
    place = tree / path
    try:
        status = place.lstat()
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        raise DeploygenError(f"{place.parent} is no folder; render needs one there") from None
    if stat.S_ISDIR(status.st_mode):
        raise DeploygenError(f"{place} is a folder; render needs a file there")
    if stat.S_ISLNK(status.st_mode):  # what it points to is not ours to read or to write
        return f"a link to {place.readlink()}\n".encode(), 0
    if not stat.S_ISREG(status.st_mode):
        raise DeploygenError(f"{place} is no regular file; render needs one there")
    return place.read_bytes(), status.st_mode


def resolve(
    changes: Iterable[Change], keep: Sequence[str], replace_: Sequence[str]
) -> tuple[Change, ...]:
    """``changes`` with conflicts settled as the user said; patterns as the shell has them.

    Raises DeploygenError for a pattern that matches no edited file.
    """
    changes = tuple(changes)
    conflicts = [change.path for change in changes if change.state in CONFLICTS]
    for pattern in (*keep, *replace_):
        if not any(fnmatchcase(path, pattern) for path in conflicts):
            raise DeploygenError(
                f"{pattern} matches no file that was edited by hand",
                hint=f"these were: {', '.join(conflicts)}" if conflicts else "none was",
            )
    return tuple(_settle(changes, keep, replace_))


def _settle(
    changes: Iterable[Change], keep: Sequence[str], replace_: Sequence[str]
) -> Iterator[Change]:
    for change in changes:
        if change.state not in CONFLICTS:
            yield change
        elif any(fnmatchcase(change.path, pattern) for pattern in keep):
            entry = replace(change.entry, kept=True) if change.entry else None
            yield replace(change, state=State.KEPT, entry=entry)
        elif any(fnmatchcase(change.path, pattern) for pattern in replace_):
            state = State.GONE if change.new is None else State.CHANGED
            yield replace(change, state=state)
        else:
            yield change


def conflicts(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The files that render must not touch."""
    return tuple(change for change in changes if change.state in CONFLICTS)


def drifted(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The files that are not as the description says."""
    return tuple(change for change in changes if change.state not in UNCHANGED)
