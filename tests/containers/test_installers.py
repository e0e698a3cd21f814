"""Images whose dependencies uv, poetry, pdm and pipenv install, from the lock that each wrote."""

from __future__ import annotations

import json
import shutil
import time
from contextlib import suppress
from pathlib import Path

import pytest

from deploygen import plan, targets
from deploygen.render import render
from deploygen.spec import parse
from deploygen.stack import ask
from tests.containers import index
from tests.containers.engines import MARK, Engine

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("engine", ["podman"], indirect=True, scope="module"),
]

PROJECTS = Path(__file__).parent / "projects"
LOCKS = {"uv": "uv.lock", "poetry": "poetry.lock", "pdm": "pdm.lock", "pipenv": "Pipfile.lock"}
# The build argument that names the index to each. poetry's stands in the project alone.
ARGUMENTS = {"uv": "UV_DEFAULT_INDEX", "pdm": "PDM_PYPI_URL", "pipenv": "PIPENV_PYPI_MIRROR"}
LOCKED = {"bottle-0.13.3-py2.py3-none-any.whl", "itsdangerous-2.2.0-py3-none-any.whl"}


def rendered(tool: str, folder: Path) -> Path:
    """The tool's project, with its deploy/docker."""
    project = folder / tool
    shutil.copytree(PROJECTS / tool, project)
    groups = "" if tool == "pipenv" else ", groups: [production]"
    document = parse(
        f"name: listing-{tool}\n"
        f"app: {{entrypoint: 'listing:application', python: '3.13',\n"
        f"  install: {{tool: {tool}, file: {LOCKS[tool]}{groups}}}}}\n"
        "machines: {web: {os: debian-13}}\n"
        "proxy: {kind: none, server_names: [listing.example]}\n"
    )
    with document.located():
        files = render(targets.files(plan.make(document.spec)))
    for file in files:
        path = project / "deploy" / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
    return project


@pytest.mark.parametrize("tool", LOCKS)
def test_a_page_of_what_the_lock_names(tool: str, engine: Engine, tmp_path: Path) -> None:
    project = rendered(tool, tmp_path)
    image = f"listing-{tool}:{MARK}"
    with index.running("bottle", "itsdangerous", "inflection") as given:
        # The index is on this machine's loopback, which is the build's with --network=host.
        named = {"PIP_INDEX_URL": f"{given.url}/simple/"}
        if tool in ARGUMENTS:
            named[ARGUMENTS[tool]] = named["PIP_INDEX_URL"]
        options = [f"--build-arg={name}={value}" for name, value in named.items()]
        file = str(project / "deploy/docker/Dockerfile")
        engine.build_file(project, file, "app", image, "--network=host", *options)
    # pip, from PIP_INDEX_URL, brings the tool itself and gunicorn.
    assert {f"/simple/{name}/" for name in (tool, "gunicorn")} <= set(given.asked)
    assert given.files() == (LOCKED if tool in ARGUMENTS else set()), given.asked
    installed = page(engine, image)
    assert installed["bottle"] == "0.13.3", "the lock's, not the newest"
    assert installed["itsdangerous"] == "2.2.0", "of the group that production needs"
    assert "gunicorn" in installed
    assert not {"inflection", tool, "pip"} & set(installed)
    # Installed as a package where the tool installs projects: its code is in src.
    assert ("listing" in installed) == (tool != "pipenv")


def page(engine: Engine, image: str) -> dict[str, str]:
    """What the application answers, read-only as the compose file has it."""
    words = ("--detach", "--read-only", "--tmpfs=/tmp", "--publish=127.0.0.1::8000")
    container = engine.run("run", *words, image).stdout.strip()
    try:
        port = int(engine.run("port", container, "8000").stdout.strip().rpartition(":")[2])
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(OSError):
                answer = ask(("127.0.0.1", port), "/", headers={"Host": "listing.example"})
                assert answer.status == 200
                return dict(json.loads(answer.body))
            time.sleep(0.1)
        raise AssertionError(engine.run("logs", container).stdout[-3000:])
    finally:
        engine.run("rm", "--force", container)
