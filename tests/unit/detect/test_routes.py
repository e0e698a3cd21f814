"""Health URLs, and the static files of Flask, FastAPI and Starlette."""

from __future__ import annotations

import pytest

WSGI = (
    "import os\nfrom django.core.wsgi import get_wsgi_application\n"
    "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"
    "application = get_wsgi_application()\n"
)
URLS = "from django.urls import include, path, re_path\n"

DJANGO = {
    "path": ({"urls": URLS + "urlpatterns = [path('health/', v)]\n"}, "/health/"),
    "re_path": ({"urls": URLS + "urlpatterns = [re_path(r'^healthz/?$', v)]\n"}, "/healthz/"),
    "url": ({"urls": "urlpatterns = [url(r'^ping$', v)]\n"}, "/ping"),
    "added later": (
        {"urls": URLS + "urlpatterns = []\nif True:\n    urlpatterns += [path('live', v)]\n"},
        "/live",
    ),
    "appended": (
        {"urls": URLS + "urlpatterns = []\nurlpatterns.append(path('ready/', v))\n"},
        "/ready/",
    ),
    "named list": (
        {"urls": URLS + "ops = [path('health/', v)]\nurlpatterns = [path('ops/', include(ops))]\n"},
        "/ops/health/",
    ),
    "included module": (
        {
            "urls": URLS + "urlpatterns = [path('api/', include('shop.api'))]\n",
            "api": URLS + "urlpatterns = [path('v1/', include(('shop.more', 'more')))]\n",
            "more": URLS + "urlpatterns = [path('health', v)]\n",
        },
        "/api/v1/health",
    ),
    "imported module": (
        {
            "urls": URLS + "from shop import api\nurlpatterns = [path('api/', include(api))]\n",
            "api": URLS + "urlpatterns = [path('health/', v)]\n",
        },
        "/api/health/",
    ),
    "django-health-check": (
        {"urls": URLS + "urlpatterns = [path('ht/', include('health_check.urls'))]\n"},
        "/ht/",
    ),
    "named by its view": (
        {"urls": URLS + "urlpatterns = [path('ht/', HealthCheckView.as_view())]\n"},
        "/ht/",
    ),
    "the best of several": (
        {
            "urls": URLS
            + "urlpatterns = [path('ping/', v), path('a/health/', v), path('health/', v)]\n"
        },
        "/health/",
    ),
    "with a parameter": ({"urls": URLS + "urlpatterns = [path('<int:x>/health/', v)]\n"}, None),
    "by language": (
        {"urls": URLS + "urlpatterns = i18n_patterns(path('health/', v))\n"},
        None,
    ),
    "health of something else": (
        {"urls": URLS + "urlpatterns = [path('health/insurance/', v)]\n"},
        None,
    ),
    "a circle of includes": (
        {"urls": URLS + "urlpatterns = [path('', include('shop.urls')), path('health/', v)]\n"},
        "/health/",
    ),
    "middleware": (
        {
            "urls": URLS + "urlpatterns = []\n",
            "middleware": "class Health:\n    def __call__(self, request):\n"
            "        if request.path == '/healthz':\n            return OK\n",
        },
        "/healthz",
    ),
}


@pytest.mark.parametrize(("modules", "expected"), DJANGO.values(), ids=DJANGO.keys())
def test_django_health(found, modules, expected):
    result = found(
        {
            "shop/__init__.py": "",
            "shop/wsgi.py": WSGI,
            "shop/settings.py": "INSTALLED_APPS = []\nROOT_URLCONF = 'shop.urls'\n"
            "MIDDLEWARE = ['shop.middleware.Health']\n",
            **{f"shop/{name}.py": text for name, text in modules.items()},
        }
    )
    assert result.health == expected


FLASK = "from flask import Blueprint, Flask\napp = Flask(__name__)\n"
FASTAPI = "from fastapi import APIRouter, FastAPI\napp = FastAPI()\n"

CODE = {
    "flask route": (FLASK + "@app.route('/health')\ndef h(): ...\n", "/health"),
    "flask get": (FLASK + "@app.get('/healthz')\ndef h(): ...\n", "/healthz"),
    "flask rule": (FLASK + "app.add_url_rule('/ping', view_func=h)\n", "/ping"),
    "flask in a factory": (
        "from flask import Flask\ndef create_app():\n    app = Flask(__name__)\n"
        "    @app.route('/health')\n    def h(): ...\n    return app\n",
        "/health",
    ),
    "blueprint": (
        FLASK
        + "bp = Blueprint('a', __name__, url_prefix='/a')\n@bp.route('/health')\ndef h(): ...\n"
        + "app.register_blueprint(bp)\n",
        "/a/health",
    ),
    "blueprint with another prefix": (
        FLASK
        + "bp = Blueprint('a', __name__, url_prefix='/a')\n@bp.route('/health')\ndef h(): ...\n"
        + "app.register_blueprint(bp, url_prefix='/b')\n",
        "/b/health",
    ),
    "blueprint that nobody registers": (
        FLASK + "bp = Blueprint('a', __name__)\n@bp.route('/health')\ndef h(): ...\n",
        None,
    ),
    "router": (
        FASTAPI
        + "r = APIRouter(prefix='/ops')\n@r.get('/health')\ndef h(): ...\n"
        + "app.include_router(r, prefix='/v1')\n",
        "/v1/ops/health",
    ),
    "nested routers": (
        FASTAPI
        + "a = APIRouter(prefix='/a')\nb = APIRouter()\n@b.get('/health')\ndef h(): ...\n"
        + "a.include_router(b, prefix='/b')\napp.include_router(a)\n",
        "/a/b/health",
    ),
    "router with a computed prefix": (
        FASTAPI
        + "r = APIRouter()\n@r.get('/health')\ndef h(): ...\napp.include_router(r, prefix=f())\n",
        None,
    ),
    "mounted application": (
        FASTAPI + "sub = FastAPI()\n@sub.get('/health')\ndef h(): ...\napp.mount('/sub', sub)\n",
        "/sub/health",
    ),
    "starlette": (
        "from starlette.applications import Starlette\nfrom starlette.routing import Route\n"
        "app = Starlette(routes=[Route('/health', h)])\n",
        "/health",
    ),
    "starlette below a mount": (
        "from starlette.applications import Starlette\n"
        "from starlette.routing import Mount, Route\n"
        "app = Starlette(routes=[Mount('/api', routes=[Route('/health', h)])])\n",
        "/api/health",
    ),
    "only another verb": (FASTAPI + "@app.post('/health')\ndef h(): ...\n", None),
    "with a parameter": (FASTAPI + "@app.get('/{name}/health')\ndef h(): ...\n", None),
}


@pytest.mark.parametrize(("source", "expected"), CODE.values(), ids=CODE.keys())
def test_health_in_code(found, source, expected):
    assert found({"main.py": source}).health == expected


STARLETTE = FASTAPI + "from fastapi.staticfiles import StaticFiles\nfrom pathlib import Path\n"

FILES = {
    "flask default": (FLASK, {"static/x.css": ""}, ("/static/", "static")),
    "flask without the folder": (FLASK, {}, (None, None)),
    "flask with another folder": (
        "from flask import Flask\napp = Flask(__name__, static_folder='../dist-x',\n"
        "    static_url_path='/assets')\n",
        {},
        ("/assets/", None),
    ),
    "flask with a folder beside": (
        "from flask import Flask\napp = Flask(__name__, static_folder='public')\n",
        {"public/x.css": ""},
        ("/public/", "public"),
    ),
    "flask at the root": (
        "from flask import Flask\napp = Flask(__name__, static_url_path='')\n",
        {"static/x.css": ""},
        (None, None),
    ),
    "mount": (
        STARLETTE + "app.mount('/static', StaticFiles(directory='static'), name='static')\n",
        {"static/x.css": ""},
        ("/static/", "static"),
    ),
    "mount by path": (
        STARLETTE
        + "HERE = Path(__file__).parent\n"
        + "app.mount('/assets', StaticFiles(directory=HERE / 'public'))\n",
        {},
        ("/assets/", "public"),
    ),
    "mount at the root": (
        STARLETTE + "app.mount('/', StaticFiles(directory='static', html=True))\n",
        {"static/x.css": ""},
        (None, None),
    ),
    "mount of a folder that is not there": (
        STARLETTE + "app.mount('/static', StaticFiles(directory='static'))\n",
        {},
        (None, None),
    ),
}


@pytest.mark.parametrize(("source", "files", "expected"), FILES.values(), ids=FILES.keys())
def test_static_in_code(found, tmp_path, source, files, expected):
    result = found({"main.py": source, **files})
    url, root = expected
    if source.count("../dist-x"):
        root = str(tmp_path.parent / "dist-x")
    assert (result.static_url, result.static_root) == (url, root)
