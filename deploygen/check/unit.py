"""Units: ``systemd-analyze verify``, which also reads what a unit only warns about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePath

from deploygen.check.command import run
from deploygen.check.group import Group
from deploygen.check.result import Result
from deploygen.stack.folder import SLOT
from deploygen.stack.programs import Missing, Program, systemd
from deploygen.systems import show_version

PROGRAM = "systemd-analyze verify"
# --recursive-errors and security --offline came with this release.
OFFLINE = (250,)
_UNKNOWN = re.compile(r"Unknown (?:key(?: name)?|lvalue) '([^']+)'")
# What is added to another package's unit, and a socket, are read with a unit that has nothing else:
# faults of the real one are its own.
STAND_IN = "[Service]\nExecStart=/bin/true\n"
_EXPOSURE = re.compile(r"exposure level for .*: (\d+(?:\.\d+)?)")


def check(group: Group, paths: tuple[str, ...]) -> Iterator[Result]:
    """Each unit on its own; a template as the instance of one slot."""
    program = systemd("systemd-analyze")
    for path in paths:
        if isinstance(program, Missing):
            yield group.result(path, "not checked", PROGRAM, str(program))
        else:
            yield _verify(group, path, program)


def _verify(group: Group, path: str, program: Program) -> Result:
    copy, unit = _copied(group, path)
    name = copy.name
    command = [*program.command, "verify", "--man=no"]
    if program.version >= OFFLINE:
        command.append("--recursive-errors=no")
    outcome = run([*command, str(unit)], seconds=group.seconds)
    if outcome.timed_out:
        return group.result(path, "failed", PROGRAM, outcome.timed_out)
    said = [line for line in outcome.lines if name in line]
    faults = [line for line in said if not _expected(group, line)]
    if outcome.code and not said:
        faults = list(outcome.lines) or [f"exit code {outcome.code}"]
    newer = [line for line in faults if _newer(group, program, line)]
    versions = _versions(group, program)
    if len(newer) < len(faults):
        shown = [line.replace(str(copy), group.shown(path)) for line in faults if line not in newer]
        return group.result(path, "failed", PROGRAM, "\n".join([*shown, versions]))
    if newer:
        names = ", ".join(match[1] for line in newer if (match := _UNKNOWN.search(line)))
        detail = f"all but {names}: too new for this machine's systemd; {versions}"
        return group.result(path, "not checked", PROGRAM, detail)
    exposure = _exposure(group, copy, program) if copy == unit else ""
    return group.result(path, "passed", PROGRAM, f"{versions}{exposure}")


def _copied(group: Group, path: str) -> tuple[Path, Path]:
    """The file's copy, and the unit that is read: itself, or the one that it adds to."""
    file = PurePath(path)
    folder = group.scratch / "verify" / file.name
    folder.mkdir(parents=True, exist_ok=True)
    if file.parent.suffix == ".d":
        copy, unit = folder / file.parent.name / file.name, folder / file.parent.stem
        copy.parent.mkdir(exist_ok=True)
        unit.write_text(STAND_IN, encoding="utf-8")
    else:
        # The name decides what %i stands for, so the copy has an instance's name.
        copy = unit = folder / file.name.replace("@.", f"@{SLOT}.")
        if file.suffix == ".socket":
            copy.with_suffix(".service").write_text(STAND_IN, encoding="utf-8")
    copy.write_bytes(group.on_disk(path).read_bytes())
    return copy, unit


def _expected(group: Group, line: str) -> bool:
    """The project's own programs are on the host only."""
    home = re.escape(group.plan.layout.home)
    return bool(
        re.search(rf"Command {home}/\S+ is not executable: (No such file|Permission denied)", line)
    )


def _newer(group: Group, program: Program, line: str) -> bool:
    """Whether a line only says that this systemd is older than the host's.

    Only for options that deploygen itself chose for that release: a misspelt one is a fault.
    """
    match = _UNKNOWN.search(line)
    plan = group.plan.hosts[group.name]
    return (
        match is not None
        and program.version < plan.facts.system.systemd
        and match[1] in plan.components.get("systemd", {})
    )


def _exposure(group: Group, copy: object, program: Program) -> str:
    """How much the unit may still do, from 0 to 10: lower is better."""
    if program.version < OFFLINE or not str(copy).endswith(".service"):
        return ""
    command = [*program.command, "security", "--offline=true", "--no-pager", str(copy)]
    found = _EXPOSURE.search("\n".join(run(command, seconds=group.seconds).lines))
    return f"; exposure {found[1]} of 10, lower is better" if found else ""


def _versions(group: Group, program: Program) -> str:
    target = group.plan.hosts[group.name].facts.system.systemd
    here = f"systemd {show_version(program.version)}"
    if target == program.version:
        return f"{here}, as on the target"
    return f"{here}; the target has {show_version(target)}"
