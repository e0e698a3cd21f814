"""What the behaviour tests share; see proxies.py for tests that run behind both proxies."""

from __future__ import annotations

import pytest

from tests.behaviour.proxies import KINDS, PROGRAMS
from tests.programs import needed


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """nginx, then apache: every test that asks for it runs behind both."""
    needed(PROGRAMS[request.param])
    return str(request.param)
