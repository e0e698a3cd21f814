"""Start commands: every kind of file that holds one, and what they say that is not true."""

from __future__ import annotations

import pytest

from deploygen.detect.commands import launches

APPS = {
    "web/__init__.py": "",
    "web/site.py": "from flask import Flask\nmain = Flask(__name__)\nspare = Flask(__name__)\n",
}
START = "gunicorn web.site:spare"

# path -> text of a file that starts web.site:spare
FILES = {
    "Procfile": f"release: flask db upgrade\nweb: {START} --log-file -\n",
    "Dockerfile": f"FROM python:3.12\nCMD {START}\n",
    "deploy/app.Dockerfile": 'FROM python:3.12\nCMD ["gunicorn", "-w", "4", "web.site:spare"]\n',
    "docker/Dockerfile": 'FROM python\nENTRYPOINT ["tini", "--", "gunicorn"]\n'
    'CMD ["web.site:spare"]\n',
    "Dockerfile.prod": f'FROM python\nCMD ["sh", "-c", "cd /x && exec {START}"]\n',
    "docker-compose.yml": f"services:\n  web:\n    command: {START} -b :80\n",
    "compose.yaml": f"services:\n  web:\n    command: ['bash', '-c', 'sleep 1 && {START}']\n",
    "compose/prod.compose.yaml": "services:\n  w:\n    entrypoint: [gunicorn]\n"
    "    command: [web.site:spare]\n",
    "start.sh": f"#!/bin/sh\nset -e\nexec {START} \\\n  --workers $(nproc)\n",
    "bin/web": f"#!/usr/bin/env bash\n{START}\n",
    "etc/s6/web/run": f"#!/bin/sh\nexec s6-setuidgid app {START}\n",
    "etc/supervisord.conf": f"[program:web]\ncommand=/venv/bin/{START}\ndirectory=/srv\n",
    "deploy/web.service": f"[Service]\nExecStart=/srv/venv/bin/{START} \\\n  --bind unix:/x\n",
    "deploy/web.service.example": f"[Service]\nExecStart=/srv/venv/bin/{START}\n",
    "gunicorn.conf.py": 'wsgi_app = "web.site:spare"\n',
    "fly.toml": f'app = "x"\n[processes]\nweb = "{START}"\n',
    "render.yaml": f"services:\n- type: web\n  startCommand: {START}\n",
    "railway.json": f'{{"deploy": {{"startCommand": "{START}"}}}}',
    "heroku.yml": f"run:\n  web: {START}\n",
    "app.json": f'{{"formation": {{}}, "scripts": {{"start": "{START}"}}}}',
    "k8s/web.yaml": "spec:\n  containers:\n  - command: [gunicorn]\n    args: ['web.site:spare']\n",
    "Makefile": f"serve:\n\t@{START}\n",
    ".github/workflows/deploy.yml": f"jobs:\n  x:\n    steps:\n    - run: |\n        {START} &\n",
    ".gitlab-ci.yml": f"deploy:\n  script:\n  - {START}\n",
    "pyproject.toml": f'[tool.poe.tasks]\nserve = "{START}"\n',
    "app.yaml": f"runtime: python312\nentrypoint: {START} -b :$PORT\n",
    "run.py": "from waitress import serve\nfrom web.site import spare\nserve(spare)\n",
    "uwsgi.ini": "[uwsgi]\nmodule = web.site:spare\n",
    "uwsgi/app.ini": "[uwsgi]\nwsgi-file = web/site.py\ncallable = spare\n",
}


@pytest.mark.parametrize(("path", "text"), FILES.items(), ids=FILES.keys())
def test_file_that_starts_the_application(found, path, text):
    result = found({**APPS, path: text})
    if path == "run.py":
        assert result.entrypoint in ("web.site:spare", "run:spare")
        return
    assert result.entrypoint == "web.site:spare"
    assert result.evidence["entrypoint"].startswith(f"{path}:")


COMMANDS = {
    "gunicorn shop.wsgi": "shop.wsgi:application",
    "gunicorn shop.wsgi:app -b :80": "shop.wsgi:app",
    "gunicorn -b :80 -w4 --preload -k gthread shop.wsgi:app": "shop.wsgi:app",
    "gunicorn --bind=:80 'shop:create_app()'": "shop:create_app()",
    "gunicorn 'shop:create_app(\"prod\")'": 'shop:create_app("prod")',
    "python -m gunicorn shop.wsgi": "shop.wsgi:application",
    "python3.12 -u -m uvicorn shop.asgi:app --factory": "shop.asgi:app()",
    "uv run --no-sync uvicorn shop.asgi:app": "shop.asgi:app",
    "poetry run daphne -b 0.0.0.0 -p 8000 shop.asgi:application": "shop.asgi:application",
    "hypercorn --bind :80 shop:app": "shop:app",
    "granian --interface asgi --ws shop:app": "shop:app",
    "waitress-serve --port=80 --call shop:create_app": "shop:create_app()",
    "newrelic-admin run-program gunicorn shop.wsgi": "shop.wsgi:application",
    "ddtrace-run gunicorn shop.wsgi": "shop.wsgi:application",
    "PORT=80 exec gosu app gunicorn shop.wsgi": "shop.wsgi:application",
    "cd src && gunicorn shop.wsgi": "shop.wsgi:application",
    "su app -c 'gunicorn shop.wsgi'": "shop.wsgi:application",
    "wait-for-it db:5432 -- gunicorn shop.wsgi > /log 2>&1": "shop.wsgi:application",
    "gunicorn ${APP:-shop.wsgi:app}": "shop.wsgi:app",
    "if true; then exec gunicorn shop.wsgi; fi": "shop.wsgi:application",
    "uwsgi --http :80 --module shop.wsgi --callable app": "shop.wsgi:app",
    "uwsgi --http :80 --wsgi-file shop/wsgi.py": "shop/wsgi.py:application",
    "fastapi run app/main.py --port 80": "app/main.py",
    "fastapi run -e shop.main:api": "shop.main:api",
    "FLASK_APP=shop flask run": "shop",
    "python manage.py migrate && gunicorn shop.wsgi": "shop.wsgi:application",
    "pip install gunicorn uvicorn": None,
    "echo starting gunicorn shop.wsgi": None,
    "pkill gunicorn": None,
    "systemctl restart gunicorn": None,
    "celery -A shop worker": None,
    "python manage.py migrate": None,
    "": None,
    "'": None,
    "gunicorn 'shop": "shop:application",
}


@pytest.mark.parametrize(("command", "target"), COMMANDS.items())
def test_command(command, target):
    found = list(launches(command))
    assert (found[-1].target if found else None) == target


FOLDERS = {
    "gunicorn --chdir two site:app": "two",
    "cd two && gunicorn site:app": "two",
    "uvicorn --app-dir two site:app": "two",
    "PYTHONPATH=/srv/two gunicorn site:app": "two",
    "gunicorn --pythonpath /srv/one site:app": "one",
}


@pytest.mark.parametrize(("command", "folder"), FOLDERS.items())
def test_folder_that_a_command_names(found, command, folder):
    source = "from flask import Flask\napp = Flask(__name__)\n"
    result = found({"one/site.py": source, "two/site.py": source, "Procfile": f"web: {command}\n"})
    assert (result.entrypoint, result.app_dir) == ("site:app", folder)


def test_a_working_folder_in_an_image(found):
    source = "from flask import Flask\napp = Flask(__name__)\n"
    result = found(
        {
            "one/site.py": source,
            "two/site.py": source,
            "Dockerfile": "FROM python\nWORKDIR /srv\nCOPY . .\nWORKDIR two\n"
            "CMD gunicorn site:app\n",
        }
    )
    assert result.app_dir == "two"


@pytest.mark.parametrize(
    ("command", "note"),
    [
        ("gunicorn web.wsgi2", "Procfile:1 names web.wsgi2, which does not exist in the code"),
        (
            "gunicorn web.site:gone",
            "Procfile:1 names web.site:gone, which does not exist in the code",
        ),
    ],
)
def test_a_stale_command_is_ignored_with_a_note(found, command, note):
    files = {"web/site.py": "from flask import Flask\napp = Flask(__name__)\n"}
    result = found({**files, "Procfile": f"web: {command}\n"})
    assert result.entrypoint in ("web.site:app", "site:app")
    assert note in result.notes


def test_the_more_telling_file_wins_and_the_other_is_noted(found):
    result = found(
        {**APPS, "Procfile": "web: gunicorn web.site:main\n", "Makefile": f"x:\n\t{START}\n"}
    )
    assert result.entrypoint == "web.site:main"
    assert any("Makefile:2 starts web.site:spare" in note for note in result.notes)


def test_development_files_do_not_win(found):
    result = found(
        {
            **APPS,
            "docker-compose.dev.yml": "services:\n  w:\n    command: gunicorn web.site:spare\n",
            "scripts/start.sh": "#!/bin/sh\ngunicorn web.site:main\n",
        }
    )
    assert result.entrypoint == "web.site:main"


def test_the_stage_for_development_does_not_win(found):
    result = found(
        {
            **APPS,
            "Dockerfile": """
                FROM python:3.12 AS production
                CMD ["gunicorn", "web.site:main"]
                FROM production AS dev
                CMD ["gunicorn", "web.site:spare", "--reload"]
            """,
        }
    )
    assert result.entrypoint == "web.site:main"
