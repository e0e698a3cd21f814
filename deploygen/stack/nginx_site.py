"""Moves nginx's files below a private folder and onto loopback ports.

Each rule looks at one directive and says which of its words change. What an unprivileged
nginx cannot do on a laptop changes, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from deploygen.stack import moved, older
from deploygen.stack.directives import Directive, Edit, directives
from deploygen.stack.machine import Machine
from deploygen.stack.moved import LOOPBACK, LOOPBACK6, Seen, change, drop, inside

# Arguments that are URLs or patterns: a path in them is none of the file system.
_URLS = frozenset(
    "location rewrite return try_files error_page add_header proxy_redirect proxy_set_header "
    "proxy_cookie_path log_format index sub_filter server_name".split()
)
_TABLES = frozenset(("map", "geo", "split_clients", "types"))
_LOGS = frozenset(("error_log", "access_log"))
_WRITTEN = re.compile(r"(client_body|proxy|fastcgi|uwsgi|scgi)_(temp|cache)_path")
# Where no application host is: the port of a service that throws away what it gets.
NOBODY = f"{LOOPBACK}:9"
_CERTIFICATE = ("ssl_certificate", "ssl_certificate_key")


def ports(text: str) -> tuple[int, ...]:
    """The TCP ports that a site listens on, in their order."""
    every = directives(text)
    found: list[int] = []
    for server in filter(_is_server, every):
        listens = [each for each in inside(every, server) if each.name == "listen" and each.args]
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
            yield from _server(each, inside(found, each), machine, seen)
    certificate, key = _CERTIFICATE
    yield from moved.certificates(found, machine, certificate=certificate, key=key)
    for each in found:
        if each.name in machine.absent:
            yield drop(each, moved.LEFT_OUT)
            continue
        if older.too_new(each, machine):
            yield older.replacement(each, machine)
            continue
        rule = _RULES.get(each.name)
        if rule is not None:
            yield from rule(each, machine, seen)
        elif each.name in ("return", "rewrite"):
            hosts = ("$host", "$server_name", *sorted(names))
            yield from moved.redirect(each, text, hosts, machine)
        elif _WRITTEN.fullmatch(each.name):
            yield from _written(each, machine, seen)
        elif each.name not in (*_URLS, *_CERTIFICATE, "listen") and not (
            _TABLES & set(each.context)
        ):
            yield from moved.paths(each, text, machine)


def _is_server(each: Directive) -> bool:
    return each.name == "server" and each.opens and "stream" not in each.context


def _address(value: str) -> tuple[str, int]:
    """``listen``'s address and port: ``("[::]", 80)``, ``("", 80)``."""
    host, _, port = value.rpartition(":")
    if value.endswith("]"):
        host, port = value, ""
    elif not host and not port.isdigit():
        host, port = port, ""
    return host, int(port) if port.isdigit() else 80


def _server(
    block: Directive, within: tuple[Directive, ...], machine: Machine, seen: Seen
) -> Iterator[Edit]:
    """Loopback addresses, and the names of this machine in the first site of each."""
    addresses: list[str] = []
    default = False
    for each in within:
        if each.name != "listen" or not each.args:
            continue
        default = default or bool({"default_server", "default"} & set(each.values()))
        if each.args[0].value.startswith("unix:"):
            new = machine.moves.path(each.args[0].value)
            if new != each.args[0].value:
                yield change(each.args[0], new, "path")
            addresses.append(new)
            continue
        host, port = _address(each.args[0].value)
        six = host.startswith("[")
        new = f"{LOOPBACK6 if six else LOOPBACK}:{machine.ports.get(port, port)}"
        if new in addresses:
            yield drop(each, "the same address on this machine")
        elif six and not machine.ipv6:
            yield drop(each, "no IPv6 on this machine")
        else:
            yield change(each.args[0], new, "port")
            addresses.append(new)
    if not addresses:
        new = f"{LOOPBACK}:{machine.ports.get(80, 80)}"
        yield Edit(block.end, block.end, f" listen {new};", "port")
        addresses.append(new)
    for each in within:
        if each.name != "server_name" or default or "_" in each.values() or not machine.names:
            continue
        if not set(addresses) <= seen.named:
            seen.named.update(addresses)
            missing = [name for name in machine.names if name not in each.values()]
            yield Edit(each.end - 1, each.end - 1, "".join(f" {n}" for n in missing), "name")


def _host_header(each: Directive, _machine: Machine, _seen: Seen) -> Iterator[Edit]:
    """Without its port, an application would make links and compare origins wrongly."""
    if len(each.args) == 2 and each.args[1].value == "$host":
        yield change(each.args[1], "$host:$server_port", "port")


def _written(each: Directive, machine: Machine, seen: Seen) -> Iterator[Edit]:
    for word in each.args[:1]:
        yield from moved.written(word, machine, seen)


def _include(each: Directive, machine: Machine, _seen: Seen) -> Iterator[Edit]:
    """A relative file lies beside nginx.conf; one that only the host has is left out."""
    if len(each.args) != 1:
        return
    word = each.args[0]
    path = word.value if word.value.startswith("/") else f"/etc/nginx/{word.value}"
    new = machine.moves.path(path)
    if new == path and not any(mark in path for mark in "*?[") and not machine.readable(path):
        yield drop(each, moved.LEFT_OUT)
    elif new != word.value:
        yield change(word, new, "path")


def _member(each: Directive, machine: Machine, _seen: Seen) -> Iterator[Edit]:
    """A host of a fleet: nothing is sent to it from here, and its name need not be known here."""
    if each.opens or "upstream" not in each.context or not each.args:
        return
    word = each.args[0]
    local = word.value.startswith("unix:")
    new = machine.moves.text(word.value) if local else machine.members.get(word.value, NOBODY)
    if new != word.value:
        yield change(word, new, "path" if local else "host")


def _user(each: Directive, machine: Machine, _seen: Seen) -> Iterator[Edit]:
    """Workers of another user could not reach a private folder."""
    if machine.user:
        yield Edit(each.start, each.end, f"user {machine.user};", "user")
    else:
        yield drop(each, "left out: only root's nginx changes its user")


def _daemon(each: Directive, _machine: Machine, _seen: Seen) -> Iterator[Edit]:
    yield drop(each, "left out: it runs in the foreground")


def _absent(found: tuple[Directive, ...], machine: Machine, seen: Seen) -> Iterator[Edit]:
    """What nginx would take from its build, where the file does not say it."""
    written = f"{machine.root}/var"
    top = {each.name for each in found if not each.within}
    main = {"pid": f"{machine.root}/run/nginx.pid", "error_log": f"{written}/log/nginx/error.log"}
    if machine.user:
        main["user"] = machine.user
    added = "".join(f"load_module {path}; " for path in machine.loads)
    added += "".join(f"{name} {value}; " for name, value in main.items() if name not in top)
    if added:
        yield Edit(0, 0, added, "path")
    http = next((each for each in found if each.name == "http" and each.opens), None)
    if http is None:
        return
    given = {each.name for each in inside(found, http)}
    missing = {name: f"{written}/lib/nginx/{name}" for name in machine.temp_paths}
    missing["access_log"] = f"{written}/log/nginx/access.log"
    seen.folders.update((f"{machine.root}/run", f"{written}/lib/nginx", f"{written}/log/nginx"))
    yield Edit(
        http.end,
        http.end,
        "".join(f" {name} {value};" for name, value in missing.items() if name not in given),
        "path",
    )


_RULES: Mapping[str, Callable[[Directive, Machine, Seen], Iterator[Edit]]] = {
    "proxy_set_header": _host_header,
    "include": _include,
    "server": _member,
    "user": _user,
    "daemon": _daemon,
    **dict.fromkeys(_LOGS, _written),
    "pid": _written,
}
