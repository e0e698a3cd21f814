#!/usr/bin/python
# deploygen: configuration that a server has to accept before it goes live.
"""Ansible module: judges a whole configuration on a copy, then places what changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: deploygen_place
short_description: Places configuration that the real program accepts
description:
  - Makes a copy of a folder such as /etc/nginx, adds the staged files and links to it, and runs
    checks in a mount namespace where the copy stands in the folder's place. Only if all of them
    succeed are the files moved to the folder itself, each by one rename.
options:
  source: {type: path, required: true, description: "The staged files, a picture of the folder."}
  root: {type: path, required: true, description: The folder.}
  links: {type: dict, default: {}, description: "Path below the folder -> what it is a link to."}
  optional_links:
    {type: dict, default: {}, description: Links that are made only where their target is.}
  absent: {type: list, elements: str, default: [], description: Paths below it that must not be.}
  checks: {type: list, elements: str, default: [], description: Shell commands that must succeed.}
  hidden: {type: list, elements: path, default: [], description: Folders that checks see empty.}
  own_network:
    {type: bool, default: false, description: Checks have a network of their own to listen on.}
  pending: {type: path, required: true, description: There from a change to the end of its reload.}
author: [deploygen]
"""
EXAMPLES = r"""
- name: Place nginx's configuration
  deploygen_place: {source: /etc/shop/next/nginx, root: /etc/nginx, checks: [nginx -t],
                    pending: /etc/shop/next/nginx.pending}
"""
RETURN = r"""
placed: {type: list, elements: str, returned: always, description: What was not as it should be.}
"""


def differing(params: dict[str, object]) -> tuple[list[str], list[str], list[str]]:
    """(files, links, superfluous paths) below the folder that are not as they should be."""
    source, root = Path(str(params["source"])), Path(str(params["root"]))
    files = [
        str(file.relative_to(source))
        for file in sorted(source.rglob("*"))
        if file.is_file() and not _same(file, root / file.relative_to(source))
    ]
    links = [
        name
        for name, target in dict(params["links"]).items()  # type: ignore[call-overload]
        if not ((root / name).is_symlink() and str((root / name).readlink()) == target)
    ]
    absent = [
        name
        for name in list(params["absent"])  # type: ignore[call-overload]
        if os.path.lexists(root / name)
    ]
    return files, links, absent


def _same(one: Path, other: Path) -> bool:
    if other.is_symlink() or not other.is_file():
        return False
    modes = {file.stat().st_mode & 0o7777 for file in (one, other)}
    return len(modes) == 1 and one.read_bytes() == other.read_bytes()


def place(
    source: Path, root: Path, found: tuple[list[str], list[str], list[str]], links: dict[str, str]
) -> None:
    """Put everything into its place below ``root``, each by one rename."""
    files, names, absent = found
    for name in (*files, *names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        fresh = (root / name).with_name(f".{Path(name).name}.next")
        fresh.unlink(missing_ok=True)
        if name in files:
            shutil.copy2(source / name, fresh)
        else:
            fresh.symlink_to(links[name])
        fresh.rename(root / name)
    for name in absent:
        (root / name).unlink()


def check(params: dict[str, object], candidate: Path) -> None:
    """Run the checks where ``candidate`` stands in the folder's place. Raises ValueError."""
    script = ['mount --bind "$1" "$2"', "shift 2"]
    script += ['for folder; do mount -t tmpfs tmpfs "$folder"; done']
    if params["own_network"]:
        script += ["ip link set lo up"]
    spaces = ["--mount"]
    if params["own_network"]:  # and what a check starts ends with it
        spaces += ["--net", "--pid", "--fork", "--kill-child"]
    for command in list(params["checks"]):  # type: ignore[call-overload]
        done = subprocess.run(
            [
                "unshare", *spaces,
                "/bin/sh", "-e", "-c", "\n".join([*script, str(command)]), "check",
                str(candidate), str(params["root"]),
                *map(str, list(params["hidden"])),  # type: ignore[call-overload]
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )  # fmt: skip
        if done.returncode:
            said = done.stdout.decode(errors="replace").strip()
            raise ValueError(f"{str(command).splitlines()[0]} refuses it:\n{said}")


def main() -> None:
    """Run by Ansible."""
    module = AnsibleModule(
        argument_spec={
            "source": {"type": "path", "required": True},
            "root": {"type": "path", "required": True},
            "links": {"type": "dict", "default": {}},
            "optional_links": {"type": "dict", "default": {}},
            "absent": {"type": "list", "elements": "str", "default": []},
            "checks": {"type": "list", "elements": "str", "default": []},
            "hidden": {"type": "list", "elements": "path", "default": []},
            "own_network": {"type": "bool", "default": False},
            "pending": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    given = module.params
    source, root, pending = (Path(given[key]) for key in ("source", "root", "pending"))
    for name, target in given["optional_links"].items():
        if ((root / name).parent / target).exists():
            given["links"][name] = target
    found = differing(given)
    wrong = [name for names in found for name in names]
    if not wrong or module.check_mode:
        # A run that was stopped before its reload is finished by this one.
        module.exit_json(changed=bool(wrong) or pending.exists(), placed=wrong)
    with tempfile.TemporaryDirectory(prefix="deploygen-") as scratch:
        candidate = Path(scratch) / root.name
        try:
            if root.exists():
                shutil.copytree(root, candidate, symlinks=True)
                shutil.copystat(root, candidate)
            place(source, candidate, found, given["links"])
            check(given, candidate)
            pending.touch(mode=0o600)
            place(source, root, found, given["links"])
        except (ValueError, OSError) as error:
            module.fail_json(msg=f"{root} is as it was: {error}", placed=wrong)
    module.exit_json(changed=True, placed=wrong)


if __name__ == "__main__":
    main()
