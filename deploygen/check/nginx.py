"""nginx.conf and the site: ``nginx -t`` on a copy, and a start."""

from __future__ import annotations

import re

from deploygen.check.command import Outcome
from deploygen.check.proxy import Judge
from deploygen.stack.proxies import NGINX

_LEVEL = re.compile(r"\[(?:warn|error|crit|alert|emerg)\] (?:\d+#\d+: )?(.*)")
# What says nothing about the files: a newer nginx than the host's would have it otherwise, or
# knows a type that we add, and an old one tries its build's own log before it reads anything.
_NO_FAULT = re.compile(
    r'the "listen \.\.\. http2" directive is deprecated|duplicate extension'
    r"|could not open error log file"
)


def _words(outcome: Outcome) -> tuple[str, ...]:
    messages = [match[1] for line in outcome.lines if (match := _LEVEL.search(line))]
    return tuple(message for message in messages if not _NO_FAULT.search(message))


JUDGE = Judge(NGINX, "nginx -t", _words, lambda system: system.nginx)
check = JUDGE.check
