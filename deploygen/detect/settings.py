"""Chooses the Django settings module that production runs with."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum

from deploygen.detect.code import Code, flat
from deploygen.detect.entries import Entry, Places, dotted, is_below
from deploygen.detect.evidence import Deployment, Kind
from deploygen.detect.findings import Ambiguous, Candidate, Choices
from deploygen.detect.names import Purpose, is_example, module_purpose
from deploygen.detect.scan import Look
from deploygen.errors import DeploygenError

_DJANGO = ("INSTALLED_APPS", "ROOT_URLCONF")


class Said(IntEnum):
    """Who names a settings module, the most telling first."""

    DEPLOYMENT = 0
    ENTRYPOINT = 1
    PIPELINE = 2
    MANAGE = 3
    NOBODY = 4


_REASONS = {
    Said.DEPLOYMENT: "a deployment file sets it",
    Said.ENTRYPOINT: "the entrypoint falls back to it",
    Said.PIPELINE: "continuous integration or a development file sets it",
    Said.MANAGE: "manage.py falls back to it",
    Said.NOBODY: "it defines settings",
}


@dataclass(frozen=True)
class Named:
    """A settings module that something names: ``path`` is its file."""

    module: str
    path: str
    said: Said
    place: str
    purpose: Purpose
    order: int = 0

    @property
    def rank(self) -> tuple[bool, bool, bool, int, int, int]:
        """Sorts the best first: fit for production, then who says so, then the name."""
        return (
            self.purpose is Purpose.DEVELOPMENT,
            self.purpose is Purpose.BASE,
            self.purpose is Purpose.STAGING,
            self.said,
            self.purpose,
            self.order,
        )


@dataclass(frozen=True)
class Settings:
    """The chosen settings module, where that was read, and what a person should know."""

    module: str
    path: str
    place: str
    configuration: str | None
    notes: tuple[str, ...]


def choose_settings(
    places: Places,
    looks: dict[str, Look],
    deployment: Deployment,
    entry: Entry,
    choices: Choices,
) -> Settings | None:
    """The production settings for an entry, or None if the project has none.

    Raises Ambiguous if several are equally good, DeploygenError if the chosen is not there.
    """
    code, root = places.code, entry.root
    chooser = _Chooser(places, looks, deployment, entry)
    if choices.settings_module:
        path = code.find(choices.settings_module, root)
        if path is None:
            known = ", ".join(sorted({named.module for named in chooser.existing()}))
            raise DeploygenError(
                f"--settings {choices.settings_module}: no such module below {root or '.'}",
                hint=f"the code has {known}" if known else "the code has no settings module",
            )
        return Settings(choices.settings_module, path, f"{path}:1", chooser.configuration(), ())
    return chooser.choose()


class _Chooser:
    def __init__(
        self, places: Places, looks: dict[str, Look], deployment: Deployment, entry: Entry
    ) -> None:
        self.places = places
        self.code: Code = places.code
        self.looks = looks
        self.deployment = deployment
        self.entry = entry
        self.notes: list[str] = []

    def choose(self) -> Settings | None:
        named = [*self._said(), *self.existing()]
        if not named:
            return None
        ordered = sorted(named, key=lambda one: (*one.rank, one.module))
        best = ordered[0]
        rivals = {one.module: one for one in ordered if one.rank == best.rank}
        if best.said is Said.NOBODY and len(rivals) > 1:
            raise Ambiguous(
                "settings modules",
                "--settings",
                tuple(
                    Candidate(one.module, one.place, _REASONS[one.said]) for one in rivals.values()
                ),
            )
        self._compare(best, ordered)
        configuration = self.configuration()
        return Settings(best.module, best.path, best.place, configuration, tuple(self.notes))

    def configuration(self) -> str | None:
        """The class that DJANGO_CONFIGURATION names, for django-configurations."""
        values = self.deployment.values("DJANGO_CONFIGURATION")
        if not values:
            return None
        best = values[0]
        self.notes.append(
            f"{best.place} sets DJANGO_CONFIGURATION={best.value}: production needs it too"
        )
        return best.value

    def _said(self) -> Iterator[Named]:
        seen: set[str] = set()
        variables = self.deployment.values("DJANGO_SETTINGS_MODULE")
        for order, variable in enumerate(variables):
            weak = variable.source.development or variable.source.kind is Kind.CI
            said = Said.PIPELINE if weak else Said.DEPLOYMENT
            named = self._named(variable.value, said, variable.place, order)
            if named:
                yield named
            elif not weak and variable.value not in seen:
                seen.add(variable.value)
                self.notes.append(
                    f"{variable.place} names {variable.value}, which does not exist in the code"
                )
        for path, said in self._defaulting():
            default = self.places.settings_default(path)
            named = self._named(default[0], said, f"{path}:{default[1]}") if default else None
            if named:
                yield named

    def _defaulting(self) -> Iterator[tuple[str, Said]]:
        """Files that set a default: the entrypoint first, then its like, then manage.py."""
        yield self.entry.path, Said.ENTRYPOINT
        root = f"{self.entry.root}/" if self.entry.root else ""
        folder = self.entry.path.removesuffix("/__init__.py").rpartition("/")[0]
        for name in ("wsgi.py", "asgi.py"):
            path = f"{folder}/{name}" if folder else name
            if path in self.looks and path != self.entry.path:
                yield path, Said.ENTRYPOINT
        for path in (f"{root}manage.py", "manage.py"):
            if path in self.looks:
                yield path, Said.MANAGE

    def _named(self, module: str, said: Said, place: str, order: int = 0) -> Named | None:
        path = self.code.find(module, self.entry.root)
        if path is None or not self._is_settings(path, set()):
            return None
        purpose = self._purpose(module, path)
        if said is Said.PIPELINE and purpose is Purpose.PRODUCTION:
            # A pipeline that names production settings deploys with them.
            said = Said.DEPLOYMENT
        return Named(module, path, said, place, purpose, order)

    def _purpose(self, module: str, path: str) -> Purpose:
        """From the name; a package that only stands for one of its modules has that one's."""
        purpose = module_purpose(module)
        parsed = self.code.module(path)
        if purpose is not Purpose.PLAIN or not path.endswith("__init__.py") or parsed is None:
            return purpose
        if not parsed.stars or any(isinstance(s, ast.If | ast.Match) for s in flat(parsed.body)):
            return purpose
        if any(name in parsed.bindings for name in _DJANGO):
            return purpose
        inner = [module_purpose(star.module) for star in parsed.stars if star.module]
        return min(inner, default=purpose)

    def existing(self) -> Iterator[Named]:
        """Every settings module below the folder that the entrypoint imports from."""
        for path, look in self.looks.items():
            worth = "settings" in look.marks and not look.aside and is_below(path, self.entry.root)
            if not worth or (is_example(path) and not is_example(self.entry.path)):
                continue
            if self._is_settings(path, set()):
                module = dotted(path, self.entry.root)
                place = f"{path}:{self._line(path)}"
                yield Named(module, path, Said.NOBODY, place, self._purpose(module, path))

    def _line(self, path: str) -> int:
        module = self.code.module(path)
        if module is None:
            return 1
        if "INSTALLED_APPS" in module.bindings:
            return module.lines("INSTALLED_APPS")
        return module.stars[0].line if module.stars else 1

    def _is_settings(self, path: str, seen: set[str]) -> bool:
        """Whether a module defines INSTALLED_APPS, itself or by what it imports all of."""
        module = self.code.module(path)
        if module is None or path in seen or len(seen) > 50:
            return False
        seen.add(path)
        if any(name in module.bindings for name in _DJANGO):
            return True
        for statement in flat(module.body):
            if isinstance(statement, ast.ClassDef):
                names = {
                    target.id
                    for inner in statement.body
                    if isinstance(inner, ast.Assign)
                    for target in inner.targets
                    if isinstance(target, ast.Name)
                }
                if "INSTALLED_APPS" in names:
                    return True
            if isinstance(statement, ast.Expr) and _includes(statement.value):
                return True
        for star in module.stars:
            inside = self.code.locate(replace(star, name=""), path)
            if inside and self._is_settings(inside.path, seen):
                return True
        return False

    def _compare(self, best: Named, ordered: list[Named]) -> None:
        """Notes what else was said, so that a person can see that the choice was one."""
        for one in ordered:
            said = one.said in (Said.ENTRYPOINT, Said.DEPLOYMENT)
            if said and one.module != best.module:
                verb = "defaults to" if one.said is Said.ENTRYPOINT else "says"
                file = one.place.partition(":")[0].rpartition("/")[2]
                where = file if one.said is Said.ENTRYPOINT else one.place
                self.notes.append(
                    f"{where} {verb} {one.module}, but {best.place} says {best.module}"
                    if best.said is not Said.NOBODY
                    else f"{where} {verb} {one.module}; {best.module} looks like production"
                )


def _includes(node: ast.expr) -> bool:
    """``include("components/base.py")`` of django-split-settings."""
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == "include"
