"""Writes a tree whole or not at all.

The new tree is made beside the old one (what does not change is linked, not copied), then both
are exchanged by one rename. A full disk or a killed process leaves the old tree as it was; what
was half made is removed by the next render.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploygen import __version__
from deploygen.errors import DeploygenError
from deploygen.render import manifest as manifests
from deploygen.render.manifest import Manifest
from deploygen.render.tree import Change, State

WRITTEN = (State.NEW, State.CHANGED, State.MISSING, State.MODE)


def write(tree: Path, changes: Sequence[Change], before: Manifest) -> bool:
    """Makes ``tree`` what ``changes`` say; True if anything had to change.

    ``changes`` hold no conflicts any more. Raises DeploygenError when it can't be written;
    the tree is then as it was.
    """
    after = {change.path: change.entry for change in changes if change.entry}
    touched = [change for change in changes if change.state in (*WRITTEN, State.GONE)]
    if not touched and after == dict(before) and (tree / manifests.NAME).exists():
        return False
    tree = tree.resolve()
    try:
        tree.parent.mkdir(parents=True, exist_ok=True)
        with _alone(tree.parent):
            _replace(tree, touched, manifests.dump(after, __version__))
    except OSError as error:
        raise DeploygenError(
            f"{tree} can't be written: {error.strerror or error}",
            hint="nothing was changed",
        ) from error
    return True


def _replace(tree: Path, touched: Sequence[Change], manifest: bytes) -> None:
    fresh = tree.parent / f".{tree.name}.deploygen-new"
    _remove(fresh)
    try:
        if tree.exists():
            _link_tree(tree, fresh, without={change.path for change in touched})
        else:
            fresh.mkdir()
        for change in touched:
            if change.state is State.GONE:
                (fresh / change.path).unlink(missing_ok=True)  # a link is copied above
            elif change.new is not None and change.entry:
                _write_file(fresh / change.path, change.new, change.entry.mode)
        _write_file(fresh / manifests.NAME, manifest, 0o644)
        _remove_empty(fresh, touched)
        _exchange(fresh, tree)
    finally:
        _remove(fresh)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two renders at once would undo each other; the second one is told."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise DeploygenError(f"another render is writing to {folder}") from None
    finally:
        os.close(handle)


def _link_tree(old: Path, new: Path, without: set[str]) -> None:
    """Everything below ``old`` again below ``new``, but for ``without`` and the manifest."""
    skipped = {*without, manifests.NAME}

    def link(source: str, target: str) -> None:
        if os.path.relpath(source, old) in skipped:
            return
        try:
            os.link(source, target, follow_symlinks=False)
        except OSError as error:  # a file system without links
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.EXDEV):
                raise
            shutil.copy2(source, target, follow_symlinks=False)

    shutil.copytree(old, new, symlinks=True, copy_function=link)


def _write_file(path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with path.open("xb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)


def _remove_empty(fresh: Path, touched: Sequence[Change]) -> None:
    """Folders that held nothing but what is gone now."""
    for change in touched:
        if change.state is State.GONE:
            for parent in list((fresh / change.path).parents):
                if parent == fresh or not parent.is_dir() or any(parent.iterdir()):
                    break
                parent.rmdir()


def _exchange(fresh: Path, tree: Path) -> None:
    """``fresh`` becomes ``tree`` in one step; the old tree is then at ``fresh``."""
    if not tree.exists():
        fresh.rename(tree)
    elif not _swap(fresh, tree):
        # No such call on this system: two renames, with a moment between them.
        old = tree.parent / f".{tree.name}.deploygen-old"
        _remove(old)
        tree.rename(old)
        try:
            fresh.rename(tree)
        except OSError:
            old.rename(tree)
            raise
        _remove(old)


def _swap(one: Path, other: Path) -> bool:
    """Exchanges two folders atomically; False where the system can't."""
    import ctypes  # noqa: PLC0415 (slow to import, and the first render doesn't need it)

    libc = ctypes.CDLL(None, use_errno=True)
    here, first, second, exchange = -100, os.fsencode(one), os.fsencode(other), 2
    try:
        if sys.platform == "darwin":
            return bool(libc.renamex_np(first, second, exchange) == 0)
        if libc.renameat2(here, first, here, second, exchange) == 0:
            return True
    except AttributeError:
        return False
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(number, os.strerror(number))


def _remove(folder: Path) -> None:
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)
