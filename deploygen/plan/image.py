"""The image: base, layers of dependencies, and what is built of the code.

Each tool's dependencies get a layer of their own, made from the files that name them alone: a
change of the code leaves it as it is.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from posixpath import basename, dirname, join

from deploygen.errors import Problem, refuse
from deploygen.plan.dependencies import BESIDE, chosen, packages
from deploygen.spec import Install, Spec
from deploygen.systems import System, show_version

# The tools that install are pinned; a build argument takes another release.
TOOL_VERSIONS = {
    "uv": "0.13.8",
    "poetry": "2.5.1",
    "pdm": "2.29.4",
    "pipenv": "2026.10.3",
}
# Where each keeps what it downloaded, for root.
CACHES = {
    "pip": "/root/.cache/pip",
    "uv": "/root/.cache/uv",
    "poetry": "/root/.cache/pypoetry",
    "pdm": "/root/.cache/pdm",
    "pipenv": "/root/.cache",
}
# How each is told to fill the environment, and to leave nothing in it that needs its cache.
ENVIRONMENTS = {
    "uv": {
        "UV_PROJECT_ENVIRONMENT": "$VENV",
        "UV_LINK_MODE": "copy",
        "UV_COMPILE_BYTECODE": "1",
        "UV_PYTHON_DOWNLOADS": "never",
    },
    "pdm": {"PDM_CHECK_UPDATE": "0"},
}
# Build arguments that name a package index, beside pip's.
INDEXES = {
    "uv": ("UV_DEFAULT_INDEX",),
    "pdm": ("PDM_PYPI_URL",),
    "pipenv": ("PIPENV_PYPI_MIRROR",),
}
# What each reads beside the file that the description names.
FILES = {
    "uv": ("pyproject.toml", "uv.lock"),
    "poetry": ("pyproject.toml", "poetry.lock"),
    "pdm": ("pyproject.toml", "pdm.lock"),
    "pipenv": ("Pipfile", "Pipfile.lock"),
}
# Lists what a pyproject.toml asks for, and where: pip itself can't without the code.
HELPER, LISTED = "/opt/deploygen/requirements.py", "/opt/deploygen/requirements.txt"
# What uv's lock says, for any index.
LOCKED = '"$TOOLS/locked.txt"'
# The environment that is filled, and the one that the tool itself lives in.
VENV, TOOLS = '"$VENV"', '"$TOOLS"'


@dataclass(frozen=True)
class Copy:
    """Files of the project, all below one folder, copied there before a step runs."""

    files: tuple[str, ...]
    folder: str


@dataclass(frozen=True)
class Step:
    """One RUN: its reason, its shell commands in the order of ``commands``, and its cache."""

    reason: str
    commands: tuple[str, ...]
    cache: str | None = None
    copies: tuple[Copy, ...] = ()


@dataclass(frozen=True)
class Image:
    """What the Dockerfile prints. ``tool`` is None where pip, which the base has, installs.

    ``dependencies`` come before the code is copied, ``project`` after it.
    """

    name: str
    base: str
    tool: str | None
    # Another package for the tool's own environment, and why.
    tool_beside: tuple[str, str] | None
    tool_version: str
    tool_environment: Mapping[str, str]
    index_arguments: tuple[str, ...]
    build_packages: tuple[str, ...]
    packages: tuple[str, ...]
    dependencies: tuple[Step, ...]
    project: tuple[Step, ...]


def image(spec: Spec, system: System, worker_classes: Sequence[str]) -> Image:
    """The image of a project. Raises InputError where no base image can be named."""
    refuse(_problems(spec))
    install, given = spec.app.install, spec.containers
    tool = None if install.tool == "pip" else install.tool
    return Image(
        name=given.image or spec.name,
        base=given.base or f"docker.io/library/python:{_python(spec, system)}-slim",
        tool=tool,
        tool_beside=BESIDE.get(install.tool),
        tool_version=TOOL_VERSIONS[tool] if tool else "",
        tool_environment=ENVIRONMENTS.get(install.tool, {}),
        index_arguments=("PIP_INDEX_URL", *INDEXES.get(install.tool, ())),
        build_packages=given.build_packages,
        packages=given.packages,
        dependencies=(
            *_dependencies(install, given.dependency_files),
            _served(spec.app.gunicorn, worker_classes),
        ),
        project=tuple(_project(install)),
    )


def collects(command: str) -> bool:
    """Whether a release command collects static files, which an image has from its build."""
    return "collectstatic" in shlex.split(command)


def _python(spec: Spec, system: System) -> str:
    return spec.app.python or show_version(system.python)


def _problems(spec: Spec) -> Iterator[Problem]:
    wanted = spec.app.python or ""
    if wanted.endswith("t") and spec.containers.base is None:
        yield Problem(
            f"no image of the registry has Python {wanted}",
            where=("containers", "base"),
            allowed="an image of yours that has it",
        )


def _copies(install: Install, more: tuple[str, ...]) -> tuple[Copy, ...]:
    """The files that name the dependencies, folder by folder."""
    folder = dirname(install.file)
    if install.tool in FILES:
        files = tuple(join(folder, name) for name in FILES[install.tool])
    elif basename(folder).startswith("requirements"):
        # requirements/production.txt begins with -r base.txt, as a rule.
        return (Copy((f"{folder}/",), f"{folder}/"), *_more(more))
    elif basename(install.file).startswith("requirements"):
        stem = basename(install.file).removesuffix(".txt").split("-")[0].split("_")[0]
        files = (join(folder, f"{stem}*.txt"),)
    else:
        files = (install.file,)
    return (Copy(files, f"./{folder}/" if folder else "./"), *_more(more))


def _more(files: tuple[str, ...]) -> Iterator[Copy]:
    folders = dict.fromkeys(dirname(file) for file in files)
    for folder in folders:
        inside = tuple(file for file in files if dirname(file) == folder)
        yield Copy(inside, f"./{folder}/" if folder else "./")


def _in_folder(install: Install, command: str) -> str:
    folder = dirname(install.file)
    return f"cd {folder} && {command}" if folder else command


def _with_pip(arguments: str) -> str:
    """pip of the base image fills the environment: the last stage needs none."""
    return f"pip --python {VENV}/bin/python install {arguments}"


_MAKE = f"python -m venv --without-pip {VENV}"


def _from_another_index(options: str) -> str:
    export = f"export --quiet --frozen --no-emit-project {options} --output-file {LOCKED}"
    fill = f"pip install --python {VENV} --requirements {LOCKED}"
    return " \\\n        && ".join(
        f"{TOOLS}/bin/uv {words}" for words in (export, f"venv --quiet {VENV}", fill)
    )


def _dependencies(install: Install, more: tuple[str, ...]) -> Iterator[Step]:
    copies, cache = _copies(install, more), CACHES[install.tool]

    def step(*commands: str) -> Step:
        return Step("The dependencies, from what names them alone", commands, cache, copies)

    options = chosen(install)
    match install.tool:
        case "uv":
            another = _in_folder(install, _from_another_index(options))
            reason = "A lock of uv names its index: another is asked for the same files, by hash"
            yield Step(
                reason, (f'[ -z "$UV_DEFAULT_INDEX" ] \\\n    || ({another})',), cache, copies
            )
            sync = f"{TOOLS}/bin/uv sync --frozen --no-install-project {options}"
            reason = "The dependencies, from what names them alone"
            yield Step(reason, (_in_folder(install, sync),), cache)
        case "poetry":
            sync = f"VIRTUAL_ENV={VENV} {TOOLS}/bin/poetry install --no-root {options}"
            yield step(_MAKE, _in_folder(install, sync))
        case "pdm":
            sync = f"VIRTUAL_ENV={VENV} {TOOLS}/bin/pdm sync --no-self {options}"
            yield step(_MAKE, _in_folder(install, sync))
        case "pipenv":
            sync = f"VIRTUAL_ENV={VENV} {TOOLS}/bin/pipenv sync {options}".rstrip()
            yield step(_MAKE, _in_folder(install, sync))
        case _ if install.file.endswith("pyproject.toml"):
            listed = " ".join((f"python {HELPER}", install.file, *install.groups))
            yield Step(
                "The dependencies that pyproject.toml names, before the code is there",
                (
                    _MAKE,
                    f"{listed} > {LISTED}",
                    _with_pip(f"--requirement {LISTED}"),
                ),
                cache,
                (*copies, Copy((f"$DEPLOY/tools/{basename(HELPER)}",), f"{dirname(HELPER)}/")),
            )
        case _:
            yield step(_MAKE, _with_pip(f"--requirement {install.file}"))


def _served(gunicorn: str, worker_classes: Sequence[str]) -> Step:
    served = " ".join(f"'{package}'" for package in packages(gunicorn, worker_classes))
    return Step("What serves the application", (_with_pip(served),), CACHES["pip"])


def _project(install: Install) -> Iterator[Step]:
    """What installs the project itself, where its tool does that."""
    reason, cache = "The project itself", CACHES[install.tool]
    options = chosen(install)
    match install.tool:
        case "uv":
            sync = f"{TOOLS}/bin/uv sync --frozen --inexact {options}"
            yield Step(reason, (_in_folder(install, sync),), cache)
        case "poetry":
            sync = f"VIRTUAL_ENV={VENV} {TOOLS}/bin/poetry install {options}"
            yield Step(reason, (_in_folder(install, sync),), cache)
        case "pdm":
            sync = f"VIRTUAL_ENV={VENV} {TOOLS}/bin/pdm sync {options}"
            yield Step(reason, (_in_folder(install, sync),), cache)
        case "pip" if install.file.endswith("pyproject.toml"):
            here = f"./{dirname(install.file)}".rstrip("/")
            extras = f"[{','.join(install.groups)}]" if install.groups else ""
            yield Step(reason, (_with_pip(f"'{here}{extras}'"),), cache)
