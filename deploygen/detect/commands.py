"""Command lines of Python web servers: which application they load, from which folder."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from deploygen.detect.shell import Simple, simple_commands

# Options without a value; every other option that starts with a dash takes one.
_FLAGS: dict[str, frozenset[str]] = {
    "gunicorn": frozenset(
        """--reload --spew --check-config --print-config --preload --preload-app --no-sendfile
        --reuse-port --daemon -D --initgroups --capture-output --log-syslog
        --enable-stdio-inheritance --disable-redirect-access-to-syslog --proxy-protocol
        --suppress-ragged-eofs --version -v
        --do-handshake-on-connect --strip-header-spaces --no-control-socket -R --help -h
        --permit-unconventional-http-method --permit-unconventional-http-version
        --permit-obsolete-folding --casefold-http-method""".split()
    ),
    "uvicorn": frozenset(
        """--reload --factory --proxy-headers --no-proxy-headers --access-log --no-access-log
        --use-colors --no-use-colors --server-header --no-server-header --date-header
        --no-date-header --version --help --reset-contextvars""".split()
    ),
    "hypercorn": frozenset("--reload --debug --version -h --help".split()),
    "daphne": frozenset("--proxy-headers --no-server-name --nostatic --help -h".split()),
    "granian": frozenset(
        """--ws --no-ws --factory --no-factory --reload --no-reload --access-log --no-access-log
        --log --no-log --websockets --no-websockets --respawn-failed-workers --version
        --no-respawn-failed-workers --process-name-enabled""".split()
    ),
    "waitress-serve": frozenset("--call --help --app".split()),
    "fastapi": frozenset("--reload --no-reload --proxy-headers --no-proxy-headers".split()),
    "mod_wsgi-express": frozenset("--log-to-terminal --reload-on-changes".split()),
    "uwsgi": frozenset("--master -M --vacuum --enable-threads --die-on-term --lazy-apps".split()),
}
_INTERFACE = {"uvicorn": "asgi", "hypercorn": "asgi", "daphne": "asgi", "fastapi": "asgi"}
# What comes before a server's name when the line does not start that server.
_NOT_STARTING = frozenset(
    """pip pip3 apt apt-get apk dnf yum echo printf which type command pkill killall kill systemctl
    service supervisorctl cp mv chown chmod cat grep egrep sed awk ln mkdir touch rm ls test [ [[
    conda brew curl wget git tar find export install add remove sync pgrep ps tail head""".split()
)
_TARGET = re.compile(r"[A-Za-z_][\w.]*(?::[A-Za-z_][\w.]*(?:\(.*\))?)?", re.DOTALL)
# An application among the arguments of a program that nobody has heard of.
_QUALIFIED = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*:[A-Za-z_]\w*(?:\(\))?")
UNKNOWN_SERVER = "a program"
_PYTHON = re.compile(r"(?:python|pypy)[\d.]*$|py$")
_SERVERS = frozenset(_FLAGS)


@dataclass(frozen=True)
class Launch:
    """A server that a command starts.

    ``target`` is ``module:object`` as written, or the path of a script; ``folders`` are
    where it is looked for, the most telling first; ``config`` is a configuration file.
    """

    server: str
    target: str = ""
    interface: str = ""
    folders: tuple[str, ...] = ()
    config: str = ""
    worker_class: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    line: int = 1
    development: bool = False


def launches(
    text: str, line: int = 1, environment: Mapping[str, str] | None = None, folder: str = ""
) -> Iterator[Launch]:
    """The servers that a shell text starts."""
    for command in simple_commands(text, line, environment, folder):
        yield from launches_of(command)


def launches_of(command: Simple, depth: int = 0) -> Iterator[Launch]:
    """The servers that one simple command starts, through wrappers such as ``su -c``."""
    for index, word in enumerate(command.argv):
        if word in _NOT_STARTING:
            return
        if " " in word and index and command.argv[index - 1].endswith("c") and depth < 3:
            for inner in simple_commands(word, command.line, command.environment, command.folder):
                yield from launches_of(inner, depth + 1)
            return
        name = word.rpartition("/")[2]
        rest = command.argv[index + 1 :]
        if name in _SERVERS:
            yield from _server(name, rest, command)
            return
        if name == "flask":
            yield from _flask(rest, command)
            return
        if _PYTHON.match(name):
            found = _python(rest, command)
            if found is not None:
                yield found
                return
        elif word.endswith(".py") and index == 0:
            yield _launch("python", command, target=word)
            return
    for word in command.argv[1:]:
        if _QUALIFIED.fullmatch(word):
            yield _launch(UNKNOWN_SERVER, command, target=word)


def _python(rest: Sequence[str], command: Simple) -> Launch | None:
    """``python -m shop`` or ``python run.py``; None where a server's name follows."""
    words = [word for word in rest if word not in ("-u", "-O", "-B", "-I", "-s", "-E")]
    if words[:1] == ["-m"] and len(words) > 1:
        if words[1] in _SERVERS or words[1] in ("flask", "waitress", "pip", "venv"):
            return None
        return _launch("python -m", command, target=words[1])
    if not words or not words[0].endswith(".py"):
        return None
    runs_development = "runserver" in words or "runserver_plus" in words
    if words[0].endswith("manage.py") and not runs_development:
        return None
    return _launch("python", command, target=words[0], development=runs_development)


def _flask(rest: Sequence[str], command: Simple) -> Iterator[Launch]:
    options, words = split_options(rest, frozenset("--debug --reload --no-reload".split()))
    target = options.get("--app") or options.get("-A") or command.environment.get("FLASK_APP", "")
    if "run" in words and target:
        yield _launch("flask", command, target=target, development="--debug" in options)


def _server(name: str, rest: Sequence[str], command: Simple) -> Iterator[Launch]:
    options, words = split_options(rest, _FLAGS[name])
    if name == "gunicorn" and command.environment.get("GUNICORN_CMD_ARGS"):
        extra, _ = split_options(command.environment["GUNICORN_CMD_ARGS"].split(), _FLAGS[name])
        options = {**extra, **options}
    reads = {"uwsgi": _uwsgi, "fastapi": _fastapi}.get(name)
    if reads:
        yield reads(options, words, command)
        return
    if name == "mod_wsgi-express":
        words = [word for word in words if word.endswith((".py", ".wsgi"))]
        yield _launch(name, command, target=words[0] if words else "")
        return
    target = next((word for word in words if _TARGET.fullmatch(word)), "")
    if name == "gunicorn" and target and ":" not in target:
        target += ":application"
    if target and not target.endswith(")") and ("--factory" in options or "--call" in options):
        target += "()"
    worker = options.get("--worker-class") or options.get("-k") or ""
    interface = _INTERFACE.get(name, "wsgi")
    if "uvicorn" in worker.lower() or worker == "asgi":
        interface = "asgi"
    if name == "granian":
        interface = "wsgi" if options.get("--interface") == "wsgi" else "asgi"
    if not target and name != "gunicorn":
        return
    yield _launch(
        name,
        command,
        target=target,
        interface=interface,
        folders=_folders(options, "--chdir", "--app-dir", "--pythonpath", "--working-dir"),
        config=options.get("-c") or options.get("--config") or "",
        worker_class=worker,
        development="--reload" in options,
        environment=_raw_env(options),
    )


def _fastapi(options: Mapping[str, str], words: Sequence[str], command: Simple) -> Launch:
    files = [word for word in words if word not in ("run", "dev")]
    target = options.get("--entrypoint") or options.get("-e") or (files[0] if files else "")
    if options.get("--app") and ":" not in target:
        target += f":{options['--app']}"
    return _launch(
        "fastapi", command, target=target, interface="asgi", development="dev" in words[:1]
    )


def _uwsgi(options: Mapping[str, str], words: Sequence[str], command: Simple) -> Launch:
    launch = uwsgi_launch(options, command.line)
    ini = options.get("--ini") or next((w for w in words if w.endswith((".ini", ".yml"))), "")
    return _launch(
        "uwsgi",
        command,
        target=launch.target,
        interface="wsgi",
        folders=launch.folders,
        config=ini,
        environment=launch.environment,
    )


def uwsgi_launch(options: Mapping[str, str], line: int) -> Launch:
    """What uWSGI loads, from options with or without dashes: ``module``, ``wsgi-file``, ..."""
    plain = {key.lstrip("-"): value for key, value in options.items()}
    target = plain.get("module") or plain.get("w") or plain.get("wsgi") or plain.get("mount") or ""
    target = target.rpartition("=")[2] or plain.get("wsgi-file") or plain.get("file") or ""
    callable_ = plain.get("callable")
    if target and ":" not in target:
        target += f":{callable_ or 'application'}"
    # uWSGI calls a factory with brackets, as gunicorn does.
    folders = [plain[key] for key in ("chdir", "pythonpath", "python-path", "pp") if plain.get(key)]
    name, _, value = plain.get("env", "").partition("=")
    environment = ((name.strip(), value.strip()),) if value else ()
    return Launch("uwsgi", target, "wsgi", tuple(folders), line=line, environment=environment)


def _launch(
    server: str,
    command: Simple,
    *,
    target: str = "",
    interface: str = "",
    folders: tuple[str, ...] = (),
    config: str = "",
    worker_class: str = "",
    environment: tuple[tuple[str, str], ...] = (),
    development: bool = False,
) -> Launch:
    here = (command.folder,) if command.folder else ()
    pythonpath = command.environment.get("PYTHONPATH", "").split(":")
    return Launch(
        server=server,
        target=target,
        interface=interface,
        folders=(*folders, *here, *(path for path in pythonpath if path)),
        config=config,
        worker_class=worker_class,
        environment=(*command.environment.items(), *environment),
        line=command.line,
        development=development,
    )


def _folders(options: Mapping[str, str], *names: str) -> tuple[str, ...]:
    return tuple(options[name] for name in names if options.get(name))


def _raw_env(options: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    name, _, value = (options.get("--env") or options.get("-e") or "").partition("=")
    return ((name, value),) if value else ()


def split_options(words: Sequence[str], flags: frozenset[str]) -> tuple[dict[str, str], list[str]]:
    """Options by name and the plain words of an argument list."""
    options: dict[str, str] = {}
    plain: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            plain += rest
            break
        if not word.startswith("-") or word == "-":
            plain.append(word)
        elif "=" in word and word.startswith("--"):
            name, _, value = word.partition("=")
            options[name] = value
        elif word in flags:
            options[word] = ""
        elif not word.startswith("--") and len(word) > 2:
            options[word[:2]] = word[2:].removeprefix("=")
        else:
            options[word] = rest.pop(0) if rest else ""
    return options, plain
