"""Line-based deployment files: Procfile, systemd, supervisor, uWSGI, make, environment files."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

from deploygen.detect.commands import uwsgi_launch
from deploygen.detect.evidence import Source
from deploygen.detect.reader import WATCHED, Reader, numbered_lines

_PROCESS = re.compile(r"^([\w-]+):[ \t]*(\S.*)$", re.MULTILINE)
_WEB = ("web", "app", "server", "wsgi", "asgi", "gunicorn", "uvicorn", "django", "api", "main")
_ASSIGNMENT = re.compile(
    rf"^[ \t]*(?:export[ \t]+|set[ \t]+)?({'|'.join(WATCHED)})[ \t]*[=:][ \t]*[\"']?([\w.]+)",
    re.MULTILINE,
)
_RECIPE = re.compile(r"^[ \t]+[@+-]*(\S.*)$", re.MULTILINE)


@dataclass
class Section:
    """One section of an INI-like file: each key with its value and line."""

    name: str
    values: dict[str, tuple[str, int]] = field(default_factory=dict)

    def get(self, key: str) -> str:
        """The value of a key, else an empty text."""
        return self.values.get(key, ("", 0))[0]

    def line(self, key: str) -> int:
        """The line of a key, else 1."""
        return self.values.get(key, ("", 1))[1]


def sections(text: str) -> list[Section]:
    """The sections of an INI-like text, with continued lines joined; never an error."""
    found = [Section("")]
    last = ""
    continued = False
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if not line or line.startswith(("#", ";")):
            continue
        if line.startswith("[") and line.endswith("]"):
            found.append(Section(line[1:-1].strip()))
            last, continued = "", False
            continue
        key, equals, value = line.partition("=")
        values = found[-1].values
        if last and (continued or (raw[:1].isspace() and found[-1].name != "uwsgi")):
            old, at = values[last]
            values[last] = (f"{old.removesuffix(chr(92))} {line}", at)
        elif equals:
            last = key.strip()
            old = values.get(last, ("", 0))[0]
            # systemd repeats Environment= to add to it.
            joined = f"{old} {value.strip()}" if last == "Environment" and old else value.strip()
            values[last] = (joined, number)
        continued = line.endswith("\\")
    return found


def read_procfile(reader: Reader, origin: Source) -> None:
    """``web: gunicorn shop.wsgi``; other processes only tell of variables."""
    for number, match in numbered_lines(reader.tree.text(origin.path), _PROCESS):
        order = _WEB.index(match[1]) if match[1] in _WEB else len(_WEB)
        before = len(reader.found.starts)
        reader.shell(match[2], origin, number)
        added = reader.found.starts[before:]
        reader.found.starts[before:] = [type(s)(s.launch, s.source, order) for s in added]


def read_unit(reader: Reader, origin: Source) -> None:
    """A systemd unit: ``ExecStart`` with its folder and environment."""
    for section in sections(reader.tree.text(origin.path)):
        command = section.get("ExecStart").lstrip("@-:+! ")
        if section.name == "Service":
            environment = _pairs(section.get("Environment"))
            for name, value in environment.items():
                reader.variable(name, value, origin, section.line("Environment"))
            folder = section.get("WorkingDirectory")
            # A unit's specifiers (%h, %i) stand for what the unit does not say.
            reader.shell(command, origin, section.line("ExecStart"), environment, folder)


def read_supervisor(reader: Reader, origin: Source) -> None:
    """Programs of a supervisor configuration."""
    for section in sections(reader.tree.text(origin.path)):
        if section.name.startswith(("program:", "fcgi-program:", "watcher:")):
            environment = _pairs(section.get("environment").replace(",", " "))
            for name, value in environment.items():
                reader.variable(name, value, origin, section.line("environment"))
            line, folder = section.line("command"), section.get("directory")
            reader.shell(section.get("command"), origin, line, environment, folder)


def read_uwsgi(reader: Reader, origin: Source) -> None:
    """The ``[uwsgi]`` section of an INI file."""
    for section in sections(reader.tree.text(origin.path)):
        if section.name == "uwsgi":
            options = {key: value for key, (value, _) in section.values.items()}
            key = next((k for k in ("module", "wsgi", "wsgi-file", "file") if k in options), "env")
            reader.launch(uwsgi_launch(options, section.line(key)), origin)
            name, _, value = options.get("env", "").partition("=")
            reader.variable(name.strip(), value.strip(), origin, section.line("env"))


def read_make(reader: Reader, origin: Source) -> None:
    """The recipes of a Makefile or justfile."""
    text = reader.tree.text(origin.path)
    for number, match in numbered_lines(text, _RECIPE):
        reader.shell(match[1].replace("$(", "").replace("$$", "$"), origin, number)
    read_assignments(reader, origin)


def read_script(reader: Reader, origin: Source) -> None:
    """A shell script that nothing else is known to call."""
    reader.shell(reader.tree.text(origin.path), origin)


def read_assignments(reader: Reader, origin: Source) -> None:
    """``NAME=value`` lines, of an environment file or of anything alike."""
    for number, match in numbered_lines(reader.tree.text(origin.path), _ASSIGNMENT):
        reader.variable(match[1], match[2], origin, number)


def _pairs(text: str) -> dict[str, str]:
    try:
        found = shlex.split(text)
    except ValueError:
        found = text.split()
    pairs = (word.partition("=") for word in found)
    return {name: value.strip("\"'") for name, _, value in pairs}
