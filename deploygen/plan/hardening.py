"""The unit's sandbox: what an application never needs, it can't do.

A table, in the order in which the unit prints it. ``app.unhardened`` in the description takes
single options out, each with its reason; the unit then says so in its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from deploygen.errors import Problem, refuse
from deploygen.plan.layout import Layout
from deploygen.spec import Spec
from deploygen.spec.types import closest


@dataclass(frozen=True)
class Option:
    """One hardening option; ``dropped`` is the reason why it is left out, empty if it is not."""

    name: str
    values: tuple[str, ...]
    reason: str
    dropped: str = ""


# What app.network lets it reach. Unix sockets are files, and are reached in each case.
NETWORKS = {
    "internet": (
        Option("RestrictAddressFamilies", ("AF_UNIX AF_INET AF_INET6",), "sockets it can need"),
    ),
    "localhost": (
        Option("RestrictAddressFamilies", ("AF_UNIX AF_INET AF_INET6",), "sockets it can need"),
        Option("IPAddressDeny", ("any",), "it reaches no other machine, as app.network says ..."),
        Option("IPAddressAllow", ("localhost",), "... only services on this one"),
    ),
    "none": (
        Option("RestrictAddressFamilies", ("AF_UNIX",), "unix sockets are all that it needs"),
        Option("PrivateNetwork", ("yes",), "it sees no network, as app.network says"),
        Option("IPAddressDeny", ("any",), "nor reaches one that it was handed"),
    ),
}
OPTIONS = (
    Option("NoNewPrivileges", ("yes",), "no program that it starts gains rights"),
    Option("CapabilityBoundingSet", ("",), "not even a part of root's power"),
    Option("AmbientCapabilities", ("",), "nor passed on by another way"),
    Option("ProtectSystem", ("strict",), "the file system is read-only, but for what follows"),
    Option("ProtectHome", ("yes",), "home folders don't exist for it"),
    Option("PrivateTmp", ("yes",), "its own /tmp, gone when it stops"),
    Option("PrivateDevices", ("yes",), "no disks, no hardware"),
    Option("PrivateMounts", ("yes",), "what is mounted for it is mounted for nobody else"),
    Option("PrivateUsers", ("yes",), "no users but itself, root and nobody"),
    Option("ProtectProc", ("invisible",), "other users' processes are hidden"),
    Option("ProcSubset", ("pid",), "of /proc, processes only"),
    Option("ProtectClock", ("yes",), "the clock is not its business"),
    Option("ProtectHostname", ("yes",), "nor the host's name"),
    Option("ProtectKernelLogs", ("yes",), "nor the kernel's log"),
    Option("ProtectKernelModules", ("yes",), "nor its modules"),
    Option("ProtectKernelTunables", ("yes",), "nor its settings"),
    Option("ProtectControlGroups", ("yes",), "nor the limits that are set here"),
    Option("RestrictNamespaces", ("yes",), "it makes no containers"),
    Option("RestrictRealtime", ("yes",), "nor takes a cpu for itself"),
    Option("RestrictSUIDSGID", ("yes",), "nor leaves setuid files behind"),
    *NETWORKS["internet"],
    Option("LockPersonality", ("yes",), "no old system's quirks"),
    Option("MemoryDenyWriteExecute", ("yes",), "what is written to memory is never run"),
    Option("RemoveIPC", ("yes",), "nothing stays in shared memory"),
    Option("SystemCallArchitectures", ("native",), "no second set of system calls"),
    Option(
        "SystemCallFilter",
        ("@system-service", "~@privileged @resources", "~@chown:0"),
        "the calls that a service needs, none that administer; gunicorn gives its socket to the "
        "user who has it already: chown does nothing, and says that it worked",
    ),
    Option("SystemCallErrorNumber", ("EPERM",), "a refused call is an error, not a crash"),
)
NAMES = tuple(
    dict.fromkeys(option.name for options in (OPTIONS, *NETWORKS.values()) for option in options)
)


def plan(spec: Spec) -> tuple[Option, ...]:
    """The options for this application. Raises InputError for a name that is none of them."""
    dropped = spec.app.unhardened
    refuse(
        Problem(
            f"found {name!r}",
            where=("app", "unhardened", name),
            allowed=", ".join(NAMES),
            hint=closest(name, NAMES),
        )
        for name in dropped
        if name not in NAMES
    )
    return tuple(
        replace(option, dropped=dropped.get(option.name, ""))
        for option in _options(spec.app.network)
    )


def _options(network: str) -> Iterator[Option]:
    """The table, with the options of this network where those of the internet stand."""
    for option in OPTIONS:
        if option in NETWORKS["internet"]:
            yield from NETWORKS[network]
        else:
            yield option


def writable(spec: Spec, layout: Layout) -> tuple[str, ...]:
    """The folders that the application may write to."""
    own = filter(None, (layout.media, layout.protected))
    return tuple(dict.fromkeys((layout.run, *own, *spec.app.writable)))
