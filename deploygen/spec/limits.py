"""``proxy.limits``: what one client address may ask of the application at a time."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from deploygen.spec import types as t
from deploygen.spec.base import Model

Connections = Annotated[t.Whole, Field(ge=1, le=65_535)]
Rate = Annotated[t.Whole, Field(ge=1, le=100_000)]
Burst = Annotated[t.Whole, Field(ge=0, le=100_000)]


class Limits(Model):
    """What is over gets 429. Nothing is limited by default: an address is no client."""

    connections_per_address: Annotated[
        Connections | None, Field(description="Requests of one address that are under way at once.")
    ] = None
    requests_per_second: Annotated[
        Rate | None, Field(description="Requests per second of one address, in the long run.")
    ] = None
    burst: Annotated[
        Burst | None,
        Field(description="How many more may come at once; twice requests_per_second by default."),
    ] = None
