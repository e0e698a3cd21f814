#!/usr/bin/python
# deploygen: blue and green. A release goes live by one rename, or not at all.
"""Ansible module: starts a release in the idle slot, asks for its health, switches, drains."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.deploygen_slots import (
    COMPLETE,
    POLL_S,
    SLOTS,
    FailedError,
    Host,
    Question,
    UnansweredError,
    drain,
    prune,
    replace_link,
    systemctl,
)

DOCUMENTATION = r"""
module: deploygen_release
short_description: Makes a built release live, or leaves everything as it was
description:
  - Places the staged configuration, starts the release in the idle slot, waits until its own socket
    answers, moves current.sock by one rename, lets the old slot finish what it has, stops it, and
    removes releases that are not kept.
  - What fails before the rename puts the old configuration back. The old release is never stopped
    before the new one has answered.
options:
  name: {type: str, required: true, description: The project's name.}
  home: {type: path, required: true, description: "/srv/NAME."}
  run: {type: path, required: true, description: "/run/NAME, where the sockets are."}
  id: {type: str, required: true, description: A built release.}
  files: {type: dict, default: {}, description: Staged file -> where it belongs.}
  health: {type: dict, required: true, description: "path, host, https and timeout_s."}
  drain_s: {type: int, required: true, description: How long the old slot may finish requests.}
  keep: {type: int, required: true, description: How many releases stay on the host.}
  query: {type: bool, default: false, description: Only say whether there is something to do.}
author: [deploygen]
"""
EXAMPLES = r"""
- name: Go live
  deploygen_release: {name: shop, home: /srv/shop, run: /run/shop, id: 3f2a9c01d4e8, drain_s: 30,
                      health: {path: /health/, host: shop.org, https: true, timeout_s: 60}, keep: 5}
"""
RETURN = r"""
needed: {type: bool, returned: on query, description: It does not serve yet.}
slot: {type: str, returned: always, description: The slot that serves.}
previous: {type: str, returned: always, description: The release that served before.}
switch_s: {type: float, returned: when switched, description: From start to the rename.}
drained: {type: bool, returned: when switched, description: No request was left when it stopped.}
"""

# What a unit is while it has processes, or will have again.
RUNNING = ("active", "activating", "deactivating", "reloading")


def fingerprint(release: str, files: dict[str, str]) -> str:
    """The hash of everything that a slot is started with."""
    whole = hashlib.sha256(release.encode())
    for source, place in sorted(files.items()):
        content = Path(source).read_bytes()
        whole.update(b"%d:%s%d:" % (len(place), place.encode(), len(content)))
        whole.update(content)
    return whole.hexdigest()


@contextmanager
def placed(files: dict[str, str], backup: Path) -> Iterator[None]:
    """The staged files in their places; as they were before, if what follows fails.

    A backup that is still there is that of a run which was killed: it is what served.
    """
    if not (backup / COMPLETE).is_file():
        shutil.rmtree(backup, ignore_errors=True)
        backup.mkdir(mode=0o700)
        for index, place in enumerate(sorted(files.values())):
            with suppress(FileNotFoundError):
                shutil.copy2(place, backup / str(index))
        (backup / COMPLETE).touch()
    try:
        for source, place in files.items():
            _copy(Path(source), Path(place))
        systemctl("daemon-reload")
        yield
    except BaseException:
        for index, place in enumerate(sorted(files.values())):
            kept = backup / str(index)
            if kept.exists():
                _copy(kept, Path(place))
            else:
                Path(place).unlink(missing_ok=True)
        shutil.rmtree(backup)
        systemctl("daemon-reload", check=False)
        raise


def _copy(source: Path, place: Path) -> None:
    """By one rename, with the mode of ``source``."""
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = place.with_name(f".{place.name}.next")
    shutil.copy2(source, fresh)
    fresh.rename(place)


def start(host: Host, slot: str, health: dict[str, object]) -> None:
    """Start a slot and wait until it is well. Raises FailedError with its last log lines."""
    since = time.time()
    end = time.monotonic() + float(health["timeout_s"])  # type: ignore[arg-type]
    last, question = "it has not started", None
    socket_unit, unit = host.units(slot)
    # Stopped first: what is left of a run that was killed would answer for the new release.
    systemctl("stop", socket_unit, unit)
    systemctl("reset-failed", unit, check=False)
    systemctl("start", socket_unit)
    systemctl("start", "--no-block", unit)
    while (left := end - time.monotonic()) > 0:
        shown = systemctl("show", unit, "--property=ActiveState,SubState,NRestarts,Result")
        state = dict(line.split("=", 1) for line in shown.splitlines())
        if state["ActiveState"] == "failed" or state["NRestarts"] != "0" or (
            state["SubState"] == "auto-restart"
        ):  # fmt: skip
            last = f"gunicorn ended ({state['Result']})"
            break
        if state["ActiveState"] == "active":
            try:
                question = question or Question(host.socket(slot), health, left)
                if question.answered(POLL_S):
                    return
                last = f"{health['path']} is not answered"
                continue
            except UnansweredError as error:
                last, question = str(error), None
        time.sleep(POLL_S)
    if question:
        question.close()
    said = host.journal(slot, since)
    raise FailedError(f"{unit} is not well: {last}. Its log:\n{said}")


def switch(host: Host, params: dict[str, object], wanted: str) -> dict[str, object]:
    """Make the release live. Raises FailedError; then the old one serves as before."""
    files: dict[str, str] = dict(params["files"])  # type: ignore[call-overload]
    health: dict[str, object] = dict(params["health"])  # type: ignore[call-overload]
    release, old, began = str(params["id"]), host.live, time.monotonic()
    idle = SLOTS[1] if old == SLOTS[0] else SLOTS[0]
    before, backup = host.release(idle), host.home / ".deploygen-before"
    with placed(files, backup):
        try:
            replace_link(host.home / idle, f"releases/{release}")
            start(host, idle, health)
            # Here a full disk fails the release; after the switch, renames are enough.
            host.prepare(release, wanted)
            # Both come up after a power cut here, and current.sock leads to one of them.
            systemctl("enable", *host.units(idle))
            replace_link(host.home / "current", idle)
            replace_link(host.home / "current.sock", host.socket(idle))
        except BaseException:
            systemctl("disable", "--now", *host.units(idle), check=False)
            systemctl("reset-failed", host.unit(idle), check=False)
            if old:
                replace_link(host.home / "current", old)
            if before:
                replace_link(host.home / idle, f"releases/{before}")
            else:
                (host.home / idle).unlink(missing_ok=True)
            raise
    took = time.monotonic() - began
    shutil.rmtree(backup)
    host.remember()
    told = {"slot": idle, "switch_s": round(took, 3), "drained": retire(host, old, params)}
    return {**told, "removed": prune(host, int(params["keep"]))}  # type: ignore[call-overload]


def retire(host: Host, slot: str, params: dict[str, object]) -> bool:
    """Stop a slot that serves no more, once it has finished; False if it had not."""
    if not slot:
        return True
    drained = drain(host, slot, float(params["drain_s"]))  # type: ignore[arg-type]
    systemctl("disable", "--now", *host.units(slot))
    systemctl("reset-failed", host.unit(slot), check=False)
    return drained


def left_behind(host: Host) -> str:
    """The slot that a run which was killed after its switch did not stop; empty if none."""
    other = SLOTS[1] if host.live == SLOTS[0] else SLOTS[0]
    running = systemctl("is-active", host.unit(other), check=False) in RUNNING
    enabled = systemctl("is-enabled", host.unit(other), check=False) == "enabled"
    return other if host.live and (running or enabled) else ""


def is_live(host: Host, release: str, wanted: str) -> bool:
    """Whether that release serves, started with just this configuration."""
    serving = host.live and systemctl("is-active", host.unit(host.live), check=False) == "active"
    half = (host.home / ".deploygen-before" / COMPLETE).is_file()
    same = host.state.get("live") == wanted and host.release(host.live) == release
    return bool(serving and same and not half)


def main() -> None:
    """Run by Ansible."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "home": {"type": "path", "required": True},
            "run": {"type": "path", "required": True},
            "id": {"type": "str", "required": True},
            "files": {"type": "dict", "default": {}},
            "health": {"type": "dict", "required": True},
            "drain_s": {"type": "int", "required": True},
            "keep": {"type": "int", "required": True},
            "query": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    given = module.params
    host = Host(given["name"], Path(given["home"]), Path(given["run"]))
    previous = host.release(host.live)
    told = {"slot": host.live, "previous": previous}
    try:
        wanted = fingerprint(given["id"], given["files"])
        live, left = is_live(host, given["id"], wanted), left_behind(host)
        if given["query"] or module.check_mode:
            module.exit_json(
                changed=not given["query"] and bool(left or not live), needed=not live, **told
            )
        if live and not left:
            module.exit_json(changed=False, **told)
        handle = os.open(host.home, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if live:
            module.exit_json(changed=True, drained=retire(host, left, given), **told)
        module.exit_json(changed=True, **{**told, **switch(host, given, wanted)})
    except BlockingIOError:
        module.fail_json(msg=f"another release is running on this host: {host.home} is locked")
    except (FailedError, OSError) as error:
        serves = f"release {previous} serves on" if previous else "nothing serves yet"
        module.fail_json(msg=f"release {given['id']} is not live, {serves}. {error}", **told)


if __name__ == "__main__":
    main()
