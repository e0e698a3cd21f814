"""deploygen render: exit codes, and what reaches the disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

CONFIG = "hosts/web/etc/bookshop/gunicorn.conf.py"


@pytest.fixture
def rendered(deploygen, project: Path) -> Path:
    assert deploygen("init", "--yes").code == 0
    assert deploygen("render").code == 0
    return project / "deploy"


def change_description(project: Path) -> None:
    path = project / "deploygen.yml"
    path.write_text(path.read_text().replace("slowest_request_s: 20", "slowest_request_s: 100"))


def test_check_is_quiet_without_drift_and_exits_3_with(deploygen, rendered: Path) -> None:
    assert deploygen("render", "--check").code == 0
    change_description(rendered.parent)
    done = deploygen("render", "--check")
    assert done.code == 3
    assert CONFIG in done.err
    assert "timeout = 30" in (rendered / CONFIG).read_text(), "check writes nothing"


def test_check_of_a_tree_that_is_not_there(deploygen, project: Path) -> None:
    deploygen("init", "--yes")
    assert deploygen("render", "--check").code == 3
    assert not (project / "deploy").exists()


def test_diff_shows_and_writes_nothing(deploygen, rendered: Path) -> None:
    change_description(rendered.parent)
    done = deploygen("render", "--diff")
    assert done.code == 0
    assert "-timeout = 30\n+timeout = 150\n" in "".join(
        line for line in done.out.splitlines(keepends=True) if line[1:].startswith("timeout =")
    )
    assert "timeout = 30" in (rendered / CONFIG).read_text()
    assert deploygen("render", "--diff", "--check").code == 3


def test_a_hand_edit_stops_it_before_it_writes_anything(deploygen, rendered: Path) -> None:
    (rendered / CONFIG).write_text("workers = 3\n")
    change_description(rendered.parent)
    unit = rendered / "hosts/web/etc/systemd/system/bookshop@.service"
    before = unit.read_bytes()
    done = deploygen("render")
    assert done.code == 1
    assert f"{CONFIG}: edited by hand" in done.err
    assert "-workers = 3" in done.err, "and shows the difference"
    assert f"--keep '{CONFIG}'" in done.err
    assert unit.read_bytes() == before
    assert deploygen("render", "--check").code == 3


def test_keep_and_replace(deploygen, rendered: Path) -> None:
    (rendered / CONFIG).write_text("workers = 3\n")
    assert deploygen("render", "--keep", CONFIG).code == 0
    assert (rendered / CONFIG).read_text() == "workers = 3\n"
    assert deploygen("render", "--check").code == 0, "what was kept is no drift"
    done = deploygen("render")
    assert done.code == 0
    assert "kept as edited" in done.out
    change_description(rendered.parent)
    assert deploygen("render").code == 1
    assert deploygen("render", "--replace", "*").code == 0
    assert "timeout = 150" in (rendered / CONFIG).read_text()


def test_json(deploygen, rendered: Path) -> None:
    change_description(rendered.parent)
    told = json.loads(deploygen("render", "--json", "--diff").out)
    assert told["wrote"] is False
    states = {file["path"]: file["state"] for file in told["files"]}
    assert states[CONFIG] == "changed"
    assert states["README.md"] == "same"
    assert any("placeholder" in note for note in told["notes"])


def test_another_output(deploygen, rendered: Path, tmp_path: Path) -> None:
    assert deploygen("render", "-o", tmp_path / "elsewhere" / "tree").code == 0
    assert (tmp_path / "elsewhere" / "tree" / CONFIG).is_file()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "deploygen.yml:2:1: this is no YAML"),
        ("name: x\nproxy: {}\n", "app: it is required and missing"),
        (
            "app: {entrypoint: 'a:b'}\nproxy: {server_names: ['a;b']}\ntargets: [apach]\n",
            "deploygen.yml:2:24: proxy.server_names[0]: found 'a;b'",
        ),
        (
            "app: {entrypoint: 'a:b'}\nname: x\nproxy: {server_names: [a.b]}\ntargets: [ngnix]\n",
            "deploygen.yml:4:11: targets[0]: found 'ngnix'",
        ),
        (
            "app: {entrypoint: 'a:b'}\nname: x\nproxy: {server_names: [a.b]}\n"
            "server:\n  timeout: 10\n",
            "deploygen.yml:5:12: server.timeout: timeout 10 s and workload.slowest_request_s 20 s",
        ),
    ],
)
def test_bad_input_writes_nothing(deploygen, project: Path, text: str, told: str) -> None:
    (project / "deploygen.yml").write_text(text)
    before = sorted(project.rglob("*"))
    done = deploygen("render")
    assert done.code == 1
    assert told in done.err
    assert "Traceback" not in done.err
    assert sorted(project.rglob("*")) == before


def test_no_description(deploygen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = deploygen("render")
    assert done.code == 1
    assert "deploygen.yml does not exist" in done.err
    assert "deploygen init writes it" in done.err


def test_wrong_usage_exits_2(deploygen, project: Path) -> None:
    assert deploygen("render", "--no-such-option").code == 2
