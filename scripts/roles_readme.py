"""Writes roles/*/README.md from meta/argument_specs.yml: make golden runs it, a test compares."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

ROLES = Path(__file__).parent.parent / "roles"


def roles() -> list[Path]:
    """The folders of all roles."""
    return sorted(path.parents[1] for path in ROLES.glob("*/meta/argument_specs.yml"))


def readme(role: Path) -> str:
    """The README of one role."""
    spec = yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]
    lines = [f"# Role {role.name}", "", f"{spec['short_description']}.", ""]
    for paragraph in spec["description"]:
        lines += [paragraph, ""]
    lines += ["| variable | type | default | what |", "| --- | --- | --- | --- |"]
    lines += [_row(name, option) for name, option in spec["options"].items()]
    lines += ["", "Made from `meta/argument_specs.yml` by `scripts/roles_readme.py`.", ""]
    return "\n".join(lines)


def _row(name: str, option: dict[str, Any]) -> str:
    kind = option["type"]
    if "elements" in option:
        kind = f"{kind} of {option['elements']}"
    if "choices" in option:
        kind = ", ".join(option["choices"])
    default = "required" if option.get("required") else f"`{_shown(option['default'])}`"
    inner = "".join(
        f" `{key}` ({value['type']}): {value['description']}"
        for key, value in option.get("options", {}).items()
    )
    return f"| `{name}` | {kind} | {default} | {option['description']}{inner} |"


def _shown(value: object) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=1000).split("\n")[0]


if __name__ == "__main__":
    for folder in roles():
        (folder / "README.md").write_text(readme(folder))
    sys.exit(0)
