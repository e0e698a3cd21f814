"""How the application's dependencies, and gunicorn, come into a virtual environment."""

from __future__ import annotations

from collections.abc import Sequence
from posixpath import dirname

from deploygen.spec import Install, Spec

# The environment that the commands install into: a shell variable, set before them.
VENV = '"$VENV"'


def packages(gunicorn: str, worker_classes: Sequence[str]) -> tuple[str, ...]:
    """What serves the application, beside its own dependencies."""
    extras = sorted({*worker_classes} & {"gevent", "eventlet", "tornado"})
    suffix = f"[{','.join(extras)}]" if extras else ""
    uvicorn = any(name.startswith("uvicorn_worker.") for name in worker_classes)
    workers = ("uvicorn-worker",) if uvicorn else ()
    return (f"gunicorn{suffix}=={gunicorn}", *workers)


def commands(spec: Spec, worker_classes: Sequence[str]) -> tuple[str, ...]:
    """Shell commands, run in the release's folder, that fill the environment in ``$VENV``."""
    own = _own(spec.app.install)
    folder = dirname(spec.app.install.file)
    place = f"cd {folder} && " if folder and spec.app.install.tool != "pip" else ""
    served = " ".join(f"'{package}'" for package in packages(spec.app.gunicorn, worker_classes))
    return (f"{place}{own}", f"{VENV}/bin/pip install {served}")


def _own(install: Install) -> str:
    def options(name: str) -> str:
        return "".join(f" {name} {group}" for group in install.groups)

    if install.tool == "uv":
        return f"UV_PROJECT_ENVIRONMENT={VENV} uv sync --frozen --no-dev{options('--group')}"
    if install.tool == "poetry":
        return f"VIRTUAL_ENV={VENV} poetry install --only {','.join(('main', *install.groups))}"
    if install.tool == "pdm":
        return f"VIRTUAL_ENV={VENV} pdm sync --prod{options('--group')}"
    if install.tool == "pipenv":
        return f"VIRTUAL_ENV={VENV} pipenv sync"
    if install.file.endswith("pyproject.toml"):
        here = f"./{dirname(install.file)}".rstrip("/")
        extras = f"[{','.join(install.groups)}]" if install.groups else ""
        return f"{VENV}/bin/pip install '{here}{extras}'"
    return f"{VENV}/bin/pip install -r {install.file}"
