"""``.deploygen.json``: what the last render wrote, so that the next one knows a hand edit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from deploygen.errors import DeploygenError

NAME = ".deploygen.json"
FORMAT = 1


@dataclass(frozen=True)
class Entry:
    """One rendered file: the SHA-256 of what was rendered, its mode.

    ``kept`` marks a file whose hand edit the user chose to keep: then ``sha256`` is that of
    the rendering which the edit was kept against.
    """

    sha256: str
    mode: int
    kept: bool = False


Manifest = Mapping[str, Entry]


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def read(tree: Path) -> Manifest:
    """The manifest of a tree; empty where there is none yet. Raises DeploygenError."""
    path = tree / NAME
    try:
        data = json.loads(path.read_bytes())
        if data["format"] != FORMAT:
            raise DeploygenError(
                f"{path} has format {data['format']!r}, and this deploygen writes {FORMAT}",
                hint="use the deploygen that wrote it, or a later one",
            )
        return {name: _entry(name, entry) for name, entry in data["files"].items()}
    except FileNotFoundError:
        return {}
    except NotADirectoryError:
        raise DeploygenError(f"{tree} is no folder") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DeploygenError(
            f"{path} is damaged",
            hint="restore it from version control; or remove it, and render will ask about "
            "every file that differs",
        ) from None


def _entry(name: str, entry: Mapping[str, object]) -> Entry:
    # Files named here may be removed: never one outside of the tree.
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
        raise ValueError(name)
    return Entry(str(entry["sha256"]), int(str(entry["mode"]), 8), bool(entry.get("kept", False)))


def dump(manifest: Manifest, version: str) -> bytes:
    """The file's content: sorted, so that it changes only where a file does."""
    files = {
        name: {
            "mode": f"{entry.mode:04o}",
            "sha256": entry.sha256,
            **({"kept": True} if entry.kept else {}),
        }
        for name, entry in sorted(manifest.items())
    }
    data = {"deploygen": version, "format": FORMAT, "files": files}
    return (json.dumps(data, indent=1) + "\n").encode()
