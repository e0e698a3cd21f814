#!/usr/bin/python
# deploygen: the kernel has the settings of a file.
"""Ansible module: sets what differs, so that a kernel which has them already is left alone."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: deploygen_sysctl
short_description: Makes the running kernel what a file in sysctl.d says
description:
  - systemd applies the file at boot; this applies it now, and only the settings that differ.
options:
  file: {type: path, required: true, description: A file in /etc/sysctl.d.}
author: [deploygen]
"""
EXAMPLES = r"""
- name: Apply kernel settings
  deploygen_sysctl: {file: /etc/sysctl.d/60-shop.conf}
"""
RETURN = r"""
differing: {type: dict, returned: always, description: "Setting -> the value that it had."}
"""

PROC = Path("/proc/sys")


def settings(text: str) -> dict[str, str]:
    """Setting -> value, of a file's text."""
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.split("=", 1) for line in lines if "=" in line and line[0] not in "#;")
    return {name.strip(): " ".join(value.split()) for name, value in pairs}


def differing(wanted: dict[str, str], proc: Path) -> dict[str, str]:
    """Setting -> the kernel's value, where it is another one. Raises OSError for one unknown."""
    found = {name: " ".join((proc / name.replace(".", "/")).read_text().split()) for name in wanted}
    return {name: value for name, value in found.items() if value != wanted[name]}


def main() -> None:
    """Run by Ansible."""
    module = AnsibleModule(
        argument_spec={"file": {"type": "path", "required": True}}, supports_check_mode=True
    )
    file = Path(module.params["file"])
    if module.check_mode and not file.exists():
        module.exit_json(changed=True, differing={})
    try:
        wanted = settings(file.read_text())
        before = differing(wanted, PROC)
        if not module.check_mode:
            for name in before:
                (PROC / name.replace(".", "/")).write_text(wanted[name])
    except OSError as error:
        module.fail_json(msg=f"the kernel does not take {file}: {error}")
    module.exit_json(changed=bool(before), differing=before)


if __name__ == "__main__":
    main()
