"""nginx.conf and the site: ``nginx -t`` on a copy."""

from __future__ import annotations

import re
from collections.abc import Iterator

from deploygen.check.command import run
from deploygen.check.group import Group
from deploygen.check.result import Result, Status
from deploygen.stack import folder as folders
from deploygen.stack.older import OLDER
from deploygen.stack.programs import Missing, Program
from deploygen.stack.relocate import NGINX_CONF, Change
from deploygen.stack.start import NGINX_ERROR_LOG_OPTION
from deploygen.systems import show_version

PROGRAM = "nginx -t"
_LEVEL = re.compile(r"\[(?:warn|error|crit|alert|emerg)\] (?:\d+#\d+: )?(.*)")
# What says nothing about the files: a newer nginx than the host's would have it otherwise, and
# an old one tries its build's own log before it reads the configuration.
_NO_FAULT = re.compile(
    r'the "listen \.\.\. http2" directive is deprecated|could not open error log file'
)
_NOT_HERE = re.compile(r'"(/[^"]+)".*(?:No such file|no such file|Permission denied)')


def check(group: Group, paths: tuple[str, ...]) -> Iterator[Result]:
    """nginx.conf alone first, then with the sites: each file gets its own answer."""
    nginx = group.programs.nginx
    if isinstance(nginx, Missing):
        for path in paths:
            yield group.result(path, "not checked", PROGRAM, str(nginx))
        return
    if not group.moved.nginx_conf.is_file():
        for path in paths:
            detail = f"found no {group.shown(NGINX_CONF)}"
            yield group.result(path, "not checked", PROGRAM, detail)
        return
    missing = folders.stand_in(group.moved)
    if missing is not None:
        for path in paths:
            detail = f"its certificate is not on this machine, and for a stand-in {missing}"
            yield group.result(path, "not checked", PROGRAM, detail)
        return
    main = [path for path in paths if path == NGINX_CONF]
    others = tuple(path for path in paths if path != NGINX_CONF)
    enabled = group.moved.nginx_conf.parent / "sites-enabled"
    aside = enabled.with_name("sites-aside")
    enabled.mkdir(exist_ok=True)
    enabled.rename(aside)
    enabled.mkdir()
    faults = _faults(group, nginx)
    for path in main:
        yield _result(group, nginx, path, faults)
    enabled.rmdir()
    aside.rename(enabled)
    if faults and main:
        for path in others:
            yield group.result(path, "not checked", PROGRAM, f"{group.shown(NGINX_CONF)} is wrong")
        return
    faults = _faults(group, nginx)
    for path in others:
        yield _result(group, nginx, path, faults)


def _faults(group: Group, nginx: Program) -> tuple[str, ...]:
    """What nginx has to say, in words of the rendered files."""
    command = [*nginx.command, "-t", "-q", "-p", str(group.scratch)]
    command += ["-c", str(group.moved.nginx_conf)]
    if nginx.version >= NGINX_ERROR_LOG_OPTION:
        command += ["-e", "stderr"]
    outcome = run(command, seconds=group.seconds)
    if outcome.timed_out:
        return (outcome.timed_out,)
    messages = [match[1] for line in outcome.lines if (match := _LEVEL.search(line))]
    faults = tuple(message for message in messages if not _NO_FAULT.search(message))
    if outcome.code and not faults:
        faults = tuple(outcome.lines) or (f"exit code {outcome.code}",)
    return tuple(map(_without_pid, faults))


def _without_pid(message: str) -> str:
    return re.sub(r"^\d+#\d+: ", "", message)


def _result(group: Group, nginx: Program, path: str, faults: tuple[str, ...]) -> Result:
    changes = [each for each in group.moved.relocated.changes if each.file == path]
    versions = _versions(group, nginx)
    if faults:
        here = [
            each
            for each in faults
            if (found := _NOT_HERE.search(each)) and not found[1].startswith(f"{group.scratch}/")
        ]
        if len(here) == len(faults):
            detail = "; ".join(map(group.in_words, faults))
            return group.result(path, "not checked", PROGRAM, f"not on this machine: {detail}")
        detail = "\n".join(map(group.in_words, faults))
        return group.result(path, "failed", PROGRAM, f"{detail}\n{versions}")
    older = _left_out(changes, OLDER)
    if older:
        return group.result(path, "not checked", PROGRAM, f"all but {older}; {versions}")
    status: Status = "passed"
    without = _left_out(changes, "left out: not on this machine")
    detail = f"{versions}; without {without}" if without else versions
    return group.result(path, status, PROGRAM, detail)


def _left_out(changes: list[Change], reason: str) -> str:
    """``http2 on; (lines 5, 9): here is nginx 1.22.1, it came with 1.25.1``."""
    found: dict[tuple[str, str], list[str]] = {}
    for each in changes:
        if each.what.startswith(reason):
            key = (each.before, each.what.removeprefix("left out: "))
            found.setdefault(key, []).append(str(each.line))
    return ", ".join(
        f"{before} (line {', '.join(lines)}: {what})" for (before, what), lines in found.items()
    )


def _versions(group: Group, nginx: Program) -> str:
    target = group.plan.groups[group.name].facts.system.nginx
    here = f"nginx {show_version(nginx.version)}"
    if target == nginx.version:
        return f"{here}, as on the target"
    return f"{here}; the target has {show_version(target)}"
