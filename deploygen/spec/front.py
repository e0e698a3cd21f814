"""``front``: proxies that stand in front of the application hosts and balance over them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from deploygen.spec import network as n
from deploygen.spec import types as t
from deploygen.spec.base import Model
from deploygen.spec.validators import UNIQUE, OneOrMore
from deploygen.units import GIB


class FrontHosts(Model):
    """Hosts of nginx that pass each request on to one of the application hosts."""

    os: t.SystemName = "debian-12"
    cpus: Annotated[t.Real, Field(ge=0.01, le=4096, description="As in machines.")] = 2
    memory: Annotated[t.Size, Field(description="Such as 2G.")] = 2 * GIB
    hosts: Annotated[
        tuple[n.Host, ...],
        UNIQUE,
        Field(min_length=1, description="Their names or addresses, for Ansible."),
    ]
    networks: Annotated[
        tuple[n.Network, ...],
        OneOrMore(),
        UNIQUE,
        Field(
            min_length=1,
            description="The addresses that they come from: application hosts believe these, and "
            "answer nobody else.",
        ),
    ]
    addresses: Annotated[
        dict[n.Host, n.Host],
        Field(
            description="Application host -> the address at which they reach it, where that is "
            "not the name that Ansible uses."
        ),
    ] = {}
