#!/usr/bin/python
# deploygen: is this machine what the plan was made for?
"""Ansible module: refuses a host that is smaller than declared, or another system."""

from __future__ import annotations

import os
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: deploygen_machine
short_description: Refuses a host that is not what the plan was made for
description:
  - Compares cpus, memory and system with the declared ones. Quotas of control groups (version 1
    and 2) count, as they do for the application. It changes nothing.
options:
  cpus: {type: float, required: true, description: Declared cpus, may be a fraction.}
  memory_bytes: {type: int, required: true, description: Declared memory.}
  memory_least_bytes:
    {type: int, required: true, description: What must be there; the kernel keeps a part to itself.}
  system: {type: str, required: true, description: "As /etc/os-release has it, such as debian-12."}
  smaller: {type: bool, default: false, description: Whether less than declared will do.}
author: [deploygen]
"""
EXAMPLES = r"""
- name: The machine is what the plan was made for
  deploygen_machine: {cpus: 2, memory_bytes: 4294967296, memory_least_bytes: 3865470566,
                      system: debian-12}
"""
RETURN = r"""
cpus: {type: float, returned: always, description: What processes may use.}
memory_bytes: {type: int, returned: always, description: What processes may use.}
"""

MIB = 1024**2
# A quota is given in microseconds: 1.5 cpus may read as 1.4999.
CPU_GRAIN = 0.01


def system(root: Path) -> str:
    """Such as ``debian-12``."""
    lines = (root / "etc/os-release").read_text(errors="replace").splitlines()
    found = dict(line.split("=", 1) for line in lines if "=" in line)
    name, version = (found.get(key, "").strip("\"'") for key in ("ID", "VERSION_ID"))
    return f"{name}-{version}"


def memory_bytes(root: Path) -> int:
    """The kernel's total, or the smallest limit that the first process lives under."""
    for line in (root / "proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            total = int(line.split()[1]) * 1024
            break
    else:
        raise ValueError("/proc/meminfo has no MemTotal")
    limits = [
        int(text)
        for file in _files(root, "memory", "memory.max", "memory.limit_in_bytes")
        if (text := file.read_text().strip()).isdigit()
    ]
    return min([total, *limits])


def cpus(root: Path, online: int) -> float:
    """The cpus that are online, or the smallest quota that the first process lives under."""
    found = [float(online)]
    for file in _files(root, "cpu", "cpu.max", "cpu.cfs_quota_us"):
        if file.name == "cpu.max":
            quota, period = file.read_text().split()
        else:
            quota = file.read_text().strip()
            period = (file.parent / "cpu.cfs_period_us").read_text().strip()
        if quota.isdigit() and int(quota) > 0:
            found.append(int(quota) / int(period))
    return min(found)


def _files(root: Path, controller: str, unified: str, legacy: str) -> list[Path]:
    """The limit's file in the first process's group and in each above it."""
    mount = root / "sys/fs/cgroup"
    found: list[Path] = []
    for line in (root / "proc/1/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            base, name = mount, unified
        elif controller in controllers.split(","):
            base, name = mount / controller, legacy
        else:
            continue
        group = base / path.lstrip("/")
        for folder in (group, *group.parents):
            if folder == mount.parent or base not in (folder, *folder.parents):
                break
            found.append(folder / name)
    return [file for file in found if file.is_file()]


def problems(wanted: dict[str, object], found: dict[str, object]) -> list[str]:
    """What is not as declared, both named."""
    said = []
    if found["system"] != wanted["system"]:
        said.append(f"the host runs {found['system']}, the plan was made for {wanted['system']}")
    if wanted["smaller"]:
        return said
    if found["cpus"] + CPU_GRAIN < wanted["cpus"]:  # type: ignore[operator]
        said.append(f"the host has {found['cpus']:g} cpus, {wanted['cpus']:g} are declared")
    if found["memory_bytes"] < wanted["memory_least_bytes"]:  # type: ignore[operator]
        said.append(
            f"the host has {found['memory_bytes'] // MIB} MiB of memory, "  # type: ignore[operator]
            f"{wanted['memory_bytes'] // MIB} MiB are declared"  # type: ignore[operator]
        )
    return said


def main() -> None:
    """Run by Ansible."""
    module = AnsibleModule(
        argument_spec={
            "cpus": {"type": "float", "required": True},
            "memory_bytes": {"type": "int", "required": True},
            "memory_least_bytes": {"type": "int", "required": True},
            "system": {"type": "str", "required": True},
            "smaller": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    root = Path("/")
    found = {
        "system": system(root),
        "cpus": cpus(root, len(os.sched_getaffinity(0))),
        "memory_bytes": memory_bytes(root),
    }
    said = problems(module.params, found)
    if said:
        module.fail_json(
            msg=f"{'; '.join(said)}. Correct machines in deploygen.yml and run deploygen render, "
            "or choose another host: every number was chosen for the declared machine.",
            **found,
        )
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
