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
    """Shell commands, run in the release's folder, that fill the environment in ``$VENV``.

    The project itself is not installed where its tool can do without: it is imported from the
    release, and releases share environments. Such a tool has a place of its own in the
    environment, so that its dependencies don't meet the project's.
    """
    own = _own(spec.app.install)
    tool = spec.app.install.tool
    folder = dirname(spec.app.install.file)
    place = f"cd {folder} && " if folder and spec.app.install.tool != "pip" else ""
    served = " ".join(f"'{package}'" for package in packages(spec.app.gunicorn, worker_classes))
    needed = () if tool == "pip" else (_tool(tool),)
    return (*needed, f"{place}{own}", f"{VENV}/bin/pip install {served}")


TOOL = f"{VENV}/.tool"


def _tool(name: str) -> str:
    return f"{VENV}/bin/python -m venv {TOOL} && {TOOL}/bin/pip install {name}"


def _own(install: Install) -> str:
    def options(name: str) -> str:
        return "".join(f" {name} {group}" for group in install.groups)

    if install.tool == "uv":
        return (
            f"UV_PROJECT_ENVIRONMENT={VENV} {TOOL}/bin/uv sync --frozen --no-dev "
            f"--no-install-project{options('--group')}"
        )
    if install.tool == "poetry":
        return (
            f"VIRTUAL_ENV={VENV} {TOOL}/bin/poetry install --no-root "
            f"--only {','.join(('main', *install.groups))}"
        )
    if install.tool == "pdm":
        return f"VIRTUAL_ENV={VENV} {TOOL}/bin/pdm sync --prod --no-self{options('--group')}"
    if install.tool == "pipenv":
        return f"VIRTUAL_ENV={VENV} {TOOL}/bin/pipenv sync"
    if install.file.endswith("pyproject.toml"):
        here = f"./{dirname(install.file)}".rstrip("/")
        extras = f"[{','.join(install.groups)}]" if install.groups else ""
        return f"{VENV}/bin/pip install '{here}{extras}'"
    return f"{VENV}/bin/pip install -r {install.file}"
