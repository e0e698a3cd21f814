"""What a target is: a name, and the files that it renders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from deploygen.plan import GroupPlan, Plan


def always(_: GroupPlan) -> bool:
    """The default ``when`` of a Row."""
    return True


def nothing(_plan: Plan, _group: GroupPlan) -> Mapping[str, object]:
    """The default ``context`` of a Row."""
    return {}


@dataclass(frozen=True)
class FileSpec:
    """One file to render: ``template`` below templates/, ``path`` below deploy/, its mode.

    ``context`` is what the template sees, all decided. A ``verbatim`` file is copied from below
    roles/ as it is.
    """

    template: str
    path: str
    mode: int
    context: Mapping[str, object]
    verbatim: bool = False


@dataclass(frozen=True)
class Row:
    """One file on every host: its path there, and what it is, for its first line.

    NAME stands for the project's name, GROUP for the machine group's. The template has the
    same path below ``templates/<target>/``. ``context`` is what it sees beside host_context().
    """

    path: str
    about: str
    mode: int = 0o644
    when: Callable[[GroupPlan], bool] = always
    context: Callable[[Plan, GroupPlan], Mapping[str, object]] = nothing


@dataclass(frozen=True)
class Target:
    """One kind of output.

    ``fits`` says whether the description calls for it; one that does not fit is an error
    where it is asked for by name. ``always`` marks what every render writes, ``needs`` what is
    written with this one.
    """

    name: str
    summary: str
    files: Callable[[Plan], tuple[FileSpec, ...]]
    fits: Callable[[Plan], bool] = lambda _: True
    always: bool = False
    needs: tuple[str, ...] = ()


def on_hosts(target: str, *rows: Row) -> Callable[[Plan], tuple[FileSpec, ...]]:
    """The ``files`` of a target that is only a list of files on each host."""

    def files(plan: Plan) -> tuple[FileSpec, ...]:
        return tuple(
            FileSpec(
                template=f"{target}/{row.path}",
                path=f"hosts/{group.group}/{_named(row.path, plan, group)}",
                mode=row.mode,
                context={
                    **host_context(plan, group),
                    "about": _named(row.about, plan, group),
                    **row.context(plan, group),
                },
            )
            for group in plan.groups.values()
            for row in rows
            if row.when(group)
        )

    return files


def _named(text: str, plan: Plan, group: GroupPlan) -> str:
    return text.replace("NAME", plan.spec.name).replace("GROUP", group.group)


def host_context(plan: Plan, group: GroupPlan) -> dict[str, object]:
    """What the template of a file on a host sees."""
    return {
        "spec": plan.spec,
        "app": plan.spec.app,
        "layout": plan.layout,
        "environment": plan.environment,
        "group": group,
        "system": group.facts.system,
        "site": group.site,
        "certificate": group.site.certificate,
        **group.components,
    }
