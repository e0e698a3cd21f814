"""The database's connections: workers x threads x hosts, twice during a release, fit its limit."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from deploygen.errors import InputError
from deploygen.plan import sources
from deploygen.plan.facts import Facts
from deploygen.plan.setting import Setting
from deploygen.plan.shape import Shape, is_async
from deploygen.plan.target import Target
from deploygen.units import plural


def within_budget(facts: Facts, planned: Shape, wanted: Target, fixed: Container[str]) -> Shape:
    """``planned``, made smaller until it opens no more connections than allowed.

    ``fixed`` are the names of settings that the description sets: the invariants judge those.
    Raises InputError when the budget is less than one connection for each host and slot.
    """
    if facts.db_connections is None:
        return planned
    # All slots of every host run at once during a release.
    least = facts.hosts_total * facts.slots
    budget = facts.db_connections // least
    if budget < 1:
        raise InputError.one(
            f"{plural(facts.db_connections, 'database connection')} for "
            f"{plural(facts.hosts_total, 'host')}"
            f"{', each with two releases at once during a release,' if facts.slots > 1 else ''} "
            "is less than one for each",
            where=("workload", "db_connections"),
            allowed=f"at least {least}",
            hint="raise the database's limit, or put a connection pooler in front of it",
        )
    if planned.concurrency <= budget:
        return planned
    workers, each = _split(planned, budget, wanted, fixed)
    why = (
        f"the database allows {plural(facts.db_connections, 'connection')}: over "
        f"{plural(facts.hosts_total, 'host')}"
        f"{' and two releases at once' if facts.slots > 1 else ''} that is {budget} here"
    )
    smaller = planned
    if workers < planned.workers.number:
        smaller = replace(smaller, workers=Setting("workers", workers, why, sources.DATABASE))
    name = _of_each(planned)
    if name not in fixed and each < getattr(planned, name).number:
        reason = f"{why}, {each} in each of {plural(workers, 'worker')}"
        smaller = replace(smaller, **{name: Setting(name, each, reason, sources.DATABASE)})
    return smaller


def _split(planned: Shape, budget: int, wanted: Target, fixed: Container[str]) -> tuple[int, int]:
    """(workers, connections of each): all workers, unless fewer use clearly more of the budget."""
    if "workers" in fixed:
        return planned.workers.number, max(1, budget // planned.workers.number)
    name = _of_each(planned)
    if name in fixed:
        each = getattr(planned, name).number
        return min(planned.workers.number, max(1, budget // each)), each
    workers = min(planned.workers.number, budget)
    each = budget // workers
    if planned.threads.number == 1 and not is_async(planned.worker_class.text):
        return workers, each
    # 12 workers of 1 thread leave 10 of 22 connections unused; 11 workers of 2 leave none.
    more = -(-budget // workers)
    fewer = budget // more
    short = workers * each < min(wanted.places, budget)
    return (fewer, more) if short and fewer * more > workers * each else (workers, each)


def _of_each(planned: Shape) -> str:
    """The setting that says how many requests one worker has in work."""
    return "worker_connections" if is_async(planned.worker_class.text) else "threads"
