"""Module deploygen_build: a release beside the running one, or nothing at all."""

from __future__ import annotations

import os
import pwd
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.modules import load

build = load("deploygen_build")


class Site:
    """A project, and the home that its releases go to."""

    def __init__(self, root: Path) -> None:
        self.project, self.home = root / "project", root / "home"
        self.project.mkdir()
        for name in ("releases", "venvs"):
            (self.home / name).mkdir(parents=True)
        self.write("requirements.txt", "one==1\n-r base.txt\n")
        self.write("base.txt", "two==2\n")
        self.write("app.py", "code\n")
        self.write("media/old.png", "x")

    def write(self, name: str, content: str) -> None:
        path = self.project / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)

    def make(self, name: str, **changes: Any) -> Path:
        archive = self.home / f"{name}.tar.gz"
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(self.project, arcname=".")
        params = {
            "home": str(self.home), "id": name, "archive": str(archive),
            "owner": pwd.getpwuid(os.getuid()).pw_name,
            "python": sys.executable, "install": ['touch "$VENV"/installed'],
            "inputs": ["requirements.txt"], "whole": False,
            "links": {"media": str(self.home / "media")}, **changes,
        }  # fmt: skip
        venv: Path = build.build(params)
        return venv


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    # ensurepip takes seconds; an environment without pip is one as well.
    run = build._run

    def quick(command: list[str], *places: Path) -> None:
        run([*command, "--without-pip"] if command[1:3] == ["-m", "venv"] else command, *places)

    monkeypatch.setattr(build, "_run", quick)
    return Site(tmp_path)


def test_a_release_and_its_environment(site: Site) -> None:
    venv = site.make("one")
    folder = site.home / "releases/one"
    assert build.is_whole(folder)
    assert (folder / "app.py").read_text() == "code\n"
    assert (folder / ".venv").resolve() == venv and (venv / "installed").exists()
    assert (folder / "media").readlink() == site.home / "media"
    assert (venv / "bin/python").exists()


def test_code_alone_shares_the_environment(site: Site) -> None:
    first = site.make("one")
    site.write("app.py", "newer\n")
    assert site.make("two") == first
    assert site.make("whole", whole=True) != first
    site.write("base.txt", "two==3\n")  # named by the file that is named
    assert site.make("three") != first
    assert site.make("four", install=["true"]) not in {first, site.make("three2")}


@pytest.mark.parametrize("line", ["-e .", "./vendored", ".", "--editable=."])
def test_local_code_has_an_environment_of_its_own(line: str, site: Site) -> None:
    site.write("requirements.txt", f"{line}\n")
    assert site.make("one") != site.make("two")


def test_what_fails_leaves_nothing_and_the_next_works(site: Site) -> None:
    broken = ['touch "$VENV"/half; echo "no matching distribution"; exit 3']
    with pytest.raises(build.RefusedError, match="failed:\nno matching distribution"):
        site.make("one", install=broken)
    assert not list((site.home / "releases").iterdir())
    assert not list((site.home / "venvs").iterdir())
    site.make("one")
    assert build.is_whole(site.home / "releases/one")


def test_what_a_killed_run_left_is_made_anew(site: Site) -> None:
    venv = site.make("one")
    folder = site.home / "releases/one"
    (venv / build.COMPLETE).unlink()
    (venv / "half").touch()
    (folder / build.COMPLETE).unlink()
    (site.home / "releases/.two.half/x").mkdir(parents=True)
    assert not build.is_whole(folder)
    assert site.make("one") == venv
    assert build.is_whole(folder) and not (venv / "half").exists()
    site.make("two")
    assert not (site.home / "releases/.two.half").exists()


def test_an_archive_that_is_cut_off(site: Site) -> None:
    site.make("one")
    archive = site.home / "cut.tar.gz"
    archive.write_bytes((site.home / "one.tar.gz").read_bytes()[:100])
    with pytest.raises((tarfile.TarError, EOFError, OSError)):
        site.make("two", archive=str(archive))
    assert [path.name for path in (site.home / "releases").iterdir()] == ["one"]


def test_one_build_at_a_time(site: Site) -> None:
    with (
        build.alone(site.home),
        pytest.raises(build.RefusedError, match="another release is being made"),
        build.alone(site.home),
    ):
        pass
