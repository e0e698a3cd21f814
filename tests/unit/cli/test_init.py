"""deploygen init."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploygen.spec import load


def test_init_and_render_need_no_edit_in_between(deploygen, project: Path) -> None:
    done = deploygen("init", "--yes")
    assert done.code == 0, done.err
    assert "bookshop.example is a placeholder" in done.err
    spec = load("deploygen.yml").spec
    assert spec.app.entrypoint == "bookshop.wsgi:application"
    assert spec.app.static is not None
    assert (spec.app.static.url, spec.app.static.folder) == ("/static/", "staticfiles")
    assert spec.app.release_commands[0] == "python manage.py migrate --noinput"
    done = deploygen("render")
    assert done.code == 0
    assert "bookshop.example is a placeholder" in done.err
    assert (project / "deploy/hosts/web/etc/bookshop/gunicorn.conf.py").is_file()


def test_the_first_line_points_editors_to_the_schema(deploygen, project: Path) -> None:
    deploygen("init", "--yes")
    first = (project / "deploygen.yml").read_text().splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    deploygen("render")
    named = project / first.split("=")[1]
    assert json.loads(named.read_text()) == json.loads(deploygen("schema").out)


def test_each_finding_in_the_description_names_its_evidence(deploygen, project: Path) -> None:
    deploygen("init", "--yes")
    text = (project / "deploygen.yml").read_text()
    line = next(line for line in text.splitlines() if "entrypoint:" in line)
    file, number = line.split("# ")[1].split(":")
    evidence = (project / file).read_text().splitlines()[int(number) - 1]
    assert "get_wsgi_application()" in evidence


def test_json_prints_the_findings_and_writes_only_with_yes(deploygen, project: Path) -> None:
    done = deploygen("init", "--json")
    found = json.loads(done.out)
    assert {
        "framework", "interface", "entrypoint", "app_dir", "settings_module", "python", "install",
        "static_url", "static_root", "media_url", "media_root", "health", "uses", "evidence",
    } <= found.keys()  # fmt: skip
    assert found["health"] == "/health/"
    assert not (project / "deploygen.yml").exists()
    assert json.loads(deploygen("init", "--json", "--yes").out) == found
    assert (project / "deploygen.yml").is_file()


def test_an_existing_description_is_not_overwritten(deploygen, project: Path) -> None:
    (project / "deploygen.yml").write_text("mine\n")
    done = deploygen("init", "--yes")
    assert done.code == 1
    assert "deploygen.yml exists" in done.err
    assert "--force overwrites it" in done.err
    assert (project / "deploygen.yml").read_text() == "mine\n"
    assert deploygen("init", "--yes", "--force").code == 0
    assert load("deploygen.yml").spec.name == "bookshop"


def test_names_given_by_the_user(deploygen, project: Path) -> None:
    names = ("--server-name", "www.shop.org", "--server-name", "*.shop.org")
    done = deploygen("init", "--yes", "--name", "shop", *names)
    assert done.code == 0
    assert "placeholder" not in done.err
    # Else Django refuses every request.
    assert "Django's `ALLOWED_HOSTS` has to hold `www.shop.org`, `.shop.org`" in done.err
    spec = load("deploygen.yml").spec
    assert (spec.name, spec.proxy.server_names) == ("shop", ("www.shop.org", "*.shop.org"))


def test_a_name_that_is_none_is_refused_and_nothing_written(deploygen, project: Path) -> None:
    done = deploygen("init", "--yes", "--server-name", "a b;")
    assert done.code == 1
    assert "proxy.server_names[0]" in done.err
    assert not (project / "deploygen.yml").exists()


def test_several_candidates_are_listed_with_the_option(deploygen, project: Path) -> None:
    for name in ("one", "two"):
        (project / name).mkdir()
        (project / name / "__init__.py").write_text("")
        (project / name / "wsgi.py").write_text("from flask import Flask\napp = Flask(__name__)\n")
    for name in ("manage.py", "bookshop/wsgi.py", "bookshop/settings.py", "bookshop/urls.py"):
        (project / name).unlink()
    done = deploygen("init", "--yes")
    assert done.code == 1
    assert "--entrypoint" in done.err
    assert "one.wsgi:app" in done.err
    assert "two.wsgi:app" in done.err
    assert not (project / "deploygen.yml").exists()
    assert deploygen("init", "--yes", "--entrypoint", "two.wsgi:app").code == 0
    assert load("deploygen.yml").spec.app.entrypoint == "two.wsgi:app"


def test_a_library_is_no_web_application(
    deploygen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lib.py").write_text("def add(a, b):\n    return a + b\n")
    monkeypatch.chdir(tmp_path)
    done = deploygen("init", "--yes")
    assert done.code == 1
    assert list(tmp_path.iterdir()) == [tmp_path / "lib.py"]


def test_another_folder(deploygen, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.parent)
    assert deploygen("init", "bookshop", "--yes").code == 0
    assert deploygen("render", "-f", "bookshop/deploygen.yml").code == 0
    assert (project / "deploy/README.md").is_file()


def test_a_folder_that_does_not_exist(deploygen, tmp_path: Path) -> None:
    assert deploygen("init", tmp_path / "nowhere", "--yes").code == 1
