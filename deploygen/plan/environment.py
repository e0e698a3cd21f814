"""The application's environment, but for its secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from deploygen.errors import Problem, Where
from deploygen.plan.layout import Layout
from deploygen.spec import Spec

# gunicorn reads options from here, and they beat its configuration file.
ARGUMENTS = "GUNICORN_CMD_ARGS"


# How the application asks the proxy to send a protected file: the header of its response, and
# what its value begins with. Code that reads both works behind either proxy.
SENDFILE = {"nginx": "X-Accel-Redirect", "apache": "X-Sendfile"}


def environment(
    spec: Spec, layout: Layout, more: Mapping[str, str] | None = None
) -> Mapping[str, str]:
    """Name -> value; what the description says beats what follows from it, ``more`` beats both."""
    app = spec.app
    derived = {"PYTHONUNBUFFERED": "1"}
    if app.settings_module:
        derived["DJANGO_SETTINGS_MODULE"] = app.settings_module
    if app.protected and spec.proxy.kind in SENDFILE:
        root = app.protected.url if spec.proxy.kind == "nginx" else f"{layout.protected}/"
        derived |= {"SENDFILE_HEADER": SENDFILE[spec.proxy.kind], "SENDFILE_ROOT": root}
    return dict(sorted({**derived, **app.environment, **(more or {})}.items()))


def problems(spec: Spec) -> Iterator[Problem]:
    """Names that can't stand where they do."""
    app = spec.app
    for index, name in enumerate(app.secrets):
        if name in app.environment:
            yield Problem(
                f"{name} stands in app.environment too, where its value would be no secret",
                where=("app", "secrets", index),
                allowed="one of the two",
            )
    inside = spec.containers.environment
    for name in inside:
        if name in app.secrets:
            yield Problem(
                f"{name} is one of app.secrets: its value would be no secret here",
                where=("containers", "environment", name),
                allowed="one of the two",
            )
    places: list[Where] = [("app", "environment", ARGUMENTS)] * (ARGUMENTS in app.environment)
    places += [("containers", "environment", ARGUMENTS)] * (ARGUMENTS in inside)
    if ARGUMENTS in app.secrets:
        places.append(("app", "secrets", app.secrets.index(ARGUMENTS)))
    for where in places:
        yield Problem(
            f"{ARGUMENTS} would override the rendered gunicorn.conf.py without a word",
            where=where,
            hint="say it in server",
        )
