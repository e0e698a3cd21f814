"""gunicorn.conf.py: ``gunicorn --check-config``, and the names that it would ignore."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from deploygen.check import assignments
from deploygen.check.command import run
from deploygen.check.group import Group
from deploygen.check.result import Result
from deploygen.errors import DeploygenError
from deploygen.stack import gunicorn as launches
from deploygen.stack.gunicorn import Launch
from deploygen.stack.programs import Gunicorn, Missing
from deploygen.systems import show_version

PROGRAM = "gunicorn --check-config"
_STUB = "deploygen_stub"
_STUB_CODE = "def application(environ, start_response):\n    raise RuntimeError('a stub')\n"
# Asks gunicorn itself which settings it has, and whether it can load a worker class.
_ASK = """
import json, sys
from gunicorn import config, util
fault = ""
if sys.argv[1]:
    try:
        util.load_class(sys.argv[1])
    except BaseException as error:
        # A traceback as text: its last line with a word in it says what happened.
        lines = [line for line in str(error).splitlines() if any(map(str.isalpha, line))]
        fault = lines[-1] if lines else repr(error)
print(json.dumps({"settings": [each.name for each in config.KNOWN_SETTINGS], "fault": fault}))
"""
_NO_MODULE = re.compile(r"^(?:\w+\.)*ModuleNotFoundError: No module named '([\w.]+)'")


def check(group: Group, paths: tuple[str, ...]) -> Iterator[Result]:
    """The settings first, against a stub; then the application, where it can be imported."""
    for path in paths:
        gunicorn = group.programs.gunicorn
        if isinstance(gunicorn, Missing):
            yield group.result(path, "not checked", PROGRAM, str(gunicorn))
        else:
            yield _one(group, path, gunicorn)


def _one(group: Group, path: str, gunicorn: Gunicorn) -> Result:
    launch = _launch(group, gunicorn)
    if not launch.cwd.is_dir():
        folder = group.plan.spec.app.app_dir
        return group.result(path, "failed", PROGRAM, f"the project has no folder {folder}")
    text = group.on_disk(path).read_text(errors="replace")
    known, worker_fault = _ask(group, gunicorn, launch, text)
    version = f"gunicorn {show_version(gunicorn.version)} in {gunicorn.python}"
    faults = [
        f"{group.shown(path)}:{line}: {name} is no setting of gunicorn, which ignores it"
        + (f"; did you mean {near}?" if near else "")
        for line, name, near in assignments.unknown(text, known)
    ]
    config = group.moved.moves.path(path)
    fault = _settings_fault(group, gunicorn, launch, config)
    if fault:
        faults.append(group.in_words(fault))
    if faults:
        return group.result(path, "failed", PROGRAM, "\n".join([*faults, version]))
    if launch.missing:
        names = ", ".join(launch.missing)
        detail = f"only the settings were checked: {names} not in the environment; {version}"
        return group.result(path, "passed", PROGRAM, detail)
    return _application(group, path, launch, worker_fault, version)


def _application(
    group: Group, path: str, launch: Launch, worker_fault: str, version: str
) -> Result:
    outcome = run(
        [*launch.command, "--check-config"],
        cwd=launch.cwd,
        environment=launch.environment,
        seconds=group.seconds,
    )
    if outcome.timed_out:
        return group.result(path, "failed", PROGRAM, f"the application: {outcome.timed_out}")
    if outcome.code == 0 and not worker_fault:
        return group.result(path, "passed", PROGRAM, f"application imported; {version}")
    if outcome.code == 0:
        detail = f"worker_class cannot be loaded: {worker_fault}\n{version}"
        return group.result(path, "failed", PROGRAM, detail)
    last = outcome.lines[-1] if outcome.lines else f"exit code {outcome.code}"
    missing = _NO_MODULE.match(last)
    if missing and not _own(group, missing[1], launch.cwd):
        detail = (
            "the application's environment is not here, only the settings were checked: "
            f"no module {missing[1]}; {version}"
        )
        return group.result(path, "passed", PROGRAM, detail)
    detail = f"the application cannot be imported: {group.in_words(last)}\n{version}"
    return group.result(path, "failed", PROGRAM, detail)


def _launch(group: Group, gunicorn: Gunicorn) -> Launch:
    """What the unit on disk starts; a unit that cannot be read has a result of its own."""
    try:
        unit = launches.read_unit(group.moved)
        launch = launches.launch(
            group.moved,
            gunicorn,
            unit or launches.default_unit(group.moved),
            environ=group.environ,
            extra={},
        )
    except DeploygenError:
        launch = launches.launch(
            group.moved,
            gunicorn,
            launches.default_unit(group.moved),
            environ=group.environ,
            extra={},
        )
    # A check leaves nothing behind in the project.
    return replace(launch, environment={**launch.environment, "PYTHONDONTWRITEBYTECODE": "1"})


def _ask(group: Group, gunicorn: Gunicorn, launch: Launch, text: str) -> tuple[list[str], str]:
    outcome = run(
        [gunicorn.python, "-c", _ASK, assignments.literal(text, "worker_class")],
        cwd=launch.cwd,
        environment=launch.environment,
        seconds=group.seconds,
    )
    try:
        answer = json.loads(outcome.lines[-1])
    except (ValueError, IndexError):
        raise DeploygenError(
            f"{gunicorn.python} does not tell gunicorn's settings: {' '.join(outcome.lines[-1:])}"
        ) from None
    return list(answer["settings"]), str(answer["fault"])


def _settings_fault(group: Group, gunicorn: Gunicorn, launch: Launch, config: str) -> str:
    """What gunicorn says of the settings alone; empty when it takes them."""
    stub = group.scratch / "stub"
    stub.mkdir(exist_ok=True)
    (stub / f"{_STUB}.py").write_text(_STUB_CODE)
    outcome = run(
        [*gunicorn.command, "--config", config, "--check-config", f"{_STUB}:application"],
        cwd=launch.cwd,
        environment={**launch.environment, "PYTHONPATH": str(stub)},
        seconds=group.seconds,
    )
    if outcome.timed_out:
        return outcome.timed_out
    if outcome.code == 0:
        return ""
    said = [line for line in outcome.lines if not line.startswith((" ", "Traceback", "\t"))]
    return "\n".join(said) or f"exit code {outcome.code}"


def _own(group: Group, module: str, cwd: Path) -> bool:
    """Whether a module is the project's own, and so should be there."""
    top = module.partition(".")[0]
    entrypoint = group.plan.spec.app.entrypoint.partition(":")[0].partition(".")[0]
    return top == entrypoint or (cwd / top).is_dir() or (cwd / f"{top}.py").is_file()
