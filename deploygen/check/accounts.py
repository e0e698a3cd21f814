"""sysusers.d and tmpfiles.d: systemd's own programs, dry or in an empty root."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from deploygen.check.command import Outcome, run
from deploygen.check.group import Group
from deploygen.check.result import Result
from deploygen.stack.programs import Missing, systemd
from deploygen.systems import Version, show_version

SYSUSERS, TMPFILES = "systemd-sysusers", "systemd-tmpfiles"
# systemd-sysusers --dry-run came with 250, systemd-tmpfiles --dry-run with 256.
SYSUSERS_DRY: Version = (250,)
TMPFILES_DRY: Version = (256,)
# Users that every host has, beside the project's own and the proxy's.
BASE_USERS = ("root", "nobody", "daemon", "www-data")
# Without root, nothing can be given to another user: no fault of the file.
_NOT_ROOT = re.compile(r"fchownat\(\) of .* failed: Operation not permitted")


def check_sysusers(group: Group, paths: tuple[str, ...]) -> Iterator[Result]:
    """``systemd-sysusers --dry-run``: it says what it would do."""
    program = systemd(SYSUSERS)
    for path in paths:
        if isinstance(program, Missing):
            yield group.result(path, "not checked", SYSUSERS, str(program))
        elif program.version < SYSUSERS_DRY:
            yield group.result(path, "not checked", SYSUSERS, _too_old(program.version, "250"))
        else:
            command = [*program.command, "--dry-run", str(group.on_disk(path))]
            outcome = run(command, seconds=group.seconds)
            # What it would do goes to the same streams: only the exit code tells.
            said = [line for line in outcome.lines if str(group.on_disk(path)) in line]
            faults = said or (list(outcome.lines) if outcome.code else [])
            yield _judged(group, path, SYSUSERS, outcome, faults, program.version)


def check_tmpfiles(group: Group, paths: tuple[str, ...]) -> Iterator[Result]:
    """``systemd-tmpfiles --create`` in an empty root, which knows the users of the host."""
    program = systemd(TMPFILES)
    for path in paths:
        if isinstance(program, Missing):
            yield group.result(path, "not checked", TMPFILES, str(program))
            continue
        root = _empty_root(group)
        command = [*program.command, f"--root={root}", "--create"]
        if program.version >= TMPFILES_DRY:
            command.append("--dry-run")
        outcome = run([*command, str(group.on_disk(path))], seconds=group.seconds)
        faults = [
            line.replace(root, "")
            for line in outcome.lines
            if (outcome.code or str(group.on_disk(path)) in line)
            and not (os.geteuid() and _NOT_ROOT.search(line))
        ]
        yield _judged(group, path, TMPFILES, outcome, faults, program.version)


def _judged(
    group: Group,
    path: str,
    program: str,
    outcome: Outcome,
    faults: list[str],
    version: Version,
) -> Result:
    if outcome.timed_out:
        return group.result(path, "failed", program, outcome.timed_out)
    if faults:
        named = [line.replace(str(group.on_disk(path)), group.shown(path)) for line in faults]
        return group.result(path, "failed", program, "\n".join(named))
    return group.result(path, "passed", program, f"systemd {show_version(version)}, dry run")


def _empty_root(group: Group) -> str:
    """A root of nothing but users: names resolve there, not on this machine."""
    etc = group.scratch / "root/etc"
    etc.mkdir(parents=True, exist_ok=True)
    layout = group.plan.layout
    names = dict.fromkeys((*BASE_USERS, layout.proxy_user, layout.name, *_declared(group)))
    users = [(name, 0 if name == "root" else 1000 + n) for n, name in enumerate(names)]
    (etc / "passwd").write_text("".join(f"{name}:x:{n}:{n}::/:/bin/false\n" for name, n in users))
    (etc / "group").write_text("".join(f"{name}:x:{n}:\n" for name, n in users))
    return str(etc.parent)


def _declared(group: Group) -> Iterator[str]:
    """The users and groups that the group's own sysusers.d makes."""
    folder = group.on_disk("/etc/sysusers.d")
    for file in sorted(folder.glob("*.conf")):
        for line in file.read_text(errors="replace").splitlines():
            if match := re.match(r"\s*[ug]!?\s+([^\s\"%]+)", line):
                yield match[1]


def _too_old(version: Version, since: str) -> str:
    return f"systemd {show_version(version)} here would change users; a dry run came with {since}"
