"""One daemon for all tests, and one running stack for each engine and example."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.containers.engines import Engine, Stack, available, up


class Engines:
    """Each engine, made ready at its first use, ended with the session."""

    def __init__(self, folder: Path, exits: ExitStack) -> None:
        self.folder, self.exits = folder, exits
        self.ready: dict[str, Engine] = {}

    def get(self, name: str) -> Engine:
        if name not in self.ready:
            self.ready[name] = self.exits.enter_context(available(name, self.folder / name))
        return self.ready[name]


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    with ExitStack() as exits:
        yield Engines(tmp_path_factory.mktemp("engines"), exits)


@pytest.fixture(scope="module")
def engine(request: pytest.FixtureRequest, engines: Engines) -> Engine:
    return engines.get(request.param)


@pytest.fixture(scope="module")
def stack(
    request: pytest.FixtureRequest, engines: Engines, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """``request.param`` is (engine, example)."""
    name, example = request.param
    with up(engines.get(name), example, tmp_path_factory.mktemp(f"{name}-{example}")) as running:
        yield running
