"""README.md of the rendered tree, and the JSON Schema that editors use."""

from __future__ import annotations

from deploygen.plan import Plan, interpreter, packages
from deploygen.plan.apache_modules import needed, unused
from deploygen.plan.compose import compose
from deploygen.plan.containers import PROXY_UID_STEP
from deploygen.targets.spec import FileSpec, Target


def files(plan: Plan) -> tuple[FileSpec, ...]:
    """The README, with commands for this project, and the schema of this release."""
    app, site = plan.spec.app, next(iter(plan.groups.values())).site
    context = {
        "plan": plan,
        "spec": plan.spec,
        "app": app,
        "layout": plan.layout,
        "site": site,
        "modules": needed(site),
        "unused": unused(site),
        "ansible": plan.spec.targets is None or "ansible" in plan.spec.targets,
        "python": interpreter.command(plan.spec),
        "several_groups": len(plan.groups) > 1,
        "health": app.health or "/",
        # Uploads inside the project: the release has a link there, to what outlives it.
        "media_link": app.media.folder if app.media and _inside(app.media.folder) else None,
        "work": "$RELEASE" if app.app_dir == "." else f"$RELEASE/{app.app_dir}",
        # Something ends TLS: an application that asks for HTTPS would answer with a redirect.
        "https": site.https,
        "certificate": site.certificate,
        "packages": _packages(plan),
        "front": plan.front,
        "front_packages": packages.proxy("nginx", plan.front) if plan.front else (),
        "containers": plan.containers,
        "compose": compose(plan.spec, plan.containers) if plan.containers else None,
        "proxy_uid": plan.spec.containers.uid + PROXY_UID_STEP,
    }
    return (
        FileSpec("guide/README.md", "README.md", 0o644, context),
        FileSpec("guide/deploygen.schema.json", "deploygen.schema.json", 0o644, {}),
    )


def _packages(plan: Plan) -> tuple[str, ...]:
    kind, groups = plan.spec.proxy.kind, plan.groups.values()
    of_proxy = [name for group in groups for name in packages.proxy(kind, group)]
    return tuple(dict.fromkeys((*packages.ENVIRONMENT, *of_proxy)))


def _inside(folder: str) -> bool:
    return not folder.startswith("/")


TARGET = Target(
    name="guide",
    summary="README.md: how to use what was rendered, and the schema for editors",
    files=files,
    always=True,
)
