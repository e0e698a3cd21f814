"""One walk over the project folder, and the only place that reads its files.

Nothing outside of the folder is read: links to folders are not followed, links to files
only when they end inside. Pipes, sockets and devices are left alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from deploygen.errors import DeploygenError

# Folders that hold no source of the project; the first line is never named otherwise.
_SKIPPED = frozenset(
    {
        *(
            ".git",
            ".hg",
            ".svn",
            "node_modules",
            "bower_components",
            "__pycache__",
            "__pypackages__",
        ),
        *(".venv", "venv", ".virtualenv", "virtualenv", "site-packages", "dist-packages", ".conda"),
        *(".tox", ".nox", ".eggs", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis"),
        *(".cache", ".idea", ".vscode", ".terraform", ".yarn", ".pnpm-store", ".next", ".nuxt"),
        *(
            ".npm",
            ".gradle",
            ".ipynb_checkpoints",
            ".vagrant",
            ".bundle",
            "htmlcov",
            "jspm_packages",
        ),
        *("build", "dist"),
    }
)
_PERHAPS_ENVIRONMENT = frozenset({"env", "ENV", ".env", "virtualenvs", "pyenv"})
_ENVIRONMENT_PARTS = frozenset({"bin", "Scripts", "lib", "Lib"})
# Larger files are data, minified code or generated: no person wrote a setting into them.
MAX_BYTES = 1_000_000
# Deeper folders are a loop of bind mounts or a cache, not a project.
MAX_DEPTH = 40


class Tree:
    """The files of a project: ``files`` and ``folders`` are posix paths relative to ``root``.

    ``reads`` lists what was read, in order, so that tests can count instead of timing.
    """

    def __init__(self, folder: Path) -> None:
        """Raises DeploygenError if ``folder`` is missing, not a folder, or unreadable."""
        if not folder.is_dir():
            what = "is not a folder" if folder.exists() else "does not exist"
            raise DeploygenError(f"{folder} {what}", hint="name the folder of a Python project")
        self.root = folder.resolve()
        self.files: dict[str, int] = {}
        self.folders: set[str] = {""}
        self.reads: list[str] = []
        self._texts: dict[str, str] = {}
        self._by_name: dict[str, list[str]] = {}
        try:
            os.scandir(self.root).close()
        except OSError as error:
            raise DeploygenError(f"{folder} cannot be read: {error.strerror}") from None
        self._walk()

    def _walk(self) -> None:
        pending = [("", 0)]
        while pending:
            folder, depth = pending.pop()
            entries = list(self._entries(folder))
            if folder and _is_environment(folder, {entry.name for entry in entries}):
                continue
            self.folders.add(folder)
            prefix = f"{folder}/" if folder else ""
            for entry in entries:
                path = prefix + entry.name
                if not _encodable(path):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in _SKIPPED and depth < MAX_DEPTH:
                        pending.append((path, depth + 1))
                elif self._is_ours(entry):
                    self.files[path] = depth
        # Sorted by depth and name: no answer depends on the order of the directory.
        self.files = dict(sorted(self.files.items(), key=lambda item: (item[1], item[0])))
        for path in self.files:
            self._by_name.setdefault(path.rpartition("/")[2], []).append(path)

    def _entries(self, folder: str) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(self.root / folder) as entries:
                yield from entries
        except OSError:
            return

    def _is_ours(self, entry: os.DirEntry[str]) -> bool:
        if not entry.is_symlink():
            return entry.is_file(follow_symlinks=False)
        try:
            target = Path(entry.path).resolve(strict=True)
        except (OSError, RuntimeError):
            return False
        return target.is_file() and target.is_relative_to(self.root)

    def named(self, name: str) -> tuple[str, ...]:
        """All files with this name, the shallowest first."""
        return tuple(self._by_name.get(name, ()))

    def has_folder(self, path: str) -> bool:
        """Whether ``path`` is a folder of the project that was walked."""
        return path.strip("/").removeprefix("./") in self.folders or path == "."

    def data(self, path: str) -> bytes:
        """The bytes of a file; empty if it is unreadable or larger than ``MAX_BYTES``."""
        self.reads.append(path)
        try:
            # O_NONBLOCK: a file that became a pipe since the walk must not stop us.
            descriptor = os.open(self.root / path, os.O_RDONLY | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError:
            return b""
        return data if len(data) <= MAX_BYTES else b""

    def text(self, path: str) -> str:
        """The text of a file with ``\\n`` line ends; empty if it is binary or unreadable."""
        if path not in self._texts:
            self._texts[path] = decode(self.data(path)) if path in self.files else ""
        return self._texts[path]


def decode(data: bytes) -> str:
    """Text of ``data``: UTF-8 with or without a mark, else Latin-1; empty if it holds nulls."""
    if b"\0" in data:
        return ""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def line_of(text: str, offset: int) -> int:
    """The line, from 1, of a position in ``text``."""
    return text.count("\n", 0, offset) + 1


def parent(path: str) -> str:
    """The folder of ``path``; the project folder is ``""``."""
    return path.rpartition("/")[0]


def join(folder: str, name: str) -> str:
    """``folder/name``, where either may be empty."""
    return f"{folder}/{name}" if folder and name else folder or name


def _is_environment(folder: str, names: set[str]) -> bool:
    if "pyvenv.cfg" in names:
        return True
    return folder.rpartition("/")[2] in _PERHAPS_ENVIRONMENT and bool(names & _ENVIRONMENT_PARTS)


def _encodable(path: str) -> bool:
    """Whether the name can be printed; undecodable names come as lone surrogates."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\n" not in path
