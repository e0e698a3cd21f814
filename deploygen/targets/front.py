"""The hosts in front: nginx that balances over the application hosts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from deploygen.plan import FrontPlan, Plan
from deploygen.plan.nginx_site import NginxSite, nginx_site
from deploygen.plan.site import Health, Site
from deploygen.targets.spec import FileSpec, Target


@dataclass(frozen=True)
class Row:
    """One file of a host in front: whose template it has, its path, what it is.

    What the site of an application host has too comes from that target's template.
    """

    target: str
    path: str
    about: str
    when: Callable[[Site], bool] = lambda _: True
    mode: int = 0o644


ROWS = (
    Row("nginx", "etc/nginx/nginx.conf", "nginx on each host in front of NAME"),
    Row(
        "front",
        "etc/nginx/sites-available/NAME.conf",
        "The site of NAME: nginx in front of its application hosts",
    ),
    Row(
        "nginx",
        "etc/nginx/snippets/NAME-doors.conf",
        "What comes before the site of NAME: who is let in, who asks for its health",
    ),
    Row(
        "nginx",
        "etc/nginx/snippets/NAME-dropped.conf",
        "Headers that never reach the application NAME",
    ),
    Row(
        "nginx",
        "etc/nginx/snippets/NAME-errors.conf",
        "What nginx answers where no application host of NAME does",
    ),
    Row(
        "front",
        "etc/nginx/snippets/NAME-hosts.conf",
        "The application hosts of NAME",
    ),
    Row(
        "nginx",
        "etc/nginx/snippets/NAME-maps.conf",
        "Names for the site of NAME: what is added, who is believed, what is logged",
    ),
    Row(
        "front",
        "etc/nginx/snippets/NAME-pool.conf",
        "Which application hosts of NAME a request may go to",
    ),
    Row("front", "etc/nginx/snippets/NAME-proxy.conf", "How nginx asks NAME's application hosts"),
    Row(
        "nginx",
        "etc/nginx/snippets/NAME-streaming.conf",
        "What nginx passes on as it comes, for NAME",
        when=lambda site: bool(site.streaming),
    ),
    Row(
        "nginx",
        "etc/nginx/snippets/NAME-tls.conf",
        "TLS for NAME, and for whoever asks for a name that no site has",
        when=lambda site: site.tls is not None,
    ),
    Row(
        "nginx",
        "etc/nginx/snippets/NAME-told.conf",
        "What the application hosts of NAME are told of a request",
    ),
    Row(
        "nginx",
        "etc/systemd/system/nginx.service.d/NAME.conf",
        "What is added to nginx's own unit, on each host in front of NAME",
    ),
    Row(
        "pages",
        "etc/NAME/pages/unavailable.html",
        "What the front shows for 502, 503 and 504 of its own",
    ),
    Row(
        "pages",
        "etc/NAME/pages/too-many-requests.html",
        "What the front shows for 429",
        when=lambda site: site.limited,
    ),
    Row(
        "certificate",
        "usr/local/sbin/NAME-certificate",
        "The certificate of NAME",
        when=lambda site: site.certificate is not None,
        mode=0o755,
    ),
)
# Read without any site: the pools of hosts are not known there.
ALONE = "etc/nginx/nginx.conf"


def files(plan: Plan) -> tuple[FileSpec, ...]:
    """Every file of a host in front; none where the description has no front."""
    front, name = plan.front, plan.spec.name
    if front is None:
        return ()
    return tuple(
        FileSpec(
            template=f"{row.target}/{row.path}",
            path=f"hosts/{front.group}/{row.path.replace('NAME', name)}",
            mode=row.mode,
            context={
                **_context(plan, front, by_address=row.path == ALONE),
                "about": row.about.replace("NAME", name),
            },
        )
        for row in ROWS
        if row.when(front.site)
    )


def _context(plan: Plan, front: FrontPlan, *, by_address: bool) -> Mapping[str, object]:
    site = front.site
    if by_address and site.health:
        # Who asks by address learns that the front is there; by its name, the site asks the hosts.
        site = replace(site, health=Health(site.health.url, None))
    return {
        "spec": plan.spec,
        "app": plan.spec.app,
        "layout": plan.layout,
        "group": front,
        "system": front.facts.system,
        "site": site,
        "certificate": site.certificate,
        "fleet": front.fleet,
        "words": _words(front, plan.spec.name),
        **front.components,
    }


def _words(front: FrontPlan, name: str) -> NginxSite:
    """nginx's words for the site; the pool of a request stands in a variable."""
    words = nginx_site(front.site, front.facts.system, name)
    return replace(words, upstream=f"${front.fleet.variable}")


TARGET = Target(
    name="front",
    summary="nginx on hosts of its own, in front of the application hosts",
    files=files,
    fits=lambda plan: plan.front is not None,
)
