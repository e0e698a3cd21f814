"""The Ansible modules of roles/, imported as Ansible would."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROLES = Path(__file__).parent.parent / "roles"


def load(name: str) -> ModuleType:
    """A module of roles/library, with those of roles/module_utils that it uses."""
    for path in sorted((ROLES / "module_utils").glob("*.py")):
        _import(f"ansible.module_utils.{path.stem}", path)
    return _import(name, ROLES / "library" / f"{name}.py")


def _import(name: str, path: Path) -> ModuleType:
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]
