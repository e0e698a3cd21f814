"""How a value is written in each kind of file.

The description's types let no dangerous value through (spec/types.py); quoting is the second
lock, so that a value which is harmless in one file is harmless in all.
"""

from __future__ import annotations

import json
import re
import shlex
import textwrap
from collections.abc import Mapping

WIDTH = 92


def python(value: object) -> str:
    """A Python literal, with double quotes."""
    if isinstance(value, str):
        # Not JSON: it writes what is beyond U+FFFF as two halves, which Python does not join.
        escaped = value.encode("unicode_escape").decode("ascii")
        return '"' + escaped.replace('"', '\\"') + '"'
    if isinstance(value, tuple | list):
        return "[" + ", ".join(python(item) for item in value) + "]"
    if isinstance(value, Mapping):
        items = (f"{python(key)}: {python(item)}" for key, item in value.items())
        return "{" + ", ".join(items) + "}"
    return repr(value)


_NGINX_BARE = re.compile(r"[A-Za-z0-9_./:@~*+,=?-]+")


def nginx(value: str) -> str:
    """One argument of an nginx directive. There is no way to write '$': types refuse it."""
    if _NGINX_BARE.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_APACHE_BARE = re.compile(r"[A-Za-z0-9_./:@~*+,=?|-]+")


def apache(value: str) -> str:
    """One argument of an Apache directive. There is no way to write '${': types refuse '$'."""
    if _APACHE_BARE.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def apache_header(value: str) -> str:
    """The value of Apache's ``Header``, which reads '%' as the start of a field of its own.

    One that begins with "expr=" would be computed: types refuse it.
    """
    return apache(value.replace("%", "%%"))


def nginx_size(size_bytes: int) -> str:
    """A size with nginx's suffixes: ``10m``, ``8k``."""
    for suffix, unit in (("m", 1024**2), ("k", 1024)):
        if size_bytes % unit == 0:
            return f"{size_bytes // unit}{suffix}"
    return str(size_bytes)


def env_file(value: str) -> str:
    """A value in systemd's EnvironmentFile: quoted, so that spaces and '#' stay in it."""
    # No bare '~': a shell that reads the file would put a home folder in its place.
    if re.fullmatch(r"[A-Za-z0-9_./:@*+,=-]*", value):
        return value
    if "'" not in value:
        return f"'{value}'"
    escaped = re.sub(r'(["\\$`])', r"\\\1", value)
    return f'"{escaped}"'


# What YAML 1.1, which Ansible reads, takes for something else than a text.
_YAML_WORDS = frozenset("y n yes no on off true false null none".split())


def yaml(value: object) -> str:
    """A value in a YAML file of Ansible, on one line.

    A text that Jinja2 would evaluate is marked, so that Ansible takes it as it is.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        plain = re.fullmatch(r"[A-Za-z/_][A-Za-z0-9_./+@-]*", value)
        if plain and value.lower() not in _YAML_WORDS:
            return value
        quoted = json.dumps(value, ensure_ascii=False)
        return f"!unsafe {quoted}" if re.search(r"\{[{%#]", value) else quoted
    if isinstance(value, tuple | list):
        return "[" + ", ".join(yaml(item) for item in value) + "]"
    if isinstance(value, Mapping):
        items = (f"{yaml(key)}: {yaml(item)}" for key, item in value.items())
        return "{" + ", ".join(items) + "}"
    return str(value)


def sh(value: str) -> str:
    """One word of a shell's command."""
    return shlex.quote(value)


def sh_command(command: str) -> str:
    """A command of the description, which runs without a shell, for a file that a shell reads."""
    return shlex.join(shlex.split(command))


def docker_env(value: str) -> str:
    """A value in a Dockerfile's ENV: quoted, and no '$' in it is a variable."""
    if re.fullmatch(r"[A-Za-z0-9_./:@,+-]+", value):
        return value
    return '"' + re.sub(r'(["\\$])', r"\\\1", value) + '"'


def comment_text(text: str) -> str:
    """A text that can stand in a comment: one line, and no backslash that continues it."""
    return " ".join(text.split()).rstrip("\\")


def comment(text: str, indent: int = 0) -> str:
    """Lines that begin with '#'; ``indent`` is the column that the first one stands in."""
    lines = textwrap.wrap(
        comment_text(text), WIDTH - indent, break_long_words=False, break_on_hyphens=False
    )
    return f"\n{' ' * indent}".join(f"# {line}" for line in lines)
