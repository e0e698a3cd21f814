"""From a folder to findings: each part asked in turn, with what the parts before it found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from deploygen.detect.apps import Apps
from deploygen.detect.code import Code
from deploygen.detect.code_routes import CodeRoutes
from deploygen.detect.deployment import read_deployment
from deploygen.detect.django_routes import DjangoRoutes
from deploygen.detect.entries import Entry, Places, default_root, is_below
from deploygen.detect.entrypoint import Chooser, Found
from deploygen.detect.findings import Choices, Detected
from deploygen.detect.health import Route, best
from deploygen.detect.install import Installed, find_install
from deploygen.detect.namespace import Namespaces
from deploygen.detect.python_version import find_python
from deploygen.detect.reader import Reader
from deploygen.detect.requirements import Requirement, requirements_of
from deploygen.detect.scan import Look, look_at_all
from deploygen.detect.secrets import secrets_of
from deploygen.detect.settings import Settings, choose_settings
from deploygen.detect.static import CodeFiles, Served, django_files, settings_names
from deploygen.detect.tree import Tree
from deploygen.detect.uses import find_uses


@dataclass(frozen=True)
class Project:
    """A project folder and the readers that share what they parsed of it."""

    tree: Tree
    code: Code
    apps: Apps
    spaces: Namespaces
    looks: dict[str, Look]
    reader: Reader


def open_project(folder: Path) -> Project:
    """Walks the folder and reads its deployment files."""
    tree = Tree(folder)
    code = Code(tree)
    apps = Apps(code)
    looks = look_at_all(tree)
    return Project(tree, code, apps, Namespaces(code), looks, read_deployment(tree, apps, looks))


def detect(folder: Path, choices: Choices = Choices()) -> Detected:  # noqa: B008  frozen
    """What web application ``folder`` holds and how it deploys.

    Raises NotAWebApplication, Ambiguous, or DeploygenError if the folder cannot be read or
    a choice names something that is not there.
    """
    return detect_in(open_project(folder), choices)


def detect_in(project: Project, choices: Choices) -> Detected:
    """As :func:`detect`, on a project that is open already."""
    places = Places(project.tree, project.code, project.apps)
    deployment = project.reader.found
    found = Chooser(places, project.looks, deployment, choices).choose()
    entry = found.entry
    framework, interface, notes = _framework(project, found)
    settings = None
    if framework == "django":
        settings = choose_settings(places, project.looks, deployment, entry, choices)
    evidence = dict.fromkeys(("framework", "interface", "entrypoint", "app_dir"), entry.place)
    if entry.app:
        evidence["framework"] = entry.app.place
    notes += settings.notes if settings else ()
    served = _files(project, entry, settings)
    route = _health(project, entry, settings)
    python = find_python(project.tree, deployment, entry.root)
    install = find_install(project.tree, deployment, entry.root)
    required = _requirements(project.tree, install)
    gunicorn = next((r for r in required if r.name == "gunicorn" and r.version), None)
    uses = _uses(project, entry, required)
    secrets = secrets_of(project.code, settings.path if settings else entry.path)
    for name, place in (
        ("settings_module", settings and settings.place),
        ("python", python and python[1]),
        ("gunicorn", gunicorn and gunicorn.place),
        ("install", install and install.place),
        ("health", route and route.place),
        *served.evidence.items(),
        *((f"uses.{name}", place) for name, place in uses.items()),
        *((f"secrets.{name}", place) for name, place in secrets.items()),
    ):
        if place:
            evidence[name] = place
    if secrets:
        evidence["secrets"] = next(iter(secrets.values()))
    if uses:
        evidence["uses"] = next(iter(uses.values()))
    return Detected(
        framework=framework,
        interface=interface,
        entrypoint=entry.value,
        app_dir=default_root(entry.root),
        settings_module=settings.module if settings else None,
        python=python[0] if python else None,
        gunicorn=gunicorn.version if gunicorn else None,
        install=install.install if install else None,
        static_url=served.values.get("static_url"),
        static_root=served.values.get("static_root"),
        media_url=served.values.get("media_url"),
        media_root=served.values.get("media_root"),
        health=route.url if route else None,
        uses=tuple(uses),
        secrets=tuple(secrets),
        evidence=MappingProxyType(evidence),
        notes=tuple(dict.fromkeys((*found.notes, *notes, *served.notes))),
    )


def _framework(project: Project, found: Found) -> tuple[str, str, tuple[str, ...]]:
    """Framework and interface: the application's own, else what starts it says."""
    entry = found.entry
    if entry.app:
        return entry.app.framework, entry.app.interface, ()
    launched = found.start.launch.interface if found.start else ""
    interface = launched or "wsgi"
    look = project.looks.get(entry.path)
    known = look.imports if look else {}
    for framework in ("django", "flask", "fastapi", "starlette"):
        if framework in known:
            return framework, interface, ()
    note = f"{entry.place}: {entry.value} exists, but what it is cannot be told without running it"
    return interface, interface, (note,)


def _files(project: Project, entry: Entry, settings: Settings | None) -> Served:
    if settings:
        return django_files(project.spaces, settings)
    return CodeFiles(project.tree, project.apps, project.spaces, project.looks, entry).find()


def _health(project: Project, entry: Entry, settings: Settings | None) -> Route | None:
    code = CodeRoutes(project.apps, project.spaces, project.looks, entry)
    routes = list(code.wrappers())
    if not settings:
        routes += code.routes()
    else:
        names = settings_names(project.spaces, settings)
        routes += DjangoRoutes(project.spaces, project.looks, entry.root).routes(names)
    return best(routes)


def _requirements(tree: Tree, install: Installed | None) -> list[Requirement]:
    return requirements_of(tree, install.install.file) if install else []


def _uses(project: Project, entry: Entry, required: list[Requirement]) -> dict[str, str]:
    inside = [
        path
        for path, look in project.looks.items()
        if not look.aside and is_below(path, entry.root)
    ]
    marked = {"named", "postgres", "mysql", "redis"}
    texts = {path: project.tree.text(path) for path in inside if marked & project.looks[path].marks}
    reader = project.reader
    return find_uses(project.looks, reader.found, reader.workers, required, texts, inside)
