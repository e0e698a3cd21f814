"""README.md of the rendered tree, and the JSON Schema that editors use."""

from __future__ import annotations

from deploygen.plan import Plan
from deploygen.targets.spec import FileSpec, Target


def files(plan: Plan) -> tuple[FileSpec, ...]:
    """The README; its commands fit this project."""
    context = {"spec": plan.spec, "app": plan.spec.app, "layout": plan.layout, "plan": plan}
    return (FileSpec("guide/README.md", "README.md", 0o644, context),)


TARGET = Target(
    name="guide",
    summary="README.md: how to use what was rendered, for this project",
    files=files,
    always=True,
)
