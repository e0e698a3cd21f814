"""gunicorn.conf.py and the application's environment."""

from __future__ import annotations

from collections.abc import Mapping

from deploygen.plan import GroupPlan, Plan
from deploygen.plan.gunicorn import PER_SLOT, listens_anew
from deploygen.plan.sections import sections
from deploygen.targets.spec import Row, Target, on_hosts


def _config(_plan: Plan, group: GroupPlan) -> Mapping[str, object]:
    settings = group.components["gunicorn"]
    return {
        "sections": sections(settings, elsewhere=PER_SLOT),
        "listens_anew": listens_anew(settings),
    }


TARGET = Target(
    name="gunicorn",
    summary="gunicorn.conf.py and the application's environment",
    files=on_hosts(
        "gunicorn",
        Row(
            "etc/NAME/gunicorn.conf.py",
            about="gunicorn for NAME, on each host of the group GROUP",
            context=_config,
        ),
        Row("etc/NAME/env", about="The environment of NAME, but for its secrets"),
    ),
)
