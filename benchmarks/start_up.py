"""Start-up figures: render beside cookiecutter, --help beside an import of typer.

Whole processes, cold, one after another in turn, medians. Run it with: make bench
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

BIN = Path(sys.executable).parent
BOOKSHOP = Path(__file__).parent.parent / "examples" / "bookshop"
ROUNDS = 7


def main() -> None:
    """Prints both comparisons."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = folder / "bookshop"
        shutil.copytree(BOOKSHOP, project)
        run([BIN / "deploygen", "init", "--yes", str(project)])
        run([BIN / "deploygen", "render", "--file", str(project / "deploygen.yml")])
        template, count = cookiecutter_template(project / "deploy", folder / "template")
        out = folder / "out"

        def render() -> None:
            into = ["--output", str(out / "deploy")]
            run([BIN / "deploygen", "render", *into, "--file", str(project / "deploygen.yml")])

        def cookiecutter() -> None:
            run([BIN / "cookiecutter", "--no-input", "--output-dir", str(out), str(template)])

        title = f"render {count} files, an empty folder each time"
        runs = {"deploygen": render, "libraries alone": libraries, "cookiecutter": cookiecutter}
        compare(title, runs, out)
        compare(
            "start",
            {
                "deploygen --help": lambda: run([BIN / "deploygen", "--help"]),
                "completion": lambda: run([BIN / "deploygen"], COMPLETION),
                "import typer": lambda: run([sys.executable, "-c", "import typer"]),
            },
            out,
        )


COMPLETION = {
    "_DEPLOYGEN_COMPLETE": "complete_bash",
    "COMP_WORDS": "deploygen re",
    "COMP_CWORD": "1",
}


# What no way of rendering can be quicker than: the libraries of the description and the
# templates, loaded as deploygen loads them, and one model of one field.
LIBRARIES = """
import gc, os
gc.disable()
os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
import jinja2, typer, yaml
from pydantic import BaseModel
class One(BaseModel):
    field: int = 1
gc.freeze()
"""


def libraries() -> None:
    """A process that only loads them."""
    run([sys.executable, "-c", LIBRARIES])


def cookiecutter_template(tree: Path, target: Path) -> tuple[Path, int]:
    """A cookiecutter template of the same files with the same text, and their number."""
    body = target / "{{ cookiecutter.name }}"
    shutil.copytree(tree, body)
    files = [path for path in body.rglob("*") if path.is_file()]
    for path in files:
        text = path.read_text().replace("{#", "{ #").replace("{{", "{ {").replace("{%", "{ %")
        path.write_text(text.replace("bookshop", "{{ cookiecutter.name }}"))
    (target / "cookiecutter.json").write_text(json.dumps({"name": "bookshop"}))
    return target, len(files)


def run(command: Sequence[str | Path], environment: dict[str, str] | None = None) -> None:
    """Runs a command to its end; its output is of no interest, its failure is."""
    subprocess.run(
        command,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
    )


def compare(title: str, runs: dict[str, Callable[[], None]], out: Path) -> None:
    """Prints the median of each run, and its ratio to the last one."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(ROUNDS + 1):
        for name, call in runs.items():
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir()
            start = time.perf_counter()
            call()
            if turn:  # the first turn fills the caches of the file system
                times[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(each) for name, each in times.items()}
    reference = list(medians.values())[-1]
    print(f"{title} (median of {ROUNDS}, whole process)")
    for name, median in medians.items():
        print(f"  {name:<18} {median * 1000:6.0f} ms   {median / reference:.2f}")


if __name__ == "__main__":
    main()
