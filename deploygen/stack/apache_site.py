"""Moves Apache's files below a private folder and onto loopback ports.

Each rule looks at one directive and says which of its words change. The folder's own
apache2.conf, which stands in for Debian's, listens on the ports: see apache_conf.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from deploygen.stack import moved, older
from deploygen.stack.apache_directives import directives
from deploygen.stack.directives import Directive, Edit, Word
from deploygen.stack.machine import Machine
from deploygen.stack.moved import Seen, change, drop, inside

ROOT = "/etc/apache2"
# Arguments that are URLs, patterns or texts: a path in them is none of the file system.
_URLS = frozenset(
    """location locationmatch redirectmatch header requestheader setenvif setenvifexpr
    setenv errordocument directoryindex servername logformat addoutputfilterbytype if elseif
    limitexcept proxypassreverse proxypassreversecookiepath""".split()
)
_REDIRECTS = frozenset(("redirect", "redirectpermanent", "rewriterule"))
# The first argument is a URL, the second a path.
_URL_FIRST = frozenset(("alias", "aliasmatch", "scriptalias", "proxypass", "proxypassmatch"))
_LOGS = frozenset(("errorlog", "customlog", "transferlog", "pidfile"))
_CERTIFICATE, _KEY = "sslcertificatefile", "sslcertificatekeyfile"
# Where a container's logs go, and what they are called here.
_STREAMS = {"/dev/stderr": "error.log", "/dev/stdout": "access.log"}
# The types of files, on any Debian.
TYPES = "/etc/mime.types"
# How a rule of ours says the host that was asked for.
_HOSTS = ("%{SERVER_NAME}", "%{HTTP_HOST}")


def ports(text: str) -> tuple[int, ...]:
    """The TCP ports that virtual hosts and Listen name, in their order."""
    found = [
        _port(word.value)
        for each in directives(text)
        if each.name in ("virtualhost", "listen")
        for word in (each.args if each.opens else each.args[:1])
    ]
    return tuple(dict.fromkeys(found))


def _port(address: str) -> int:
    port = address.rpartition(":")[2]
    return int(port) if port.isdigit() else 80


def edits(text: str, machine: Machine, *, seen: Seen, main: bool = False) -> Iterator[Edit]:
    """What changes in one file; ``main`` is a container's own apache2.conf."""
    found = directives(text)
    names = {
        value
        for each in found
        if each.name in ("servername", "serveralias")
        for value in each.values()
    }
    for each in found:
        if each.name == "virtualhost":
            yield from _names(inside(found, each), each, machine, seen)
    yield from moved.certificates(found, machine, certificate=_CERTIFICATE, key=_KEY)
    for each in found:
        if each.name in machine.absent:
            yield drop(each, moved.LEFT_OUT)
            continue
        if edit := older.apache(each, machine):
            yield edit
            continue
        rule = (_MAIN.get(each.name) if main else None) or _RULES.get(each.name)
        if rule is not None:
            yield from rule(each, machine)
        elif each.name in _LOGS:
            for word in each.args[:1]:
                yield from _log(word, machine, seen)
        elif each.name in _REDIRECTS:
            yield from moved.redirect(each, text, (*_HOSTS, *sorted(names)), machine)
        elif each.name not in (*_URLS, _CERTIFICATE, _KEY):
            first = 1 if each.name in _URL_FIRST else 0
            yield from moved.paths(each, text, machine, first=first)


def _names(
    within: tuple[Directive, ...], block: Directive, machine: Machine, seen: Seen
) -> Iterator[Edit]:
    """The names of this machine in the first site of each port; a default has no aliases."""
    addresses = {str(_port(value)) for value in block.values()}
    for each in within:
        if each.name == "serveralias" and machine.names and not addresses <= seen.named:
            seen.named.update(addresses)
            missing = [name for name in machine.names if name not in each.values()]
            yield Edit(each.end, each.end, "".join(f" {name}" for name in missing), "name")


def _virtual_host(each: Directive, machine: Machine) -> Iterator[Edit]:
    for word in each.args:
        port = _port(word.value)
        if (new := f"*:{machine.ports.get(port, port)}") != word.value:
            yield change(word, new, "port")


def _listen(each: Directive, _machine: Machine) -> Iterator[Edit]:
    yield drop(each, "left out: it listens on loopback")


def _listen_here(each: Directive, machine: Machine) -> Iterator[Edit]:
    for word in each.args[:1]:
        port = _port(word.value)
        yield change(word, f"{moved.LOOPBACK}:{machine.ports.get(port, port)}", "port")


def _log(word: Word, machine: Machine, seen: Seen) -> Iterator[Edit]:
    """What goes to a container's engine goes to a file here."""
    if name := _STREAMS.get(word.value):
        seen.folders.add(f"{machine.root}/var/log/apache2")
        yield change(word, f"{machine.root}/var/log/apache2/{name}", "path")
    else:
        yield from moved.written(word, machine, seen)


def _root(each: Directive, machine: Machine) -> Iterator[Edit]:
    for word in each.args[:1]:
        yield change(word, f"{machine.root}{ROOT}", "path")


def _module(each: Directive, machine: Machine) -> Iterator[Edit]:
    """Modules lie where this machine's Apache has them."""
    for word in each.args[1:2]:
        yield change(word, f"{machine.modules}/{word.value.rpartition('/')[2]}", "path")


def _run_time(each: Directive, machine: Machine) -> Iterator[Edit]:
    """What Apache writes while it runs lies in /tmp, in a container."""
    for word in each.args[:1]:
        yield change(word, word.value.replace("/tmp", f"{machine.root}/run"), "path")  # noqa: S108


def _types(each: Directive, machine: Machine) -> Iterator[Edit]:
    for word in each.args[:1]:
        if machine.readable(TYPES):
            yield change(word, TYPES, "path")
        else:
            yield change(word, "/dev/null", moved.LEFT_OUT)


def _user(each: Directive, _machine: Machine) -> Iterator[Edit]:
    yield drop(each, "left out: it serves as who started it")


def _map(each: Directive, machine: Machine) -> Iterator[Edit]:
    """Paths of a program and of its arguments; it runs as who started Apache."""
    for word in each.args[1:2]:
        if (new := machine.moves.text(word.value)) != word.value:
            yield change(word, f'"{new}"', "path")
    for word in each.args[2:]:
        yield change(word, "", "left out: it serves as who started it")


def _host_header(each: Directive, _machine: Machine) -> Iterator[Edit]:
    """Without its port, an application would make links and compare origins wrongly."""
    values = each.values()
    if values[:1] == ("set",) and values[-1] == "expr=%{SERVER_NAME}":
        yield change(each.args[-1], '"expr=%{SERVER_NAME}:%{SERVER_PORT}"', "port")


def _include(each: Directive, machine: Machine) -> Iterator[Edit]:
    """A relative file lies below /etc/apache2; one that only the host has is left out."""
    if len(each.args) != 1:
        return
    word = each.args[0]
    path = word.value if word.value.startswith("/") else f"{ROOT}/{word.value}"
    new = machine.moves.path(path)
    if new == path and not any(mark in path for mark in "*?[") and not machine.readable(path):
        yield drop(each, moved.LEFT_OUT)
    elif new != word.value:
        yield change(word, new, "path")


_RULES: Mapping[str, Callable[[Directive, Machine], Iterator[Edit]]] = {
    "virtualhost": _virtual_host,
    "listen": _listen,
    "user": _user,
    "group": _user,
    "rewritemap": _map,
    "requestheader": _host_header,
    "include": _include,
    "includeoptional": _include,
}
# What only a container's own main file says: a host's is Debian's.
_MAIN: Mapping[str, Callable[[Directive, Machine], Iterator[Edit]]] = {
    "serverroot": _root,
    "loadmodule": _module,
    "listen": _listen_here,
    "defaultruntimedir": _run_time,
    "sslsessioncache": _run_time,
    "typesconfig": _types,
}
