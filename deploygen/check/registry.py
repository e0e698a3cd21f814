"""Which program judges which file: one table."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from deploygen.check import (
    accounts,
    ansible,
    apache,
    containers,
    counter,
    environment,
    gunicorn,
    nginx,
    pages,
    script,
    sysctl,
    unit,
)
from deploygen.check.command import SECONDS
from deploygen.check.group import Group, Programs
from deploygen.check.result import Result
from deploygen.errors import DeploygenError
from deploygen.plan import Plan
from deploygen.stack import folder as folders
from deploygen.stack import programs, proxies

Checker = Callable[[Group, tuple[str, ...]], Iterator[Result]]

# A file's path on the host -> who checks it. NAME stands for the project's name; the first
# row that fits counts, and all files of a row are checked together.
REGISTRY: tuple[tuple[str, Checker], ...] = (
    (r"/etc/NAME/gunicorn\.conf\.py", gunicorn.check),
    (r"/etc/NAME/env", environment.check),
    (r"/etc/NAME/pages/[^/]+\.html", pages.check),
    (r"/etc/nginx/(nginx\.conf|(sites-(available|enabled)|snippets)/[^/]+)", nginx.check),
    # Its filter in Lua has no words of the description's, and is read with the first response.
    (r"/etc/apache2/(conf|sites)-available/[^/]+\.(conf|lua)", apache.check),
    (r"/etc/apache2/conf-available/NAME-limits\.py", counter.check),
    (r"/etc/systemd/system/[^/]+\.(service|socket|timer|path|target|slice)", unit.check),
    (r"/etc/systemd/system/[^/]+\.service\.d/[^/]+\.conf", unit.check),
    (r"/etc/sysusers\.d/[^/]+\.conf", accounts.check_sysusers),
    (r"/etc/tmpfiles\.d/[^/]+\.conf", accounts.check_tmpfiles),
    (r"/etc/sysctl\.d/[^/]+\.conf", sysctl.check),
    (r"/usr/local/sbin/NAME-[^/]+", script.check),
)
# Nothing in them is run.
NOT_JUDGED = (
    "README.md",
    ".deploygen.json",
    "deploygen.schema.json",
    "docker/Dockerfile.dockerignore",
    "docker/.gitignore",
)


def check(
    tree: Path,
    plan: Plan,
    project: Path,
    files: Sequence[str],
    *,
    environ: Mapping[str, str] | None = None,
    python: str | None = None,
    seconds: float = SECONDS,
) -> tuple[Result, ...]:
    """Judge each of ``files``, paths below ``tree``, as they are on disk.

    ``project`` is the folder of deploygen.yml. Secrets are taken from ``environ`` (this
    process's own by default); one that is missing fails nothing. ``python`` names the
    application's environment, see programs.gunicorn(). No program runs for longer than
    ``seconds``. The results have the order of ``files``.
    """
    environ = os.environ if environ is None else environ
    project = project.resolve()
    tree = tree.resolve()
    found = Programs(
        programs.gunicorn(project, python=python, environ=environ),
        {
            proxy.kind: proxy.find()
            for proxy in {proxies.of(plan, group) for group in plan.hosts}
            if proxy
        },
    )
    results: dict[str, Result] = {}
    judged = [path for path in files if path not in NOT_JUDGED]
    for path in judged:
        if not (tree / path).is_file():
            results[path] = Result(path, "failed", "", "missing: deploygen render writes it")
    playbooks = [path for path in judged if path.startswith(f"{ansible.FOLDER}/")]
    whole = not any(path in results for path in playbooks)
    if whole:
        results |= {each.path: each for each in ansible.check(tree, playbooks, seconds)}
    for name in plan.hosts:
        prefix = f"hosts/{name}"
        paths = [
            path.removeprefix(prefix)
            for path in judged
            if path.startswith(f"{prefix}/") and path not in results
        ]
        if not paths:
            continue
        scratch = folders.make(plan)
        try:
            group = Group(
                name=name,
                paths=paths,
                tree=tree,
                plan=plan,
                project=project,
                scratch=scratch,
                programs=found,
                environ=environ,
                seconds=seconds,
            )
            results |= {result.path: result for result in _group(group)}
        finally:
            folders.remove(scratch)
    if plan.containers is not None:
        of_docker = containers.Containers(
            tree=tree,
            plan=plan,
            containers=plan.containers,
            project=project,
            paths=[path for path in judged if path.startswith("docker/") and path not in results],
            programs=found,
            environ=environ,
            seconds=seconds,
        )
        results |= {result.path: result for result in containers.check(of_docker)}
    return tuple(results.get(path) or _nobody(path) for path in judged)


def _group(group: Group) -> Iterator[Result]:
    rows: dict[Checker, list[str]] = {}
    for path in group.paths:
        if (checker := checker_of(path, group.plan.spec.name)) is not None:
            rows.setdefault(checker, []).append(path)
    for checker, paths in rows.items():
        try:
            yield from checker(group, tuple(paths))
        except DeploygenError as error:
            for path in paths:
                yield group.result(path, "failed", "", str(error))


def checker_of(path: str, name: str) -> Checker | None:
    """Who checks a file, by its path on the host."""
    for pattern, checker in REGISTRY:
        if re.fullmatch(pattern.replace("NAME", re.escape(name)), path):
            return checker
    return None


def _nobody(path: str) -> Result:
    return Result(path, "not checked", "", "deploygen runs no program for this kind of file")
