"""Target gunicorn: the file is Python, and gunicorn reads from it what was planned."""

from __future__ import annotations

from pathlib import Path

import pytest
from gunicorn.config import Config

from tests.builders import group, host_files

CONFIG = "etc/shop/gunicorn.conf.py"


def read(text: str) -> dict[str, object]:
    names: dict[str, object] = {}
    exec(compile(text, CONFIG, "exec"), names)
    return {name: value for name, value in names.items() if not name.startswith("__")}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"app": {"interface": "asgi"}},
        {"workload": {"leaks": True, "thread_safe": False}},
        {"server": {"proc_name": 'a "shop"', "secure_scheme_headers": {"X-PROTO": "https"}}},
    ],
)
def test_gunicorn_takes_every_value(changes: dict[str, object]) -> None:
    found = read(host_files(**changes)[CONFIG])
    planned = group(**changes).components["gunicorn"]
    config = Config()
    for name, value in found.items():
        config.set(name, value)
        if name in planned:
            assert value == planned[name].value
    assert set(planned) - set(found) == {"control_socket"}, "only the unit knows the slot"


def test_a_factory_is_called_by_gunicorn() -> None:
    text = host_files(app={"entrypoint": "shop:create_app()"})[CONFIG]
    assert read(text)["wsgi_app"] == "shop:create_app()"


def test_the_environment_names_the_settings_module() -> None:
    app = {"framework": "django", "settings_module": "shop.settings.production"}
    lines = host_files(app=app)["etc/shop/env"].splitlines()
    assert "DJANGO_SETTINGS_MODULE=shop.settings.production" in lines


def test_what_the_user_sets_beats_what_follows_from_it(tmp_path: Path) -> None:
    app = {
        "settings_module": "shop.settings.production",
        "environment": {"DJANGO_SETTINGS_MODULE": "shop.settings.staging"},
    }
    lines = host_files(app=app)["etc/shop/env"].splitlines()
    assert [line for line in lines if line.startswith("DJANGO")] == [
        "DJANGO_SETTINGS_MODULE=shop.settings.staging"
    ]
