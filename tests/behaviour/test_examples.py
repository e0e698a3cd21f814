"""The examples' own tests, in copies: what readers learn from works."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples import ROOT

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("bookshop", ["manage.py", "test"]),
        ("bookshop", ["manage.py", "makemigrations", "--check", "--dry-run"]),
        ("flaskboard", ["-m", "pytest", "-q", "-p", "no:cacheprovider"]),
        ("fastquotes", ["-m", "pytest", "-q", "-p", "no:cacheprovider"]),
    ],
)
def test_of(name: str, command: list[str], tmp_path: Path) -> None:
    folder = tmp_path / name
    shutil.copytree(ROOT / "examples" / name, folder)
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
