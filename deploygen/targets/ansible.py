"""Playbooks, inventory and roles: what brings the rendered files and the code to the hosts."""

from __future__ import annotations

from collections.abc import Mapping

from deploygen.plan import FrontPlan, GroupPlan, Plan, apache_modules, fleet, interpreter
from deploygen.plan.release import Release, machine_in_front, release
from deploygen.plan.trial import trial
from deploygen.targets.spec import FileSpec, Target

FOLDER = "ansible"
PLAYBOOKS = {
    "ansible.cfg": "How Ansible is run here",
    "inventory.yml": "The hosts of NAME",
    "site.yml": "All of NAME, hosts and release: ansible-playbook site.yml",
    "release.yml": "NAME, a release on hosts that site.yml made: ansible-playbook release.yml",
    "rollback.yml": "NAME, back to a release that is kept: ansible-playbook rollback.yml",
    "group_vars/all.yml": "What is the same on all hosts of NAME",
    **{
        f"molecule/default/{file}": about
        for file, about in {
            "molecule.yml": "A trial of the playbooks on hosts that are thrown away",
            "inventory/hosts.yml": "The hosts of the trial; no other is reached",
            "create.yml": "Boots the hosts of the trial",
            "Dockerfile": "A host of the trial: a system that boots",
            "verify.yml": "What the hosts of the trial are asked",
            "destroy.yml": "Removes the hosts of the trial",
        }.items()
    },
}
# Files of roles/, as they are. A test compares this with the folder.
ROLES: Mapping[str, tuple[str, ...]] = {
    "host": ("defaults", "meta", "tasks"),
    "app": ("defaults", "meta", "tasks", "vars"),
    "fleet": ("defaults", "meta", "tasks"),
    "gunicorn": ("defaults", "meta", "tasks", "vars"),
    "nginx": ("defaults", "handlers", "meta", "tasks"),
    "apache": ("defaults", "handlers", "meta", "tasks", "vars"),
}
MAIN = "main.yml"
MORE = (
    "app/tasks/build.yml",
    "app/tasks/commands.yml",
    "app/tasks/pack.yml",
    "app/tasks/prepare.yml",
    "app/tasks/secrets.yml",
    "app/templates/secrets.j2",
    "fleet/tasks/back.yml",
    "fleet/tasks/out.yml",
    "gunicorn/tasks/live.yml",
    "gunicorn/tasks/rollback.yml",
    "gunicorn/tasks/stage.yml",
    "host/tasks/check.yml",
)
MODULES = (
    "connection_plugins/container.py",
    "library/deploygen_archive.py",
    "library/deploygen_build.py",
    "library/deploygen_machine.py",
    "library/deploygen_place.py",
    "library/deploygen_release.py",
    "library/deploygen_rollback.py",
    "library/deploygen_sysctl.py",
    "module_utils/deploygen_slots.py",
)
# The role of each kind of proxy that deploygen places.
PROXY_ROLES = ("nginx", "apache")


def role_files(role: str) -> tuple[str, ...]:
    """The files of one role, below roles/."""
    more = tuple(path for path in MORE if path.startswith(f"{role}/"))
    mains = tuple(f"{role}/{folder}/{MAIN}" for folder in ROLES[role])
    return (f"{role}/README.md", f"{role}/meta/argument_specs.yml", *mains, *more)


def files(plan: Plan) -> tuple[FileSpec, ...]:
    """Playbooks for this project, and the roles and modules that they use."""
    made, asked = release(plan), plan.spec.targets
    kind = plan.spec.proxy.kind if asked is None or plan.spec.proxy.kind in asked else ""
    front = plan.front if asked is None or fleet.GROUP in asked else None
    drains = front is not None and front.fleet.drains
    left_out = {*PROXY_ROLES, "fleet"} - {kind, "nginx" if front else "", "fleet" if drains else ""}
    roles = [role for role in ROLES if role not in left_out]
    context = {
        "plan": plan,
        "spec": plan.spec,
        "app": plan.spec.app,
        "layout": plan.layout,
        "release": made,
        "trial": trial(plan),
        "groups": tuple(plan.groups.values()),
        "front": front,
        "drains": drains,
        "proxy": kind if kind in PROXY_ROLES else "",
        "python": interpreter.command(plan.spec),
        "apache": _apache(plan),
        "sysctl": asked is None or "sysctl" in asked,
        "has_secrets": bool(plan.spec.app.secrets),
    }
    playbooks = (
        FileSpec(
            f"{FOLDER}/{path}",
            f"{FOLDER}/{path}",
            0o644,
            {**context, "about": about.replace("NAME", plan.spec.name)},
        )
        for path, about in PLAYBOOKS.items()
    )
    groups = [_group_vars(group, made, context) for group in plan.groups.values()]
    if front:
        groups.append(_front_vars(front, context))
    copied = (
        *(f"roles/{path}" for role in roles for path in role_files(role)),
        *MODULES,
    )
    return (
        *playbooks,
        *groups,
        *(
            FileSpec(path.removeprefix("roles/"), f"{FOLDER}/{path}", 0o644, {}, verbatim=True)
            for path in copied
        ),
    )


def _apache(plan: Plan) -> Mapping[str, tuple[str, ...]]:
    """What Apache is made of; without Debian's own site, and what Debian enables without need."""
    site = next(iter(plan.groups.values())).site
    modules = apache_modules.needed(site)
    unused = ("mpm_prefork", "mpm_worker", *apache_modules.unused(site))
    links = (f"mods-enabled/{name}.{end}" for name in unused for end in ("load", "conf"))
    return {
        "modules": tuple(module.name for module in modules),
        "absent": ("sites-enabled/000-default.conf", *links),
    }


def _group_vars(group: GroupPlan, made: Release, context: Mapping[str, object]) -> FileSpec:
    return FileSpec(
        f"{FOLDER}/group_vars/GROUP.yml",
        f"{FOLDER}/group_vars/{group.group}.yml",
        0o644,
        {
            **context,
            "about": f"What is the same on all hosts of the group {group.group}",
            "group": group,
            "system": group.facts.system,
            "host": made.hosts[group.group],
            "certificate": group.site.certificate,
        },
    )


def _front_vars(front: FrontPlan, context: Mapping[str, object]) -> FileSpec:
    return FileSpec(
        f"{FOLDER}/group_vars/FRONT.yml",
        f"{FOLDER}/group_vars/front_hosts.yml",
        0o644,
        {
            **context,
            "about": "What is the same on all hosts in front",
            "system": front.facts.system,
            "host": machine_in_front(front),
            "certificate": front.site.certificate,
        },
    )


TARGET = Target(
    name=FOLDER,
    summary="playbooks and roles: hosts, releases and rollbacks by one command each",
    files=files,
    needs=("gunicorn", "systemd"),
)
