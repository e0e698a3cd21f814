"""sysctl.d: ``sysctl --dry-run``, which reads the file and looks for each key."""

from __future__ import annotations

from collections.abc import Iterator

from deploygen.check.command import run
from deploygen.check.group import Group
from deploygen.check.result import Result
from deploygen.stack.programs import Missing, find

PROGRAM = "sysctl --dry-run"


def check(group: Group, paths: tuple[str, ...]) -> Iterator[Result]:
    """Syntax is judged; a key that this kernel does not have may exist on the host."""
    program = find("sysctl")
    for path in paths:
        if isinstance(program, Missing):
            yield group.result(path, "not checked", PROGRAM, str(program))
            continue
        file = str(group.on_disk(path))
        outcome = run([*program.command, "--dry-run", "-p", file], seconds=group.seconds)
        said = [line for line in outcome.lines if line.startswith("sysctl:")]
        absent = [line for line in said if "cannot stat" in line or "permission denied" in line]
        if outcome.timed_out:
            yield group.result(path, "failed", PROGRAM, outcome.timed_out)
        elif any("option" in line for line in said):
            detail = "this sysctl has no --dry-run, and would change the kernel's settings"
            yield group.result(path, "not checked", PROGRAM, detail)
        elif len(absent) < len(said) or (outcome.code and not said):
            shown = [
                line.replace(file, group.shown(path)) for line in said or outcome.lines
                if line not in absent
            ]  # fmt: skip
            yield group.result(path, "failed", PROGRAM, "\n".join(shown))
        elif absent:
            keys = ", ".join(line.partition("/proc/sys/")[2].partition(":")[0] for line in absent)
            detail = f"this machine's kernel does not show {keys.replace('/', '.')}"
            yield group.result(path, "not checked", PROGRAM, detail)
        else:
            yield group.result(path, "passed", PROGRAM, "this kernel has every key; no value set")
