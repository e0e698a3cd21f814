#!/usr/bin/python
# deploygen: which release a rollback goes to.
"""Ansible module: finds a kept release on this host."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.deploygen_slots import COMPLETE, Host

DOCUMENTATION = r"""
module: deploygen_rollback
short_description: Names the kept release that a rollback goes to
description:
  - The one that was live before the one that serves, or the one that is asked for. It changes
    nothing; deploygen_release makes it live.
options:
  name: {type: str, required: true, description: The project's name.}
  home: {type: path, required: true, description: "/srv/NAME."}
  run: {type: path, required: true, description: "/run/NAME."}
  release: {type: str, default: "", description: A kept release; the one before when left out.}
author: [deploygen]
"""
EXAMPLES = r"""
- name: Choose the release
  deploygen_rollback: {name: shop, home: /srv/shop, run: /run/shop}
"""
RETURN = r"""
id: {type: str, returned: always, description: The release to go to.}
kept: {type: list, elements: str, returned: always, description: "All of them, the latest first."}
"""


def choose(host: Host, wanted: str) -> str:
    """The release to go to. Raises LookupError with what there is."""
    live, kept = host.release(host.live), host.history
    if wanted:
        if not (host.home / "releases" / wanted / COMPLETE).is_file():
            raise LookupError(f"release {wanted} is not kept here; these are: {', '.join(kept)}")
        return wanted
    # After a rollback the latest of the history is what serves: the one behind it is meant.
    before = kept[kept.index(live) + 1 :] if live in kept else kept
    if not before:
        raise LookupError(f"no release is kept besides {live or 'none'}: nothing to go back to")
    return before[0]


def main() -> None:
    """Run by Ansible."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "home": {"type": "path", "required": True},
            "run": {"type": "path", "required": True},
            "release": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    given = module.params
    host = Host(given["name"], Path(given["home"]), Path(given["run"]))
    try:
        chosen = choose(host, given["release"])
    except LookupError as error:
        module.fail_json(msg=str(error), kept=host.history)
    module.exit_json(changed=False, id=chosen, kept=host.history)


if __name__ == "__main__":
    main()
