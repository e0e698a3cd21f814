"""Whole rendered trees, compared both ways: names, bytes and modes.

To add a case: make a folder here with a ``deploygen.yml``, run ``make golden``, and review what
it wrote to ``deploy/`` beside it as a diff. After a change of a template or a rule: the same.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from deploygen import plan, targets
from deploygen.render import render
from deploygen.spec import load
from deploygen.spec.schema import json_schema
from deploygen.systems import SYSTEMS

HERE = Path(__file__).parent
CASES = sorted(path.parent.name for path in HERE.glob("*/deploygen.yml"))
SCHEMA = "deploygen.schema.json"


def rendered(case: Path) -> dict[str, tuple[bytes, int]]:
    document = load(str(case / "deploygen.yml"))
    with document.located():
        made = plan.make(document.spec)
        # Roles are copied into each tree as they are: roles/ is their golden.
        files = render(file for file in targets.files(made) if not file.verbatim)
    # The schema is one file of this release, the same in each tree: tests/golden has it once,
    # as the template.
    return {file.path: (file.content, file.mode) for file in files if file.path != SCHEMA}


def on_disk(tree: Path) -> dict[str, tuple[bytes, int]]:
    found = [path for path in tree.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(tree)): (
            path.read_bytes(),
            # Version control keeps no more of a mode than this.
            0o755 if path.stat().st_mode & 0o100 else 0o644,
        )
        for path in found
    }


@pytest.mark.parametrize("case", CASES)
def test_tree(case: str, request: pytest.FixtureRequest) -> None:
    made = rendered(HERE / case)
    tree = HERE / case / "deploy"
    if request.config.getoption("--update-golden"):
        shutil.rmtree(tree, ignore_errors=True)
        for name, (content, mode) in made.items():
            path = tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            path.chmod(mode)
    golden = on_disk(tree)
    assert made.keys() == golden.keys()
    for name, (content, mode) in made.items():
        assert content.decode() == golden[name][0].decode(), name
        assert mode == golden[name][1], name


def test_cases_cover_every_system_and_target() -> None:
    specs = [load(str(HERE / case / "deploygen.yml")).spec for case in CASES]
    systems = {machine.os for spec in specs for machine in spec.machines.values()}
    assert systems == set(SYSTEMS)
    chosen = {target.name for spec in specs for target in targets.choose(plan.make(spec))}
    assert chosen == set(targets.REGISTRY)


def test_schema_template_is_the_schema(request: pytest.FixtureRequest) -> None:
    """The schema that trees carry is written by this flag too: making it takes a while."""
    template = HERE.parent.parent / "templates" / "guide" / SCHEMA
    schema = json_schema(tuple(targets.REGISTRY))
    if request.config.getoption("--update-golden"):
        template.write_text(json.dumps(schema, indent=2) + "\n")
        return  # this process has read the old one already
    assert json.loads(template.read_text()) == schema
    document = load(str(HERE / CASES[0] / "deploygen.yml"))
    made = {file.path: file for file in render(targets.files(plan.make(document.spec)))}
    assert json.loads(made[SCHEMA].content) == schema
