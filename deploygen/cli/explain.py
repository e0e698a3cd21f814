"""``deploygen explain``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from deploygen.cli import common
from deploygen.errors import DeploygenError

if TYPE_CHECKING:
    from deploygen.plan import ContainerPlan, FrontPlan, GroupPlan, Plan, Setting

    Explained = ContainerPlan | FrontPlan | GroupPlan

# A table needs room for a sentence; where nobody knows how wide the reader's page is, this.
PIPE_WIDTH = 140
# The word for what the application itself has to know.
APPLICATION = "application"


def command(
    setting: Annotated[
        str | None,
        typer.Argument(
            help="gunicorn.workers, or workers; a component such as nginx; capacity; application."
        ),
    ] = None,
    file: common.File = common.DESCRIPTION,
    group: Annotated[str | None, typer.Option(help="Only this machine group.")] = None,
    as_json: common.Json = False,
) -> None:
    """Say why each setting has its value."""
    _, plan = common.load(file)
    if setting == APPLICATION:
        typer.echo(json.dumps(plan.advice, indent=2) if as_json else _advice(plan))
        return
    groups = _groups(plan, group)
    matching = {name: _matching(each, setting) for name, each in groups.items()}
    chosen = {name: settings for name, settings in matching.items() if settings}
    if setting is not None and not chosen:
        raise _unknown(setting, groups.values())
    if as_json:
        typer.echo(json.dumps(_json(chosen), indent=2))
        return
    for name, settings in chosen.items():
        _table(_title(groups[name]), settings)
    if setting is None:
        typer.echo(_advice(plan))
    for text in plan.notes:
        common.note(text)


def _advice(plan: Plan) -> str:
    """What the application has to agree with its proxy on."""
    return "\n".join((f"{APPLICATION}: what it is told", *(f"- {line}" for line in plan.advice)))


def _groups(plan: Plan, group: str | None) -> dict[str, Explained]:
    groups: dict[str, Explained] = {**plan.hosts}
    if plan.containers is not None:
        groups.setdefault(plan.containers.group, plan.containers)
    if group is None:
        return groups
    if group not in groups:
        raise DeploygenError(f"no machine group is called {group}", hint=", ".join(groups))
    return {group: groups[group]}


def _matching(group: Explained, wanted: str | None) -> dict[str, Setting]:
    """What is asked for; nothing where this group of hosts has none of it."""
    if wanted is None:
        return dict(group.settings())
    return {
        name: setting
        for name, setting in _everything(group).items()
        if wanted in (name, setting.name, name.split(".")[0])
    }


def _everything(group: Explained) -> dict[str, Setting]:
    capacity = {f"capacity.{name}": each for name, each in group.capacity.items()}
    return {**dict(group.settings()), **capacity}


def _unknown(wanted: str, groups: Iterable[Explained]) -> DeploygenError:
    from deploygen.spec.types import closest

    known = {name: each for group in groups for name, each in _everything(group).items()}
    names = [*known, *(setting.name for setting in known.values())]
    return DeploygenError(
        f"the plan has no setting {wanted}",
        hint=closest(wanted, names) or "deploygen explain lists all of them",
    )


def _json(chosen: dict[str, dict[str, Setting]]) -> dict[str, object]:
    return {
        group: {
            name: {
                "value": setting.value,
                "reason": setting.reason,
                "source": f"{setting.source.name}: {setting.source.url}",
                "overridden": setting.overridden,
            }
            for name, setting in settings.items()
        }
        for group, settings in chosen.items()
    }


def _title(group: Explained) -> str:
    from deploygen.units import about, plural

    facts = group.facts
    where = "limits of the application's" if facts.contained else facts.system.name
    return f"{group.group}: {where}, {plural(facts.cpus, 'cpu')}, {about(facts.memory_bytes)}"


def _table(title: str, settings: dict[str, Setting]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", show_lines=False, pad_edge=False, box=None)
    table.add_column("setting", no_wrap=True)
    table.add_column("value", overflow="fold", max_width=18)
    table.add_column("why")
    table.add_column("source", max_width=26)
    for name, setting in settings.items():
        value = Text(str(setting.value))
        if setting.overridden is not None:
            value.append(f" (planned: {setting.overridden})")
        table.add_row(name, value, Text(setting.reason), Text(setting.source.name))
    width = None if sys.stdout.isatty() else PIPE_WIDTH
    Console(width=width, highlight=False).print(table)
