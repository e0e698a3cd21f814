"""How the application's dependencies, and gunicorn, come into a virtual environment."""

from __future__ import annotations

from collections.abc import Sequence
from posixpath import dirname

from deploygen.spec import Install, Spec

# The environment that the commands install into: a shell variable, set before them.
VENV = '"$VENV"'


# What a tool needs beside it, and why. Nothing, as a rule: pip finds what a tool needs itself.
BESIDE = {"pdm": ("hishel<2", "pdm 2.29 takes any hishel since 1.4, and fails with 2")}


def chosen(install: Install) -> str:
    """The options that choose what production needs, in the words of the description's tool."""
    groups = install.groups
    match install.tool:
        case "poetry":
            return f"--only {','.join(('main', *groups))}"
        case "pdm" if not groups:
            return "--prod"
        case "pipenv":
            return f"--categories '{' '.join(('packages', *groups))}'" if groups else ""
        case tool:
            # pdm leaves the other groups out where one is named, and refuses --prod beside it.
            every = ("--no-dev",) if tool == "uv" else ()
            return " ".join((*every, *(f"--group {group}" for group in groups)))


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
    beside = f" '{BESIDE[name][0]}'" if name in BESIDE else ""
    return f"{VENV}/bin/python -m venv {TOOL} && {TOOL}/bin/pip install {name}{beside}"


def _own(install: Install) -> str:
    options = chosen(install)
    match install.tool:
        case "uv":
            sync = f"sync --frozen --no-install-project {options}"
            return f"UV_PROJECT_ENVIRONMENT={VENV} {TOOL}/bin/uv {sync}"
        case "poetry":
            return f"VIRTUAL_ENV={VENV} {TOOL}/bin/poetry install --no-root {options}"
        case "pdm":
            return f"VIRTUAL_ENV={VENV} {TOOL}/bin/pdm sync --no-self {options}"
        case "pipenv":
            return f"VIRTUAL_ENV={VENV} {TOOL}/bin/pipenv sync {options}".rstrip()
        case _ if install.file.endswith("pyproject.toml"):
            here = f"./{dirname(install.file)}".rstrip("/")
            extras = f"[{','.join(install.groups)}]" if install.groups else ""
            return f"{VENV}/bin/pip install '{here}{extras}'"
        case _:
            return f"{VENV}/bin/pip install -r {install.file}"
