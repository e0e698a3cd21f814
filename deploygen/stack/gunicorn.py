"""How gunicorn is started here: the rendered unit's command, folder and environment."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from deploygen.errors import DeploygenError
from deploygen.stack import envfile, unit
from deploygen.stack.folder import SLOT, Folder
from deploygen.stack.programs import Gunicorn

# What systemd gives to a service, and no more: a variable that only a login shell has would
# be missing on the host too.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
UMASK = 0o022


@dataclass(frozen=True)
class Launch:
    """What is started, where, and with which environment.

    ``socket`` is gunicorn's own; ``missing`` names the secrets that nobody gave.
    """

    command: tuple[str, ...]
    cwd: Path
    environment: Mapping[str, str]
    umask: int
    socket: str
    missing: tuple[str, ...]


def read_unit(folder: Folder) -> unit.Unit | None:
    """The unit on disk, with its paths moved; None where there is none."""
    name = folder.plan.layout.name
    content = folder.relocated.files.get(f"/etc/systemd/system/{name}@.service")
    return None if content is None else unit.parse(content.decode(), f"{name}@{SLOT}.service")


def default_unit(folder: Folder) -> unit.Unit:
    """What deploygen would render, as far as it concerns the application."""
    layout = folder.plan.layout
    return unit.Unit(
        command=("gunicorn", "--config", folder.moves.path(layout.config)),
        working_directory=str(folder.moved(layout.working_directory)),
        environment_files=((folder.moves.path(layout.environment_file), False),),
        environment={},
        state=(layout.name,),
        umask=None,
    )


def launch(
    folder: Folder,
    gunicorn: Gunicorn,
    parsed: unit.Unit,
    *,
    environ: Mapping[str, str],
    extra: Mapping[str, str],
    bind: str | None = None,
) -> Launch:
    """What the unit starts. ``bind`` is one more address, where no proxy stands in front.

    ``environ`` is where secrets come from; ``extra`` beats everything. Raises DeploygenError
    for a unit that does not start gunicorn, or reads its environment from a file that is
    not here.
    """
    environment = _environment(folder, parsed, gunicorn, environ, extra)
    arguments = unit.substituted(_arguments(parsed.command), environment)
    more = ("--bind", bind) if bind else ()
    return Launch(
        command=(*gunicorn.command, *arguments, *more),
        cwd=Path(parsed.working_directory or folder.moved(folder.plan.layout.slot)),
        environment=environment,
        umask=UMASK if parsed.umask is None else parsed.umask,
        socket=_socket(arguments) or str(folder.moved(folder.plan.layout.slot_socket)),
        missing=tuple(name for name in folder.plan.spec.app.secrets if name not in environment),
    )


def release_command(command: str, gunicorn: Gunicorn, environment: Mapping[str, str]) -> list[str]:
    """A release command's words, run by the environment that gunicorn runs in."""
    program, *arguments = shlex.split(command)
    if PurePath(program).name in ("python", "python3"):
        return [gunicorn.python, *arguments]
    return [shutil.which(program, path=environment["PATH"]) or program, *arguments]


def _arguments(command: tuple[str, ...]) -> tuple[str, ...]:
    """The unit's arguments for gunicorn, without the program."""
    program = PurePath(command[0]).name if command else ""
    if program == "gunicorn":
        return command[1:]
    if program.startswith("python") and command[1:3] == ("-m", "gunicorn"):
        return command[3:]
    raise DeploygenError(f"the unit's ExecStart= starts {program!r}, allowed is gunicorn")


def _socket(arguments: tuple[str, ...]) -> str | None:
    """The unix socket that the arguments bind."""
    for option, value in zip(arguments, (*arguments[1:], ""), strict=True):
        if option in ("--bind", "-b") and value.startswith("unix:"):
            return value.removeprefix("unix:")
        if option.startswith("--bind=unix:"):
            return option.removeprefix("--bind=unix:")
    return None


def _environment(
    folder: Folder,
    parsed: unit.Unit,
    gunicorn: Gunicorn,
    environ: Mapping[str, str],
    extra: Mapping[str, str],
) -> dict[str, str]:
    secrets_file = folder.moves.path(folder.plan.layout.secrets_file)
    from_files: dict[str, str] = {}
    for path, required in parsed.environment_files:
        # Secrets come from the caller: they are never rendered.
        if Path(path).is_file():
            from_files |= envfile.parse(Path(path).read_text(errors="replace"))
        elif required and path != secrets_file:
            raise DeploygenError(f"found no {path}, which the unit reads its environment from")
    basic = {
        "PATH": f"{os.path.dirname(gunicorn.python)}:{PATH}",  # noqa: PTH120 (a string)
        "HOME": environ.get("HOME", "/"),
        "LANG": environ.get("LANG", "C.UTF-8"),
    }
    if parsed.state:
        basic["STATE_DIRECTORY"] = ":".join(
            folder.moves.path(f"/var/lib/{name}") for name in parsed.state
        )
    names = folder.plan.spec.app.secrets
    secrets = {name: environ[name] for name in names if name in environ}
    return {**basic, **parsed.environment, **from_files, **secrets, **extra}
