"""Secret environment variables that the application can't do without."""

from __future__ import annotations

import pytest

WSGI = """
import os
from django.core.wsgi import get_wsgi_application
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings.production")
application = get_wsgi_application()
"""


def django(production: str, base: str = "INSTALLED_APPS = []\n") -> dict[str, str]:
    return {
        "shop/__init__.py": "",
        "shop/wsgi.py": WSGI,
        "shop/settings/__init__.py": "",
        "shop/settings/base.py": base,
        "shop/settings/production.py": f"import os\nfrom .base import *\n{production}\n",
    }


@pytest.mark.parametrize(
    ("production", "wanted"),
    [
        ('SECRET_KEY = os.environ["SECRET_KEY"]', ("SECRET_KEY",)),
        ('SECRET_KEY = os.getenv("DJANGO_SECRET_KEY")', ("DJANGO_SECRET_KEY",)),
        ('SECRET_KEY = env("SECRET_KEY")', ("SECRET_KEY",)),
        ('SECRET_KEY = config("SECRET_KEY")', ("SECRET_KEY",)),
        ('SECRET_KEY = get_secret("SECRET_KEY")', ("SECRET_KEY",)),
        ('DATABASES = {"default": env.db("DATABASE_URL")}', ("DATABASE_URL",)),
        ('X = {"PASSWORD": os.environ["DB_PASSWORD"]}', ("DB_PASSWORD",)),
        ('SECRET_KEY = os.environ.get("SECRET_KEY", "dev")', ()),
        ('SECRET_KEY = env("SECRET_KEY", default="dev")', ()),
        ('HOSTS = os.environ["DJANGO_ALLOWED_HOSTS"]', ()),
        ('KEY_FILE = os.environ["SECRET_KEY_FILE"]', ()),
        ('os.environ["SECRET_KEY"] = "x"', ()),
        ('SECRET_KEY = {}.get("lower")', ()),
    ],
)
def test_of_production_settings(found, production: str, wanted: tuple[str, ...]) -> None:
    assert found(django(production)).secrets == wanted


def test_production_requires_what_the_base_has_a_default_for(found) -> None:
    base = 'INSTALLED_APPS = []\nSECRET_KEY = env("SECRET_KEY", default="dev")\n'
    result = found(django('SECRET_KEY = env("SECRET_KEY")', base))
    assert result.secrets == ("SECRET_KEY",)
    assert result.evidence["secrets.SECRET_KEY"] == "shop/settings/production.py:3"


def test_the_base_counts_where_production_says_nothing(found) -> None:
    base = 'import os\nINSTALLED_APPS = []\nSECRET_KEY = os.environ["SECRET_KEY"]\n'
    result = found(django("DEBUG = False", base))
    assert result.evidence["secrets.SECRET_KEY"] == "shop/settings/base.py:3"


def test_of_a_flask_application_and_its_config(found) -> None:
    result = found(
        {
            "app.py": "from flask import Flask\nimport config\napp = Flask(__name__)\n",
            "config.py": 'import os\nSTRIPE_API_KEY = os.environ["STRIPE_API_KEY"]\n',
        }
    )
    assert result.secrets == ("STRIPE_API_KEY",)
