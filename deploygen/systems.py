"""The supported systems and the versions that each ships: one table, and what follows from it.

Versions are those of the packages in the release's own archive (main, with its security
updates), as of AS_OF: for Debian what ``apt-cache policy`` prints, for Ubuntu what the release
came with, whose numbers stay. What a configuration may contain depends on them; a new system is
one more row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Version = tuple[int, ...]

# Debian takes new releases of Apache into a stable system; all else keeps its number in one.
AS_OF = "2026-11-26"

# What the rendered files say only where the version knows it: directive or option -> since.
NGINX_SINCE: Mapping[str, Version] = {"http2": (1, 25, 1), "ssl_reject_handshake": (1, 19, 4)}
APACHE_SINCE: Mapping[str, Version] = {"DeflateAlterETag": (2, 4, 58)}
SYSTEMD_SINCE: Mapping[str, Version] = {"RestartSteps": (254,), "RestartMaxDelaySec": (254,)}


@dataclass(frozen=True)
class System:
    """One release of an operating system.

    Versions are tuples of numbers, so that they compare: ``(1, 22, 1)``.
    """

    id: str
    name: str
    python: Version
    nginx: Version
    apache: Version
    systemd: Version
    openssl: Version
    # The first kernel of the release; a host can run a later one, never an earlier.
    kernel: Version

    @property
    def nginx_http2_directive(self) -> bool:
        """``http2 on;``; before, HTTP/2 is a parameter of ``listen``."""
        return self.nginx >= NGINX_SINCE["http2"]

    @property
    def nginx_reject_handshake(self) -> bool:
        """``ssl_reject_handshake``; before, a default server needs a certificate."""
        return self.nginx >= NGINX_SINCE["ssl_reject_handshake"]

    @property
    def nginx_brotli(self) -> bool:
        """``brotli_static``: its module is a package since Debian 12 and Ubuntu 23.04."""
        return self.nginx >= (1, 22, 1)

    @property
    def apache_keeps_etag(self) -> bool:
        """``DeflateAlterETag``; before, no compressed file was ever 304."""
        return self.apache >= APACHE_SINCE["DeflateAlterETag"]

    @property
    def restart_steps(self) -> bool:
        """``RestartSteps=`` and ``RestartMaxDelaySec=``: waits that grow."""
        return self.systemd >= SYSTEMD_SINCE["RestartSteps"]


SYSTEMS: dict[str, System] = {
    system.id: system
    for system in (
        System(
            id="debian-12",
            name="Debian 12 (bookworm)",
            python=(3, 11),
            nginx=(1, 22, 1),
            apache=(2, 4, 71),
            systemd=(252,),
            openssl=(3, 0),
            kernel=(6, 1),
        ),
        System(
            id="debian-13",
            name="Debian 13 (trixie)",
            python=(3, 13),
            nginx=(1, 26, 3),
            apache=(2, 4, 71),
            systemd=(257,),
            openssl=(3, 5),
            kernel=(6, 12),
        ),
        System(
            id="ubuntu-22.04",
            name="Ubuntu 22.04 LTS (jammy)",
            python=(3, 10),
            nginx=(1, 18, 0),
            apache=(2, 4, 52),
            systemd=(249,),
            openssl=(3, 0),
            kernel=(5, 15),
        ),
        System(
            id="ubuntu-24.04",
            name="Ubuntu 24.04 LTS (noble)",
            python=(3, 12),
            nginx=(1, 24, 0),
            apache=(2, 4, 58),
            systemd=(255,),
            openssl=(3, 0),
            kernel=(6, 8),
        ),
    )
}


def parse_version(text: str) -> Version:
    """``"1.22.1"`` as ``(1, 22, 1)``. Raises ValueError when it is no version."""
    return tuple(int(part) for part in text.split("."))


def show_version(version: Version) -> str:
    """``(1, 22, 1)`` as ``"1.22.1"``."""
    return ".".join(str(part) for part in version)
