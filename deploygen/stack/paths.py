"""Finds the host's paths in a text and moves them, whole path segments only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from deploygen.plan.layout import Layout

# The proxies' own folders and files that they write to, or that the tree replaces.
PROXIES = (
    "/etc/nginx/nginx.conf",
    "/etc/nginx/sites-available",
    "/etc/nginx/sites-enabled",
    "/etc/nginx/modules-enabled",
    "/run/nginx.pid",
    "/var/log/nginx",
    "/var/lib/nginx",
    "/etc/apache2/sites-available",
    "/etc/apache2/sites-enabled",
    "/run/apache2",
    "/var/log/apache2",
)
# Where a path may begin: not inside a word, but behind '=', ':', a quote, systemd's '-' for
# "may be missing", and the slashes of a URL such as sqlite:////var/lib/shop/db.sqlite3.
_BEFORE = r"(?:(?<![\w.~@+/}%-])[-+@!|]*|(?<=://)|(?<=:///))"
# Where one may end: at a slash, or before anything that is no part of a name.
_AFTER = r"(?![\w.~@+%*${-])"


class Moves:
    """Absolute path -> where it is now. The longest match wins."""

    def __init__(self, moves: Mapping[str, str]) -> None:
        self.moves = dict(moves)
        longest_first = sorted(self.moves, key=len, reverse=True)
        paths = "|".join(re.escape(path) for path in longest_first) or r"(?!)"
        self._pattern = re.compile(f"({_BEFORE})({paths}){_AFTER}")

    def text(self, text: str) -> str:
        """The text with every path in it moved."""
        return self._pattern.sub(lambda match: match[1] + self.moves[match[2]], text)

    def path(self, path: str) -> str:
        """Where one path is now: itself, when nothing moved it."""
        return self.text(path)


def of_host(layout: Layout, root: str, files: Iterable[str]) -> Moves:
    """What moves below ``root``: the project's folders, the proxy's own, and the files themselves.

    /etc/<name> does not move as a whole: a project may be called ssl or nginx, and what else
    lies there belongs to the machine.
    """
    folders = (layout.home, layout.run, layout.state, layout.pages)
    configuration = (layout.config, layout.environment_file, layout.secrets_file)
    return Moves({path: f"{root}{path}" for path in (*folders, *configuration, *PROXIES, *files)})
