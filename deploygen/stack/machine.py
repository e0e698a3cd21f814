"""What this machine is to the rendered files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from deploygen.stack.paths import Moves
from deploygen.systems import Version

# What else the site answers to here, so that a browser can open it.
NAMES = ("localhost", "127.0.0.1")

TEMP_PATHS = tuple(
    f"{name}_temp_path" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
)


@dataclass(frozen=True)
class Machine:
    """What this machine gives to nginx and Apache.

    ``ports`` maps each port of the site to the one that it has here, ``user`` is empty where
    nginx does not run as root, ``readable`` says whether a file is here, ``names`` are added to
    the site's, ``temp_paths`` are the directives that this nginx was built with. ``nginx``,
    ``apache`` and ``openssl`` are versions, () where unknown and so taken for new enough.
    ``absent`` are directives of modules that are not here, ``loads`` the files of nginx's that are;
    ``modules`` is the folder of Apache's. ``members`` maps hosts that a front balances over, with
    their ports, to where they are here.
    """

    root: str
    moves: Moves
    ports: Mapping[int, int]
    readable: Callable[[str], bool]
    ipv6: bool = True
    user: str = ""
    names: tuple[str, ...] = NAMES
    temp_paths: tuple[str, ...] = TEMP_PATHS
    nginx: Version = ()
    apache: Version = ()
    openssl: Version = ()
    absent: frozenset[str] = frozenset()
    loads: tuple[str, ...] = ()
    members: Mapping[str, str] = field(default_factory=dict)
    modules: str = ""

    @property
    def certificate(self) -> str:
        """The stand-in for certificates that are not here."""
        return f"{self.root}/tls/certificate.pem"

    @property
    def key(self) -> str:
        """Its key."""
        return f"{self.root}/tls/key.pem"
