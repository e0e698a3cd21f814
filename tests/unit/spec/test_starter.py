"""The first description: names, systems, and text that always reads back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploygen.detect import Detected, Install
from deploygen.spec import parse, starter


def detected(**changes: object) -> Detected:
    base = {
        "framework": "flask",
        "interface": "wsgi",
        "entrypoint": "shop:app",
        "app_dir": ".",
        "evidence": {"entrypoint": "shop.py:3"},
    }
    return Detected(**{**base, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("python", "evidence", "wanted"),
    [
        ("3.11", ".python-version:1", "debian-12"),
        ("3.13", "Dockerfile:1", "debian-13"),
        ("3.12", ".python-version:1", "ubuntu-24.04"),
        ("3.10", ".python-version:1", "ubuntu-22.04"),
        ("3.10", "pyproject.toml:9", "debian-13"),
        ("3.14", "pyproject.toml:9", "debian-13"),
        (None, "", "debian-13"),
    ],
)
def test_the_suggested_system_ships_the_python(
    python: str | None, evidence: str, wanted: str
) -> None:
    found = detected(python=python, evidence={"python": evidence, "entrypoint": "shop.py:3"})
    assert starter.suggest_system(found) == wanted


@pytest.mark.parametrize(
    ("entrypoint", "folder", "wanted"),
    [
        ("bookshop.wsgi:application", "whatever", "bookshop"),
        ("app.main:app", "fast_quotes", "fast-quotes"),
        ("config.wsgi:application", "My Shop!", "my-shop"),
        ("redis:app", "redis", "redis-redis"),
        ("app:app", "app", "app-app"),
        ("main:app", "42", "webapp"),
        ("a_very_long_package_name_for_a_project:app", "x", "a-very-long-package-name-for-a"),
    ],
)
def test_the_suggested_name(entrypoint: str, folder: str, wanted: str) -> None:
    assert starter.suggest_name(detected(entrypoint=entrypoint), folder) == wanted


@pytest.mark.parametrize(
    ("uses", "services"),
    [
        (("psycopg", "redis"), {"postgresql": {}, "redis": {}}),
        (("asyncpg", "requests"), {"postgresql": {}}),
        (("redis",), {"redis": {}}),
        (("pymysql",), None),
    ],
)
def test_services_that_the_code_asks_are_beside_it_in_containers(
    uses: tuple[str, ...], services: dict[str, object] | None
) -> None:
    places = {f"uses.{name}": f"shop/db.py:{line}" for line, name in enumerate(uses, 3)}
    found = detected(uses=uses, evidence={"entrypoint": "shop.py:3", **places})
    text, _ = starter.write(found, starter.Starter("shop", ("shop.example",)))
    assert parse(text).source.data.get("containers") == services
    if services:
        assert f"# {uses[0]}: shop/db.py:3" in text


TEXT = st.text(min_size=1, max_size=20)


@settings(deadline=None, max_examples=150)
@given(static=TEXT, root=TEXT, health=TEXT, python=TEXT, file=TEXT)
def test_whatever_was_found_the_description_reads_back(
    static: str, root: str, health: str, python: str, file: str
) -> None:
    """A finding that no description may hold is left out, and said."""
    found = detected(
        static_url=static,
        static_root=root,
        health=health,
        python=python,
        install=Install("pip", file),
    )
    text, left_out = starter.write(found, starter.Starter("shop", ("shop.example",)))
    spec = parse(text).spec
    assert spec.app.entrypoint == "shop:app"
    for field, value in (("health", health), ("python", python)):
        kept = getattr(spec.app, field)
        assert kept == value or any(f"app.{field}" in note for note in left_out)


def test_the_evidence_stands_beside_the_finding() -> None:
    text, _ = starter.write(detected(), starter.Starter("shop", ("shop.example",)))
    assert "entrypoint: shop:app  # shop.py:3" in text
    assert text.splitlines()[0].startswith("# yaml-language-server: $schema=")
