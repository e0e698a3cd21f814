"""TLS: the guideline as the system's OpenSSL can do it, and who holds the certificate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from deploygen.errors import Problem
from deploygen.plan import sources
from deploygen.plan.layout import Layout
from deploygen.plan.setting import Setting, Settings, by_name
from deploygen.published import mozilla
from deploygen.published.mozilla import CURVES_SINCE, GUIDELINES, Guideline
from deploygen.spec import Spec
from deploygen.systems import System, show_version

# What browsers ask for before they ship a name (https://hstspreload.org).
PRELOAD_MIN_AGE_S = 31_536_000
# Mozilla's generator: ten megabytes hold 40,000 sessions for a day.
SESSION_TIMEOUT = "1d"
SESSION_CACHE = "10m"


@dataclass(frozen=True)
class Pair:
    """A certificate with its chain, and its key: paths on the host."""

    certificate: str
    key: str


@dataclass(frozen=True)
class Acme:
    """How certbot gets the certificate: the files in ``webroot`` prove that the names are ours."""

    live: str
    webroot: str
    directory: str
    email: str | None


@dataclass(frozen=True)
class Tls:
    """The site's certificate. ``stand_in`` is there where something needs one that says nothing:
    a default server that can't refuse a handshake, and the first start before ACME's answer.
    """

    pair: Pair
    stand_in: Pair | None
    acme: Acme | None
    redirect: bool


def tls(spec: Spec, system: System, layout: Layout) -> Tls | None:
    """What the proxy does about TLS; None where it speaks plain HTTP."""
    given = spec.proxy.tls
    if given.mode == "none":
        return None
    acme = None
    pair = Pair(str(given.certificate), str(given.key))
    if given.mode == "acme":
        pair = Pair(f"{layout.tls}/fullchain.pem", f"{layout.tls}/privkey.pem")
        live = f"/etc/letsencrypt/live/{layout.name}"
        acme = Acme(live, layout.acme_webroot, given.acme.directory, given.acme.email)
    refuses = spec.proxy.kind == "nginx" and system.nginx_reject_handshake
    stand_in = None
    if acme or not refuses:
        stand_in = Pair(f"{layout.stand_in}/fullchain.pem", f"{layout.stand_in}/privkey.pem")
    return Tls(pair, stand_in, acme, given.redirect)


def hsts(spec: Spec) -> str:
    """The value of Strict-Transport-Security; empty where none is sent."""
    given = spec.proxy.tls
    if not given.hsts_max_age_s:
        return ""
    subdomains = "; includeSubDomains" if given.hsts_subdomains else ""
    preload = "; preload" if given.hsts_preload else ""
    return f"max-age={given.hsts_max_age_s}{subdomains}{preload}"


def settings(spec: Spec, system: System) -> Settings:
    """The proxy's directives of the profile; none without TLS."""
    if spec.proxy.tls.mode == "none" or spec.proxy.kind == "none":
        return {}
    guideline = GUIDELINES[spec.proxy.tls.profile]
    if spec.proxy.kind == "apache":
        return _apache(guideline, system)
    return _nginx(guideline, system, spec.name.replace("-", "_"))


def _apache(guideline: Guideline, system: System) -> Settings:
    protocols = " ".join(f"+{protocol}" for protocol in guideline.protocols)
    ciphers = ":".join(guideline.ciphers)
    return by_name(
        _said("SSLProtocol", f"-all {protocols}", _protocols(guideline)),
        _said("SSLCipherSuite", ciphers, _CIPHERS) if ciphers else None,
        _said(
            "SSLOpenSSLConfCmd",
            f"Groups {':'.join(curves(guideline, system))}",
            _curves(guideline, system),
        ),
        _said("SSLHonorCipherOrder", "on" if guideline.server_order else "off", _ORDER),
        _said("SSLSessionTickets", "off", _TICKETS),
    )


def _nginx(guideline: Guideline, system: System, variable: str) -> Settings:
    ciphers = ":".join(guideline.ciphers)
    return by_name(
        _said("ssl_protocols", " ".join(guideline.protocols), _protocols(guideline)),
        _said("ssl_ciphers", ciphers, _CIPHERS) if ciphers else None,
        _said("ssl_ecdh_curve", ":".join(curves(guideline, system)), _curves(guideline, system)),
        _said("ssl_prefer_server_ciphers", "on" if guideline.server_order else "off", _ORDER),
        _said(
            "ssl_session_cache",
            f"shared:{variable}_tls:{SESSION_CACHE}",
            f"{SESSION_CACHE} hold some 40,000 sessions, for all processes: who comes back saves a "
            "round trip",
        ),
        _said("ssl_session_timeout", SESSION_TIMEOUT, "as long as a visitor may come back"),
        _said("ssl_session_tickets", "off", _TICKETS),
    )


def _said(name: str, value: str, reason: str) -> Setting:
    return Setting(name, value, reason, sources.MOZILLA_TLS)


def curves(guideline: Guideline, system: System) -> tuple[str, ...]:
    """Those that the system's OpenSSL knows: one that it doesn't know makes it refuse the list."""
    return tuple(
        curve for curve in guideline.curves if system.openssl >= CURVES_SINCE.get(curve, ())
    )


def _protocols(guideline: Guideline) -> str:
    oldest = ", ".join(guideline.oldest_clients)
    return (
        f"Mozilla's {guideline.name} profile, guideline {mozilla.VERSION} of {mozilla.AS_OF}: the "
        f"oldest clients are {oldest}"
    )


_ORDER = "all of them are good: the client knows which one its hardware is fast at"
_TICKETS = "a ticket's key lives as long as the process: whoever got it could read old traffic"
_CIPHERS = (
    "for TLS 1.2: forward secrecy and authenticated encryption in all of them; TLS 1.3 has its own"
)


def _curves(guideline: Guideline, system: System) -> str:
    later = [curve for curve in guideline.curves if curve not in curves(guideline, system)]
    if not later:
        return f"{guideline.curves[0]} first: what is recorded today stays secret"
    return (
        f"the guideline's, without {later[0]}: it needs OpenSSL "
        f"{show_version(CURVES_SINCE[later[0]])}, and {system.name} has "
        f"{show_version(system.openssl)}"
    )


def problems(spec: Spec) -> Iterator[Problem]:
    """What contradicts itself in proxy.tls."""
    given = spec.proxy.tls
    for field in ("certificate", "key"):
        present = getattr(given, field) is not None
        if given.mode == "files" and not present:
            yield Problem(
                "it is required and missing",
                where=("proxy", "tls", field),
                allowed="an absolute path on the host",
                hint="tls.mode files needs certificate and key",
            )
        if given.mode != "files" and present:
            yield Problem(
                f"{field} is given, and proxy.tls.mode is {given.mode}: it would not be used",
                where=("proxy", "tls", field),
                allowed="tls.mode files, or neither certificate nor key",
            )
    if given.mode == "acme":
        for index, name in enumerate(spec.proxy.server_names):
            if name.startswith("*"):
                yield Problem(
                    f"ACME over HTTP gives no certificate for {name}",
                    where=("proxy", "server_names", index),
                    allowed="whole names",
                    hint="a wildcard needs your DNS: get it with tls.mode files",
                )
    if given.hsts_preload and not (
        given.hsts_subdomains and given.hsts_max_age_s >= PRELOAD_MIN_AGE_S
    ):
        yield Problem(
            "browsers would not take it",
            where=("proxy", "tls", "hsts_preload"),
            allowed=f"hsts_subdomains true, and hsts_max_age_s of at least {PRELOAD_MIN_AGE_S}",
        )
    if given.mode == "none" and (given.hsts_subdomains or given.hsts_preload):
        yield Problem(
            "it is said of a site without TLS: it would not be sent",
            where=("proxy", "tls", "hsts_preload" if given.hsts_preload else "hsts_subdomains"),
            allowed="tls.mode files or acme",
            hint="where something in front ends TLS, it sends the header, or proxy.headers does",
        )
