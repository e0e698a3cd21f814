"""The narrowest type for each kind of value.

What the description says reaches nginx, systemd, shell, YAML and Python files. Each value is
validated here, once, so that no later place has to ask whether a host name holds a semicolon;
each file still quotes what it prints. An error says what was found, what is allowed and a hint.
"""

from __future__ import annotations

import difflib
import ipaddress
import keyword
import re
import shlex
from collections.abc import Callable, Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from deploygen import units
from deploygen.spec.source import Number


def refusal(found: object, allowed: str, hint: str = "") -> PydanticCustomError:
    """The error that a validator raises; load.py turns it into a Problem."""
    return PydanticCustomError(
        "deploygen",
        "found {found}",
        {"found": shown(found), "allowed": allowed, "hint": hint},
    )


def shown(found: object) -> str:
    """A value as an error shows it: quoted, and not longer than a line."""
    text = found if isinstance(found, str) else str(found)
    return repr(text if len(text) <= 80 else text[:77] + "...")


def closest(word: str, options: Iterable[str]) -> str:
    """A hint with the option that ``word`` was probably meant to be; empty if none is near."""
    near = difflib.get_close_matches(word, list(options), n=1)
    return f"did you mean {near[0]}?" if near else ""


def _text(value: object) -> object:
    """A plain ``3.10`` in YAML means the text "3.10" where a text is wanted."""
    return value.text if isinstance(value, Number) else value


def _env_text(value: object) -> object:
    if isinstance(value, bool) or value is None:
        raise refusal(value, "a text", "put it in quotes: every environment value is text")
    return str(value) if isinstance(value, int | float) else value


def _pattern(regex: str, allowed: str, hint: str = "") -> Any:
    compiled = re.compile(regex)

    def validate(text: str) -> str:
        if compiled.fullmatch(text) is None:
            raise refusal(text, allowed, hint)
        return text

    return AfterValidator(validate)


def _checked(check: Callable[[str], object], allowed: str, hint: str = "") -> Any:
    def validate(text: str) -> str:
        try:
            check(text)
        except ValueError as error:
            raise refusal(text, allowed, str(error) or hint) from None
        return text

    return AfterValidator(validate)


_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_SEGMENT = r"[A-Za-z0-9._~@+-]+"
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


# Users and services that a host has, or may well have, on its own: a project of that name
# would run as them, or lie in their folders.
RESERVED_NAMES = frozenset(
    """apache2 apt backup bin certbot colord cron daemon dbus debian docker dovecot exim ftp games
    gdm gnats gunicorn haproxy irc landscape list lp mail man memcached messagebus mongodb mysql
    network news nginx nobody ntp operator polkitd pollinate postfix postgres postgresql proxy
    rabbitmq redis root rpc rsyslog ssh sshd ssl statd sudo sync sys syslog systemd tcpdump tss
    ubuntu udev usbmux uucp uuidd varnish www www-data""".split()
)


def _not_reserved(text: str) -> None:
    if text in RESERVED_NAMES or text.startswith("systemd-"):
        raise ValueError("a system has a user or a service of that name: choose another")


Name = Annotated[
    str,
    _pattern(
        r"[a-z][a-z0-9-]{0,30}",
        "1 to 31 of a-z, 0-9 and '-', starting with a letter",
        "the name becomes a Linux user, a systemd unit and a folder",
    ),
    _checked(_not_reserved, "a name that is the project's own"),
]
# What else runs on a machine may well be called nginx or postgresql.
ServiceName = Annotated[
    str, _pattern(r"[a-z][a-z0-9-]{0,30}", "a name of a-z, 0-9 and '-', such as postgresql")
]
GroupName = Annotated[
    str,
    _pattern(r"[a-z][a-z0-9_]{0,30}", "1 to 31 of a-z, 0-9 and '_', starting with a letter"),
]
ModuleName = Annotated[
    str,
    _pattern(_DOTTED, "a dotted Python module such as shop.settings.production"),
    _checked(_no_keyword, "a dotted Python module such as shop.settings.production"),
]
Entrypoint = Annotated[
    str,
    _pattern(
        rf"{_DOTTED}:{_DOTTED}(?:\(\))?",
        "module:object, or module:factory() for a function that returns the application",
        "for example shop.wsgi:application, or shop:create_app()",
    ),
    _checked(_no_keyword, "module:object or module:factory()"),
]
HostName = Annotated[
    str,
    _pattern(
        rf"(?=.{{1,253}}\Z)(?:\*\.)?{_LABEL}(?:\.{_LABEL})*",
        "a host name such as www.example.com; a leading *. stands for all its subdomains",
        "no scheme, port or path; write international names in their xn-- form",
    ),
]
Host = Annotated[
    str,
    _pattern(
        rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*|[0-9A-Fa-f:.]{{2,45}}",
        "a host name or an IP address",
        "user and port belong into your SSH configuration",
    ),
]
UrlPath = Annotated[
    str,
    _pattern(
        rf"/|(?:/{_SEGMENT})+/?",
        "a URL path such as /health/",
        "it starts with '/', and has no spaces, quotes, '%', '?' or '#'",
    ),
    _checked(_no_dots, "a URL path such as /health/"),
]
UrlPrefix = Annotated[
    str,
    _pattern(rf"(?:/{_SEGMENT})+/", "a URL path with '/' on both ends, such as /static/"),
    _checked(_no_dots, "a URL path with '/' on both ends, such as /static/"),
]
ProjectPath = Annotated[
    str,
    _pattern(
        rf"\.|{_SEGMENT}(?:/{_SEGMENT})*",
        "a path below the project folder, such as requirements/production.txt",
        "relative, with '/' between the parts, no spaces",
    ),
    _checked(_inside, "a path below the project folder"),
]
AbsolutePath = Annotated[
    str,
    _pattern(rf"(?:/{_SEGMENT})+", "an absolute path such as /var/lib/shop, without spaces"),
    _checked(_no_dots, "an absolute path such as /var/lib/shop"),
]
Folder = Annotated[
    str,
    _pattern(
        rf"/?{_SEGMENT}(?:/{_SEGMENT})*",
        "a folder: below the project (staticfiles), or absolute (/srv/files)",
    ),
    _checked(_no_dots, "a folder without '.' and '..'"),
]
EnvName = Annotated[
    str,
    _pattern(r"[A-Za-z_][A-Za-z0-9_]{0,127}", "an environment name such as DATABASE_URL"),
]
EnvValue = Annotated[
    str,
    BeforeValidator(_env_text),
    _pattern(
        r"[^\x00-\x1f\x7f]*",
        "one line of text",
        "a value with line breaks belongs into a file that the application reads",
    ),
]
Command = Annotated[
    str,
    _checked(_command, "one command with its arguments, such as python manage.py migrate"),
]
PythonVersion = Annotated[
    str,
    BeforeValidator(_text),
    _pattern(r"3\.\d{1,2}t?", 'a version such as "3.12"', "patch releases come with the system"),
]
GunicornVersion = Annotated[
    str,
    BeforeValidator(_text),
    _pattern(r"\d{1,3}(?:\.\d{1,4}){1,2}", 'a version such as "27.0.1"'),
]
DependencyGroup = Annotated[
    str, _pattern(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", "the name of a dependency group")
]


def _size(value: object) -> int:
    allowed = "a size such as 512M or 4G"
    if not isinstance(value, str | int | Number) or isinstance(value, bool):
        raise refusal(value, allowed)
    text = _text(value)
    try:
        size = units.parse_size(text if isinstance(text, int) else str(text))
    except ValueError:
        raise refusal(value, allowed, "K, M, G and T are powers of 1024") from None
    if size < units.KIB:
        raise refusal(value, allowed, "did you forget the unit? A plain number counts bytes")
    return size


Size = Annotated[
    int,
    BeforeValidator(_size),
    WithJsonSchema(
        {"type": ["string", "integer"], "pattern": r"^\d+(\.\d+)?\s*[KMGTkmgt]?(i?B)?$"}
    ),
]


def _network(text: str) -> str:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise refusal(text, "an address or a network such as 10.0.0.0/8 or 2001:db8::/32") from None
    # gunicorn refuses networks with host bits: better here, with the right one named.
    try:
        ipaddress.ip_network(text)
    except ValueError:
        raise refusal(text, "a network without host bits", f"did you mean {network}?") from None
    return text.lower()


Network = Annotated[str, AfterValidator(_network)]

HeaderName = Annotated[
    str, _pattern(r"[A-Za-z][A-Za-z0-9-]{0,63}", "a header name such as X-Frame-Options")
]
HeaderValue = Annotated[
    str,
    _pattern(
        r"[\x20-\x23\x25-\x5b\x5d-\x7e]{1,1024}",
        "printable ASCII without '$' and '\\'",
        "nginx would read '$' as the start of a variable",
    ),
]
