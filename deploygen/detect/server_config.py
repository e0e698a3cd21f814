"""gunicorn configuration files and calls such as ``uvicorn.run``: starts that stand in code."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from deploygen.detect.apps import Apps
from deploygen.detect.code import Module, dotted_name, flat, string
from deploygen.detect.commands import Launch
from deploygen.detect.evidence import Kind, Source, source
from deploygen.detect.lookup import Scope
from deploygen.detect.reader import Reader

# The functions and classes that serve what their first argument is, by full name.
_SERVING = {
    "uvicorn.run": "asgi",
    "uvicorn.Config": "asgi",
    "uvicorn.main.run": "asgi",
    "granian.Granian": "asgi",
    "hypercorn.asyncio.serve": "asgi",
    "waitress.serve": "wsgi",
    "gevent.pywsgi.WSGIServer": "wsgi",
    "cheroot.wsgi.Server": "wsgi",
    "bjoern.run": "wsgi",
    "werkzeug.serving.run_simple": "wsgi",
    "wsgiref.simple_server.make_server": "wsgi",
}
# Development servers: they show what the application is, not how it is served.
_TOYS = frozenset({"werkzeug.serving.run_simple", "wsgiref.simple_server.make_server"})


def read_gunicorn(reader: Reader, apps: Apps, origin: Source, called: Launch | None = None) -> None:
    """A gunicorn configuration: ``wsgi_app``, ``chdir``, ``raw_env`` and what it exports."""
    module = apps.code.module(origin.path)
    if module is None:
        return
    values = {name: bound[-1] for name, bound in module.bindings.items()}
    app = string(_expression(values.get("wsgi_app"))) or ""
    worker = string(_expression(values.get("worker_class"))) or ""
    folders = [string(_expression(values.get(name))) for name in ("chdir", "pythonpath")]
    line = module.lines("wsgi_app" if app else "worker_class")
    for name, value, at in _environment(module):
        reader.variable(name, value, origin, at)
    target = app or (called.target if called else "")
    if target and ":" not in target:
        target += ":application"
    interface = "asgi" if "uvicorn" in worker.lower() or worker == "asgi" else "wsgi"
    if target or worker:
        known = tuple(folder for folder in folders if folder)
        launch = Launch("gunicorn", target, interface, known, worker_class=worker, line=line)
        reader.launch(launch, origin)
        if not target:
            reader.workers.append((worker, f"{origin.path}:{line}"))


def _expression(bound: object) -> ast.expr | None:
    return bound if isinstance(bound, ast.expr) else None


def _environment(module: Module) -> Iterator[tuple[str, str, int]]:
    """Name, value and line of ``raw_env`` items, ``os.environ[...] =`` and ``setdefault``."""
    for statement in flat(module.body):
        for node in ast.walk(statement):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
                target = node.targets[0]
                name, value = string(target.slice), string(node.value)
                if name and value and dotted_name(target.value).endswith("environ"):
                    yield name, value, node.lineno
            elif isinstance(node, ast.Call) and len(node.args) == 2:
                name, value = string(node.args[0]), string(node.args[1])
                if name and value and dotted_name(node.func).endswith("environ.setdefault"):
                    yield name, value, node.lineno
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                name, _, value = node.value.partition("=")
                if value:
                    yield name, value, node.lineno


def read_serving(reader: Reader, apps: Apps, path: str) -> None:
    """Calls in the module at ``path`` that serve an application, anywhere in its functions."""
    module = apps.code.module(path)
    if module is None:
        return
    origin = source(path, Kind.CODE)
    for statement in module.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Call):
                launch = _serving(apps, module, node)
                if launch:
                    reader.launch(launch, origin)


def _serving(apps: Apps, module: Module, call: ast.Call) -> Launch | None:
    scope = Scope(module)
    target = apps.target(scope, call.func)
    if isinstance(target, str) and target in _SERVING:
        arguments = [*call.args, *(k.value for k in call.keywords if k.arg in ("app", "target"))]
        for argument in arguments:
            name = string(argument) or _own(apps, module, argument)
            if name and ":" in name:
                if _true(call, "factory") and not name.endswith(")"):
                    name += "()"
                development = target in _TOYS or _true(call, "reload") or _true(call, "debug")
                return Launch(
                    "code", name, _SERVING[target], line=call.lineno, development=development
                )
    if isinstance(call.func, ast.Attribute) and call.func.attr in ("run", "run_server"):
        own = _own(apps, module, call.func.value)
        if own:
            return Launch("code", own, "wsgi", line=call.lineno, development=True)
    return None


def _own(apps: Apps, module: Module, node: ast.expr) -> str | None:
    """``path.py:name`` of an application or factory of this module that ``node`` names."""
    if isinstance(node, ast.Name) and apps.named(module.path, node.id):
        return f"{module.path}:{node.id}"
    called = node.func if isinstance(node, ast.Call) and not node.args else None
    if isinstance(called, ast.Name) and apps.factory(module.path, called.id):
        return f"{module.path}:{called.id}()"
    return None


def _true(call: ast.Call, name: str) -> bool:
    return any(
        keyword.arg == name and getattr(keyword.value, "value", None) is True
        for keyword in call.keywords
    )
