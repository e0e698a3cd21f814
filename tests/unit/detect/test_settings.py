"""Django: which settings production runs with, and what they say about files."""

from __future__ import annotations

import pytest

from deploygen.detect import Ambiguous, Choices, detect
from deploygen.errors import DeploygenError


def wsgi(settings: str) -> str:
    return (
        "import os\nfrom django.core.wsgi import get_wsgi_application\n"
        f"os.environ.setdefault('DJANGO_SETTINGS_MODULE', '{settings}')\n"
        "application = get_wsgi_application()\n"
    )


BASE = "INSTALLED_APPS = []\n"
STAR = "from .base import *\n"


def split(*names: str, default: str = "shop.settings.dev") -> dict[str, str]:
    """A project with split settings of these names."""
    return {
        "shop/__init__.py": "",
        "shop/wsgi.py": wsgi(default),
        "shop/settings/__init__.py": "",
        "shop/settings/base.py": BASE,
        **{f"shop/settings/{name}.py": STAR for name in names},
    }


# What says so, and the module that it makes production's.
SAID = {
    "Procfile": ("web: DJANGO_SETTINGS_MODULE=shop.settings.live gunicorn shop.wsgi\n", "live"),
    "Dockerfile": ("FROM python\nENV DJANGO_SETTINGS_MODULE shop.settings.live\n", "live"),
    "docker-compose.yml": (
        "services:\n  w:\n    environment:\n    - DJANGO_SETTINGS_MODULE=shop.settings.live\n",
        "live",
    ),
    "compose.yml": (
        "services:\n  w:\n    environment:\n      DJANGO_SETTINGS_MODULE: shop.settings.live\n",
        "live",
    ),
    ".env.example": ("DEBUG=0\nDJANGO_SETTINGS_MODULE=shop.settings.live\n", "live"),
    ".envs/.production/.django": ("DJANGO_SETTINGS_MODULE=shop.settings.live\n", "live"),
    "deploy.sh": ("#!/bin/sh\npython manage.py migrate --settings=shop.settings.live\n", "live"),
    "run.sh": ("#!/bin/sh\nexport DJANGO_SETTINGS_MODULE=shop.settings.live\n", "live"),
    "gunicorn.conf.py": ("raw_env = ['DJANGO_SETTINGS_MODULE=shop.settings.live']\n", "live"),
    "docker/gunicorn.py": (
        "import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'shop.settings.live'\n",
        "live",
    ),
    "web.service": (
        "[Service]\nEnvironment=A=1 DJANGO_SETTINGS_MODULE=shop.settings.live\n"
        "ExecStart=/x/gunicorn shop.wsgi\n",
        "live",
    ),
    "supervisor.conf": (
        '[program:w]\nenvironment=DJANGO_SETTINGS_MODULE="shop.settings.live",A="1"\ncommand=x\n',
        "live",
    ),
    "fly.toml": ('[env]\nDJANGO_SETTINGS_MODULE = "shop.settings.live"\n', "live"),
    "render.yaml": (
        "services:\n- envVars:\n  - key: DJANGO_SETTINGS_MODULE\n    value: shop.settings.live\n",
        "live",
    ),
    "app.json": ('{"env": {"DJANGO_SETTINGS_MODULE": {"value": "shop.settings.live"}}}', "live"),
    "k8s/web.yaml": (
        "spec:\n  env:\n  - name: DJANGO_SETTINGS_MODULE\n    value: shop.settings.live\n",
        "live",
    ),
    ".github/workflows/deploy.yml": (
        "env:\n  DJANGO_SETTINGS_MODULE: shop.settings.live\n",
        "live",
    ),
    ".github/workflows/ci.yml": ("env:\n  DJANGO_SETTINGS_MODULE: shop.settings.ci\n", "prod"),
    "docker-compose.local.yml": (
        "services:\n  w:\n    environment:\n      DJANGO_SETTINGS_MODULE: shop.settings.local\n",
        "prod",
    ),
    "start.sh": ("#!/bin/sh\nexport DJANGO_SETTINGS_MODULE=shop.settings.gone\n", "prod"),
}


@pytest.mark.parametrize(("path", "said"), SAID.items(), ids=SAID.keys())
def test_who_says_so(found, path, said):
    text, name = said
    files = split("dev", "ci", "local", name)
    result = found({**files, path: text})
    assert result.settings_module == f"shop.settings.{name}"
    if name == "live":
        assert result.evidence["settings_module"].startswith(f"{path}:")


@pytest.mark.parametrize(
    ("names", "default", "expected"),
    [
        (("dev", "production"), "shop.settings.dev", "shop.settings.production"),
        (("local", "prod", "test"), "shop.settings.local", "shop.settings.prod"),
        (("dev", "live", "staging"), "shop.settings.staging", "shop.settings.live"),
        (("dev", "staging"), "shop.settings.dev", "shop.settings.staging"),
        (("dev", "production"), "shop.settings.production", "shop.settings.production"),
        (("dev", "production"), "shop.settings.base", "shop.settings.production"),
        (("dev", "test"), "shop.settings.dev", "shop.settings.base"),
        (("dev", "heroku"), "shop.settings.gone", "shop.settings.heroku"),
    ],
)
def test_split_settings_without_a_deployment_file(found, names, default, expected):
    assert found(split(*names, default=default)).settings_module == expected


def test_a_package_that_chooses_is_fine(found):
    files = split("dev", "production", default="shop.settings")
    files["shop/settings/__init__.py"] = (
        "import os\nif os.environ.get('PROD'):\n    from .production import *\n"
        "else:\n    from .dev import *\n"
    )
    assert found(files).settings_module == "shop.settings"


def test_a_package_that_stands_for_development_is_not(found):
    files = split("dev", "production", default="shop.settings")
    files["shop/settings/__init__.py"] = "from .dev import *\n"
    assert found(files).settings_module == "shop.settings.production"


def test_an_empty_package_is_no_settings_module(found):
    files = split("production", default="shop.settings")
    assert found(files).settings_module == "shop.settings.production"


def test_only_development_settings_exist(found):
    files = {"shop/wsgi.py": wsgi("shop.dev_settings"), "shop/dev_settings.py": BASE}
    assert found(files).settings_module == "shop.dev_settings"


def test_settings_that_do_not_exist_are_noted(found):
    result = found({**split("production"), "Dockerfile": "ENV DJANGO_SETTINGS_MODULE=shop.gone\n"})
    assert result.settings_module == "shop.settings.production"
    assert "Dockerfile:1 names shop.gone, which does not exist in the code" in result.notes


def test_equally_good_settings_ask(project):
    files = {
        "shop/__init__.py": "",
        "shop/wsgi.py": "from django.core.wsgi import get_wsgi_application as g\n"
        "application = g()\n",
        "shop/conf_a.py": BASE,
        "shop/conf_b.py": BASE,
    }
    with pytest.raises(Ambiguous) as error:
        detect(project(files))
    assert error.value.option == "--settings"
    assert [c.value for c in error.value.candidates] == ["shop.conf_a", "shop.conf_b"]


def test_chosen_settings(found, project):
    files = split("dev", "production")
    assert found(files, settings_module="shop.settings.dev").settings_module == "shop.settings.dev"
    with pytest.raises(DeploygenError, match=r"--settings shop\.gone: no such module") as error:
        detect(project(files), Choices(settings_module="shop.gone"))
    assert "shop.settings.production" in str(error.value)


def test_configurations(found):
    result = found(
        {
            "shop/wsgi.py": wsgi("shop.settings").replace("django.core", "configurations"),
            "shop/settings.py": """
                from configurations import Configuration, values
                class Base(Configuration):
                    INSTALLED_APPS = []
                    STATIC_URL = values.Value("/assets/")
                class Production(Base):
                    STATIC_ROOT = "/var/www/static"
            """,
            "Dockerfile": "FROM python\nENV DJANGO_CONFIGURATION=Production\n",
        }
    )
    assert (result.static_url, result.static_root) == ("/assets/", "/var/www/static")
    assert any("DJANGO_CONFIGURATION=Production" in note for note in result.notes)


HEAD = "import os\nfrom pathlib import Path\nINSTALLED_APPS = []\n"
HERE = HEAD + "BASE_DIR = Path(__file__).resolve().parent.parent\n"
OLD = HEAD + "BASE_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))\n"

# settings of shop/settings.py -> (static_url, static_root)
STATIC = {
    "pathlib": (HERE + "STATIC_URL = '/s/'\nSTATIC_ROOT = BASE_DIR / 'out'\n", ("/s/", "out")),
    "parents": (
        HEAD + "STATIC_ROOT = Path(__file__).parents[1] / 'out'\n",
        (None, "out"),
    ),
    "os.path": (OLD + "STATIC_ROOT = os.path.join(BASE_DIR, 'a', 'b')\n", (None, "a/b")),
    "os.path with imported names": (
        "from os.path import abspath, dirname, join\nINSTALLED_APPS = []\n"
        "ROOT = dirname(dirname(abspath(__file__)))\nSTATIC_ROOT = join(ROOT, 'out')\n",
        (None, "out"),
    ),
    "str": (HERE + "STATIC_ROOT = str(BASE_DIR.joinpath('out'))\n", (None, "out")),
    "sum": (OLD + "STATIC_ROOT = BASE_DIR + '/out'\n", (None, "out")),
    "f-string": (HERE + "STATIC_ROOT = f'{BASE_DIR}/out'\n", (None, "out")),
    "format": (OLD + "STATIC_ROOT = '%s/out' % BASE_DIR\n", (None, "out")),
    "django-environ path": (
        "import environ\nINSTALLED_APPS = []\nROOT = environ.Path(__file__) - 2\n"
        "STATIC_ROOT = str(ROOT('out'))\n",
        (None, "out"),
    ),
    "lambda": (
        OLD + "here = lambda *x: os.path.join(BASE_DIR, *x)\nSTATIC_ROOT = here('a', 'b')\n",
        (None, "a/b"),
    ),
    "function": (
        HERE + "def below(name):\n    return BASE_DIR / name\nSTATIC_ROOT = below('out')\n",
        (None, "out"),
    ),
    "getenv": (HERE + "STATIC_ROOT = os.getenv('ROOT', BASE_DIR / 'out')\n", (None, "out")),
    "environ.get": (HEAD + "STATIC_URL = os.environ.get('URL', '/x/')\n", ("/x/", None)),
    "env with default": (
        HEAD + "env = thing()\nSTATIC_URL = env('URL', default='/x/')\n",
        ("/x/", None),
    ),
    "decouple": (
        HEAD + "from decouple import config\nSTATIC_URL = config('URL', '/x/')\n",
        ("/x/", None),
    ),
    "own function that reads the environment": (
        HERE
        + "def path(key, default):\n    if key in os.environ:\n"
        + "        return Path(os.environ[key]).resolve()\n    return Path(default).resolve()\n"
        + "STATIC_ROOT = path('DIR', BASE_DIR.parent / 'static')\n",
        (None, "ABOVE/static"),
    ),
    "getattr": (
        HEAD + "BASE = getattr(configuration, 'BASE', '')\nSTATIC_URL = f'/{BASE}static/'\n",
        ("/static/", None),
    ),
    "condition that is off": (
        HEAD
        + "S3 = os.getenv('S3') == 'yes'\nif S3:\n    STATIC_URL = 'https://cdn/'\n"
        + "else:\n    STATIC_URL = '/s/'\n",
        ("/s/", None),
    ),
    "no slashes": (HEAD + "STATIC_URL = 'static'\n", ("/static/", None)),
    "outside of the checkout": (
        HEAD + "STATIC_URL = '/s/'\nSTATIC_ROOT = '/var/www/static/'\n",
        ("/s/", "/var/www/static"),
    ),
    "relative": (HEAD + "STATIC_ROOT = 'out/'\n", (None, "out")),
    "None": (HEAD + "STATIC_URL = '/s/'\nSTATIC_ROOT = None\n", ("/s/", None)),
    "augmented": (HEAD + "STATIC_URL = '/a'\nSTATIC_URL += '/b/'\n", ("/a/b/", None)),
}


@pytest.mark.parametrize(("source", "expected"), STATIC.values(), ids=STATIC.keys())
def test_static(found, tmp_path, source, expected):
    result = found({"shop/wsgi.py": wsgi("shop.settings"), "shop/settings.py": source})
    url, root = expected
    if root and root.startswith("ABOVE"):
        root = root.replace("ABOVE", str(tmp_path.parent))
    assert (result.static_url, result.static_root) == (url, root)
    assert result.notes == ()


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("STATIC_URL = 'https://cdn.example.org/s/'", "another host serves"),
        ("STATIC_URL = compute()", "only running the code can tell"),
        ("STATIC_ROOT = os.environ['ROOT']", "only running the code can tell"),
        ("MEDIA_URL = '//cdn.example.org/m/'", "another host serves"),
    ],
)
def test_static_that_cannot_be_served(found, line, note):
    result = found({"shop/wsgi.py": wsgi("shop.settings"), "shop/settings.py": HEAD + line + "\n"})
    assert (result.static_url, result.static_root, result.media_url) == (None, None, None)
    assert len(result.notes) == 1 and note in result.notes[0]
    assert "shop/settings.py:4" in result.notes[0]


def test_static_through_a_chain_of_stars_and_a_constants_module(found):
    result = found(
        {
            "shop/__init__.py": "",
            "shop/wsgi.py": wsgi("shop.settings.production"),
            "shop/paths.py": "from pathlib import Path\nROOT = Path(__file__).parent.parent\n",
            "shop/settings/__init__.py": "",
            "shop/settings/base.py": """
                from shop import paths
                from shop.paths import ROOT
                INSTALLED_APPS = []
                MEDIA_URL = "media/"
                MEDIA_ROOT = ROOT / "media"
                STATIC_ROOT = paths.ROOT / "first"
            """,
            "shop/settings/common.py": "from .base import *\nSTATIC_URL = '/common/'\n",
            "shop/settings/production.py": "from .common import *\nSTATIC_ROOT = ROOT / 'last'\n",
        }
    )
    assert (result.static_url, result.static_root) == ("/common/", "last")
    assert (result.media_url, result.media_root) == ("/media/", "media")
    assert result.evidence["static_url"] == "shop/settings/common.py:2"
    assert result.evidence["media_root"] == "shop/settings/base.py:5"
