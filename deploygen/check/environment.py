"""The environment file: read by systemd's own reader, where it can be had.

systemd has no checker for an ``EnvironmentFile=``, and ignores what it cannot read. The
generator for environment.d reads files with the same code and prints what it found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from deploygen.check.command import run
from deploygen.check.group import Group
from deploygen.check.result import Result
from deploygen.stack import envfile
from deploygen.units import plural

PROGRAM = "systemd's environment reader"
GENERATOR = Path("/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\s*=")


def check(group: Group, paths: tuple[str, ...]) -> Iterator[Result]:
    """Every line an assignment, every name found by systemd."""
    for path in paths:
        yield _one(group, path)


def _one(group: Group, path: str) -> Result:
    text = group.on_disk(path).read_text(errors="replace")
    ignored = list(_ignored(text))
    if ignored:
        lines = [
            f"{group.shown(path)}:{line}: no assignment, ignored by systemd" for line in ignored
        ]
        return group.result(path, "failed", PROGRAM, "\n".join(lines))
    if not GENERATOR.is_file():
        detail = "it reads as assignments, but systemd is not installed (it exists on Linux only)"
        return group.result(path, "not checked", PROGRAM, detail)
    folder = group.scratch / "environment/environment.d"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "check.conf").write_text(text)
    given = {"HOME": str(folder.parent), "XDG_CONFIG_HOME": str(folder.parent), "LC_ALL": "C.UTF-8"}
    outcome = run([str(GENERATOR)], environment=given, seconds=group.seconds)
    if outcome.timed_out:
        return group.result(path, "failed", PROGRAM, outcome.timed_out)
    printed = "\n".join(outcome.lines)
    names = [name for name, value in envfile.parse(text).items() if value]
    lost = [name for name in names if not re.search(rf"^{name}=", printed, re.MULTILINE)]
    if lost:
        detail = f"systemd does not find {', '.join(lost)}"
        return group.result(path, "failed", PROGRAM, detail)
    return group.result(path, "passed", PROGRAM, plural(len(envfile.parse(text)), "variable"))


def _ignored(text: str) -> Iterator[int]:
    """The lines that begin no assignment and continue none."""
    continued, quote = False, ""
    for number, line in enumerate(text.split("\n"), 1):
        inside = continued or bool(quote)
        stripped = line.strip()
        if not inside and (not stripped or stripped[0] in "#;"):
            continue
        if not inside and not _ASSIGNMENT.match(stripped):
            yield number
            continue
        value = line if inside else line.partition("=")[2]
        quote = _open_quote(value, quote)
        continued = not quote and line.endswith("\\")


def _open_quote(text: str, quote: str) -> str:
    """The quote that is still open at the end of a line."""
    escaped = False
    for char in text:
        if escaped:
            escaped = False
        elif char == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
    return quote
