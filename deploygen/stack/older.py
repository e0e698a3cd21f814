"""What becomes of directives that this machine's nginx is too old for.

A tree is rendered for the versions of its hosts; a laptop may have older ones.
"""

from __future__ import annotations

from collections.abc import Mapping

from deploygen.stack.directives import Directive, Edit
from deploygen.stack.machine import Machine
from deploygen.systems import Version, show_version

# What the rendered files may have that an older nginx does not know.
_SINCE: Mapping[str, Version] = {"http2": (1, 25, 1), "ssl_reject_handshake": (1, 19, 4)}
# The first word of the list of curves needs this OpenSSL; an older one refuses the whole list.
_HYBRID, _HYBRID_SINCE = "X25519MLKEM768:", (3, 5)
OLDER = "left out: here is "


def too_new(each: Directive, machine: Machine) -> bool:
    """Whether this machine's nginx does not know a directive that the host's does."""
    if each.name == "ssl_ecdh_curve":
        hybrid = any(_HYBRID in value for value in each.values()[:1])
        return hybrid and () < machine.openssl < _HYBRID_SINCE
    return () < machine.nginx < _SINCE.get(each.name, ())


def replacement(each: Directive, machine: Machine) -> Edit:
    """What an older nginx gets instead; the reason begins with OLDER."""
    if each.name == "ssl_ecdh_curve":
        version, since = show_version(machine.openssl), show_version(_HYBRID_SINCE)
        word = each.args[0]
        # Behind the quote, if there is one.
        quoted = word.end - word.start > len(word.value)
        start = word.start + word.value.index(_HYBRID) + quoted
        reason = f"{OLDER}OpenSSL {version}, it came with {since}"
        return Edit(start, start + len(_HYBRID), "", reason)
    version, since = show_version(machine.nginx), show_version(_SINCE[each.name])
    # Without the directive, a server that speaks TLS needs a certificate.
    stand_in = f"ssl_certificate {machine.certificate}; ssl_certificate_key {machine.key};"
    new = stand_in if each.name == "ssl_reject_handshake" else ""
    return Edit(each.start, each.end, new, f"{OLDER}nginx {version}, it came with {since}")
