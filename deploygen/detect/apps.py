"""Which names of a module are web applications, followed through imports and calls.

A small abstract interpreter: it knows what makes an application, what wraps one, and which
functions return one. It evaluates nothing.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace

from deploygen.detect import frameworks as known
from deploygen.detect.code import (
    MAX_NESTING,
    Bound,
    Function,
    Imported,
    Local,
    Module,
    bound_by,
    flat,
)
from deploygen.detect.lookup import Names, Scope
from deploygen.detect.signatures import arguments, is_command, needs_arguments, spoken_interface


@dataclass(frozen=True)
class App:
    """An application: ``place`` (``file:line``) is where it is made, and its identity."""

    framework: str
    interface: str
    place: str
    holder: bool = False
    channels: bool = False


class Apps(Names):
    """Finds applications in modules of the project."""

    def named(self, path: str, name: str) -> App | None:
        """The application that ``name`` is bound to in the module at ``path``."""
        module = self.code.module(path)
        if module is None:
            return None
        found = self._name(Scope(module), name)
        if found or name in module.bindings:
            return found
        for star in module.stars:
            local = self.code.locate(replace(star, name=""), path)
            if local and local.path != path and self.enter(path, name, -1):
                found = self.named(local.path, name)
                self.leave(path, name, -1)
                if found:
                    return found
        return None

    def factory(self, path: str, name: str) -> App | None:
        """What the function ``name`` returns when it is called without arguments."""
        local = self.follow(Local(path, name))
        function = self.definition(local) if isinstance(local, Local) else None
        if not isinstance(local, Local) or not isinstance(function, ast.FunctionDef):
            return None
        if needs_arguments(function) or is_command(function):
            return None
        module = self.code.module(local.path)
        return self._returned(module, function) if module else None

    def value(self, scope: Scope, node: ast.expr, name: str = "", depth: int = 0) -> App | None:
        """The application that an expression gives; ``name`` is what it is bound to."""
        if depth > MAX_NESTING:
            return None
        match node:
            case ast.Name():
                return self._name(scope, node.id)
            case ast.Call():
                return self._call(scope, node, name, depth + 1)
            case ast.Attribute():
                return self._attribute(scope, node, depth + 1)
            case ast.IfExp():
                options = [node.body, node.orelse]
            case ast.BoolOp():
                options = node.values
            case ast.NamedExpr():
                options = [node.value]
            case _:
                return None
        results = (self.value(scope, option, name, depth + 1) for option in options)
        return next(filter(None, results), None)

    def _name(self, scope: Scope, name: str) -> App | None:
        bindings = scope.bound(name)
        for index in range(len(bindings) - 1, -1, -1):
            key = (scope.module.path, name, id(bindings[index]))
            if not self.enter(*key):
                continue
            inner = replace(scope, hidden=(name, index))
            found = self._binding(inner, bindings[index], name)
            self.leave(*key)
            if found:
                return found
        return None

    def _binding(self, scope: Scope, bound: Bound, name: str) -> App | None:
        if isinstance(bound, Imported):
            local = self.code.locate(bound, scope.module.path)
            return self.named(local.path, local.name) if local and local.name else None
        if isinstance(bound, Function):
            return _plain_application(scope.module, bound)
        if isinstance(bound, ast.ClassDef):
            return None
        return self.value(scope, bound, name)

    def _call(self, scope: Scope, call: ast.Call, name: str, depth: int) -> App | None:
        place = f"{scope.module.path}:{call.lineno}"
        target = self.target(scope, call.func)
        made: known.Made | None = None
        if isinstance(target, str):
            if target in known.NOT_CALLS:
                return None
            made = known.CALLS.get(target)
        elif isinstance(target, Local):
            found = self._local_call(target, place)
            if found:
                return found
        callee = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        made = made or known.METHODS.get(callee)
        wrapped = self._wrapped(scope, call, name, depth)
        if made and wrapped and made.framework in ("asgi", "wsgi", "django"):
            return replace(wrapped, interface=made.interface, channels=made.channels)
        if made:
            return App(made.framework, made.interface, place, made.holder, made.channels)
        if isinstance(call.func, ast.Attribute) and not target:
            return self._method(scope, call.func, place, depth) or wrapped
        return wrapped

    def _local_call(self, target: Local, place: str) -> App | None:
        bound = self.definition(target)
        module = self.code.module(target.path)
        if module is None:
            return None
        if isinstance(bound, ast.FunctionDef):
            return self._returned(module, bound)
        if isinstance(bound, ast.ClassDef):
            return self._instance(module, bound, place)
        return None

    def _instance(
        self, module: Module, cls: ast.ClassDef, place: str, depth: int = 0
    ) -> App | None:
        """The application that an instance of a class of the project is."""
        for base in cls.bases if depth < MAX_NESTING else ():
            target = self.target(Scope(module), base)
            if isinstance(target, str) and target in known.CALLS:
                made = known.CALLS[target]
                return App(made.framework, made.interface, place, made.holder, made.channels)
            bound = self.definition(target) if isinstance(target, Local) else None
            inner = self.code.module(target.path) if isinstance(target, Local) else None
            if inner and isinstance(bound, ast.ClassDef) and bound is not cls:
                found = self._instance(inner, bound, place, depth + 1)
                if found:
                    return found
        for method in cls.body:
            if isinstance(method, Function) and method.name == "__call__":
                interface = spoken_interface(method, skip=1)
                return App(interface, interface, place) if interface else None
        return None

    def _method(self, scope: Scope, node: ast.Attribute, place: str, depth: int) -> App | None:
        """``Factory().create()``: what a method of a class of the project returns."""
        found = self._class_of(scope, node.value, depth)
        if found is None:
            return None
        module, cls = found
        for method in cls.body:
            if isinstance(method, ast.FunctionDef) and method.name == node.attr:
                return self._returned(module, method, place)
        return None

    def _class_of(
        self, scope: Scope, node: ast.expr, depth: int = 0
    ) -> tuple[Module, ast.ClassDef] | None:
        if depth > MAX_NESTING:
            return None
        if isinstance(node, ast.Name):
            for bound in reversed(scope.bound(node.id)):
                if isinstance(bound, ast.Call):
                    return self._class_of(scope, bound, depth + 1)
        target = self.target(scope, node.func if isinstance(node, ast.Call) else node)
        if not isinstance(target, Local):
            return None
        cls = self.definition(target)
        module = self.code.module(target.path)
        if module and isinstance(cls, ast.ClassDef):
            return module, cls
        if module and isinstance(cls, ast.Call):
            return self._class_of(Scope(module), cls, depth + 1)
        return None

    def _attribute(self, scope: Scope, node: ast.Attribute, depth: int) -> App | None:
        target = self.target(scope, node)
        if isinstance(target, Local) and target.name:
            return self.named(target.path, target.name)
        owner = self._class_of(scope, node.value)
        if owner:
            module, cls = owner
            found = self._assigned_in_methods(module, cls, node.attr)
            if found:
                return found
        if node.attr in known.INNER:
            inner = self.value(scope, node.value, "", depth)
            return replace(inner, holder=False) if inner else None
        return None

    def _assigned_in_methods(self, module: Module, cls: ast.ClassDef, name: str) -> App | None:
        """The application in ``self.<name> = ...`` of a class."""
        for method in cls.body:
            if not isinstance(method, Function):
                continue
            for statement in flat(method.body):
                if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value:
                    targets = getattr(statement, "targets", None) or [statement.target]  # type: ignore[union-attr]
                    if any(isinstance(t, ast.Attribute) and t.attr == name for t in targets):
                        found = self.value(Scope(module), statement.value, name)
                        if found:
                            return found
        return None

    def _wrapped(self, scope: Scope, call: ast.Call, name: str, depth: int) -> App | None:
        """``app = Middleware(app)``: the application among the arguments, if this wraps it."""
        func = call.func
        callee = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
        itself = any(isinstance(arg, ast.Name) and arg.id == name for arg in call.args)
        if not (itself or known.WRAPPER.search(callee) or known.APP_NAME.match(name)):
            return None
        for argument in arguments(call):
            inner = self.value(scope, argument, name, depth)
            if inner:
                interface = known.ADAPTERS.get(callee, inner.interface)
                return replace(inner, interface=interface)
        return None

    def _returned(self, module: Module, function: ast.FunctionDef, place: str = "") -> App | None:
        key = (module.path, function.name, id(function))
        if not self.enter(*key):
            return None
        names: dict[str, list[Bound]] = {}
        returns: list[ast.expr] = []
        for statement in flat(function.body):
            for name, bound in bound_by(statement):
                names.setdefault(name, []).append(bound)
            if isinstance(statement, ast.Return) and statement.value:
                returns.append(statement.value)
        scope = Scope(module, names)
        found = next(filter(None, (self.value(scope, node) for node in reversed(returns))), None)
        self.leave(*key)
        return found or self._annotated(module, function, place)

    def _annotated(self, module: Module, function: ast.FunctionDef, place: str) -> App | None:
        """The application that ``-> Flask`` promises, if the body is too clever for us."""
        if function.returns is None:
            return None
        target = self.target(Scope(module), function.returns)
        made = known.CALLS.get(target) if isinstance(target, str) else None
        if made is None or made.framework in ("wsgi", "django"):
            return None
        place = place or f"{module.path}:{function.lineno}"
        return App(made.framework, made.interface, place, made.holder)


def _plain_application(module: Module, function: Function) -> App | None:
    interface = spoken_interface(function)
    return App(interface, interface, f"{module.path}:{function.lineno}") if interface else None
