"""What names and attribute chains of a module refer to, through imports and re-exports."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace

from deploygen.detect import frameworks as known
from deploygen.detect.code import MAX_NESTING, Bound, Code, Imported, Local, Module


@dataclass(frozen=True)
class Scope:
    """Where a name is looked up: in a function's names, then in the module's.

    ``hidden`` is the binding under way: in ``app = Wrapper(app)`` the argument is the name's
    earlier binding.
    """

    module: Module
    names: dict[str, list[Bound]] = field(default_factory=dict)
    hidden: tuple[str, int] = ("", 0)

    def bound(self, name: str) -> list[Bound]:
        """All that ``name`` may be bound to here, the earliest first."""
        found = self.names.get(name) or self.module.bindings.get(name, [])
        return found[: self.hidden[1]] if name == self.hidden[0] else found


class Names:
    """Resolves names; ``enter`` and ``leave`` keep circles from going round."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self._active: set[tuple[str, str, int]] = set()

    def enter(self, path: str, name: str, index: int) -> bool:
        """Whether a question may be asked: not while it is being answered, nor too deep."""
        if (path, name, index) in self._active or len(self._active) > MAX_NESTING * 2:
            return False
        self._active.add((path, name, index))
        return True

    def leave(self, path: str, name: str, index: int) -> None:
        """The question that was entered is answered."""
        self._active.discard((path, name, index))

    def exists(self, path: str, name: str) -> bool:
        """Whether the module binds ``name`` in any way, a star import included."""
        module = self.code.module(path)
        if module is None:
            return False
        if name in module.bindings:
            return True
        for star in module.stars:
            local = self.code.locate(replace(star, name=""), path)
            if local is None:
                return True
            if local.path != path and self.enter(path, name, -2):
                inside = self.exists(local.path, name)
                self.leave(path, name, -2)
                if inside:
                    return True
        return False

    def definition(self, local: Local) -> Bound | None:
        """The last thing that a name of a module is bound to."""
        module = self.code.module(local.path)
        bound = module.bindings.get(local.name) if module else None
        return bound[-1] if bound else None

    def follow(self, local: Local) -> Local | str:
        """Where a name is defined, through re-exports; the full name if that is outside."""
        for _ in range(MAX_NESTING):
            bound = self.definition(local)
            if not isinstance(bound, Imported):
                return local
            inside = self.code.locate(bound, local.path)
            if inside is None:
                return ".".join(part for part in (bound.module, bound.name) if part)
            if inside == local:
                return local
            local = inside
        return local

    def target(self, scope: Scope, node: ast.expr) -> Local | str | None:
        """What a name or an attribute chain refers to: a place in the project or a full name."""
        if isinstance(node, ast.Name):
            return self._name_target(scope, node.id)
        if not isinstance(node, ast.Attribute):
            return None
        base = self.target(scope, node.value)
        if isinstance(base, str):
            return f"{base}.{node.attr}"
        if isinstance(base, Local) and not base.name:
            module = self.code.module(base.path)
            if module and node.attr in module.bindings:
                return self.follow(Local(base.path, node.attr))
            inside = self.code.locate(Imported("", node.attr, 1, 0), base.path)
            return inside if inside and not inside.name else None
        return None

    def _name_target(self, scope: Scope, name: str) -> Local | str | None:
        bound = scope.bound(name)
        if bound and isinstance(bound[-1], Imported):
            imported = bound[-1]
            inside = self.code.locate(imported, scope.module.path)
            if inside:
                return self.follow(inside)
            return ".".join(part for part in (imported.module, imported.name) if part)
        if bound:
            return None if name in scope.names else Local(scope.module.path, name)
        for star in scope.module.stars:
            inside = self.code.locate(replace(star, name=""), scope.module.path)
            if inside is None and f"{star.module}.{name}" in known.CALLS:
                return f"{star.module}.{name}"
            if inside and self.code.tree and self.definition(Local(inside.path, name)):
                return self.follow(Local(inside.path, name))
        return None
