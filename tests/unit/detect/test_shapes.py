"""Whole projects, in the shapes that real ones have. Each is a minimal tree of such a kind."""

from __future__ import annotations

import pytest

from deploygen.detect import Install

WSGI = """
    import os
    from django.core.wsgi import get_wsgi_application
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "{settings}")
    application = get_wsgi_application()
"""
ASGI = WSGI.replace("wsgi", "asgi")
MANAGE = """
    import os, sys
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "{settings}")
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)
"""
SETTINGS = """
    from pathlib import Path
    BASE_DIR = Path(__file__).resolve().parent.parent
    INSTALLED_APPS = ["django.contrib.staticfiles"]
    ROOT_URLCONF = "{package}.urls"
    STATIC_URL = "static/"
    STATIC_ROOT = BASE_DIR / "staticfiles"
"""


def django(package: str = "shop", root: str = "", settings: str = "") -> dict[str, str]:
    """The files that startproject writes, below ``root``."""
    dotted = settings or f"{package}.settings"
    return {
        f"{root}manage.py": MANAGE.format(settings=dotted),
        f"{root}{package}/__init__.py": "",
        f"{root}{package}/wsgi.py": WSGI.format(settings=dotted),
        f"{root}{package}/asgi.py": ASGI.format(settings=dotted),
        f"{root}{package}/urls.py": "urlpatterns = []\n",
        f"{root}{package}/settings.py": SETTINGS.format(package=package),
    }


def test_startproject(found):
    result = found(django("mysite"))
    assert result.framework == "django"
    assert (result.interface, result.entrypoint) == ("wsgi", "mysite.wsgi:application")
    assert (result.app_dir, result.settings_module) == (".", "mysite.settings")
    assert (result.static_url, result.static_root) == ("/static/", "staticfiles")
    assert result.evidence["settings_module"] == "mysite/wsgi.py:3"
    assert result.notes == ()


def test_cookiecutter_django(found):
    result = found(
        {
            "manage.py": MANAGE.format(settings="config.settings.local"),
            "config/__init__.py": "",
            "config/wsgi.py": WSGI.format(settings="config.settings.production"),
            "config/urls.py": """
                from django.urls import include, path
                urlpatterns = [path("users/", include("shop.users.urls", namespace="users"))]
            """,
            "config/settings/__init__.py": "",
            "config/settings/base.py": """
                from pathlib import Path
                import environ
                BASE_DIR = Path(__file__).resolve(strict=True).parent.parent.parent
                APPS_DIR = BASE_DIR / "shop"
                env = environ.Env()
                DATABASES = {"default": env.db("DATABASE_URL", default="postgres:///shop")}
                ROOT_URLCONF = "config.urls"
                INSTALLED_APPS = ["django.contrib.auth"]
                STATIC_ROOT = str(BASE_DIR / "staticfiles")
                STATIC_URL = "/static/"
                MEDIA_ROOT = str(APPS_DIR / "media")
                MEDIA_URL = "/media/"
            """,
            "config/settings/local.py": "from .base import *\nDEBUG = True\n",
            "config/settings/test.py": "from .base import *\n",
            "config/settings/production.py": """
                from .base import *
                from .base import env
                MEDIA_URL = f"https://{env('BUCKET')}/media/"
            """,
            "config/celery_app.py": "from celery import Celery\napp = Celery('shop')\n",
            "shop/users/urls.py": "urlpatterns = []\n",
            "compose/local/django/Dockerfile": "FROM python:3.12 AS dev\n",
            "compose/local/django/start": """
                #!/bin/bash
                exec uvicorn config.asgi:application --reload
            """,
            "compose/production/django/Dockerfile": """
                ARG BUILD_ENVIRONMENT=production
                FROM docker.io/python:3.12.8-slim-bookworm AS python
                FROM python AS python-run-stage
                COPY ./requirements .
                RUN pip install -r ${BUILD_ENVIRONMENT}.txt
                COPY ./compose/production/django/entrypoint /entrypoint
                COPY ./compose/production/django/start /start
                COPY ./compose/production/django/celery/worker/start /start-celeryworker
                WORKDIR /app
                ENTRYPOINT ["/entrypoint"]
            """,
            "compose/production/django/entrypoint": '#!/bin/bash\nexec "$@"\n',
            "compose/production/django/start": """
                #!/bin/bash
                set -o errexit
                python /app/manage.py collectstatic --noinput
                exec /usr/local/bin/gunicorn config.wsgi --bind 0.0.0.0:5000 --chdir=/app
            """,
            "compose/production/django/celery/worker/start": """
                #!/bin/bash
                exec celery -A config.celery_app worker -l INFO
            """,
            "docker-compose.local.yml": """
                services:
                  django:
                    build: {context: ., dockerfile: ./compose/local/django/Dockerfile}
                    command: /start
            """,
            "docker-compose.production.yml": """
                services:
                  django: &django
                    build:
                      context: .
                      dockerfile: ./compose/production/django/Dockerfile
                    command: /start
                  celeryworker:
                    <<: *django
                    command: /start-celeryworker
            """,
            "requirements/base.txt": "Django==5.1\npsycopg[c]==3.2\nredis==5\n",
            "requirements/local.txt": "-r base.txt\npytest\n",
            "requirements/production.txt": "-r base.txt\ngunicorn==23.0.0\n",
        }
    )
    assert result.entrypoint == "config.wsgi:application"
    assert result.settings_module == "config.settings.production"
    assert result.python == "3.12"
    assert result.install == Install("pip", "requirements/production.txt")
    assert result.gunicorn == "23.0.0"
    assert result.static_root == "staticfiles"
    assert result.media_root == "shop/media"
    assert result.media_url is None
    assert any("MEDIA_URL is computed" in note for note in result.notes)
    assert set(result.uses) == {"celery", "psycopg"}


def test_wagtail_defaults_to_development(found):
    result = found(
        {
            "manage.py": MANAGE.format(settings="mysite.settings.dev"),
            "mysite/__init__.py": "",
            "mysite/wsgi.py": WSGI.format(settings="mysite.settings.dev"),
            "mysite/settings/__init__.py": "",
            "mysite/settings/base.py": SETTINGS.format(package="mysite").replace(
                "parent.parent", "parent.parent.parent"
            ),
            "mysite/settings/dev.py": "from .base import *\nDEBUG = True\n",
            "mysite/settings/production.py": """
                from .base import *
                try:
                    from .local import *
                except ImportError:
                    pass
            """,
            "Dockerfile": """
                FROM python:3.12-slim-bookworm
                RUN pip install "gunicorn==20.0.4"
                COPY requirements.txt /
                RUN pip install -r /requirements.txt
                WORKDIR /app
                COPY . .
                CMD set -xe; python manage.py migrate --noinput; gunicorn mysite.wsgi:application
            """,
            "requirements.txt": "Django>=5\nwagtail>=6\n",
        }
    )
    assert result.settings_module == "mysite.settings.production"
    assert result.static_root == "staticfiles"
    assert result.install == Install("pip", "requirements.txt")
    assert any("mysite.settings.dev" in note for note in result.notes)


def test_dockerfile_beats_what_wsgi_says(found):
    files = django(settings="shop.settings.dev")
    del files["shop/settings.py"]
    result = found(
        {
            **files,
            "shop/settings/__init__.py": "",
            "shop/settings/dev.py": "INSTALLED_APPS = []\n",
            "shop/settings/production.py": "from .dev import *\n",
            "Dockerfile": """
                FROM python:3.13
                ENV DJANGO_SETTINGS_MODULE=shop.settings.production
                CMD ["gunicorn", "shop.wsgi"]
            """,
        }
    )
    assert result.settings_module == "shop.settings.production"
    assert result.evidence["settings_module"] == "Dockerfile:2"
    assert (
        "wsgi.py defaults to shop.settings.dev, but Dockerfile:2 says shop.settings.production"
        in result.notes
    )


def test_monorepo_with_django_in_a_subfolder(found):
    result = found(
        {
            **django("core", "backend/"),
            "frontend/package.json": '{"scripts": {"start": "vite"}}',
            "backend/Dockerfile": """
                FROM python:3.11-slim
                WORKDIR /srv
                COPY requirements.txt .
                RUN pip install --no-cache-dir -r requirements.txt
                COPY . .
                CMD gunicorn core.wsgi:application -b 0.0.0.0:8000 -w 4
            """,
            "backend/requirements.txt": "Django==5.0\ngunicorn==22.0.0\n",
            "requirements.txt": "pre-commit\n",
        }
    )
    assert (result.entrypoint, result.app_dir) == ("core.wsgi:application", "backend")
    assert result.install == Install("pip", "backend/requirements.txt")
    assert result.static_root == "backend/staticfiles"
    assert result.python == "3.11"


def test_flask_factory_in_src(found):
    result = found(
        {
            "pyproject.toml": """
                [project]
                name = "shop"
                requires-python = ">=3.11"
                dependencies = ["flask>=3"]
                [build-system]
                requires = ["hatchling"]
            """,
            "src/shop/__init__.py": """
                from flask import Flask
                def create_app(test_config=None):
                    app = Flask(__name__, instance_relative_config=True)
                    from . import pages
                    app.register_blueprint(pages.bp)
                    return app
            """,
            "src/shop/pages.py": """
                from flask import Blueprint
                bp = Blueprint("pages", __name__, url_prefix="/internal")
                @bp.route("/healthz")
                def healthz():
                    return "ok"
            """,
            "src/shop/static/style.css": "",
        }
    )
    assert (result.framework, result.interface) == ("flask", "wsgi")
    assert (result.entrypoint, result.app_dir) == ("shop:create_app()", "src")
    assert (result.static_url, result.static_root) == ("/static/", "src/shop/static")
    assert result.health == "/internal/healthz"
    assert result.install == Install("pip", "pyproject.toml")
    assert result.python == "3.11"


def test_fastapi_with_uv_and_fastapi_run(found):
    result = found(
        {
            "pyproject.toml": """
                [project]
                name = "app"
                requires-python = ">=3.12,<4"
                dependencies = ["fastapi[standard]"]
            """,
            "uv.lock": '[[package]]\nname = "gunicorn"\nversion = "23.0.0"\n',
            "app/__init__.py": "",
            "app/main.py": """
                from fastapi import FastAPI
                from app.api import router
                app = FastAPI()
                app.include_router(router, prefix="/v1")
            """,
            "app/api.py": """
                from fastapi import APIRouter
                router = APIRouter(prefix="/ops")
                @router.get("/health")
                async def health(): return {}
            """,
            "Dockerfile": """
                FROM ghcr.io/astral-sh/uv:python3.12-bookworm-slim
                WORKDIR /code
                COPY pyproject.toml uv.lock ./
                RUN uv sync --frozen --no-dev --group prod
                COPY ./app /code/app
                CMD ["fastapi", "run", "app/main.py", "--port", "80"]
            """,
        }
    )
    assert (result.framework, result.interface) == ("fastapi", "asgi")
    assert (result.entrypoint, result.app_dir) == ("app.main:app", ".")
    assert result.evidence["entrypoint"] == "Dockerfile:6"
    assert result.install == Install("uv", "uv.lock", ("prod",))
    assert result.gunicorn == "23.0.0"
    assert result.health == "/v1/ops/health"
    assert result.python == "3.12"


def test_fastapi_template_monorepo_with_settings_in_the_prefix(found):
    result = found(
        {
            "docker-compose.yml": """
                services:
                  backend:
                    build: {context: ./backend}
                  frontend:
                    build: {context: ./frontend}
            """,
            "backend/Dockerfile": """
                FROM python:3.10
                WORKDIR /app/
                COPY --from=ghcr.io/astral-sh/uv:0.5 /uv /bin/uv
                COPY ./pyproject.toml ./uv.lock /app/
                RUN uv sync
                COPY ./app /app/app
                CMD ["fastapi", "run", "--workers", "4", "app/main.py"]
            """,
            "backend/pyproject.toml": '[project]\nrequires-python = ">=3.10"\n',
            "backend/uv.lock": "",
            "backend/app/__init__.py": "",
            "backend/app/core/__init__.py": "",
            "backend/app/core/config.py": """
                from pydantic_settings import BaseSettings
                class Settings(BaseSettings):
                    API: str = "/api/v1"
                settings = Settings()
            """,
            "backend/app/routes/__init__.py": "",
            "backend/app/routes/utils.py": """
                from fastapi import APIRouter
                router = APIRouter(prefix="/utils")
                @router.get("/health-check/")
                async def health_check() -> bool: return True
            """,
            "backend/app/api.py": """
                from fastapi import APIRouter
                from app.routes import utils
                api_router = APIRouter()
                api_router.include_router(utils.router)
            """,
            "backend/app/main.py": """
                from fastapi import FastAPI
                from app.api import api_router
                from app.core.config import settings
                app = FastAPI()
                app.include_router(api_router, prefix=settings.API)
            """,
        }
    )
    assert (result.entrypoint, result.app_dir) == ("app.main:app", "backend")
    assert result.health == "/api/v1/utils/health-check/"
    assert result.install == Install("uv", "backend/uv.lock")


def test_poetry_with_groups(found):
    result = found(
        {
            "pyproject.toml": """
                [tool.poetry]
                name = "shop"
                [tool.poetry.dependencies]
                python = "^3.10"
                flask = "^3.0"
                [tool.poetry.group.prod.dependencies]
                gunicorn = "23.0.0"
            """,
            "poetry.lock": '[[package]]\nname = "gunicorn"\nversion = "23.0.0"\n',
            "Dockerfile": """
                FROM python:3.12
                RUN pip install poetry==1.8
                COPY pyproject.toml poetry.lock ./
                RUN poetry install --only main --with prod --no-root
                COPY . .
                ENTRYPOINT ["poetry", "run"]
                CMD ["gunicorn", "wsgi:app"]
            """,
            "wsgi.py": "from shop import make_app\napp = make_app()\n",
            "shop/__init__.py": """
                from flask import Flask
                def make_app():
                    return Flask(__name__)
            """,
        }
    )
    assert result.entrypoint == "wsgi:app"
    assert result.install == Install("poetry", "poetry.lock", ("prod",))
    assert result.python == "3.12"


def test_channels(found):
    files = django("chat")
    files["chat/asgi.py"] = """
        import os
        from channels.routing import ProtocolTypeRouter, URLRouter
        from django.core.asgi import get_asgi_application
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chat.settings")
        application = ProtocolTypeRouter({
            "http": get_asgi_application(),
            "websocket": URLRouter([]),
        })
    """
    result = found(files)
    assert (result.framework, result.interface) == ("django", "asgi")
    assert result.entrypoint == "chat.asgi:application"
    assert "channels" in result.uses


def test_asgi_package_with_wrappers(found):
    files = django("store")
    del files["store/asgi.py"]
    result = found(
        {
            **files,
            "store/asgi/__init__.py": """
                import os
                from django.core.asgi import get_asgi_application
                from .gzip import gzip_compression
                from .health import health_check
                os.environ.setdefault("DJANGO_SETTINGS_MODULE", "store.settings")
                application = get_asgi_application()
                application = health_check(application, "/health/")
                application = gzip_compression(application)
            """,
            "store/asgi/gzip.py": "def gzip_compression(app):\n    return app\n",
            "store/asgi/health.py": "def health_check(app, path):\n    return app\n",
            "Dockerfile": """
                FROM python:3.12
                CMD ["uvicorn", "store.asgi:application", "--host=0.0.0.0", "--workers=2"]
            """,
        }
    )
    assert (result.interface, result.entrypoint) == ("asgi", "store.asgi:application")
    assert result.framework == "django"
    assert result.health == "/health/"


def test_s6_run_file_below_src(found):
    result = found(
        {
            **django("paper", "src/"),
            "src/paper/migration_asgi.py": ASGI.format(settings="paper.settings"),
            "docker/rootfs/etc/s6-overlay/s6-rc.d/svc-webserver/run": """
                #!/command/with-contenv /usr/bin/bash
                cd ${PAPER_SRC_DIR}
                if [[ "${PAPER_MIGRATION_MODE:-0}" == "1" ]]; then
                    app_module="paper.migration_asgi:application"
                else
                    app_module="paper.asgi:application"
                fi
                if [[ -n "${USER_IS_NON_ROOT}" ]]; then
                    exec granian --interface asginl --ws --loop uvloop "${app_module}"
                else
                    exec s6-setuidgid paper granian --interface asginl --ws "${app_module}"
                fi
            """,
        }
    )
    assert (result.entrypoint, result.app_dir) == ("paper.asgi:application", "src")
    assert result.interface == "asgi"
    assert result.evidence["entrypoint"].endswith("svc-webserver/run:9")


def test_gunicorn_configuration_in_docker(found):
    result = found(
        {
            **django("portal"),
            "portal/production.py": "from .settings import *\n",
            "docker/gunicorn.conf.py": """
                import os
                wsgi_app = "portal.wsgi:application"
                worker_class = "gevent"
                raw_env = ["DJANGO_SETTINGS_MODULE=portal.production"]
            """,
        }
    )
    assert result.entrypoint == "portal.wsgi:application"
    assert result.evidence["entrypoint"] == "docker/gunicorn.conf.py:2"
    assert result.settings_module == "portal.production"
    assert "gevent" in result.uses


def test_uwsgi_ini(found):
    result = found(
        {
            **django("hc"),
            "docker/uwsgi.ini": """
                [uwsgi]
                master
                http-socket = :8000
                chdir = /opt/healthchecks
                module = hc.wsgi:application
            """,
        }
    )
    assert result.entrypoint == "hc.wsgi:application"
    assert result.evidence["entrypoint"] == "docker/uwsgi.ini:5"


def test_systemd_unit_that_starts_uwsgi_with_an_ini_elsewhere(found):
    result = found(
        {
            **django("netbox", "netbox/"),
            "contrib/netbox.service": """
                [Service]
                WorkingDirectory=/opt/netbox
                ExecStart=/opt/netbox/venv/bin/gunicorn --pid /var/tmp/netbox.pid \\
                    --pythonpath /opt/netbox/netbox --config /opt/netbox/gunicorn.py netbox.wsgi
            """,
        }
    )
    assert (result.entrypoint, result.app_dir) == ("netbox.wsgi:application", "netbox")


def test_script_that_runs_uvicorn_beside_it(found):
    result = found(
        {
            "Dockerfile": 'FROM python:3.12\nENTRYPOINT ["/app/run.sh"]\n',
            "docker/entry.sh": "#!/bin/bash\ncd /app\nexec python /app/meals/main.py\n",
            "meals/__init__.py": "",
            "meals/core.py": "VERSION = 1\n",
            "meals/app.py": """
                from fastapi import FastAPI
                from meals.core import VERSION
                app = FastAPI()
            """,
            "meals/main.py": """
                import uvicorn
                from meals.app import app
                def main():
                    uvicorn.run("app:app", host="0.0.0.0")
                if __name__ == "__main__":
                    main()
            """,
        }
    )
    assert (result.entrypoint, result.app_dir) == ("meals.app:app", ".")


def test_entrypoint_script_with_functions_and_a_wsgi_module(found):
    result = found(
        {
            "Dockerfile": """
                FROM python:3.10-slim-bookworm
                WORKDIR /app
                COPY . /app
                ENTRYPOINT ["/app/bin/docker-entrypoint"]
                CMD ["server"]
            """,
            "bin/docker-entrypoint": """
                #!/bin/bash
                worker() {
                  exec supervisord -c worker.conf
                }
                server() {
                  exec /usr/local/bin/gunicorn -b "$BIND" --name dash -w${WORKERS:-4} dash.wsgi:app
                }
                case "$1" in
                  server)
                    shift
                    server
                    ;;
                  *)
                    exec "$@"
                esac
            """,
            "manage.py": "from dash.cli import manager\nmanager()\n",
            "dash/__init__.py": "",
            "dash/cli.py": "def manager(): pass\n",
            "dash/wsgi.py": "from dash.app import create_app\napp = create_app()\n",
            "dash/app.py": """
                from flask import Flask
                class Dash(Flask):
                    pass
                def create_app():
                    app = Dash()
                    return app
            """,
        }
    )
    assert (result.framework, result.entrypoint) == ("flask", "dash.wsgi:app")
    assert result.evidence["entrypoint"] == "bin/docker-entrypoint:6"


def test_factory_started_with_a_worker_class_from_the_environment(found):
    result = found(
        {
            "docker-entrypoint.sh": """
                #!/bin/bash
                WORKER_CLASS=${WORKER_CLASS:-gevent}
                if [ "$DEBUG" = "true" ]; then
                    exec gunicorn 'flags:create_app()' --worker-class "$WORKER_CLASS" --reload
                else
                    exec gunicorn 'flags:create_app()' \\
                        --bind '0.0.0.0:8000' \\
                        --worker-class "$WORKER_CLASS"
                fi
            """,
            "flags/__init__.py": """
                from flask import Flask
                class FlagFlask(Flask): pass
                def create_app(config="flags.config.Config"):
                    app = FlagFlask(__name__)
                    with app.app_context():
                        app.config.from_object(config)
                        return app
            """,
            "wsgi.py": "from flags import create_app\napp = create_app()\n",
            "serve.py": "from flags import create_app\napp = create_app()\napp.run(debug=True)\n",
        }
    )
    assert result.entrypoint == "flags:create_app()"
    assert "gevent" in result.uses
    assert result.evidence["uses.gevent"] == "docker-entrypoint.sh:6"


def test_application_named_by_an_environment_variable(found):
    result = found(
        {
            "Dockerfile": """
                FROM python:3.11
                ENV FLASK_APP="charts.app:create_app()"
                COPY docker/run-server.sh /usr/bin/
                CMD ["/usr/bin/run-server.sh"]
            """,
            "docker/run-server.sh": "#!/bin/bash\ngunicorn \\\n"
            '  --bind "0.0.0.0:80" \\\n  "${FLASK_APP}"\n',
            "charts/__init__.py": "",
            "charts/app.py": """
                from flask import Flask
                def create_app(root=None) -> Flask:
                    app = ChartsApp(__name__)
                    return app
                class ChartsApp(Flask): ...
            """,
        }
    )
    assert result.entrypoint == "charts.app:create_app()"


def test_program_of_the_project_that_takes_the_application_as_argument(found):
    result = found(
        {
            "Dockerfile": """
                FROM python:3.11
                CMD ["dispatcher", "server", "start", "dispatcher.main:app", "--host=0.0.0.0"]
            """,
            "src/dispatcher/__init__.py": "",
            "src/dispatcher/main.py": """
                from fastapi import FastAPI
                from starlette.middleware.gzip import GZipMiddleware
                app = FastAPI(openapi_url="")
                frontend = FastAPI()
                api = FastAPI()
                app.add_middleware(GZipMiddleware)
                app.mount("/api/v1", app=api)
                app.mount("/", app=frontend)
            """,
        }
    )
    assert (result.entrypoint, result.app_dir) == ("dispatcher.main:app", "src")


def test_two_equally_good_applications(project):
    from deploygen.detect import Ambiguous, detect

    folder = project(
        {
            "shop.py": "from flask import Flask\napp = Flask(__name__)\n",
            "stock.py": "from flask import Flask\napp = Flask(__name__)\n",
        }
    )
    with pytest.raises(Ambiguous) as error:
        detect(folder)
    assert error.value.option == "--entrypoint"
    assert [candidate.value for candidate in error.value.candidates] == ["shop:app", "stock:app"]
    assert "--entrypoint stock:app" in str(error.value)
    assert "stock.py:2" in str(error.value)


LIBRARIES = {
    "a framework": {
        "pyproject.toml": '[build-system]\nrequires = ["flit"]\n[project]\nname = "frame"\n',
        "src/frame/__init__.py": "from .app import Frame\n",
        "src/frame/app.py": "class Frame:\n    def wsgi_app(self, environ, start_response): ...\n",
        "tests/test_app.py": "from flask import Flask\napp = Flask(__name__)\n",
        "docs/conf.py": "",
        "examples/tutorial/shop/__init__.py": """
            from flask import Flask
            def create_app(): return Flask(__name__)
        """,
    },
    "a reusable Django app with a sandbox": {
        "setup.py": "from setuptools import setup\nsetup(name='x')\n",
        "tagging/models.py": "from django.db import models\n",
        **django("sandbox", "sandbox/"),
        "Dockerfile": 'FROM python:3.12\nCMD ["gunicorn", "sandbox.wsgi"]\n',
    },
    "a reusable Django app with test settings": {
        "setup.cfg": "[metadata]\nname = tags\n",
        "manage.py": MANAGE.format(settings="tests.settings"),
        "tags/models.py": "from django.db import models\n",
        "tests/settings.py": "INSTALLED_APPS = []\n",
        "tests/wsgi.py": WSGI.format(settings="tests.settings"),
    },
    "a project template": {
        "setup.py": "",
        "cms/project_template/project_name/wsgi.py": WSGI.format(settings="x.settings.dev"),
    },
    "a tool": {"tool/__init__.py": "", "tool/cli.py": "import click\n"},
    "nothing": {},
    "only scripts of a browser": {"package.json": "{}", "src/index.js": "fetch('/')"},
    "only aiohttp": {"app.py": "from aiohttp import web\napp = web.Application()\n"},
}


@pytest.mark.parametrize("files", LIBRARIES.values(), ids=LIBRARIES.keys())
def test_no_web_application(project, files):
    from deploygen.detect import NotAWebApplication, detect

    with pytest.raises(NotAWebApplication) as error:
        detect(project(files))
    assert error.value.exit_code == 1
    assert "looked for" in str(error.value) and "found" in str(error.value)


def test_an_example_is_an_application_when_it_is_asked_for(project):
    from deploygen.detect import detect

    folder = project({"setup.py": "", **django("sandbox", "sandbox/")})
    assert detect(folder / "sandbox").entrypoint == "sandbox.wsgi:application"


def test_a_project_that_is_called_demo(found):
    assert found(django("demo")).entrypoint == "demo.wsgi:application"
