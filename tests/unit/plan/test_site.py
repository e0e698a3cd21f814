"""The site, the layout and the environment: what the proxy serves, and from where."""

from __future__ import annotations

from typing import Any

import pytest

from deploygen.plan.site import placeholders
from tests.builders import a_plan, group, refusal, spec


# name -> whether it stands for one that nobody gave yet.
@pytest.mark.parametrize(
    ("name", "stands"),
    [
        ("shop.example", True), ("example.com", True), ("www.example.org", True),
        ("myexample.com", False), ("best-example.net", False), ("shop.org", False),
        ("example.shop.org", False), ("*.example.com", True), ("notexample", False),
        ("example", True), ("example.com.org", False),
    ],
)  # fmt: skip
def test_placeholders(name: str, stands: bool) -> None:
    made = spec(proxy={"server_names": ["shop.org", name] if name != "shop.org" else [name]})
    assert placeholders(made) == ((name,) if stands else ())
    notes = a_plan(proxy={"server_names": ["real.org", name]}).notes
    assert any(name in note for note in notes) == stands


def test_the_first_whole_name_is_canonical() -> None:
    site = group(proxy={"server_names": ["*.shop.org", "shop.org", "www.shop.org"]}).site
    assert site.canonical == "shop.org"
    assert site.names == ("*.shop.org", "shop.org", "www.shop.org")
    problem = refusal(proxy={"server_names": ["*.shop.org"]})
    assert problem.where == ("proxy", "server_names") and problem.line


@pytest.mark.parametrize(
    ("tls", "where"),
    [
        ({"mode": "files", "key": "/k"}, "certificate"),
        ({"mode": "files", "certificate": "/c"}, "key"),
        # Given, and silently unused: a site without TLS that should have it.
        ({"certificate": "/c"}, "certificate"),
        ({"mode": "none", "key": "/k"}, "key"),
    ],
)
def test_certificate_and_mode_agree(tls: dict[str, str], where: str) -> None:
    assert refusal(proxy={"tls": tls}).where == ("proxy", "tls", where)


def test_static_and_media_have_urls_of_their_own() -> None:
    files = {"url": "/files/", "folder": "files"}
    assert refusal(app={"static": files, "media": files}).where == ("app", "media", "url")
    problem = refusal(app={"static": files, "protected": {"url": "/files/"}})
    assert problem.where == ("app", "protected", "url")


@pytest.mark.parametrize("folder", ["releases", "blue/x", "media"])
def test_protected_files_lie_in_a_folder_of_their_own(folder: str) -> None:
    problem = refusal(app={"protected": {"url": "/p/", "folder": folder}})
    assert problem.where == ("app", "protected", "folder")


# kind -> header, and what its value begins with.
@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("nginx", ("X-Accel-Redirect", "/p/")),
        ("apache", ("X-Sendfile", "/srv/shop/invoices/")),
        ("none", None),
    ],
)
def test_the_application_knows_how_to_ask_for_a_protected_file(
    kind: str, told: tuple[str, str] | None
) -> None:
    made = a_plan(app={"protected": {"url": "/p/", "folder": "invoices"}}, proxy={"kind": kind})
    found = made.environment
    names = ("SENDFILE_HEADER", "SENDFILE_ROOT")
    assert tuple(found[name] for name in names if name in found) == (told or ())
    assert "/srv/shop/invoices" in made.groups["web"].writable


def test_headers_do_not_differ_by_case_alone() -> None:
    headers = {"X-Frame-Options": "DENY", "x-frame-options": "SAMEORIGIN"}
    assert refusal(proxy={"headers": headers}).where == ("proxy", "headers", "x-frame-options")


def test_declared_headers_replace_defaults_whatever_their_case() -> None:
    headers = {
        header.name: header.value
        for header in group(proxy={"headers": {"x-frame-options": "DENY"}}).site.headers
    }
    assert headers["x-frame-options"] == "DENY"
    assert "X-Frame-Options" not in headers
    assert headers["X-Content-Type-Options"] == "nosniff"


def sent(**proxy: Any) -> dict[str, str]:
    """The headers that the site adds, by their names in lower case."""
    headers = group(proxy=proxy).site.headers
    assert len({header.name.lower() for header in headers}) == len(headers)
    return {header.name.lower(): header.value for header in headers}


def test_null_takes_a_default_header_away() -> None:
    assert "referrer-policy" in sent()
    assert "referrer-policy" not in sent(headers={"referrer-policy": None})


FILES = {"mode": "files", "certificate": "/c", "key": "/k"}


# tls, what proxy.headers says -> the value that is sent.
@pytest.mark.parametrize(
    ("tls", "declared", "value"),
    [
        ({}, None, "max-age=63072000"),
        ({"hsts_max_age_s": 0}, None, None),
        ({"hsts_subdomains": True}, None, "max-age=63072000; includeSubDomains"),
        ({"hsts_subdomains": True, "hsts_preload": True, "hsts_max_age_s": 31536000}, None,
         "max-age=31536000; includeSubDomains; preload"),
        ({}, "max-age=5", "max-age=5"),
    ],
)  # fmt: skip
def test_strict_transport_security(
    tls: dict[str, Any], declared: str | None, value: str | None
) -> None:
    headers = {"strict-transport-security": declared} if declared else {}
    assert sent(tls={**FILES, **tls}, headers=headers).get("strict-transport-security") == value


@pytest.mark.parametrize(
    ("tls", "where"),
    [
        ({**FILES, "hsts_preload": True}, "hsts_preload"),
        ({**FILES, "hsts_preload": True, "hsts_subdomains": True, "hsts_max_age_s": 5},
         "hsts_preload"),
        ({"hsts_subdomains": True}, "hsts_subdomains"),
        ({"mode": "acme", "certificate": "/c"}, "certificate"),
    ],
)  # fmt: skip
def test_what_would_not_work_is_refused(tls: dict[str, Any], where: str) -> None:
    problem = refusal(proxy={"tls": tls})
    assert problem.where == ("proxy", "tls", where) and problem.line


def test_acme_gives_no_wildcards() -> None:
    names = ["shop.org", "*.shop.org"]
    problem = refusal(proxy={"server_names": names, "tls": {"mode": "acme"}})
    assert problem.where == ("proxy", "server_names", 1)
    assert "tls.mode files" in problem.hint


def test_a_health_url_of_its_own() -> None:
    assert refusal(proxy={"health": {"url": "/"}}).where == ("proxy", "health", "url")


# folder -> where static files and uploads lie on the host.
@pytest.mark.parametrize(
    ("folder", "static", "media"),
    [
        ("files", "/srv/shop/current/files/", "/srv/shop/media/"),
        ("/data/files", "/data/files/", "/data/files/"),
    ],
)
def test_folders(folder: str, static: str, media: str) -> None:
    site = group(
        app={"static": {"url": "/s/", "folder": folder}, "media": {"url": "/m/", "folder": folder}}
    ).site
    assert site.static is not None and site.static.folder == static
    assert site.media is not None and site.media.folder == media


@pytest.mark.parametrize(
    ("app", "expected"),
    [
        ({}, {"PYTHONUNBUFFERED": "1"}),
        (
            {"settings_module": "a.b", "environment": {"Z": "1", "A": "2"}},
            {"A": "2", "DJANGO_SETTINGS_MODULE": "a.b", "PYTHONUNBUFFERED": "1", "Z": "1"},
        ),
        (
            {"settings_module": "a.b", "environment": {"DJANGO_SETTINGS_MODULE": "c.d"}},
            {"DJANGO_SETTINGS_MODULE": "c.d", "PYTHONUNBUFFERED": "1"},
        ),
    ],
)
def test_environment(app: dict[str, Any], expected: dict[str, str]) -> None:
    made = a_plan(app=app).environment
    assert made == expected
    assert list(made) == sorted(made)


@pytest.mark.parametrize("where", ["environment", "secrets"])
def test_gunicorn_takes_no_options_from_the_environment(where: str) -> None:
    value: Any = {"GUNICORN_CMD_ARGS": "-w 9"} if where == "environment" else ["GUNICORN_CMD_ARGS"]
    problem = refusal(app={where: value})
    assert problem.where[:2] == ("app", where) and problem.line
    assert "server" in problem.hint
