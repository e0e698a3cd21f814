"""What the documentation says is what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from deploygen import plan, targets
from deploygen.spec import Spec, parse

ROOT = Path(__file__).parents[3]
REFERENCE = (ROOT / "docs/reference/deploygen-yml.md").read_text()
TUNING = (ROOT / "docs/tuning.md").read_text()


def blocks(text: str) -> str:
    return "\n".join(re.findall(r"```yaml\n(.*?)```", text, re.DOTALL))


def fields(model: type[BaseModel], where: str = "") -> set[str]:
    """Every key of the description: ``app.install.tool``."""
    found = set()
    for name, info in model.model_fields.items():
        inner: Any = info.annotation
        inner = next((arg for arg in get_args(inner) if is_model(arg)), inner)
        found.add(f"{where}{name}")
        if is_model(inner):
            found |= fields(inner, f"{where}{name}.")
    return found


def is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def keys(data: Any, where: str = "") -> set[str]:
    if not isinstance(data, dict):
        return set()
    found = set()
    for key, value in data.items():
        found |= {f"{where}{key}"} | keys(value, f"{where}{key}.")
    return found


def test_the_reference_is_one_description_with_every_key() -> None:
    document = parse(blocks(REFERENCE))
    plan.make(document.spec)
    written = {key.replace("machines.web.", "machines.") for key in keys(document.source.data)}
    assert fields(Spec) <= written


def rows() -> list[list[str]]:
    table = TUNING.split("<!-- plans -->")[1].split("<!-- /plans -->")[0]
    lines = table.strip().splitlines()[2:]
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("row", rows(), ids=lambda row: " ".join(row[:3]))
def test_the_table_of_plans(row: list[str]) -> None:
    cpus, memory, workload, *wanted = row
    text = (
        f"name: shop\napp: {{entrypoint: 'a:b'}}\nproxy: {{server_names: [a.example]}}\n"
        f"machines: {{web: {{cpus: {cpus}, memory: {memory}}}}}\nworkload: {workload}\n"
    )
    made = plan.make(parse(text).spec).groups["web"].components["gunicorn"]
    found = [str(made[name].value) for name in ("worker_class", "workers", "threads")]
    assert found == wanted


@pytest.mark.parametrize("name", targets.REGISTRY)
def test_each_target_has_a_page_that_names_its_files(name: str) -> None:
    page = (ROOT / "docs/targets" / f"{name}.md").read_text()
    kind = name if name in targets.PROXIES else "nginx"
    text = blocks(REFERENCE).replace("kind: nginx", f"kind: {kind}")
    if kind == "apache":  # its containers have no ACME, no protected files and no limits
        text = re.sub(r"^containers:\n(?: .*\n)+", "", text.replace(", docker]", "]"), flags=re.M)
    made = plan.make(parse(text).spec)
    for file in targets.REGISTRY[name].files(made):
        if file.verbatim:  # the roles have pages of their own
            continue
        path = file.path.removeprefix("hosts/web").replace("shop", "NAME")
        assert path.rpartition("/")[2] in page, path
