"""Static and media files: the URL that serves them and the folder that holds them."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from deploygen.detect.apps import Apps
from deploygen.detect.code import string
from deploygen.detect.entries import Entry, is_below
from deploygen.detect.lookup import Scope
from deploygen.detect.namespace import Known, Names, Namespaces
from deploygen.detect.scan import Look
from deploygen.detect.settings import Settings
from deploygen.detect.tree import Tree, join, parent
from deploygen.detect.values import UNKNOWN, ClassValue, RootPath, clean

_REMOTE = ("http://", "https://", "//")


@dataclass
class Served:
    """What serves files; each value with its place, and sentences for a person."""

    values: dict[str, str] = field(default_factory=dict)
    evidence: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def put(self, name: str, value: str, place: str) -> None:
        """Takes a value with its place."""
        self.values[name] = value
        self.evidence[name] = place


def django_files(spaces: Namespaces, settings: Settings) -> Served:
    """STATIC_* and MEDIA_* of the production settings."""
    served = Served()
    names = settings_names(spaces, settings)
    root = PurePosixPath(spaces.code.tree.root.as_posix())
    for kind in ("static", "media"):
        url, folder = names.get(f"{kind.upper()}_URL"), names.get(f"{kind.upper()}_ROOT")
        remote = _django_url(served, kind, url)
        if remote or folder is None or folder.value in (None, ""):
            continue
        path = as_path(folder.value, root)
        if path is None:
            served.notes.append(
                f"{folder.place}: {kind.upper()}_ROOT is computed in a way that only running "
                "the code can tell"
            )
        else:
            served.put(f"{kind}_root", path, folder.place)
    return served


def settings_names(spaces: Namespaces, settings: Settings) -> Names:
    """The names that a settings module defines, or those of its configuration class."""
    names = spaces.names(settings.path)
    if "INSTALLED_APPS" in names or "STATIC_URL" in names:
        return names
    classes = {n: k.value for n, k in names.items() if isinstance(k.value, ClassValue)}
    for name in (settings.configuration, "Production", "Prod", "Live", "Base", "Common"):
        if name in classes:
            return {**names, **spaces.class_names(classes[name])}
    return names


def _django_url(served: Served, kind: str, known: Known | None) -> bool:
    """Takes the URL; returns whether another host serves it."""
    if known is None or known.value in (None, ""):
        return False
    name = f"{kind.upper()}_URL"
    if not isinstance(known.value, str):
        served.notes.append(
            f"{known.place}: {name} is computed in a way that only running the code can tell"
        )
        return False
    if known.value.startswith(_REMOTE):
        served.notes.append(
            f"{known.place}: {name} is {known.value}: another host serves these files"
        )
        return True
    served.put(f"{kind}_url", normal_url(known.value), known.place)
    return False


def normal_url(url: str) -> str:
    """A URL path with a slash at both ends, as Django makes it."""
    inner = url.strip("/")
    return f"/{inner}/" if inner else "/"


def as_path(value: Any, root: PurePosixPath) -> str | None:
    """A folder relative to the project, or absolute outside of it; None if it is unknown.

    A relative setting counts from the folder in which the server starts, which is the
    project's as far as anybody can know.
    """
    if isinstance(value, RootPath):
        value = value.path
    if value is UNKNOWN or not isinstance(value, str | PurePosixPath):
        return None
    if "\0" in str(value) or "\n" in str(value) or "$" in str(value):
        return None
    path = clean(root / str(value))
    if path == root:
        return None
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


class CodeFiles:
    """Static files of Flask, FastAPI, Starlette and others, from their calls."""

    def __init__(
        self, tree: Tree, apps: Apps, spaces: Namespaces, looks: dict[str, Look], entry: Entry
    ) -> None:
        self.tree = tree
        self.apps = apps
        self.spaces = spaces
        self.looks = looks
        self.entry = entry

    def find(self) -> Served:
        """What Flask serves by default, or what StaticFiles is mounted for."""
        if self.entry.app and self.entry.app.framework == "flask":
            return self._flask(self.entry.app.place)
        return self._mounts()

    def _flask(self, place: str) -> Served:
        served = Served()
        path, _, line = place.partition(":")
        call = self._call_at(path, int(line))
        keywords = {k.arg: k.value for k in call.keywords} if call else {}
        folder: Any = "static"
        if "static_folder" in keywords:
            folder = self.spaces.evaluate(keywords["static_folder"], path)
        base = PurePosixPath(self.tree.root.as_posix()) / self._flask_root(call, path)
        if isinstance(folder, str | PurePosixPath):
            found = as_path(clean(base / str(folder)), PurePosixPath(self.tree.root.as_posix()))
            if found and (found in self.tree.folders or "static_folder" in keywords):
                url = self.spaces.evaluate(keywords.get("static_url_path"), path)
                known = isinstance(url, str) and bool(url.strip("/"))
                text = str(url) if known else posixpath.basename(found)
                if "static_url_path" in keywords and url == "":
                    served.notes.append(
                        f"{place}: static files are served at /, beside the pages: the "
                        "application goes on to serve them"
                    )
                    return served
                served.put("static_url", normal_url(text), place)
                served.put("static_root", found, place)
        elif folder is UNKNOWN:
            served.notes.append(f"{place}: static_folder cannot be told without running the code")
        return served

    def _flask_root(self, call: ast.Call | None, path: str) -> str:
        """The folder of the module or package whose name Flask is given."""
        name = string(call.args[0]) if call and call.args else None
        inside = self.spaces.code.find(name, self.entry.root) if name else None
        return parent(inside or path)

    def _call_at(self, path: str, line: int) -> ast.Call | None:
        module = self.spaces.code.module(path)
        for statement in module.body if module else ():
            if statement.lineno <= line <= (statement.end_lineno or line):
                for node in ast.walk(statement):
                    if isinstance(node, ast.Call) and node.lineno == line:
                        return node
        return None

    def _mounts(self) -> Served:
        served = Served()
        for path, call, prefix in self._static_mounts():
            place = f"{path}:{call.lineno}"
            keywords = {k.arg: k.value for k in call.keywords}
            node = keywords.get("directory") or (call.args[0] if call.args else None)
            folder = self._folder(self.spaces.evaluate(node, path), path)
            if prefix is UNKNOWN or not isinstance(prefix, str) or folder is None:
                served.notes.append(
                    f"{place}: mounts static files that cannot be told without running the code, "
                    "or whose folder is not in the project"
                )
            elif not prefix.strip("/"):
                served.notes.append(
                    f"{place}: static files are mounted at /: the application serves them itself"
                )
            else:
                kind = "media" if {"media", "uploads"} & set(prefix.split("/")) else "static"
                if f"{kind}_url" not in served.values:
                    served.put(f"{kind}_url", normal_url(prefix), place)
                    served.put(f"{kind}_root", folder, place)
        return served

    def _static_mounts(self) -> Iterator[tuple[str, ast.Call, Any]]:
        """File, ``StaticFiles(...)`` call and prefix of each mount in the application's code."""
        for path, look in self.looks.items():
            worth = "includes" in look.marks and not look.aside and is_below(path, self.entry.root)
            module = self.spaces.code.module(path) if worth else None
            for statement in module.body if module else ():
                for node in ast.walk(statement):
                    if not isinstance(node, ast.Call) or module is None:
                        continue
                    called = getattr(node.func, "attr", getattr(node.func, "id", ""))
                    if called not in ("mount", "Mount"):
                        continue
                    arguments = [*node.args, *(k.value for k in node.keywords)]
                    for inner in arguments:
                        target = (
                            self.apps.target(Scope(module), inner.func)
                            if isinstance(inner, ast.Call)
                            else None
                        )
                        if isinstance(target, str) and target.endswith(".StaticFiles"):
                            prefix = self.spaces.evaluate(arguments[0], path)
                            assert isinstance(inner, ast.Call)  # noqa: S101
                            yield path, inner, prefix

    def _folder(self, value: Any, path: str) -> str | None:
        """A folder that exists; relative ones count from where a server may start."""
        if not isinstance(value, str | PurePosixPath):
            return None
        root = PurePosixPath(self.tree.root.as_posix())
        if str(value).startswith("/"):
            return as_path(value, root)
        for start in dict.fromkeys((self.entry.root, "", parent(path))):
            found = as_path(join(start, str(value)), root)
            if found and self.tree.has_folder(found):
                return found
        return None
