"""Routes of a Django project: from ROOT_URLCONF through every include()."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from deploygen.detect.code import bound_by, dotted_name, flat, string
from deploygen.detect.entries import is_below
from deploygen.detect.health import NAMES, Route, joined
from deploygen.detect.namespace import Names, Namespaces
from deploygen.detect.scan import Look

# What the URLs of well-known packages have below the prefix that includes them.
_PACKAGES = {
    "health_check.urls": "",
    "watchman.urls": "ping/",
    "django_alive.urls": "-/alive/",
    "heartbeat.urls": "",
    "django_healthchecks.urls": "",
    "dockerflow.django.urls": "__lbheartbeat__",
}
_MIDDLEWARE = {"dockerflow.django.middleware.DockerflowMiddleware": "/__lbheartbeat__"}
_MAX_INCLUDES = 12


class DjangoRoutes:
    """Walks the URL configuration; what cannot be told is left out."""

    def __init__(self, spaces: Namespaces, looks: dict[str, Look], root: str) -> None:
        self.spaces = spaces
        self.code = spaces.code
        self.looks = looks
        self.root = root
        self._active: set[tuple[str, str]] = set()

    def routes(self, settings: Names) -> Iterator[Route]:
        """The routes that could be health checks."""
        urlconf = settings.get("ROOT_URLCONF")
        path = self.code.find(str(urlconf.value), self.root) if urlconf else None
        if path:
            yield from self._module(path, "/")
        yield from self._middleware(settings)

    def _module(self, path: str, prefix: str) -> Iterator[Route]:
        if (path, prefix) in self._active or len(self._active) > _MAX_INCLUDES:
            return
        self._active.add((path, prefix))
        module = self.code.module(path)
        for statement in flat(module.body if module else ()):
            if isinstance(statement, ast.AugAssign):
                if getattr(statement.target, "id", "") == "urlpatterns":
                    yield from self._patterns(statement.value, path, prefix)
            elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
                # urlpatterns.append(path(...)), urlpatterns.extend([...])
                called = dotted_name(statement.value.func)
                if called in ("urlpatterns.append", "urlpatterns.extend", "urlpatterns.insert"):
                    for argument in statement.value.args:
                        yield from self._patterns(argument, path, prefix)
            else:
                for name, bound in bound_by(statement):
                    if name == "urlpatterns" and isinstance(bound, ast.expr):
                        yield from self._patterns(bound, path, prefix)
        self._active.discard((path, prefix))

    def _patterns(self, node: ast.expr, path: str, prefix: str, depth: int = 0) -> Iterator[Route]:
        """Routes in a list, a sum of lists, a name of a list, or a call that wraps one."""
        if depth > _MAX_INCLUDES:
            return
        match node:
            case ast.List() | ast.Tuple():
                for item in node.elts:
                    yield from self._patterns(item, path, prefix, depth + 1)
            case ast.Starred():
                yield from self._patterns(node.value, path, prefix, depth + 1)
            case ast.BinOp(op=ast.Add()):
                # A long sum of lists nests to the left.
                yield from self._patterns(node.left, path, prefix, depth)
                yield from self._patterns(node.right, path, prefix, depth + 1)
            case ast.IfExp():
                yield from self._patterns(node.body, path, prefix, depth + 1)
            case ast.Name():
                module = self.code.module(path)
                for bound in module.bindings.get(node.id, []) if module else []:
                    if isinstance(bound, ast.expr) and bound is not node:
                        yield from self._patterns(bound, path, prefix, depth + 1)
            case ast.Call():
                yield from self._call(node, path, prefix, depth)

    def _call(self, node: ast.Call, path: str, prefix: str, depth: int) -> Iterator[Route]:
        called = dotted_name(node.func).rpartition(".")[2]
        if called not in ("path", "re_path", "url"):
            # The rest gives patterns a language or a decorator; languages change the URL.
            if called != "i18n_patterns":
                for argument in node.args:
                    if isinstance(argument, ast.List | ast.Name | ast.Call):
                        yield from self._patterns(argument, path, prefix, depth + 1)
            return
        arguments = [*node.args, *(k.value for k in node.keywords if k.arg in ("route", "view"))]
        if len(arguments) < 2:
            return
        part = self.spaces.evaluate(arguments[0], path)
        if not isinstance(part, str):
            return
        plain = part if called == "path" else unregex(part)
        if plain is None:
            return
        url = joined(prefix, plain) if plain else prefix
        view = arguments[1]
        if isinstance(view, ast.Call) and dotted_name(view.func).rpartition(".")[2] == "include":
            yield from self._include(view, path, url, depth)
            return
        function = view.func if isinstance(view, ast.Call) else view
        name = dotted_name(function).removesuffix(".as_view").rpartition(".")[2]
        yield Route(url, f"{path}:{node.lineno}", name)

    def _include(self, node: ast.Call, path: str, prefix: str, depth: int) -> Iterator[Route]:
        if not node.args:
            return
        target = node.args[0]
        if isinstance(target, ast.Tuple) and target.elts:
            target = target.elts[0]
        place = f"{path}:{node.lineno}"
        dotted = string(target)
        if dotted in _PACKAGES:
            yield Route(joined(prefix, _PACKAGES[dotted]), place, "HealthCheckView")
        elif dotted:
            inside = self.code.find(dotted, self.root)
            if inside:
                yield from self._module(inside, prefix)
        elif isinstance(target, ast.Attribute | ast.Name):
            value = self.spaces.evaluate(target, path)
            if hasattr(value, "path") and not isinstance(value, str):
                yield from self._module(value.path, prefix)
            else:
                yield from self._patterns(target, path, prefix, depth + 1)
        else:
            yield from self._patterns(target, path, prefix, depth + 1)

    def _middleware(self, settings: Names) -> Iterator[Route]:
        """Middleware of the project that answers a health URL before any route is looked at."""
        known = settings.get("MIDDLEWARE")
        for name in known.value if known and isinstance(known.value, list) else ():
            if not isinstance(name, str):
                continue
            if known and name in _MIDDLEWARE:
                yield Route(_MIDDLEWARE[name], known.place)
            path = self.code.find(name.rpartition(".")[0], self.root)
            if path and is_below(path, self.root):
                yield from compared_paths(self.code.module(path), path)


def compared_paths(module: object, path: str) -> Iterator[Route]:
    """Constants that ``request.path`` or ``scope["path"]`` is compared with."""
    for statement in getattr(module, "body", ()):
        for node in ast.walk(statement):
            if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Eq | ast.In):
                continue
            if "path" not in ast.unparse(node.left):
                continue
            for right in node.comparators:
                for item in getattr(right, "elts", [right]):
                    text = string(item)
                    if text and text.startswith("/") and text.strip("/").lower() in NAMES:
                        yield Route(text, f"{path}:{node.lineno}")


def unregex(pattern: str) -> str | None:
    """The one path that a URL pattern matches, with a slash where it is optional."""
    plain = pattern.removeprefix("^").removesuffix("$").removesuffix("\\Z")
    plain = re.sub(r"/\?$", "/", plain).replace(r"\-", "-").replace(r"\.", ".")
    return None if re.search(r"[\\^$.|?*+()\[\]{}]", plain.replace(".", "")) else plain
