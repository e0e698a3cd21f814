"""The system's packages that a host needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploygen.plan import apache_modules

if TYPE_CHECKING:
    from deploygen.plan import FrontPlan, GroupPlan

# Debian and Ubuntu split the standard library: without this no environment can be made.
ENVIRONMENT = ("python3-venv",)


def proxy(kind: str, group: GroupPlan | FrontPlan) -> tuple[str, ...]:
    """The proxy's, with the modules that its site needs, and what gets its certificate."""
    site = group.site
    own: tuple[str, ...] = ()
    if kind == "nginx":
        # Sends files that were compressed beforehand.
        brotli = site.static is not None and group.facts.system.nginx_brotli
        own = ("nginx", *(("libnginx-mod-http-brotli-static",) if brotli else ()))
    elif kind == "apache":
        own = ("apache2", *(module.package for module in apache_modules.needed(site)))
    more = site.certificate.packages if site.certificate else ()
    return tuple(dict.fromkeys((*own, *more)))
