"""Module deploygen_archive: what is shipped, and the id that it gets."""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.modules import load

archive = load("deploygen_archive")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {
        "app.py": "code", "run.sh": "#!/bin/sh", ".gitignore": "dist/\n*.log\n/local.py\n",
        "dist/app.js": "built", "debug.log": "x", "local.py": "x", "sub/local.py": "kept",
        ".env": "SECRET=1", "sub/.env": "SECRET=1", ".venv/bin/python": "x",
        "deploy/README.md": "x", "node_modules/a/b.js": "x",
        "a/__pycache__/b.pyc": "x", "naïve name.txt": "x",
    }  # fmt: skip
    folder = tmp_path / "project"
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("app.py")
    return folder


def made(project: Path, **changes: Any) -> tuple[str, dict[str, tarfile.TarInfo]]:
    params = {
        "project": str(project), "source": "folder", "ref": "HEAD", "include": [],
        "exclude": ["deploy"], "destination": str(project.parent / "out"), **changes,
    }  # fmt: skip
    name, path = archive.make(params)
    assert path.name == f"{name}.tar.gz"
    with tarfile.open(path) as tar:
        return name, {entry.name: entry for entry in tar}


SHIPPED = {".gitignore", "app.py", "link", "naïve name.txt", "run.sh", "sub/local.py"}


@pytest.mark.parametrize("repository", [False, True])
def test_what_git_ignores_and_secrets_are_not_shipped(project: Path, repository: bool) -> None:
    if repository:
        subprocess.run(["git", "init", "--quiet", project], check=True)
    _, entries = made(project)
    assert set(entries) == SHIPPED
    assert entries["run.sh"].mode == 0o755 and entries["app.py"].mode == 0o644
    assert entries["link"].issym() and entries["app.py"].uid == 0
    assert not (project / ".git").exists() or repository


def test_a_repository_further_up_that_ignores_the_project(project: Path) -> None:
    subprocess.run(["git", "init", "--quiet", project.parent], check=True)
    assert set(made(project)[1]) == SHIPPED
    (project.parent / ".gitignore").write_text("/project/\n")
    assert set(made(project)[1]) == SHIPPED


def test_include_and_exclude(project: Path) -> None:
    _, entries = made(project, include=["dist"], exclude=["deploy", "*.txt", "sub/*.py"])
    assert set(entries) == (SHIPPED | {"dist/app.js"}) - {"naïve name.txt", "sub/local.py"}
    with pytest.raises(
        archive.RefusedError, match=r"release.include names nowhere, and .* not exist"
    ):
        made(project, include=["nowhere"])


def test_the_id_is_the_content(project: Path) -> None:
    first, entries = made(project)
    os.utime(project / "app.py", (1, 1))
    (project / "debug.log").write_text("other")
    assert made(project)[0] == first
    assert made(project)[1]["app.py"].mtime == 1, "browsers' caches go by it"
    for change in (
        lambda: (project / "app.py").write_text("newer"),
        lambda: (project / "app.py").chmod(0o755),
        lambda: (project / "app.py").rename(project / "b.py"),
    ):
        before = made(project)[0]
        change()
        assert made(project)[0] != before
    assert entries["app.py"].size == 4


def test_a_commit(project: Path) -> None:
    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words],
            cwd=project, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    git("init", "--quiet")
    git("add", "app.py", "deploy", ".env", "--force")
    git("commit", "--quiet", "--message=one")
    git("tag", "v1")
    (project / "app.py").write_text("newer, not committed")
    name, entries = made(project, source="git", ref="v1")
    assert name == git("rev-parse", "v1")[:12]
    assert set(entries) == {"app.py"} and entries["app.py"].size == 4
    with pytest.raises(archive.RefusedError, match="git rev-parse"):
        made(project, source="git", ref="v2")
    with pytest.raises(archive.RefusedError, match="no git ref"):
        made(project, source="git", ref="--output=x")


def test_an_old_archive_is_removed_and_that_of_another_run_is_not(project: Path) -> None:
    (out := project.parent / "out").mkdir()
    for name in ("other", "old"):
        (out / f"{name}.tar.gz").touch()
    os.utime(out / "old.tar.gz", (1, 1))
    name, _ = made(project)
    assert {each.name for each in out.iterdir()} == {f"{name}.tar.gz", "other.tar.gz"}


def test_nothing_to_ship(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(archive.RefusedError, match="nothing in"):
        made(tmp_path / "empty")
