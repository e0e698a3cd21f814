"""Routes of Flask, FastAPI and Starlette, with the prefixes of blueprints and routers."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from deploygen.detect.apps import Apps
from deploygen.detect.code import Imported, Local, Module, bound_by, string
from deploygen.detect.entries import Entry, is_below
from deploygen.detect.health import Route, joined
from deploygen.detect.lookup import Scope
from deploygen.detect.names import is_example
from deploygen.detect.namespace import Namespaces
from deploygen.detect.scan import Look

_VERBS = frozenset({"route", "get", "head", "api_route", "head_get"})
_ADDERS = frozenset({"add_url_rule", "add_api_route", "add_route"})
_INCLUDERS = frozenset({"register_blueprint", "include_router", "mount"})
_ROUTERS = frozenset(
    {
        *("fastapi.APIRouter", "fastapi.routing.APIRouter", "starlette.routing.Router"),
        *("flask.Blueprint", "flask.blueprints.Blueprint", "apiflask.APIBlueprint"),
        *("flask_smorest.Blueprint", "flask_openapi3.APIBlueprint", "quart.Blueprint"),
    }
)
_MAX_DEPTH = 12

Owner = tuple[str, str]  # the file and the name of an application, router or blueprint


@dataclass(frozen=True)
class _Include:
    parent: Owner | None  # None stands for an application that a function was given
    prefix: str


class CodeRoutes:
    """Routes that decorators and calls register, anywhere below the application's root."""

    def __init__(
        self, apps: Apps, spaces: Namespaces, looks: dict[str, Look], entry: Entry
    ) -> None:
        self.apps = apps
        self.spaces = spaces
        self.looks = looks
        self.entry = entry
        self._includes: dict[Owner, list[_Include]] = {}

    def routes(self) -> Iterator[Route]:
        """The routes that could be health checks, with all prefixes that are known."""
        for path in self._paths("includes"):
            self._note_includes(path)
        for path in self._paths("health"):
            module = self.apps.code.module(path)
            if module is not None:
                for url, owner, line, view in _registered(module):
                    for prefix in self._prefixes(module, owner, 0):
                        yield Route(joined(prefix, url) if prefix else url, f"{path}:{line}", view)

    def _paths(self, mark: str) -> Iterator[str]:
        for path, look in self.looks.items():
            ours = mark in look.marks and not look.aside and is_below(path, self.entry.root)
            if ours and (not is_example(path) or is_example(self.entry.path)):
                yield path

    def wrappers(self) -> Iterator[Route]:
        """``application = health_check(application, "/health/")`` in the entrypoint's module."""
        module = self.apps.code.module(self.entry.path)
        for statement in module.body if module else ():
            if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
                call = statement.value
                wraps = any(isinstance(argument, ast.Name) for argument in call.args)
                for argument in call.args if wraps else ():
                    text = string(argument)
                    if text and text.startswith("/"):
                        yield Route(text, f"{self.entry.path}:{call.lineno}")

    def _note_includes(self, path: str) -> None:
        module = self.apps.code.module(path)
        for statement in module.body if module else ():
            for node in ast.walk(statement):
                func = node.func if isinstance(node, ast.Call) else None
                if module and isinstance(node, ast.Call) and isinstance(func, ast.Attribute):
                    self._note_include(module, node, func)

    def _note_include(self, module: Module, node: ast.Call, func: ast.Attribute) -> None:
        if func.attr not in _INCLUDERS:
            return
        keywords = {k.arg: k.value for k in node.keywords}
        arguments = list(node.args)
        prefix_node = keywords.get("url_prefix") or keywords.get("prefix")
        child_node = keywords.get("blueprint") or keywords.get("router")
        if func.attr == "mount":
            if len(arguments) < 2:
                return
            prefix_node, child_node = arguments[0], arguments[1]
        child_node = child_node or (arguments[0] if arguments else None)
        prefix = self.spaces.evaluate(prefix_node, module.path) if prefix_node else ""
        if child_node is None or not isinstance(prefix, str):
            return
        child = self._owner(module, child_node, self._local_imports(module, node))
        if child:
            parent = self._owner(module, func.value, {})
            self._includes.setdefault(child, []).append(
                _Include(parent if parent and self._is_router(parent) else None, prefix)
            )

    def _local_imports(self, module: Module, call: ast.Call) -> dict[str, Local]:
        """What the imports inside of the function around a call name."""
        found: dict[str, Local] = {}
        for statement in module.body:
            end = statement.end_lineno or statement.lineno
            if statement.lineno <= call.lineno <= end:
                for node in ast.walk(statement):
                    if isinstance(node, ast.Import | ast.ImportFrom):
                        found.update(self._imported(module, node))
        return found

    def _imported(
        self, module: Module, node: ast.Import | ast.ImportFrom
    ) -> Iterator[tuple[str, Local]]:
        for name, bound in bound_by(node):
            if isinstance(bound, Imported):
                inside = self.apps.code.locate(bound, module.path)
                if inside:
                    yield name, inside

    def _owner(self, module: Module, node: ast.expr, local: dict[str, Local]) -> Owner | None:
        """The file and name of what an expression names, through imports."""
        if isinstance(node, ast.Name) and node.id in local:
            target = self.apps.follow(local[node.id])
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            base = local.get(node.value.id)
            named = Local(base.path, node.attr) if base and not base.name else None
            target_ = self.apps.follow(named) if named else self.apps.target(Scope(module), node)
            target = target_ if target_ is not None else ""
        else:
            target = self.apps.target(Scope(module), node) or ""
        return (target.path, target.name) if isinstance(target, Local) and target.name else None

    def _is_router(self, owner: Owner) -> bool:
        return self._router_call(owner) is not None

    def _router_call(self, owner: Owner) -> ast.Call | None:
        module = self.apps.code.module(owner[0])
        for bound in reversed(module.bindings.get(owner[1], []) if module else []):
            if module and isinstance(bound, ast.Call):
                target = self.apps.target(Scope(module), bound.func)
                if isinstance(target, str) and target in _ROUTERS:
                    return bound
                if isinstance(target, str) and target.endswith(("Router", "Blueprint")):
                    return bound
        return None

    def _prefixes(self, module: Module, name: str, depth: int) -> list[str]:
        """Every prefix under which the owner of a route is reachable; none if nobody can tell."""
        if depth > _MAX_DEPTH:
            return []
        owner = self._owner(module, ast.Name(id=name), {})
        if owner is None:
            # A function's parameter, or a name inside of a factory: an application.
            return [""] if name in ("app", "application", "server", "flask_app") else []
        call = self._router_call(owner)
        if call is None and (owner not in self._includes or not self.apps.named(*owner)):
            return [""] if self.apps.named(*owner) else []
        own = self._own_prefix(call, owner[0]) if call else ""
        found = []
        for include in self._includes.get(owner, []) if own is not None else []:
            over = [""]
            if include.parent is not None:
                outer = self.apps.code.module(include.parent[0])
                over = self._prefixes(outer, include.parent[1], depth + 1) if outer else []
            # Flask's register_blueprint(url_prefix=...) replaces the blueprint's own.
            replaces = bool(include.prefix and call and _is_blueprint(call))
            inner = include.prefix if replaces else f"{include.prefix}/{own}"
            found += [f"{prefix}/{inner}" for prefix in over]
        return found

    def _own_prefix(self, call: ast.Call, path: str) -> str | None:
        for keyword in call.keywords:
            if keyword.arg in ("prefix", "url_prefix"):
                value = self.spaces.evaluate(keyword.value, path)
                return value if isinstance(value, str) else "" if value is None else None
        return ""


def _is_blueprint(call: ast.Call) -> bool:
    return "lueprint" in ast.unparse(call.func)


def _registered(module: Module) -> Iterator[tuple[str, str, int, str]]:
    """URL, owner, line and view of each route that a module registers."""
    for statement in module.body:
        mounts = _mount_prefixes(statement)
        for node in ast.walk(statement):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for decorator in node.decorator_list:
                    if isinstance(decorator, ast.Call):
                        found = _route(decorator, _VERBS)
                        if found:
                            yield (*found, decorator.lineno, node.name)
            elif isinstance(node, ast.Call):
                found = _route(node, _ADDERS)
                if found:
                    yield (*found, node.lineno, "")
                elif getattr(node.func, "id", "") == "Route" and node.args:
                    url = string(node.args[0])
                    if url:
                        yield mounts.get(id(node), "") + url, "app", node.lineno, ""
                elif getattr(node.func, "attr", "") == "add_resource" and len(node.args) > 1:
                    # Flask-RESTful: the resource comes first, its URLs follow.
                    url = string(node.args[1])
                    if url:
                        yield url, "app", node.lineno, ""


def _mount_prefixes(statement: ast.stmt) -> dict[int, str]:
    """The prefix of each ``Route(...)`` that stands inside of ``Mount("/api", routes=[...])``."""
    prefixes: dict[int, str] = {}
    # ast.walk visits an outer mount before the ones inside of it.
    for node in ast.walk(statement):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Mount" and node.args:
            prefix = string(node.args[0]) or ""
            for inner in ast.walk(node):
                if isinstance(inner, ast.Call) and getattr(inner.func, "id", "") == "Route":
                    prefixes[id(inner)] = prefixes.get(id(inner), "") + prefix
    return prefixes


def _route(call: ast.Call, names: frozenset[str]) -> tuple[str, str] | None:
    func = call.func
    if not isinstance(func, ast.Attribute) or func.attr not in names:
        return None
    if not isinstance(func.value, ast.Name):
        return None
    keywords = {k.arg: k.value for k in call.keywords}
    node = call.args[0] if call.args else keywords.get("path") or keywords.get("rule")
    url = string(node)
    return (url, func.value.id) if url is not None else None
