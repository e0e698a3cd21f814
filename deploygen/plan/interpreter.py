"""The Python that makes the application's environment on a host."""

from __future__ import annotations

from collections.abc import Iterator

from deploygen.errors import Problem
from deploygen.spec import Spec
from deploygen.systems import SYSTEMS, parse_version, show_version

# The command of the system's own.
SYSTEM = "python3"
# Outputs that bring their own Python: the system's does not matter to them.
OWN = frozenset({"docker", "guide"})


def command(spec: Spec) -> str:
    """What is run to make the environment: the system's Python, or the declared one."""
    return spec.app.python_path or SYSTEM


def problems(spec: Spec) -> Iterator[Problem]:
    """Systems that ship an older Python than the project wants."""
    wanted = spec.app.python
    own = spec.targets is not None and OWN.issuperset(spec.targets)
    if wanted is None or spec.app.python_path or own:
        return
    version = parse_version(wanted.rstrip("t"))
    newer = [f"{each.id} ({show_version(each.python)})" for each in SYSTEMS.values()
             if each.python >= version and not wanted.endswith("t")]  # fmt: skip
    for name, machine in spec.machines.items():
        ships = SYSTEMS[machine.os].python
        if version > ships or wanted.endswith("t"):
            ways = [f"a system that ships it: {', '.join(newer)}"] if newer else []
            yield Problem(
                f"{machine.os} ships Python {show_version(ships)}, and app.python is {wanted}",
                where=("machines", name, "os"),
                allowed="; ".join(
                    [
                        *ways,
                        "targets: [docker], whose image has its own",
                        "app.python_path, with a Python that uv installs on the host",
                    ]
                ),
                hint=f"uv python install --install-dir /opt/python {wanted} puts one below "
                "/opt/python",
            )
