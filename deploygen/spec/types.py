"""The narrowest type for each kind of value.

What the description says reaches nginx, systemd, shell, YAML and Python files. Each value is
validated here, once, so that no later place has to ask whether a host name holds a semicolon;
each file still quotes what it prints. An error says what was found, what is allowed and a hint.
"""

from __future__ import annotations

import keyword
import re
import shlex
from typing import Annotated, Literal

from pydantic import BeforeValidator, Strict, WithJsonSchema

from deploygen import units
from deploygen.spec import validators
from deploygen.spec.source import Number
from deploygen.spec.validators import checked, pattern, refusal

closest = validators.closest
shown = validators.shown

# Nothing is guessed: "yes" is no true, "5" and true are no numbers.
Flag = Annotated[bool, Strict()]
Whole = Annotated[int, Strict()]
Real = Annotated[float, Strict()]


# The systems of systems.py.
SystemName = Literal["debian-12", "debian-13", "ubuntu-22.04", "ubuntu-24.04"]


def version_text(value: object) -> object:
    """A plain ``3.10`` in YAML means the text "3.10" where a version is wanted."""
    if isinstance(value, Number):
        return value.text
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _env_text(value: object) -> object:
    if isinstance(value, bool) or value is None:
        raise refusal(value, "a text", "put it in quotes: every environment value is text")
    return str(value) if isinstance(value, int | float) else value


def number_or(regex: str) -> WithJsonSchema:
    """The JSON Schema of a text that a plain number may stand for."""
    return WithJsonSchema({"type": ["string", "number"], "pattern": f"^(?:{regex})$"})


_SEGMENT = r"[A-Za-z0-9._~@+-]+"
# A relative path that a program would read as an option, or a shell as a home folder.
_NO_OPTION = r"(?![-~])"
_IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_]*"
_DOTTED = rf"{_IDENTIFIER}(?:\.{_IDENTIFIER})*"


def _no_keyword(text: str) -> None:
    for word in re.findall(_IDENTIFIER, text):
        if keyword.iskeyword(word):
            raise ValueError(f"{word!r} is a Python keyword")


def _inside(text: str) -> None:
    if ".." in text.split("/"):
        raise ValueError("the path may not leave the project folder: no '..'")


def _no_dots(text: str) -> None:
    if any(part in {".", ".."} for part in text.split("/")):
        raise ValueError("a path without '.' and '..'")


def _command(text: str) -> None:
    if not text.isprintable():
        raise ValueError("one line, no control characters")
    if not shlex.split(text):
        raise ValueError("it is empty")
    if any(word in {"|", "||", "&&", ";", ">", "<", "&"} for word in shlex.split(text)):
        raise ValueError("it runs without a shell: put one command in each entry")


# Users, groups, services and folders of /etc and /run that a host has, or may well have, on its
# own: a project of that name would run as them, or lie in their folders.
RESERVED_NAMES = frozenset(
    """adm alternatives apache2 apparmor apt audio backup bin cdrom certbot cloud colord crontab
    cron daemon dbus debian default dialout disk docker dovecot dpkg exim fax floppy fonts ftp games
    gdm gnats gunicorn haproxy init input irc kernel kmem kvm landscape ldap letsencrypt libvirt
    list lock log logrotate lp mail man memcached messagebus mongodb mount mysql netdev netplan
    network news nginx nobody nogroup ntp operator opt pam perl php plugdev polkitd pollinate
    postfix postgres postgresql proxy python3 rabbitmq redis render root rpc rsyslog runit security
    selinux sgx shadow shm skel src ssh sshd ssl staff statd sudo sync sys sysctl syslog systemd
    tape tcpdump terminfo tftp tss tty ubuntu udev ufw usbmux user users utmp uucp uuidd varnish
    video voice www www-data xdg""".split()
)


def _not_reserved(text: str) -> None:
    if text in RESERVED_NAMES or text.startswith("systemd-"):
        raise ValueError("a system has a user or a service of that name: choose another")


def _not_ansible(text: str) -> None:
    if text in {"all", "ungrouped", "localhost", "application_hosts", "front_hosts"}:
        raise ValueError("the inventory has a group of that name: choose another")


Name = Annotated[
    str,
    pattern(
        r"[a-z][a-z0-9-]{0,30}",
        "1 to 31 of a-z, 0-9 and '-', starting with a letter",
        "the name becomes a Linux user, a systemd unit and a folder",
    ),
    checked(_not_reserved, "a name that is the project's own"),
]
# What else runs on a machine may well be called nginx or postgresql.
ServiceName = Annotated[
    str, pattern(r"[a-z][a-z0-9-]{0,30}", "a name of a-z, 0-9 and '-', such as postgresql")
]
GroupName = Annotated[
    str,
    pattern(r"[a-z][a-z0-9_]{0,30}", "1 to 31 of a-z, 0-9 and '_', starting with a letter"),
    checked(_not_ansible, "a name that Ansible does not give itself"),
]
ModuleName = Annotated[
    str,
    pattern(_DOTTED, "a dotted Python module such as shop.settings.production"),
    checked(_no_keyword, "a dotted Python module such as shop.settings.production"),
]
Entrypoint = Annotated[
    str,
    pattern(
        rf"{_DOTTED}:{_DOTTED}(?:\(\))?",
        "module:object, or module:factory() for a function that returns the application",
        "for example shop.wsgi:application, or shop:create_app()",
    ),
    checked(_no_keyword, "module:object or module:factory()"),
]
UrlPath = Annotated[
    str,
    pattern(
        rf"/|(?:/{_SEGMENT})+/?",
        "a URL path such as /health/",
        "it starts with '/', and has no spaces, quotes, '%', '?' or '#'",
    ),
    checked(_no_dots, "a URL path such as /health/"),
]
UrlPrefix = Annotated[
    str,
    pattern(rf"(?:/{_SEGMENT})+/", "a URL path with '/' on both ends, such as /static/"),
    checked(_no_dots, "a URL path with '/' on both ends, such as /static/"),
]
ProjectPath = Annotated[
    str,
    pattern(
        rf"\.|{_NO_OPTION}{_SEGMENT}(?:/{_SEGMENT})*",
        "a path below the project folder, such as requirements/production.txt",
        "relative, with '/' between the parts, no spaces",
    ),
    checked(_inside, "a path below the project folder"),
]
PathPattern = Annotated[
    str,
    pattern(
        rf"{_NO_OPTION}[A-Za-z0-9._~@+*?-]+(?:/[A-Za-z0-9._~@+*?-]+)*",
        "a path below the project, with * and ? for what differs, such as docs/*.pdf",
    ),
    checked(_inside, "a path below the project folder"),
]
GitRef = Annotated[
    str,
    pattern(
        r"[A-Za-z0-9_][A-Za-z0-9_./+-]{0,199}",
        "a commit, tag or branch such as v1.2, main or origin/main",
    ),
]
AbsolutePath = Annotated[
    str,
    pattern(rf"(?:/{_SEGMENT})+", "an absolute path such as /var/lib/shop, without spaces"),
    checked(_no_dots, "an absolute path such as /var/lib/shop"),
]
Folder = Annotated[
    str,
    pattern(
        rf"/?{_NO_OPTION}{_SEGMENT}(?:/{_SEGMENT})*",
        "a folder: below the project (staticfiles), or absolute (/srv/files)",
    ),
    checked(_no_dots, "a folder without '.' and '..'"),
]
# Without what any program takes for a line break or a control character.
_ONE_LINE = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]*"
EnvName = Annotated[
    str,
    pattern(r"[A-Za-z_][A-Za-z0-9_]{0,127}", "an environment name such as DATABASE_URL"),
]
EnvValue = Annotated[
    str,
    BeforeValidator(_env_text),
    pattern(
        _ONE_LINE,
        "one line of text",
        "a value with line breaks belongs into a file that the application reads",
    ),
    checked(str.encode, "text that UTF-8 can hold"),
    number_or(_ONE_LINE),
]
Command = Annotated[
    str,
    checked(_command, "one command with its arguments, such as python manage.py migrate"),
]
_PYTHON = r"3\.[0-9]{1,2}t?"
_GUNICORN = r"[0-9]{1,3}(?:\.[0-9]{1,4}){1,2}"
PythonVersion = Annotated[
    str,
    BeforeValidator(version_text),
    pattern(_PYTHON, 'a version such as "3.12"', "patch releases come with the system"),
    number_or(_PYTHON),
]
GunicornVersion = Annotated[
    str,
    BeforeValidator(version_text),
    pattern(_GUNICORN, 'a version such as "27.0.1"'),
    number_or(_GUNICORN),
]
DependencyGroup = Annotated[
    str, pattern(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", "the name of a dependency group")
]


SIZE_MAX = 1024 * units.TIB


def _size(value: object) -> int:
    allowed = "a size such as 512M or 4G"
    text = value.text if isinstance(value, Number) else value
    try:
        size = units.parse_size(text) if isinstance(text, str | int) else 0
    except ValueError:
        size = 0
    if not size:
        raise refusal(value, allowed, "K, M, G and T are powers of 1024")
    if size < units.KIB:
        raise refusal(value, allowed, "did you forget the unit? A plain number counts bytes")
    if size > SIZE_MAX:
        raise refusal(value, f"at most {units.format_size(SIZE_MAX)}")
    return size


Size = Annotated[
    int,
    BeforeValidator(_size),
    WithJsonSchema(
        {
            "type": ["string", "integer"],
            "pattern": r"^\s*[0-9]{1,18}(\.[0-9]{1,18})?\s*[KMGTkmgt]?([iI]?[Bb])?\s*$",
            "minimum": units.KIB,
            "maximum": SIZE_MAX,
        }
    ),
]
