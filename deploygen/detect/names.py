"""What the name of a folder, file or module says about its purpose."""

from __future__ import annotations

import re
from enum import IntEnum

# Never holds the application itself, whatever the code in it looks like.
_ASIDE = re.compile(
    r"""^(?:
        tests? | testing | testsuite | test_?(?:app|proj|project|site|settings)s? | unit_?tests?
        | .*[_-]tests? | tests?[_-].* | e2e | fixtures? | conftest\.py
        | docs? | docs?[_-]src | documentation | tutorials?
        | benchmarks? | bench | perf
        | vendor | vendored | _vendor | third[_-]?party | extern
        | project_templates? | app_templates? | cookiecutters? | .*\{\{.*
        | migrations | locale | stubs | typings
    )$""",
    re.VERBOSE,
)
# Holds an example beside a library, but may be what a person called a project.
_EXAMPLE = re.compile(
    r"^(?:.*examples?|examples?[_-].*|samples?|sandbox|demos?|demo_?(?:app|project|site)"
    r"|playground|quickstart)$"
)
_WORDS = re.compile(r"[A-Za-z][a-z]*|[0-9]+")

_PRODUCTION = frozenset(
    {"prod", "production", "live", "deploy", "deployment", "deployed", "prd", "heroku", "docker"}
)
_DEVELOPMENT = frozenset(
    {
        *("dev", "devel", "develop", "development", "devcontainer", "local", "localhost", "debug"),
        *("test", "tests", "testing", "unittest", "pytest", "tox", "e2e", "cypress", "playwright"),
        *("ci", "travis", "github", "gitlab", "circleci", "mypy", "lint", "docs", "doc", "build"),
        *("sandbox", "demo", "example", "playground", "loadtest", "benchmark", "selenium"),
    }
)
_BASE = frozenset({"base", "common", "shared", "default", "defaults", "core", "global"})
_STAGING = frozenset({"staging", "stage", "stg", "qa", "uat", "preview", "review", "preprod"})


class Purpose(IntEnum):
    """How well a name suits production; lower is better."""

    PRODUCTION = 0
    PLAIN = 1
    STAGING = 2
    BASE = 3
    DEVELOPMENT = 4


def is_aside(path: str) -> bool:
    """Whether ``path`` lies in tests, docs or vendored code."""
    *folders, name = path.lower().split("/")
    if name in ("tests.py", "test.py", "conftest.py") or re.match(r"test_.*\.py$", name):
        return True
    return any(_ASIDE.match(folder) for folder in folders)


def is_example(path: str) -> bool:
    """Whether ``path`` lies in a folder of examples."""
    return any(_EXAMPLE.match(folder) for folder in path.lower().split("/")[:-1])


def words(name: str) -> frozenset[str]:
    """The words of a name: ``docker-compose.prodLike.yml`` gives docker, compose, prod, ..."""
    return frozenset(word.lower() for word in _WORDS.findall(name.replace("_", " ")))


def module_purpose(dotted: str) -> Purpose:
    """The purpose of a settings module, from the last words of its dotted name."""
    parts = dotted.split(".")
    # "dev_portal.settings" is no development settings module: its package is.
    tail = parts[-1:] if parts[-1] != "settings" or len(parts) == 1 else ["settings"]
    found = words(tail[0]) - {"settings", "conf", "config"}
    return _purpose(found)


def file_purpose(path: str) -> Purpose:
    """The purpose of a deployment file, from its own name and its nearest two folders."""
    parts = path.split("/")
    found = frozenset().union(*(words(part) for part in parts[-3:]))
    # ".github" and "docker" name a service and a tool here, not a purpose.
    return _purpose(found - {"github", "gitlab", "circleci", "docker", "build", "docs", "heroku"})


def _purpose(found: frozenset[str]) -> Purpose:
    for names, purpose in (
        (_STAGING, Purpose.STAGING),
        (_DEVELOPMENT, Purpose.DEVELOPMENT),
        (_PRODUCTION, Purpose.PRODUCTION),
        (_BASE, Purpose.BASE),
    ):
        if found & names:
            return purpose
    return Purpose.PLAIN
