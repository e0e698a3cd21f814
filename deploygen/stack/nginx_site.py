"""Moves nginx's files below a private folder and onto loopback ports.

Each rule looks at one directive and says which of its words change. What an unprivileged
nginx cannot do on a laptop changes, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from deploygen.stack import older
from deploygen.stack.directives import Directive, Edit, Word, directives
from deploygen.stack.machine import Machine

LOOPBACK, LOOPBACK6 = "127.0.0.1", "[::1]"
# Arguments that are URLs or patterns: a path in them is none of the file system.
_URLS = frozenset(
    "location rewrite return try_files error_page add_header proxy_redirect proxy_set_header "
    "proxy_cookie_path log_format index sub_filter server_name".split()
)
_TABLES = frozenset(("map", "geo", "split_clients", "types"))
_LOGS = frozenset(("error_log", "access_log"))
_WRITTEN = re.compile(r"(client_body|proxy|fastcgi|uwsgi|scgi)_(temp|cache)_path")
_CERTIFICATE = ("ssl_certificate", "ssl_certificate_key")


@dataclass
class Seen:
    """What the files before had: a name may be given once for each port."""

    named: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)


def ports(text: str) -> tuple[int, ...]:
    """The TCP ports that a site listens on, in their order."""
    every = directives(text)
    found: list[int] = []
    for server in filter(_is_server, every):
        listens = [each for each in _inside(every, server) if each.name == "listen" and each.args]
        addresses = [each.args[0].value for each in listens]
        found += [_address(each)[1] for each in addresses if not each.startswith("unix:")]
        if not listens:
            found.append(80)  # it gets a listen directive here
    return tuple(dict.fromkeys(found))


def edits(text: str, machine: Machine, *, main: bool, seen: Seen) -> Iterator[Edit]:
    """What changes in one file. ``main`` marks nginx.conf itself."""
    found = directives(text)
    if main:
        yield from _absent(found, machine, seen)
    names = {value for each in found if each.name == "server_name" for value in each.values()}
    for each in found:
        if _is_server(each):
            yield from _server(each, _inside(found, each), machine, seen)
    yield from _certificates(found, machine)
    for each in found:
        if older.too_new(each, machine):
            yield older.replacement(each, machine)
            continue
        rule = _RULES.get(each.name)
        if rule is not None:
            yield from rule(each, machine, seen)
        elif each.name in ("return", "rewrite"):
            yield from _redirect(each, text, names, machine)
        elif _WRITTEN.fullmatch(each.name):
            yield from _written(each, machine, seen)
        elif each.name not in (*_URLS, *_CERTIFICATE, "listen") and not (
            _TABLES & set(each.context)
        ):
            yield from _paths(each, text, machine)


def _is_server(each: Directive) -> bool:
    return each.name == "server" and each.opens and "stream" not in each.context


def _inside(found: Iterable[Directive], block: Directive) -> tuple[Directive, ...]:
    return tuple(each for each in found if each.within and each.within[-1] is block)


def _word(word: Word, new: str, what: str) -> Edit:
    return Edit(word.start, word.end, new, what)


def _drop(each: Directive, what: str) -> Edit:
    return Edit(each.start, each.end, "", what)


def _address(value: str) -> tuple[str, int]:
    """``listen``'s address and port: ``("[::]", 80)``, ``("", 80)``."""
    host, _, port = value.rpartition(":")
    if value.endswith("]"):
        host, port = value, ""
    elif not host and not port.isdigit():
        host, port = port, ""
    return host, int(port) if port.isdigit() else 80


def _server(
    block: Directive, inside: tuple[Directive, ...], machine: Machine, seen: Seen
) -> Iterator[Edit]:
    """Loopback addresses, and the names of this machine in the first site of each."""
    addresses: list[str] = []
    default = False
    for each in inside:
        if each.name != "listen" or not each.args:
            continue
        default = default or bool({"default_server", "default"} & set(each.values()))
        if each.args[0].value.startswith("unix:"):
            new = machine.moves.path(each.args[0].value)
            if new != each.args[0].value:
                yield _word(each.args[0], new, "path")
            addresses.append(new)
            continue
        host, port = _address(each.args[0].value)
        six = host.startswith("[")
        new = f"{LOOPBACK6 if six else LOOPBACK}:{machine.ports.get(port, port)}"
        if new in addresses:
            yield _drop(each, "the same address on this machine")
        elif six and not machine.ipv6:
            yield _drop(each, "no IPv6 on this machine")
        else:
            yield _word(each.args[0], new, "port")
            addresses.append(new)
    if not addresses:
        new = f"{LOOPBACK}:{machine.ports.get(80, 80)}"
        yield Edit(block.end, block.end, f" listen {new};", "port")
        addresses.append(new)
    for each in inside:
        if each.name != "server_name" or default or "_" in each.values() or not machine.names:
            continue
        if not set(addresses) <= seen.named:
            seen.named.update(addresses)
            missing = [name for name in machine.names if name not in each.values()]
            yield Edit(each.end - 1, each.end - 1, "".join(f" {n}" for n in missing), "name")


def _certificates(found: tuple[Directive, ...], machine: Machine) -> Iterator[Edit]:
    """Stand-ins for certificates that are not here; a pair is replaced as a pair."""
    blocks: dict[tuple[int, ...], list[Directive]] = {}
    for each in found:
        if each.name in _CERTIFICATE and each.args:
            blocks.setdefault(tuple(block.start for block in each.within), []).append(each)
    for pair in blocks.values():
        values = [each.args[0].value for each in pair]
        if all(not value.startswith("/") or machine.readable(value) for value in values):
            continue
        for each in pair:
            new = machine.certificate if each.name == "ssl_certificate" else machine.key
            yield _word(each.args[0], new, "stand-in: not on this machine")


def _redirect(each: Directive, text: str, names: set[str], machine: Machine) -> Iterator[Edit]:
    """A redirect to the site itself needs the port that it has here."""
    hosts = "|".join(re.escape(name) for name in ("$host", "$server_name", *sorted(names)))
    pattern = re.compile(rf"(https?)://({hosts})(?![\w:.-])")

    def with_port(match: re.Match[str]) -> str:
        port = machine.ports.get(443 if match[1] == "https" else 80)
        return f"{match[0]}:{port}" if port else match[0]

    for word in each.args:
        raw = text[word.start : word.end]
        if (new := pattern.sub(with_port, raw)) != raw:
            yield _word(word, new, "port")


def _paths(each: Directive, text: str, machine: Machine) -> Iterator[Edit]:
    for word in each.args:
        raw = text[word.start : word.end]
        if (new := machine.moves.text(raw)) != raw:
            yield _word(word, new, "path")


def _host_header(each: Directive, _machine: Machine, _seen: Seen) -> Iterator[Edit]:
    """Without its port, an application would make links and compare origins wrongly."""
    if len(each.args) == 2 and each.args[1].value == "$host":
        yield _word(each.args[1], "$host:$server_port", "port")


def _written(each: Directive, machine: Machine, seen: Seen) -> Iterator[Edit]:
    """What nginx writes goes below the private folder, wherever it was."""
    if not each.args or not each.args[0].value.startswith("/"):
        return
    old = each.args[0].value
    if old.startswith("/dev/"):
        return
    new = machine.moves.path(old)
    new = new if new.startswith(f"{machine.root}/") else f"{machine.root}{old}"
    seen.folders.add(new.rpartition("/")[0])
    yield _word(each.args[0], new, "path")


def _include(each: Directive, machine: Machine, _seen: Seen) -> Iterator[Edit]:
    """A relative file lies beside nginx.conf; one that only the host has is left out."""
    if len(each.args) != 1:
        return
    word = each.args[0]
    path = word.value if word.value.startswith("/") else f"/etc/nginx/{word.value}"
    new = machine.moves.path(path)
    if new == path and not any(mark in path for mark in "*?[") and not machine.readable(path):
        yield _drop(each, "left out: not on this machine")
    elif new != word.value:
        yield _word(word, new, "path")


def _user(each: Directive, machine: Machine, _seen: Seen) -> Iterator[Edit]:
    """Workers of another user could not reach a private folder."""
    if machine.user:
        yield Edit(each.start, each.end, f"user {machine.user};", "user")
    else:
        yield _drop(each, "left out: only root's nginx changes its user")


def _daemon(each: Directive, _machine: Machine, _seen: Seen) -> Iterator[Edit]:
    yield _drop(each, "left out: it runs in the foreground")


def _absent(found: tuple[Directive, ...], machine: Machine, seen: Seen) -> Iterator[Edit]:
    """What nginx would take from its build, where the file does not say it."""
    written = f"{machine.root}/var"
    top = {each.name for each in found if not each.within}
    main = {"pid": f"{machine.root}/run/nginx.pid", "error_log": f"{written}/log/nginx/error.log"}
    if machine.user:
        main["user"] = machine.user
    added = "".join(f"{name} {value}; " for name, value in main.items() if name not in top)
    if added:
        yield Edit(0, 0, added, "path")
    http = next((each for each in found if each.name == "http" and each.opens), None)
    if http is None:
        return
    given = {each.name for each in _inside(found, http)}
    inside = {name: f"{written}/lib/nginx/{name}" for name in machine.temp_paths}
    inside["access_log"] = f"{written}/log/nginx/access.log"
    seen.folders.update((f"{machine.root}/run", f"{written}/lib/nginx", f"{written}/log/nginx"))
    yield Edit(
        http.end,
        http.end,
        "".join(f" {name} {value};" for name, value in inside.items() if name not in given),
        "path",
    )


_RULES: Mapping[str, Callable[[Directive, Machine, Seen], Iterator[Edit]]] = {
    "proxy_set_header": _host_header,
    "include": _include,
    "user": _user,
    "daemon": _daemon,
    **dict.fromkeys(_LOGS, _written),
    "pid": _written,
}
