"""The image's layers: dependencies from what names them alone, whatever tool installs them."""

from __future__ import annotations

from typing import Any

import pytest

from deploygen.plan.image import Copy, Image
from tests.builders import a_plan, refusal


def image(**changes: Any) -> Image:
    found = a_plan(**changes).containers
    assert found
    return found.image


def copied(install: dict[str, Any], **containers: Any) -> tuple[Copy, ...]:
    return image(app={"install": install}, containers=containers).dependencies[0].copies


@pytest.mark.parametrize(
    ("install", "files"),
    [
        ({}, [("./", "requirements*.txt")]),
        ({"file": "requirements-prod.txt"}, [("./", "requirements*.txt")]),
        ({"file": "requirements/production.txt"}, [("requirements/", "requirements/")]),
        ({"file": "backend/requirements.txt"}, [("./backend/", "backend/requirements*.txt")]),
        ({"file": "deps.txt"}, [("./", "deps.txt")]),
        ({"tool": "uv", "file": "uv.lock"}, [("./", "pyproject.toml uv.lock")]),
        (
            {"tool": "poetry", "file": "api/poetry.lock"},
            [("./api/", "api/pyproject.toml api/poetry.lock")],
        ),
        ({"tool": "pdm", "file": "pdm.lock"}, [("./", "pyproject.toml pdm.lock")]),
        ({"tool": "pipenv", "file": "Pipfile.lock"}, [("./", "Pipfile Pipfile.lock")]),
    ],
)
def test_only_what_names_the_dependencies_is_copied_first(
    install: dict[str, Any], files: list[tuple[str, str]]
) -> None:
    found = copied(install)
    assert [(copy.folder, " ".join(copy.files)) for copy in found] == files


def test_files_that_requirements_refer_to() -> None:
    found = copied({}, dependency_files=["constraints.txt", "deps/base.txt", "deps/extra.txt"])
    assert [(copy.folder, " ".join(copy.files)) for copy in found[1:]] == [
        ("./", "constraints.txt"),
        ("./deps/", "deps/base.txt deps/extra.txt"),
    ]


@pytest.mark.parametrize(
    ("app", "base"),
    [
        ({}, "docker.io/library/python:3.11-slim"),  # what Debian 12 ships
        ({"python": "3.13"}, "docker.io/library/python:3.13-slim"),
    ],
)
def test_the_base_has_the_described_python(app: dict[str, Any], base: str) -> None:
    assert image(app=app, targets=["docker"]).base == base


def test_a_python_that_the_registry_does_not_have() -> None:
    problem = refusal(app={"python": "3.13t"}, targets=["docker"])
    assert problem.where == ("containers", "base")
    made = a_plan(app={"python": "3.13t", "python_path": "/opt/python/bin/python3.13t"})
    assert made.containers is None
    assert any("no files for containers: no image" in note for note in made.notes)


def test_what_serves_the_application_comes_last() -> None:
    found = image(app={"interface": "asgi", "gunicorn": "22.0.0"})
    assert "'gunicorn==22.0.0' 'uvicorn-worker'" in found.dependencies[-1].commands[0]
