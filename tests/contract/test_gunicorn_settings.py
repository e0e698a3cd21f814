"""deploygen's table of gunicorn's settings against the installed gunicorn, both ways."""

from __future__ import annotations

import pytest
from gunicorn import config

from deploygen.gunicorn_settings import DECIDED_ELSEWHERE, OVERRIDABLE, SINCE, Kind

INSTALLED = {
    setting.name: setting
    for setting in config.KNOWN_SETTINGS
    # Hooks are functions: no description can hold one.
    if not (callable(setting.default) or setting.name == "ssl_context")
}
KINDS = {
    config.validate_pos_int: Kind.INT,
    config.validate_bool: Kind.BOOL,
    config.validate_dict: Kind.MAP,
}


def test_names() -> None:
    assert {*OVERRIDABLE, *DECIDED_ELSEWHERE} == set(INSTALLED)
    assert not set(OVERRIDABLE) & set(DECIDED_ELSEWHERE)
    assert set(SINCE) <= set(INSTALLED)


@pytest.mark.parametrize("name", OVERRIDABLE)
def test_kinds(name: str) -> None:
    expected = KINDS.get(INSTALLED[name].validator)
    if expected is not None:
        assert OVERRIDABLE[name] is expected
