"""What becomes of directives that this machine's nginx or Apache is too old for.

A tree is rendered for the versions of its hosts; a laptop may have older ones.
"""

from __future__ import annotations

from deploygen.published.mozilla import CURVES_SINCE
from deploygen.stack.directives import Directive, Edit, Word
from deploygen.stack.machine import Machine
from deploygen.systems import APACHE_SINCE, NGINX_SINCE, show_version

# Apache's names have no case.
_APACHE_SINCE = {name.lower(): since for name, since in APACHE_SINCE.items()}
# The first word of the list of curves needs a new OpenSSL; an older one refuses the whole list.
[(_CURVE, _HYBRID_SINCE)] = CURVES_SINCE.items()
_HYBRID = f"{_CURVE}:"
OLDER = "left out: here is "


def too_new(each: Directive, machine: Machine) -> bool:
    """Whether this machine's nginx does not know a directive that the host's does."""
    if each.name == "ssl_ecdh_curve":
        hybrid = any(_HYBRID in value for value in each.values()[:1])
        return hybrid and () < machine.openssl < _HYBRID_SINCE
    return () < machine.nginx < NGINX_SINCE.get(each.name, ())


def replacement(each: Directive, machine: Machine) -> Edit:
    """What an older nginx gets instead; the reason begins with OLDER."""
    if each.name == "ssl_ecdh_curve":
        return _without_hybrid(each.args[0], machine)
    version, since = show_version(machine.nginx), show_version(NGINX_SINCE[each.name])
    # Without the directive, a server that speaks TLS needs a certificate.
    stand_in = f"ssl_certificate {machine.certificate}; ssl_certificate_key {machine.key};"
    new = stand_in if each.name == "ssl_reject_handshake" else ""
    return Edit(each.start, each.end, new, f"{OLDER}nginx {version}, it came with {since}")


def apache(each: Directive, machine: Machine) -> Edit | None:
    """What an older Apache, or OpenSSL, gets instead of a directive; None where it knows it."""
    since = _APACHE_SINCE.get(each.name, ())
    if () < machine.apache < since:
        here, came = show_version(machine.apache), show_version(since)
        return Edit(each.start, each.end, "", f"{OLDER}Apache {here}, it came with {came}")
    if each.name == "sslopensslconfcmd" and () < machine.openssl < _HYBRID_SINCE:
        hybrid = [word for word in each.args[1:2] if _HYBRID in word.value]
        return _without_hybrid(hybrid[0], machine) if hybrid else None
    return None


def _without_hybrid(word: Word, machine: Machine) -> Edit:
    version, since = show_version(machine.openssl), show_version(_HYBRID_SINCE)
    # Behind the quote, if there is one.
    quoted = word.end - word.start > len(word.value)
    start = word.start + word.value.index(_HYBRID) + quoted
    return Edit(start, start + len(_HYBRID), "", f"{OLDER}OpenSSL {version}, it came with {since}")
