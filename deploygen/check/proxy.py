"""The proxy's files: the program's own test of a copy, then a real start of it on loopback.

Apache's test passes files that Apache then dies on (a curve that its OpenSSL does not know), and
nginx's does not open what is opened later: both have to serve a page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from deploygen.check import asked
from deploygen.check.command import Outcome, run
from deploygen.check.group import Group
from deploygen.check.result import Result
from deploygen.errors import DeploygenError
from deploygen.stack import folder as folders
from deploygen.stack import start
from deploygen.stack.moved import LEFT_OUT
from deploygen.stack.older import OLDER
from deploygen.stack.process import Processes, last_lines
from deploygen.stack.programs import Missing, Program
from deploygen.stack.proxies import Proxy
from deploygen.stack.relocate import Change
from deploygen.systems import System, Version, show_version

STOP_S = 5.0
_NOT_HERE = re.compile(r'["\'](/[^"\']+)["\'].*(?:No such file|no such file|Permission denied)')


@dataclass(frozen=True)
class Judge:
    """How one proxy is judged.

    ``words`` are those of its test that say something about the files; ``target`` is the
    version that a system ships.
    """

    proxy: Proxy
    program: str
    words: Callable[[Outcome], tuple[str, ...]]
    target: Callable[[System], Version]

    def check(self, group: Group, paths: tuple[str, ...]) -> Iterator[Result]:
        """The main file alone first, then with the sites: each file gets its own answer."""
        found = group.programs.proxies[self.proxy.kind]
        why_not = "" if isinstance(found, Program) else str(found)
        if not why_not and self.proxy.main not in group.moved.relocated.files:
            why_not = f"found no {group.shown(self.proxy.main)}"
        missing = None if why_not else folders.stand_in(group.moved)
        if missing is not None:
            why_not = f"its certificate is not on this machine, and for a stand-in {missing}"
        if isinstance(found, Missing) or why_not:
            for path in paths:
                yield group.result(path, "not checked", self.program, why_not)
            return
        first = tuple(path for path in paths if path in self.proxy.first)
        others = tuple(path for path in paths if path not in self.proxy.first)
        faults = self._without_sites(group, found)
        results = tuple(self._results(group, found, first, faults))
        yield from results
        if faults:
            wrong = ", ".join(each.path for each in results if each.status == "failed")
            for path in others:
                yield group.result(path, "not checked", self.program, f"{wrong} is wrong")
            return
        faults = self._faults(group, found) or self._start(group, found)
        yield from self._results(group, found, others, faults)

    def _without_sites(self, group: Group, program: Program) -> tuple[str, ...]:
        enabled = group.moved.enabled(self.proxy)
        aside = enabled.with_name("sites-aside")
        enabled.mkdir(exist_ok=True)
        enabled.rename(aside)
        enabled.mkdir()
        faults = self._faults(group, program)
        enabled.rmdir()
        aside.rename(enabled)
        return faults

    def _faults(self, group: Group, program: Program) -> tuple[str, ...]:
        """What the program has to say, in words of the rendered files."""
        outcome = run(self.proxy.test(program, group.scratch), seconds=group.seconds)
        if outcome.timed_out:
            return (outcome.timed_out,)
        faults = self.words(outcome)
        if outcome.code and not faults:
            faults = tuple(outcome.lines) or (f"exit code {outcome.code}",)
        return tuple(map(group.in_words, faults))

    def _start(self, group: Group, program: Program) -> tuple[str, ...]:
        """Why it serves no page, in its own words; nothing when it does."""
        processes = Processes(group.scratch)
        try:
            start.proxy(self.proxy, processes, group.moved, program, seconds=group.seconds)
            if found := asked.fault(group.moved):
                log = last_lines(self.proxy.error_log(group.scratch)) or "    (empty)"
                return (group.in_words(f"{found}. The end of its log:\n{log}"),)
        except DeploygenError as error:
            return (group.in_words(error.message),)
        finally:
            processes.stop({self.proxy.kind: self.proxy.stop}, STOP_S)
            processes.end()
        return ()

    def _results(
        self, group: Group, program: Program, paths: tuple[str, ...], faults: tuple[str, ...]
    ) -> Iterator[Result]:
        # Who is named has the fault; where nobody is, the site has: the others are its parts.
        named = [path for path in paths if any(group.shown(path) in each for each in faults)]
        named = named or [path for path in paths if "/sites-" in path]
        versions = self._versions(group, program)
        for path in paths:
            if faults and named and path not in named:
                detail = f"{', '.join(map(group.shown, named))} is wrong"
                yield group.result(path, "not checked", self.program, detail)
            elif faults:
                yield self._fault(group, path, faults, versions)
            else:
                yield self._passed(group, path, versions)

    def _fault(self, group: Group, path: str, faults: tuple[str, ...], versions: str) -> Result:
        here = [
            each
            for each in faults
            if (found := _NOT_HERE.search(each)) and not found[1].startswith(f"{group.scratch}/")
        ]
        if len(here) == len(faults):
            detail = f"not on this machine: {'; '.join(faults)}"
            return group.result(path, "not checked", self.program, detail)
        return group.result(path, "failed", self.program, "\n".join((*faults, versions)))

    def _passed(self, group: Group, path: str, versions: str) -> Result:
        changes = [each for each in group.moved.relocated.changes if each.file == path]
        older = _left_out(changes, OLDER)
        if older:
            detail = f"all but {older}; {versions}"
            return group.result(path, "not checked", self.program, detail)
        without = _left_out(changes, LEFT_OUT)
        detail = f"{versions}; without {without}" if without else versions
        return group.result(path, "passed", self.program, detail)

    def _versions(self, group: Group, program: Program) -> str:
        target = self.target(group.plan.hosts[group.name].facts.system)
        here = f"{program.name} {show_version(program.version)}"
        if target == program.version:
            return f"{here}, as on the target"
        return f"{here}; the target has {show_version(target)}"


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
