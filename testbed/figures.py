"""What the trials of all scenarios have counted, as the tables of docs/figures.md."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from testbed.engine import FOLDER
from testbed.trial import FIRST

Act = dict[str, Any]
# What an act is about, in the words of the table; a release and its rollback are one row.
ROWS = {
    "release": "releases and rollback",
    "rollback": "releases and rollback",
    "broken": "broken releases",
    "check": "`--check --diff`",
    "kill worker": "`kill -9` of a worker",
    "kill master": "`kill -9` of the master",
    "restart": "a restart in place",
    "kill proxy": "`kill -9` of a host's proxy",
    "host reboot": "reboot of one host of two",
}


def tables(*names: str) -> str:
    """Two tables in Markdown: under load, and of the clock; of all scenarios, or of these."""
    counted = [(name, acts) for name, acts in _counted() if not names or name in names]
    lines = [
        "| scenario | what | times | GET and POST sent | lost | slowest |",
        "| --- | --- | --- | --- | --- | --- |",
        *(line for name, acts in counted for line in _load(name, acts)),
        "",
        "| scenario | boot to first page | command to live | switched within | reboot |",
        "| --- | --- | --- | --- | --- |",
        *(_clock(name, acts) for name, acts in counted),
    ]
    return "\n".join(lines)


def _counted() -> Iterator[tuple[str, list[Act]]]:
    for path in sorted((FOLDER / "molecule").glob("*/figures.json")):
        yield path.parent.name, json.loads(path.read_text("utf-8"))


def _load(name: str, acts: Iterable[Act]) -> Iterator[str]:
    rows: dict[str, list[Act]] = {}
    for act in acts:
        row = ROWS.get(act["name"]) or ROWS.get(act["name"].split()[0])
        if row:
            rows.setdefault(row, []).append(act)
    for row, of_row in rows.items():
        gets, posts = (sum(act["sent"][method] for act in of_row) for method in ("GET", "POST"))
        lost = sum(sum(act["lost"].values()) for act in of_row)
        slowest = max(act["slowest_ms"] for act in of_row)
        yield (
            f"| {name} | {row} | {len(of_row)} | {gets:,} + {posts:,} | {lost:,} "
            f"| {slowest:,.0f} ms |"
        )


def _clock(name: str, acts: list[Act]) -> str:
    live = [act["live_seconds"] for act in acts if act["live_seconds"] is not None]
    both = [act["switch_ms"] for act in acts if act["switch_ms"] is not None]
    first = [act["seconds"] for act in acts if act["name"] == FIRST]
    reboots = [act["seconds"] for act in acts if act["name"] == "reboot"]
    cells = [
        f"{first[0]:.0f} s" if first else "",
        f"{min(live):.1f} to {max(live):.1f} s" if live else "",
        f"at most {max(both):.0f} ms" if both else "",
        f"{max(reboots):.0f} s" if reboots else "",
    ]
    return f"| {name} | {' | '.join(cells)} |"
