"""Which object a server loads: how it is made, named, wrapped and re-exported."""

from __future__ import annotations

import pytest

from deploygen.detect import Ambiguous, Choices, NotAWebApplication, detect
from deploygen.errors import DeploygenError

FLASK = "from flask import Flask\n"
FASTAPI = "from fastapi import FastAPI\n"

# files -> (framework, interface, entrypoint, app_dir)
CASES = {
    "object with another name": (
        {"shop.py": FLASK + "website = Flask(__name__)\n"},
        ("flask", "wsgi", "shop:website", "."),
    ),
    "imported module": (
        {"main.py": "import fastapi\napi = fastapi.FastAPI()\n"},
        ("fastapi", "asgi", "main:api", "."),
    ),
    "annotated": (
        {"main.py": FASTAPI + "app: FastAPI = FastAPI()\n"},
        ("fastapi", "asgi", "main:app", "."),
    ),
    "inside of try": (
        {"app.py": FLASK + "try:\n    app = Flask(__name__)\nexcept ValueError:\n    app = None\n"},
        ("flask", "wsgi", "app:app", "."),
    ),
    "inside of if and with": (
        {"app.py": FLASK + "if True:\n    with open('x'):\n        app = Flask(__name__)\n"},
        ("flask", "wsgi", "app:app", "."),
    ),
    "subclass": (
        {"app.py": FLASK + "class Shop(Flask):\n    pass\napp = Shop(__name__)\n"},
        ("flask", "wsgi", "app:app", "."),
    ),
    "wrapped": (
        {
            "app.py": FLASK
            + "from werkzeug.middleware.proxy_fix import ProxyFix\n"
            + "app = Flask(__name__)\napp = ProxyFix(app)\n"
        },
        ("flask", "wsgi", "app:app", "."),
    ),
    "wrapped for another interface": (
        {
            "asgi.py": "from asgiref.wsgi import WsgiToAsgi\nfrom app import app\n"
            "asgi_app = WsgiToAsgi(app)\n",
            "app.py": FLASK + "app = Flask(__name__)\n",
            "Procfile": "web: uvicorn asgi:asgi_app\n",
        },
        ("flask", "asgi", "asgi:asgi_app", "."),
    ),
    "socket.io around FastAPI": (
        {
            "main.py": FASTAPI
            + "import socketio\nsio = socketio.AsyncServer()\nfastapi_app = FastAPI()\n"
            + "app = socketio.ASGIApp(sio, fastapi_app)\n"
        },
        ("fastapi", "asgi", "main:app", "."),
    ),
    "an extension is no wrapper": (
        {
            "app.py": FLASK
            + "from flask_sqlalchemy import SQLAlchemy\napp = Flask(__name__)\n"
            + "db = SQLAlchemy(app)\n"
        },
        ("flask", "wsgi", "app:app", "."),
    ),
    "made by a factory at the top": (
        {
            "wsgi.py": "from shop import create_app\napplication = create_app('production')\n",
            "shop/__init__.py": FLASK + "def create_app(name):\n    return Flask(name)\n",
        },
        ("flask", "wsgi", "wsgi:application", "."),
    ),
    "factory of another name": (
        {"shop.py": FLASK + "def build():\n    return Flask(__name__)\n"},
        ("flask", "wsgi", "shop:build()", "."),
    ),
    "factory that only promises": (
        {"shop.py": FLASK + "def create_app() -> Flask:\n    return registry['x']\n"},
        ("flask", "wsgi", "shop:create_app()", "."),
    ),
    "method of a class": (
        {
            "app.py": FASTAPI
            + "class Server:\n    def build(self):\n        app = FastAPI()\n        return app\n"
            + "app = Server().build()\n"
        },
        ("fastapi", "asgi", "app:app", "."),
    ),
    "attribute of a class": (
        {
            "app.py": FASTAPI
            + "class Server:\n    def __init__(self):\n        self.app = FastAPI()\n"
            + "server = Server()\napp = server.app\n"
        },
        ("fastapi", "asgi", "app:app", "."),
    ),
    "Dash": (
        {"app.py": "from dash import Dash\napp = Dash(__name__)\nserver = app.server\n"},
        ("flask", "wsgi", "app:server", "."),
    ),
    "re-exported by the package": (
        {
            "shop/__init__.py": "from .factory import app\n",
            "shop/factory.py": FLASK + "app = Flask('shop')\n",
        },
        ("flask", "wsgi", "shop:app", "."),
    ),
    "re-exported by wsgi.py": (
        {
            "wsgi.py": "from shop.factory import app\n",
            "shop/__init__.py": "",
            "shop/factory.py": FLASK + "app = Flask('shop')\n",
        },
        ("flask", "wsgi", "wsgi:app", "."),
    ),
    "imported under another name, in a subpackage": (
        {
            "a/__init__.py": "",
            "a/b/__init__.py": "",
            "a/b/asgi.py": "from ..web import application as app\n",
            "a/web.py": "from starlette.applications import Starlette\napplication = Starlette()\n",
        },
        ("starlette", "asgi", "a.b.asgi:app", "."),
    ),
    "src layout": (
        {"src/shop/__init__.py": "", "src/shop/main.py": FASTAPI + "app = FastAPI()\n"},
        ("fastapi", "asgi", "shop.main:app", "src"),
    ),
    "no package, imports from above": (
        {
            "app/main.py": FASTAPI + "from app.db import x\napp = FastAPI()\n",
            "app/db.py": "x = 1\n",
        },
        ("fastapi", "asgi", "app.main:app", "."),
    ),
    "no package, imports from beside": (
        {"app/main.py": FASTAPI + "from db import x\napp = FastAPI()\n", "app/db.py": "x = 1\n"},
        ("fastapi", "asgi", "main:app", "app"),
    ),
    "plain WSGI": (
        {"site.py": "def application(environ, start_response):\n    return []\n"},
        ("wsgi", "wsgi", "site:application", "."),
    ),
    "plain ASGI": (
        {"site.py": "async def app(scope, receive, send):\n    pass\n"},
        ("asgi", "asgi", "site:app", "."),
    ),
    "an instance that can be called": (
        {
            "wsgi.py": "class Shop:\n    def __call__(self, environ, start_response):\n"
            "        return []\napplication = Shop()\n"
        },
        ("wsgi", "wsgi", "wsgi:application", "."),
    ),
    "Falcon": (
        {"app.py": "import falcon\napp = falcon.App()\n"},
        ("wsgi", "wsgi", "app:app", "."),
    ),
    "Falcon with ASGI": (
        {"app.py": "import falcon.asgi\napp = falcon.asgi.App()\n"},
        ("asgi", "asgi", "app:app", "."),
    ),
    "Bottle": (
        {"app.py": "import bottle\napp = application = bottle.default_app()\n"},
        ("wsgi", "wsgi", "app:app", "."),
    ),
    "Bottle by a star": (
        {"app.py": "from bottle import *\napp = Bottle()\n"},
        ("wsgi", "wsgi", "app:app", "."),
    ),
    "Pyramid": (
        {
            "app.py": "from pyramid.config import Configurator\nwith Configurator() as config:\n"
            "    app = config.make_wsgi_app()\n"
        },
        ("wsgi", "wsgi", "app:app", "."),
    ),
    "Litestar": (
        {"app.py": "from litestar import Litestar\napp = Litestar([])\n"},
        ("asgi", "asgi", "app:app", "."),
    ),
    "Quart": (
        {"app.py": "from quart import Quart\napp = Quart(__name__)\n"},
        ("asgi", "asgi", "app:app", "."),
    ),
    "manage.py, settings and wsgi.py that are Flask": (
        {
            "manage.py": "from shop import create_app\napp = create_app()\n",
            "settings.py": "DEBUG = False\n",
            "wsgi.py": "from shop import create_app\napplication = create_app()\n",
            "shop/__init__.py": FLASK + "def create_app():\n    return Flask(__name__)\n",
        },
        ("flask", "wsgi", "wsgi:application", "."),
    ),
    "mounted applications are not candidates": (
        {"main.py": FASTAPI + "app = FastAPI()\nadmin = FastAPI()\napp.mount('/admin', admin)\n"},
        ("fastapi", "asgi", "main:app", "."),
    ),
    "a script beside the application": (
        {
            "app.py": FLASK + "app = Flask(__name__)\n",
            "scripts/report.py": FLASK + "app = Flask(__name__)\n",
        },
        ("flask", "wsgi", "app:app", "."),
    ),
    "the code runs a string": (
        {
            "shop/__init__.py": "",
            "shop/__main__.py": "import uvicorn\nuvicorn.run('shop.web:make', factory=True)\n",
            "shop/web.py": FASTAPI + "def make():\n    return FastAPI()\ndef other():\n"
            "    return FastAPI()\n",
        },
        ("fastapi", "asgi", "shop.web:make()", "."),
    ),
    "the code runs an object": (
        {
            "one.py": FASTAPI + "import uvicorn\napi = FastAPI()\nuvicorn.run(api)\n",
            "two.py": FASTAPI + "api = FastAPI()\n",
        },
        ("fastapi", "asgi", "one:api", "."),
    ),
    "[tool.fastapi]": (
        {
            "pyproject.toml": '[tool.fastapi]\nentrypoint = "backend.server:web"\n',
            "backend/server.py": FASTAPI + "web = FastAPI()\nother = FastAPI()\n",
        },
        ("fastapi", "asgi", "backend.server:web", "."),
    ),
}


@pytest.mark.parametrize(("files", "expected"), CASES.values(), ids=CASES.keys())
def test_entrypoint(found, files, expected):
    result = found(files)
    assert (result.framework, result.interface, result.entrypoint, result.app_dir) == expected


@pytest.mark.parametrize(
    "source",
    [
        FLASK + "def create_app(config):\n    return Flask(config)\n",
        FLASK + "def create_app(*, config):\n    return Flask(config)\n",
        FLASK + "def _private():\n    return Flask(__name__)\n",
        "import pytest\n" + FLASK + "@pytest.fixture\ndef app():\n    return Flask(__name__)\n",
        "def helper(environ, start_response):\n    return []\n",
        "class M:\n    def __call__(self, environ, start_response): ...\n",
        "from prometheus_client import make_wsgi_app\napp = make_wsgi_app()\n",
        "from celery import Celery\napp = Celery()\n",
        "import typer\napp = typer.Typer()\n",
    ],
)
def test_what_is_no_entrypoint(project, source):
    with pytest.raises(NotAWebApplication):
        detect(project({"app.py": source}))


TWO = {
    "one/api.py": FASTAPI + "app = FastAPI()\n",
    "two/api.py": FASTAPI + "app = FastAPI()\n",
}


def test_a_choice_beats_what_is_started(found):
    result = found({**TWO, "Procfile": "web: uvicorn one.api:app"}, entrypoint="two.api:app")
    assert result.entrypoint == "two.api:app"
    assert result.evidence["entrypoint"] == "two/api.py:2"


def test_a_chosen_folder_picks_one_of_two(found):
    result = found(TWO, app_dir="two")
    assert (result.entrypoint, result.app_dir) == ("api:app", "two")


def test_the_same_module_in_two_folders_asks_for_the_folder(project):
    with pytest.raises(Ambiguous) as error:
        detect(project(TWO), Choices(entrypoint="api:app"))
    assert error.value.option == "--app-dir"
    assert [candidate.value for candidate in error.value.candidates] == ["one", "two"]


@pytest.mark.parametrize(
    "choices",
    [
        Choices(entrypoint="one.api:missing"),
        Choices(entrypoint="three.api:app"),
        Choices(entrypoint="not an entrypoint; rm -rf"),
        Choices(app_dir="three"),
        Choices(app_dir="../elsewhere"),
        Choices(entrypoint="one.api:app", app_dir="two"),
    ],
)
def test_a_choice_that_is_not_there(project, choices):
    with pytest.raises(DeploygenError) as error:
        detect(project(TWO), choices)
    asked = choices.entrypoint or choices.app_dir
    assert asked is not None and asked in str(error.value)


def test_two_services_of_the_same_names_ask_for_the_folder(project):
    with pytest.raises(Ambiguous) as error:
        detect(project(TWO))
    assert error.value.option == "--app-dir"
    assert [candidate.value for candidate in error.value.candidates] == ["one", "two"]


def test_two_services_of_a_compose_file(project):
    files = {
        "shop/app.py": FASTAPI + "app = FastAPI()\n",
        "stock/main.py": FASTAPI + "app = FastAPI()\n",
        "compose.yaml": """
            services:
              shop:
                command: uvicorn shop.app:app
              stock:
                command: uvicorn stock.main:app
        """,
    }
    with pytest.raises(Ambiguous) as error:
        detect(project(files))
    assert [c.value for c in error.value.candidates] == ["shop.app:app", "stock.main:app"]
    assert [c.evidence for c in error.value.candidates] == ["compose.yaml:3", "compose.yaml:5"]
    assert detect(project(files), Choices(entrypoint="stock.main:app")).framework == "fastapi"
