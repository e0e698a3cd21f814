"""What counts for Apache what each address asks for: it is started, and asked once."""

from __future__ import annotations

from collections.abc import Iterator

from deploygen.check.command import run
from deploygen.check.group import Group
from deploygen.check.result import Result
from deploygen.stack.programs import Missing, find

PROGRAM = "python3"
# As Apache asks it, by its standard input, which then ends; the first request is within any limit.
ASK = """echo "1 192.0.2.1" | "$0" -I "$1" asked counted.sock > answers || exit
test "$(wc -l < answers)" = 1 || { echo it answered nothing; exit 1; }
cat answers"""


def check(group: Group, paths: tuple[str, ...]) -> Iterator[Result]:
    """Whether it answers, with an empty line; its socket lies in the check's own folder."""
    program = find(PROGRAM)
    for path in paths:
        if isinstance(program, Missing):
            yield group.result(path, "not checked", PROGRAM, str(program))
            continue
        file = group.on_disk(path)
        command = ["sh", "-c", ASK, program.command[0], str(file)]
        outcome = run(command, cwd=group.scratch, seconds=group.seconds)
        if outcome.timed_out or outcome.code or outcome.lines:
            said = outcome.timed_out or "\n".join(outcome.lines)
            shown = said.replace(str(file), group.shown(path))
            yield group.result(path, "failed", PROGRAM, shown)
        else:
            yield group.result(path, "passed", PROGRAM, "it was asked, and answered")
