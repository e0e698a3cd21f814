"""The wheel, installed into an empty environment, renders outside of the checkout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DESCRIPTION = """
name: shop
app: {entrypoint: "shop:app"}
proxy: {server_names: [shop.example.org]}
"""


def run(*command: object, folder: Path) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_wheel_renders_outside_the_checkout(tmp_path: Path) -> None:
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    run(*pip, "wheel", "--no-deps", "--wheel-dir", tmp_path, ROOT, folder=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    # Debian's Python has no ensurepip of its own; this environment's pip fills the empty one.
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "env", folder=tmp_path)
    python = tmp_path / "env" / "bin" / "python"
    constraint = ("--constraint", ROOT / "constraints.txt")
    run(*pip, "--python", python, "install", *constraint, wheel, folder=tmp_path)

    project = tmp_path / "project"
    project.mkdir()
    (project / "deploygen.yml").write_text(DESCRIPTION)
    deploygen = tmp_path / "env" / "bin" / "deploygen"
    run(deploygen, "render", folder=project)
    assert (project / "deploy/hosts/web/etc/shop/gunicorn.conf.py").is_file()
    run(deploygen, "render", "--check", folder=project)
    assert "$schema" in run(deploygen, "schema", folder=project)
    where = run(python, "-c", "import deploygen; print(deploygen.__file__)", folder=project)
    assert Path(where.strip()).is_relative_to(tmp_path)
