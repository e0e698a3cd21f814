"""The application's environment, but for its secrets."""

from __future__ import annotations

from collections.abc import Mapping

from deploygen.spec import Spec


def environment(spec: Spec) -> Mapping[str, str]:
    """Name -> value; what the description says beats what follows from it."""
    app = spec.app
    derived = {"PYTHONUNBUFFERED": "1"}
    if app.settings_module:
        derived["DJANGO_SETTINGS_MODULE"] = app.settings_module
    return dict(sorted({**derived, **app.environment}.items()))
