#!/usr/bin/python
# deploygen: the project's code as one archive, named by its content.
"""Ansible module, run on the controller: what a release ships, and its id."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tarfile
import tempfile
import time
from fnmatch import fnmatchcase
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: deploygen_archive
short_description: Packs the code of a release
description:
  - From C(folder), the project as it lies there, without what its .gitignore names, or from C(git),
    a commit of its repository. Never shipped are .git, virtual environments, node_modules,
    deploygen's own tree and environment files with secrets.
  - The id is the commit, or the hash of all names and contents, so that the same code is the same
    release. Nothing on a host changes.
options:
  project: {type: path, required: true, description: The folder of deploygen.yml.}
  source: {type: str, choices: [folder, git], default: folder, description: Where code comes from.}
  ref: {type: str, default: HEAD, description: "A commit, tag or branch; for git only."}
  include:
    {type: list, elements: str, default: [], description: Paths to ship though git ignores them.}
  exclude: {type: list, elements: str, default: [], description: Patterns of paths not to ship.}
  destination: {type: path, required: true, description: A folder for the archive.}
author: [deploygen]
"""
EXAMPLES = r"""
- name: Pack the release
  deploygen_archive: {project: .., destination: /tmp/release}
  delegate_to: localhost
"""
RETURN = r"""
id: {type: str, returned: always, description: Names the release.}
path: {type: str, returned: always, description: The archive.}
"""

# Folders and files that no release needs, at any depth.
NEVER = (".git", ".venv", "venv", "node_modules", "__pycache__", ".env", ".deploygen.json")
ID_LENGTH = 12
# No run takes longer than a day.
OLD_S = 86_400


class RefusedError(Exception):
    """What the user can mend, in words."""


def run(*command: str, cwd: Path, environment: dict[str, str] | None = None) -> bytes:
    """The output of a program. Raises RefusedError with what it said."""
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=True,
        )
    except FileNotFoundError:
        raise RefusedError(f"{command[0]} is not installed on the controller") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip()
        raise RefusedError(f"{' '.join(command)}: {said}") from None
    return done.stdout


def shipped(path: str, exclude: list[str]) -> bool:
    """Whether a path below the project belongs into a release."""
    parts = path.split("/")
    return not any(part in NEVER for part in parts) and not any(
        fnmatchcase("/".join(parts[: index + 1]), pattern.rstrip("/"))
        for pattern in exclude
        for index in range(len(parts))
    )


def in_folder(project: Path, include: list[str], exclude: list[str]) -> list[str]:
    """Paths of the files to ship, sorted. git itself reads .gitignore, in a repository or not."""
    with tempfile.TemporaryDirectory() as scratch:
        inside = (project / ".git").exists() or _inside_repository(project)
        own = {} if inside else {"GIT_DIR": f"{scratch}/git", "GIT_WORK_TREE": str(project)}
        if own:
            run("git", "init", "--quiet", cwd=project, environment=own)
        listed = run(
            "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard",
            cwd=project, environment=own,
        )  # fmt: skip
    found = {path.decode("utf-8", "surrogateescape") for path in listed.split(b"\0") if path}
    for extra in include:
        place = project / extra
        if not place.exists():
            raise RefusedError(f"release.include names {extra}, and {place} does not exist")
        inner = place.rglob("*") if place.is_dir() else [place]
        found |= {str(path.relative_to(project)) for path in inner if not path.is_dir()}
    return sorted(
        path
        for path in found
        if shipped(path, exclude) and ((project / path).is_symlink() or (project / path).is_file())
    )


def _inside_repository(project: Path) -> bool:
    """Whether a repository further up has it; one that ignores it knows nothing of its files."""
    try:
        run("git", "rev-parse", "--git-dir", cwd=project)
        ignored = ["git", "check-ignore", "--quiet", "."]
        return bool(subprocess.run(ignored, cwd=project, check=False).returncode)
    except RefusedError as error:
        if "not a git repository" in str(error):
            return False
        raise


def digest(project: Path, paths: list[str]) -> str:
    """The hash of all names, contents and executable bits."""
    whole = hashlib.sha256()
    for path in paths:
        file = project / path
        if file.is_symlink():
            kind, content = b"l", os.fsencode(file.readlink())
        else:
            kind = b"x" if os.access(file, os.X_OK) else b"f"
            content = file.read_bytes()
        name = os.fsencode(path)
        whole.update(b"%c%d:%s%d:" % (kind, len(name), name, len(content)))
        whole.update(content)
    return whole.hexdigest()[:ID_LENGTH]


def pack(project: Path, paths: list[str], archive: Path) -> None:
    """Write the archive. Times of files are kept: browsers' caches go by them."""

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
        return entry

    with tarfile.open(archive, "w:gz", compresslevel=6) as tar:
        for path in paths:
            tar.add(project / path, arcname=path, recursive=False, filter=plain)


def from_git(
    project: Path, ref: str, exclude: list[str], scratch: Path
) -> tuple[str, Path, list[str]]:
    """(id, folder with the code, paths) of a commit; of the project's folder inside it."""
    if ref.startswith("-"):
        raise RefusedError(f"{ref!r} is no git ref")
    commit = run("git", "rev-parse", "--verify", f"{ref}^{{commit}}", cwd=project).decode().strip()
    tree = scratch / "tree"
    tree.mkdir()
    run("git", "archive", "--format=tar", f"--output={scratch}/code.tar", commit, cwd=project)
    with tarfile.open(scratch / "code.tar") as tar:
        if hasattr(tarfile, "data_filter"):
            tar.extractall(tree, filter="data")
        else:
            tar.extractall(tree)  # noqa: S202 (made by git of the user's own repository)
    paths = sorted(
        path
        for file in tree.rglob("*")
        if (file.is_symlink() or file.is_file())
        and shipped(path := str(file.relative_to(tree)), exclude)
    )
    return commit[:ID_LENGTH], tree, paths


def make(params: dict[str, object]) -> tuple[str, Path]:
    """(id, archive). Raises RefusedError."""
    project, destination = Path(str(params["project"])), Path(str(params["destination"]))
    include, exclude = list(params["include"]), list(params["exclude"])  # type: ignore[call-overload]
    destination.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        if params["source"] == "git":
            name, folder, paths = from_git(project, str(params["ref"]), exclude, Path(scratch))
        else:
            folder, paths = project, in_folder(project, include, exclude)
            name = digest(project, paths)
        if not paths:
            raise RefusedError(f"nothing in {project} is to be shipped")
        archive = destination / f"{name}.tar.gz"
        half = destination / f".{name}.{os.getpid()}"
        pack(folder, paths, half)
        half.rename(archive)
    for other in destination.glob("*.tar.gz"):
        # A younger one may be that of another run, which is about to send it.
        if other.stat().st_mtime < time.time() - OLD_S:
            other.unlink(missing_ok=True)
    return name, archive


def main() -> None:
    """Run by Ansible."""
    module = AnsibleModule(
        argument_spec={
            "project": {"type": "path", "required": True},
            "source": {"type": "str", "choices": ["folder", "git"], "default": "folder"},
            "ref": {"type": "str", "default": "HEAD"},
            "include": {"type": "list", "elements": "str", "default": []},
            "exclude": {"type": "list", "elements": "str", "default": []},
            "destination": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    try:
        name, archive = make(module.params)
    except (RefusedError, OSError) as error:
        module.fail_json(msg=f"the release can't be packed: {error}")
    module.exit_json(changed=False, id=name, path=str(archive))


if __name__ == "__main__":
    main()
