"""Shell scripts: ``sh -n`` reads them whole and runs nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator

from deploygen.check.command import run
from deploygen.check.group import Group
from deploygen.check.result import Result
from deploygen.stack.programs import Missing, find

PROGRAM = "sh -n"


def check(group: Group, paths: tuple[str, ...]) -> Iterator[Result]:
    """Syntax, and that it may be run."""
    program = find("sh")
    for path in paths:
        if isinstance(program, Missing):
            yield group.result(path, "not checked", PROGRAM, str(program))
            continue
        file = group.on_disk(path)
        outcome = run([*program.command, "-n", str(file)], seconds=group.seconds)
        if outcome.timed_out or outcome.code:
            said = outcome.timed_out or "\n".join(outcome.lines)
            shown = said.replace(str(file), group.shown(path))
            yield group.result(path, "failed", PROGRAM, shown)
        elif not os.access(file, os.X_OK):
            yield group.result(path, "failed", PROGRAM, "nobody may run it: chmod 755")
        else:
            yield group.result(path, "passed", PROGRAM, "read whole, not run")
