"""One daemon for all tests, and one running stack for each engine and example."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.containers.engines import Engine, Engines, Stack, up


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
