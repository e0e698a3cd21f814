"""What a host does for its certificate, in order: packages, and the commands of one script."""

from __future__ import annotations

from dataclasses import dataclass

from deploygen.plan.layout import Layout
from deploygen.plan.tls import Tls
from deploygen.spec import Spec


@dataclass(frozen=True)
class Certificate:
    """How a host comes to its certificate.

    ``packages`` are the system's; certbot's brings the timer that renews. ``before_start`` are
    commands that have to succeed before the proxy starts or reloads, ``after_start`` once it
    answers on port 80. Both may run again at any time. ``test`` and ``service`` are the proxy's
    own: the script asks the one and reloads the other.
    """

    script: str
    packages: tuple[str, ...]
    before_start: tuple[str, ...]
    after_start: tuple[str, ...]
    contact: tuple[str, ...]
    test: str
    service: str
    verbs: tuple[str, ...]


# How a proxy judges its files, and the unit that is reloaded then.
_PROXIES = {"nginx": ("nginx -t -q", "nginx"), "apache": ("apache2ctl configtest", "apache2")}
# certbot's words for an account that nobody can be written to.
_NOBODY = ("--register-unsafely-without-email",)


def certificate(spec: Spec, tls: Tls | None, layout: Layout) -> Certificate | None:
    """None where the certificate is somebody else's business, and no stand-in is needed."""
    if tls is None or tls.stand_in is None or spec.proxy.kind not in _PROXIES:
        return None
    script = layout.certificate_script
    test, service = _PROXIES[spec.proxy.kind]
    acme = tls.acme
    contact = ("--email", acme.email) if acme and acme.email else _NOBODY
    return Certificate(
        script=script,
        packages=("openssl", "certbot") if acme else ("openssl",),
        before_start=(f"{script} stand-in",),
        after_start=(f"{script} issue",) if acme else (),
        contact=contact,
        test=test,
        service=service,
        verbs=("stand-in", "issue", "live") if acme else ("stand-in",),
    )
