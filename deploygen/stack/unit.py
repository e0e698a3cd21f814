"""Reads a systemd unit: what it starts, where, and with which environment.

Only what gunicorn needs to be started as the unit would. The syntax is that of
systemd.syntax(7) and of "Command lines" in systemd.service(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deploygen.errors import DeploygenError

_ESCAPES = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", '"': '"', "'": "'", "s": " ",
}  # fmt: skip
_NUMBERED = re.compile(r"x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})")
_VARIABLE = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
# Before the program's path, and of no meaning without systemd.
_PREFIXES = "@-:+!"


@dataclass(frozen=True)
class Unit:
    """What a unit says about its main process; paths and values are complete.

    ``environment_files`` holds each path with whether it must exist; ``environment`` is what
    stands in the unit itself. ``state`` names folders below /var/lib. ``umask`` is None where
    systemd's default (0022) holds.
    """

    command: tuple[str, ...]
    working_directory: str | None
    environment_files: tuple[tuple[str, bool], ...]
    environment: Mapping[str, str]
    state: tuple[str, ...]
    umask: int | None


def parse(text: str, name: str) -> Unit:
    """The unit with that name, such as ``shop@blue.service``.

    Raises DeploygenError when it does not say what to start.
    """
    service = _sections(text).get("Service", {})
    specifiers = _specifiers(name)

    def last(option: str) -> str:
        return service.get(option, [""])[-1] if service.get(option) else ""

    commands = service.get("ExecStart", [])
    if len(commands) != 1:
        raise DeploygenError(
            f"{name}: found {len(commands)} lines ExecStart= in [Service], allowed is one",
            hint="deploygen render writes one; see the unit on disk",
        )
    words = [_expand(word, specifiers, name) for word in split(commands[0].lstrip(_PREFIXES))]
    directory = _expand(last("WorkingDirectory").lstrip("-"), specifiers, name)
    assignments = [
        _expand(word, specifiers, name)
        for line in service.get("Environment", [])
        for word in split(line)
    ]
    return Unit(
        command=tuple(words),
        working_directory=directory or None,
        environment_files=tuple(
            (_expand(path.removeprefix("-"), specifiers, name), not path.startswith("-"))
            for path in service.get("EnvironmentFile", [])
        ),
        environment=dict(each.split("=", 1) for each in assignments if "=" in each),
        state=tuple(
            _expand(folder, specifiers, name)
            for line in service.get("StateDirectory", [])
            for folder in split(line)
        ),
        umask=_octal(last("UMask"), name),
    )


def substituted(words: tuple[str, ...], environment: Mapping[str, str]) -> tuple[str, ...]:
    """The arguments with ``$NAME`` and ``${NAME}`` as systemd fills them in."""
    found: list[str] = []
    for word in words:
        if re.fullmatch(r"\$[A-Za-z_][A-Za-z0-9_]*", word):
            found += environment.get(word[1:], "").split()
        else:
            found.append(
                _VARIABLE.sub(
                    lambda match: environment.get(match[1], "") if match[1] else "$", word
                )
            )
    return tuple(found)


def split(line: str) -> tuple[str, ...]:
    """A line's words, without their quotes and escapes."""
    words: list[str] = []
    word, quote, begun, at = "", "", False, 0
    while at < len(line):
        char = line[at]
        at += 1
        if char == "\\" and at < len(line):
            text, at = _escape(line, at)
            word, begun = word + text, True
        elif quote:
            word, quote = (word, "") if char == quote else (word + char, quote)
        elif char in "\"'":
            quote, begun = char, True
        elif char.isspace():
            if begun:
                words.append(word)
            word, begun = "", False
        else:
            word, begun = word + char, True
    return (*words, word) if begun else tuple(words)


def _escape(line: str, at: int) -> tuple[str, int]:
    """What a backslash before ``at`` means, and where the text goes on."""
    if numbered := _NUMBERED.match(line, at):
        octal = numbered[2]
        digits = octal or numbered[1] or numbered[3] or numbered[4]
        return chr(int(digits, 8 if octal else 16)), numbered.end()
    char = line[at]
    return _ESCAPES.get(char, f"\\{char}"), at + 1


def _sections(text: str) -> dict[str, dict[str, list[str]]]:
    """Section -> option -> values in order; an empty value takes back the ones before."""
    found: dict[str, dict[str, list[str]]] = {}
    section: dict[str, list[str]] = {}
    for line in _logical(text):
        if line.startswith("[") and line.endswith("]"):
            section = found.setdefault(line[1:-1], {})
        elif "=" in line:
            option, value = (part.strip() for part in line.split("=", 1))
            if value:
                section.setdefault(option, []).append(value)
            else:
                section[option] = []
    return found


def _logical(text: str) -> Iterator[str]:
    """Lines joined at their trailing backslashes; comments vanish, between the parts too."""
    pending = ""
    for raw in text.split("\n"):
        line = raw.strip()
        if line.startswith(("#", ";")) or (not line and not pending):
            continue
        if line.endswith("\\"):
            pending += line[:-1] + " "
            continue
        yield (pending + line).strip()
        pending = ""
    if pending:
        yield pending.strip()


def _specifiers(name: str) -> dict[str, str]:
    """Those that depend on nothing but the unit's name."""
    stem = name.rpartition(".")[0]
    prefix, _, instance = stem.partition("@")
    return {
        "%": "%", "n": name, "N": stem, "p": prefix, "P": prefix, "i": instance, "I": instance,
        "t": "/run", "S": "/var/lib", "C": "/var/cache", "L": "/var/log", "E": "/etc",
    }  # fmt: skip


def _expand(text: str, specifiers: Mapping[str, str], name: str) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in specifiers:
            raise DeploygenError(
                f"{name}: found %{match[1]}, which only systemd can fill in",
                hint="write %% for a plain per cent sign",
            )
        return specifiers[match[1]]

    return re.sub(r"%(.)", value, text)


def _octal(text: str, name: str) -> int | None:
    if not text:
        return None
    if not re.fullmatch(r"[0-7]{1,4}", text):
        raise DeploygenError(f"{name}: found UMask={text}, allowed is an octal number such as 0027")
    return int(text, 8)
