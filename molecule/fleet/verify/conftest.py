"""The fixtures of all scenarios, which pytest looks for beside the tests and above them."""

from __future__ import annotations

from importlib import util
from pathlib import Path

_SHARED = Path(__file__).parents[2] / "shared/verify/conftest.py"
_spec = util.spec_from_file_location("deploygen_shared_verify", _SHARED)
assert _spec and _spec.loader
_shared = util.module_from_spec(_spec)
_spec.loader.exec_module(_shared)

tried, planned, acts = _shared.tried, _shared.planned, _shared.acts
