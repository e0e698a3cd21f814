"""docker/: hadolint, the compose file's schema, the engines' own reading, and what is inside."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deploygen.check import apache, gunicorn, nginx, pages
from deploygen.check.command import Outcome, run
from deploygen.check.group import Group, Programs
from deploygen.check.result import Result
from deploygen.plan import ContainerPlan, GroupPlan, Plan
from deploygen.plan.container_proxy import GROUP, HTTPD
from deploygen.render.quoting import env_file
from deploygen.stack import apache_conf, apache_site
from deploygen.stack import folder as folders
from deploygen.stack.programs import Missing, find

FOLDER = "docker"
# The folders of the tree that containers get, each the picture of a file system.
INSIDE = ("app", "proxy")
HADOLINT = "hadolint"
SCHEMA = "check-jsonschema"
# Who reads a compose file as it is started from: the first that is here.
READERS = (("docker", "compose"), ("docker-compose",), ("podman-compose",))
# What a container is started with, and this machine may have otherwise.
_UNSET = {"TAG": "check", "SECRETS_DIR": "/run/secrets"}


@dataclass(frozen=True)
class Containers:
    """What the checkers of docker/ work with; ``paths`` are those of the tree."""

    tree: Path
    plan: Plan
    containers: ContainerPlan
    project: Path
    paths: Sequence[str]
    programs: Programs
    environ: Mapping[str, str]
    seconds: float


def check(given: Containers) -> Iterator[Result]:
    """A result for each file that some program can judge."""
    for path in given.paths:
        name = path.rpartition("/")[2]
        if name == "Dockerfile":
            yield _dockerfile(given, path)
        elif name == "compose.yaml":
            yield _compose(given, path)
        elif path.endswith(".html"):
            yield pages.judged(path, (given.tree / path).read_bytes())
        elif path.endswith(".sh"):
            yield _program(given, path, ("sh", "-n"), "it reads as a shell script")
        elif path.endswith(".py") and name != "gunicorn.conf.py":
            code = "import sys; compile(open(sys.argv[1]).read(), sys.argv[1], 'exec')"
            yield _program(given, path, (sys.executable, "-c", code), "it reads as Python")
    yield from _inside(given)


def _dockerfile(given: Containers, path: str) -> Result:
    found = find(HADOLINT)
    if isinstance(found, Missing):
        return Result(path, "not checked", HADOLINT, str(found))
    # No rule is left out, neither by this machine's configuration nor by a comment.
    command = (*found.command, "--no-color", "--disable-ignore-pragma", "--failure-threshold=info")
    with tempfile.NamedTemporaryFile(suffix=".yaml") as config:
        config.write(b"ignored: []\n")
        config.flush()
        words = (*command, f"--config={config.name}", str(given.tree / path))
        outcome = run(words, seconds=given.seconds)
    # It ends with 0 where it could not read its configuration, and says so.
    if outcome.code == 0 and outcome.lines:
        outcome = replace(outcome, code=1)
    return _judged(given, path, HADOLINT, outcome, "no findings")


def _compose(given: Containers, path: str) -> Result:
    """Against the Compose specification, and then by a program that starts such files."""
    file = str(given.tree / path)
    found = find(SCHEMA)
    if isinstance(found, Missing):
        return Result(path, "not checked", SCHEMA, str(found))
    command = (*found.command, "--builtin-schema", "vendor.compose-spec", file)
    schema = _judged(given, path, SCHEMA, run(command, seconds=given.seconds), "the specification")
    if schema.status == "failed":
        return schema
    reader = _reader(given)
    if reader is None:
        detail = "it fits the Compose specification; no docker compose here read it"
        return replace(schema, detail=detail)
    environment = {**given.environ, **_UNSET, "LC_ALL": "C.UTF-8"}
    outcome = run(
        (*reader, "--file", file, "config"), environment=environment, seconds=given.seconds
    )
    program = " ".join((Path(reader[0]).name, *reader[1:]))
    detail = f"it fits the Compose specification, and {program} reads it"
    return _judged(given, path, program, outcome, detail)


def _reader(given: Containers) -> tuple[str, ...] | None:
    for name, *words in READERS:
        found = shutil.which(name, path=given.environ.get("PATH"))
        if found is None:
            continue
        command = (found, *words)
        if run((*command, "version"), seconds=given.seconds).code == 0:
            return command
    return None


def _program(given: Containers, path: str, command: tuple[str, ...], well: str) -> Result:
    outcome = run((*command, str(given.tree / path)), seconds=given.seconds)
    return _judged(given, path, Path(command[0]).name, outcome, well)


def _judged(given: Containers, path: str, program: str, outcome: Outcome, well: str) -> Result:
    if outcome.timed_out:
        return Result(path, "failed", program, outcome.timed_out)
    if outcome.code:
        said = "\n".join(outcome.lines) or f"exit code {outcome.code}"
        return Result(path, "failed", program, said.replace(f"{given.tree}/", ""))
    return Result(path, "passed", program, well)


def _inside(given: Containers) -> Iterator[Result]:
    """gunicorn's and the proxy's files, judged as on a host that has the container's folders."""
    paths = _paths(given)
    if not paths:
        return
    scratch = folders.make(given.plan)
    try:
        group = _group(given, scratch, paths)
        back = {f"hosts/{GROUP}{inside}": path for inside, path in paths.items()}
        for result in _results(group, tuple(paths)):
            yield replace(
                result,
                path=back[result.path],
                detail=re.sub(
                    rf"(?:hosts/{GROUP})?(/etc/[^\s:,]+)",
                    lambda found: _name(paths, found[1]),
                    result.detail,
                ),
            )
    finally:
        folders.remove(scratch)


def _results(group: Group, paths: tuple[str, ...]) -> Iterator[Result]:
    """The checkers of hosts, for the files that containers have of the same kind."""
    sites = tuple(path for path in paths if path.startswith("/etc/nginx/"))
    if sites:
        yield from nginx.check(group, sites)
    sites = tuple(path for path in paths if path.startswith(f"{apache_site.ROOT}/"))
    if sites:
        yield from apache.check(group, sites)
    config = tuple(path for path in paths if path.endswith("/gunicorn.conf.py"))
    if config:
        yield from gunicorn.check(group, config)


def _paths(given: Containers) -> dict[str, str]:
    """Path in a container -> path in the tree, of the files that programs read there."""
    found = {}
    for path in given.paths:
        for name in INSIDE:
            inside = path.removeprefix(f"{FOLDER}/{name}")
            if inside != path and inside.endswith((".conf", ".lua", "/gunicorn.conf.py")):
                found[_on_a_host(inside)] = path
    return found


def _on_a_host(inside: str) -> str:
    """The registry's Apache has its files elsewhere than Debian's."""
    if inside == f"{HTTPD}/conf/httpd.conf":
        return apache_conf.PATH
    if inside.startswith(f"{HTTPD}/"):
        return inside.replace(HTTPD, apache_site.ROOT, 1)
    return inside


def _name(paths: Mapping[str, str], path: str) -> str:
    """The file of the tree that a message means; a link's target stands for the link."""
    linked = path.replace("/sites-available/", "/sites-enabled/")
    return paths.get(path) or paths.get(linked) or path


def _group(given: Containers, scratch: Path, paths: Mapping[str, str]) -> Group:
    plan, containers = given.plan, given.containers
    group = GroupPlan(
        group=GROUP,
        facts=containers.facts,
        components=containers.components,
        site=containers.site,
        hardening=(),
        writable=(),
        capacity=containers.capacity,
    )
    tree = scratch / "tree"
    files = {inside: (given.tree / path).read_bytes() for inside, path in paths.items()}
    # The image has it in ENV; a host reads it from a file.
    lines = (f"{name}={env_file(value)}\n" for name, value in containers.environment.items())
    files[containers.layout.environment_file] = "".join(lines).encode()
    for inside, content in files.items():
        target = tree / "hosts" / GROUP / inside.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return Group(
        name=GROUP,
        paths=tuple(paths),
        tree=tree,
        plan=replace(plan, layout=containers.layout, groups={GROUP: group}),
        project=given.project,
        scratch=scratch,
        programs=given.programs,
        environ=given.environ,
        seconds=given.seconds,
    )
