"""The version of Python, how dependencies install, and what the application uses."""

from __future__ import annotations

import pytest

from deploygen.detect import Install

APP = {"app.py": "from flask import Flask\napp = Flask(__name__)\n"}

PYTHON = {
    ".python-version": ("3.12.4\n", "3.12"),
    "runtime.txt": ("python-3.11.9\n", "3.11"),
    ".tool-versions": ("nodejs 20\npython 3.10.2\n", "3.10"),
    "Dockerfile": ("ARG V=3.13\nFROM python:${V}-slim AS base\nFROM base\n", "3.13"),
    "docker/Dockerfile": ("FROM node:20\nFROM registry.local/python:3.9\n", "3.9"),
    "pyproject.toml": ('[project]\nrequires-python = "<3.14,>=3.10"\n', "3.10"),
    "sub/../pyproject.toml": ('[tool.poetry.dependencies]\npython = "^3.9"\n', "3.9"),
    "Pipfile": ('[requires]\npython_version = "3.8"\n', "3.8"),
    "setup.py": ("setup(python_requires='>=3.9')\n", "3.9"),
    "setup.cfg": ("[options]\npython_requires = ~=3.10\n", "3.10"),
    "tox.ini": ("[tox]\nenvlist = py39, py312, lint\n", "3.12"),
    ".github/workflows/test.yml": (
        "jobs:\n  x:\n    strategy:\n      matrix:\n        python-version: ['3.10', 3.13]\n",
        "3.13",
    ),
    ".gitlab-ci.yml": ("test:\n  image: python:3.11-slim\n", "3.11"),
    "README.md": ("# Shop\n\nNeeds Python 3.10 or newer.\n", "3.10"),
    "render.yaml": (
        "services:\n- envVars:\n  - key: PYTHON_VERSION\n    value: 3.12.1\n",
        "3.12",
    ),
}


@pytest.mark.parametrize(("path", "said"), PYTHON.items(), ids=PYTHON.keys())
def test_python(found, path, said):
    text, version = said
    result = found({**APP, path: text})
    assert result.python == version
    assert result.evidence["python"].startswith(path.replace("sub/../", ""))


def test_no_python(found):
    assert found({**APP, "README.md": "Python 2.7\n"}).python is None


def test_python_of_the_most_direct_file(found):
    result = found(
        {
            **APP,
            "tox.ini": "[tox]\nenvlist = py313\n",
            "README.md": "Python 3.6\n",
            "pyproject.toml": '[project]\nrequires-python = ">=3.9"\n',
            "Dockerfile": "FROM python:3.12\n",
        }
    )
    assert (result.python, result.evidence["python"]) == ("3.12", "Dockerfile:1")


INSTALL = {
    "requirements": ({"requirements.txt": "flask\n"}, Install("pip", "requirements.txt")),
    "production variant": (
        {
            "requirements/base.txt": "flask\n",
            "requirements/dev.txt": "-r base.txt\n",
            "requirements/production.txt": "-r base.txt\n",
        },
        Install("pip", "requirements/production.txt"),
    ),
    "production file at the root": (
        {
            "requirements.txt": "flask\n",
            "requirements-dev.txt": "flask\npytest\n",
            "requirements-prod.txt": "-r requirements.txt\ngunicorn\n",
        },
        Install("pip", "requirements-prod.txt"),
    ),
    "decoy": (
        {"requirements.txt": "mkdocs\n", "pyproject.toml": '[project]\ndependencies = ["flask"]\n'},
        Install("pip", "pyproject.toml"),
    ),
    "what the image installs": (
        {
            "requirements.txt": "flask\n",
            "docker/reqs.txt": "flask\ngunicorn\n",
            "Dockerfile": "FROM python\nCOPY docker/reqs.txt /tmp/\n"
            "RUN pip install -r /tmp/reqs.txt\n",
        },
        Install("pip", "docker/reqs.txt"),
    ),
    "what the image installs with uv": (
        {
            "requirements.txt": "flask\n",
            "Dockerfile": "FROM python\nRUN uv pip install --system -r requirements.txt\n",
        },
        Install("uv", "requirements.txt"),
    ),
    "uv": ({"uv.lock": "", "pyproject.toml": "[project]\n"}, Install("uv", "uv.lock")),
    "poetry": (
        {"poetry.lock": "", "pyproject.toml": "[tool.poetry]\n"},
        Install("poetry", "poetry.lock"),
    ),
    "poetry without a lock": (
        {"pyproject.toml": '[tool.poetry.dependencies]\nflask = "*"\n'},
        Install("poetry", "pyproject.toml"),
    ),
    "pdm": ({"pdm.lock": ""}, Install("pdm", "pdm.lock")),
    "pipenv": ({"Pipfile": "", "Pipfile.lock": "{}"}, Install("pipenv", "Pipfile.lock")),
    "pipenv without a lock": ({"Pipfile": ""}, Install("pipenv", "Pipfile")),
    "extras": (
        {
            "pyproject.toml": '[project]\ndependencies = ["flask"]\n',
            "Dockerfile": "FROM python\nRUN pip install '.[prod,dev]'\n",
        },
        Install("pip", "pyproject.toml", ("prod",)),
    ),
    "dependency groups": (
        {
            "uv.lock": "",
            "Dockerfile": "FROM python\nRUN uv sync --frozen --no-dev --group web --extra pg\n",
        },
        Install("uv", "uv.lock", ("pg", "web")),
    ),
    "what a test pipeline installs is not it": (
        {
            "requirements.txt": "flask\n",
            "requirements-test.txt": "flask\n",
            ".github/workflows/x.yml": "jobs:\n  x:\n    steps:\n"
            "    - run: pip install -r requirements-test.txt\n",
        },
        Install("pip", "requirements.txt"),
    ),
    "lock file in another folder": (
        {"deps/poetry.lock": "", "deps/pyproject.toml": ""},
        Install("poetry", "deps/poetry.lock"),
    ),
    "nothing": ({}, None),
}


@pytest.mark.parametrize(("files", "expected"), INSTALL.values(), ids=INSTALL.keys())
def test_install(found, files, expected):
    assert found({**APP, **files}).install == expected


GUNICORN = {
    "requirements": {"requirements.txt": "flask\nGunicorn[gevent]==23.0.0 ; python_version>'3'\n"},
    "included": {
        "requirements.txt": "-r a/b.txt\n",
        "a/b.txt": "-r ../c.txt\n",
        "c.txt": "gunicorn==23.0.0 \\\n  --hash=sha256:00\n",
    },
    "uv": {"uv.lock": '[[package]]\nname = "gunicorn"\nversion = "23.0.0"\n'},
    "poetry": {
        "poetry.lock": '[[package]]\nname = "gunicorn"\nversion = "23.0.0"\ndescription = ""\n'
    },
    "pipenv": {"Pipfile.lock": '{"default": {"gunicorn": {"version": "==23.0.0"}}}'},
    "pyproject": {"pyproject.toml": '[project]\ndependencies = ["flask", "gunicorn==23.0.0"]\n'},
}  # fmt: skip


@pytest.mark.parametrize("files", GUNICORN.values(), ids=GUNICORN.keys())
def test_pinned_gunicorn(found, files):
    assert found({**APP, **files}).gunicorn == "23.0.0"


@pytest.mark.parametrize(
    "line", ["gunicorn>=23", "gunicorn", "gunicorn==23.*", "green-gunicorn==1"]
)
def test_gunicorn_that_is_not_pinned(found, line):
    assert found({**APP, "requirements.txt": f"flask\n{line}\n"}).gunicorn is None


def test_what_is_only_installed_is_not_used(found):
    result = found(
        {**APP, "requirements.txt": "flask\ngevent\ncelery\nrequests\npsycopg2-binary\nnumpy\n"}
    )
    assert result.uses == ()


def test_what_only_tests_use_is_not_used(found):
    result = found(
        {**APP, "tests/test_x.py": "import requests\n", "app_test/x.py": "import numpy\n"}
    )
    assert result.uses == ()


def test_what_the_code_uses(found):
    result = found(
        {
            "app.py": "from flask import Flask\nimport requests\napp = Flask(__name__)\n"
            "DB = 'postgresql://localhost/shop'\nCACHE = 'redis://localhost'\n",
            "jobs.py": "def run():\n    from celery import shared_task\n    import numpy as np\n",
            "requirements.txt": "flask\npsycopg[binary]\nredis\n",
        }
    )
    assert result.uses == ("celery", "numpy", "psycopg", "redis", "requests")
    assert result.evidence["uses.celery"] == "jobs.py:2"
    assert result.evidence["uses.psycopg"] == "app.py:4"


@pytest.mark.parametrize(
    "files",
    [
        {"Procfile": "web: gunicorn -k gevent app:app\n"},
        {"Procfile": "web: gunicorn --worker-class=gevent app:app\n"},
        {"gunicorn.conf.py": "worker_class = 'gevent'\n"},
        {"wsgi.py": "from gevent import monkey\nmonkey.patch_all()\nfrom app import app\n"},
    ],
)
def test_gevent_that_is_really_used(found, files):
    assert "gevent" in found({**APP, **files}).uses


def test_whitenoise_in_the_middleware(found):
    result = found(
        {
            "shop/wsgi.py": "import os\nfrom django.core.wsgi import get_wsgi_application\n"
            "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"
            "application = get_wsgi_application()\n",
            "shop/settings.py": "INSTALLED_APPS = ['channels']\n"
            "MIDDLEWARE = ['whitenoise.middleware.WhiteNoiseMiddleware']\n",
        }
    )
    assert result.uses == ("channels", "whitenoise")
