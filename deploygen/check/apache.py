"""Apache's own settings and the site: ``apache2 -t`` on a copy, and a start."""

from __future__ import annotations

import re

from deploygen.check.command import Outcome
from deploygen.check.proxy import Judge
from deploygen.stack.proxies import APACHE

_WHERE = re.compile(r"(?:AH\d+: )?Syntax error on line (\d+) of (.+):")
# What a line begins with in the error log, where a process that is not started writes nothing.
_STAMP = re.compile(r"^(?:\[[^\]]*\] )*(?:AH\d+: )?")


def _words(outcome: Outcome) -> tuple[str, ...]:
    """Each fault on a line, its place first: ``site.conf:12: Invalid command 'Foo'``."""
    if outcome.code == 0:
        return tuple(line for line in outcome.lines if "Warning" in line or "overlap" in line)
    found: list[str] = []
    place = ""
    for line in outcome.lines:
        if where := _WHERE.fullmatch(line.strip()):
            place = f"{where[2]}:{where[1]}: "
        elif place:
            found.append(f"{place}{line}")
            place = ""
        elif not line.startswith(("Action ", "The Apache error log")):
            found.append(_STAMP.sub("", line))
    return tuple(found)


JUDGE = Judge(APACHE, "apache2 -t", _words, lambda system: system.apache)
check = JUDGE.check
