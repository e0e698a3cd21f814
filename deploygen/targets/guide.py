"""README.md of the rendered tree, and the JSON Schema that editors use."""

from __future__ import annotations

from deploygen.plan import Plan
from deploygen.targets.spec import FileSpec, Target


def files(plan: Plan) -> tuple[FileSpec, ...]:
    """The README, with commands for this project, and the schema of this release."""
    context = {
        "plan": plan,
        "spec": plan.spec,
        "app": plan.spec.app,
        "layout": plan.layout,
        "site": next(iter(plan.groups.values())).site,
        "several_groups": len(plan.groups) > 1,
        "health": plan.spec.app.health or "/",
    }
    return (
        FileSpec("guide/README.md", "README.md", 0o644, context),
        FileSpec("guide/deploygen.schema.json", "deploygen.schema.json", 0o644, {}),
    )


TARGET = Target(
    name="guide",
    summary="README.md: how to use what was rendered, and the schema for editors",
    files=files,
    always=True,
)
