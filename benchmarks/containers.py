"""Images: how long a build takes, and how large they are, with podman and docker in turn.

Cold is without any layer and without any cached package. What comes after it has the layers and
the packages of the build before, as a developer's machine has them, or a CI with a cache. Run it
with: make bench-docker
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from testbed.engine import TestbedError
from tests.containers.engines import ENGINES, MARK, NAMES, Engine, project
from tests.examples import NAMES as EXAMPLES
from tests.examples import Example

ROUNDS = 3
MB = 1_000_000
TIMED, CODE, DEPENDENCIES = "bookshop", "bookshop/urls.py", "requirements.txt"
# One more dependency, another in each round.
ADDED = [f"itsdangerous=={version}" for version in ("2.0.1", "2.1.2", "2.2.0")]
WHEN = ("cold", "nothing changed", "the code changed", "a dependency more")
BASE = "docker.io/library/python:3.13-slim"


def main() -> None:
    """Prints a table of times and one of sizes; 1 where an engine is missing."""
    with ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        try:
            engines = [exits.enter_context(ENGINES[name](folder / name)) for name in NAMES]
        except TestbedError as error:
            sys.exit(f"both engines are needed: {error}")
        times: dict[str, list[tuple[float, ...]]] = {engine.name: [] for engine in engines}
        for number in range(ROUNDS):
            for engine in engines:
                place = folder / f"{engine.name}-{number}"
                made = project(TIMED, place)
                times[engine.name].append(tuple(_times(engine, made, place, ADDED[number])))
        print(f"| {TIMED}'s image | " + " | ".join(times) + " |")
        print("| --- |" + " --- |" * len(times))
        for row, when in enumerate(WHEN):
            medians = [statistics.median(each[row] for each in found) for found in times.values()]
            print(f"| {when} | " + " | ".join(f"{median:.1f} s" for median in medians) + " |")
        print("\n| image | " + " | ".join(f"{engine.name}, MB" for engine in engines) + " |")
        print("| --- |" + " --- |" * len(engines))
        print("| the base | " + " | ".join(_size(engine, BASE) for engine in engines) + " |")
        for example in EXAMPLES:
            made = project(example, folder / "sizes")
            for target in ("app", "proxy"):
                tag = f"{example}-{target}:{MARK}-bench"
                for engine in engines:
                    engine.build(made, target, tag)
                sizes = [_size(engine, tag) for engine in engines]
                print(f"| {example}, {target} | " + " | ".join(sizes) + " |")
                for engine in engines:
                    engine.run("rmi", "--force", tag)


def _times(engine: Engine, made: Example, folder: Path, added: str) -> Iterator[float]:
    """Seconds, in the order of ``WHEN``."""
    tag = f"{made.name}:{MARK}-bench"
    cold: tuple[str, ...] = ()
    if engine.name == "docker":
        engine.run("builder", "prune", "--all", "--force")
    else:
        # podman keeps cache mounts below TMPDIR.
        cold, place = ("--no-cache",), folder / "cache"
        place.mkdir()
        engine = replace(engine, environment={**engine.environment, "TMPDIR": str(place)})
    yield _seconds(engine, made, tag, *cold)
    yield _seconds(engine, made, tag)
    code = made.project / CODE
    code.write_text(f"{code.read_text()}\n# changed\n")
    yield _seconds(engine, made, tag)
    dependencies = made.project / DEPENDENCIES
    dependencies.write_text(f"{dependencies.read_text()}\n{added}\n")
    yield _seconds(engine, made, tag)
    engine.run("rmi", "--force", tag)


def _seconds(engine: Engine, made: Example, tag: str, *options: str) -> float:
    started = time.monotonic()
    engine.build(made, "app", tag, *options)
    return time.monotonic() - started


def _size(engine: Engine, image: str) -> str:
    return f"{engine.inspect('image', image)['Size'] / MB:.0f}"


if __name__ == "__main__":
    main()
