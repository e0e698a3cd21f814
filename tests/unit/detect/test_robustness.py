"""Hostile and broken trees: never a crash, never a hang, nothing read outside of the folder."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploygen.detect import Choices, NotAWebApplication, detect
from deploygen.detect.detector import detect_in, open_project
from deploygen.errors import DeploygenError

APP = {"app.py": "from flask import Flask\napp = Flask(__name__)\n"}


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(DeploygenError, match="does not exist"):
        detect(tmp_path / "gone")


def test_a_file_instead_of_a_folder(tmp_path):
    (tmp_path / "app.py").write_text("")
    with pytest.raises(DeploygenError, match="is not a folder"):
        detect(tmp_path / "app.py")


BROKEN = {
    "syntax error": b"def (:\n",
    "python 2": b"print 'x'\nfrom flask import Flask\n",
    "null bytes": b"from flask import Flask\0\n",
    "not UTF-8": b"# caf\xe9\nfrom flask import Flask\nx = Flask\n",
    "empty": b"",
    "deep": b"x = " + b"(" * 5000 + b"Flask\n",
    "long sum": b"from flask import Flask\nx = " + b" + ".join([b"1"] * 20000) + b"\n",
    "deep attribute": b"from flask import Flask\nx = Flask" + b".a" * 3000 + b"\n",
    "circle": b"from flask import Flask\nfrom broken import *\na = b\nb = a\n",
    "recursion": b"from flask import Flask\ndef f(): return f()\napp2 = f()\nclass A(A): pass\n",
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_module_beside_a_good_one(project, data):
    folder = project(APP)
    (folder / "broken.py").write_bytes(data)
    assert detect(folder).entrypoint == "app:app"


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b""])
def test_windows_line_ends_and_a_mark(tmp_path, mark):
    (tmp_path / "app.py").write_bytes(
        mark + b"from flask import Flask\r\napp = Flask(__name__)\r\n"
    )
    (tmp_path / "Procfile").write_bytes(b"web: gunicorn app:app\r\n")
    result = detect(tmp_path)
    assert (result.entrypoint, result.evidence["framework"]) == ("app:app", "app.py:2")
    assert result.evidence["entrypoint"] == "Procfile:1"


def test_pipes_loops_and_links_to_the_outside(project, tmp_path_factory):
    folder = project({**APP, "sub/x.txt": ""})
    outside = tmp_path_factory.mktemp("outside")
    (outside / "wsgi.py").write_text("from flask import Flask\napplication = Flask('secret')\n")
    (folder / "wsgi.py").symlink_to(outside / "wsgi.py")
    (folder / "linked").symlink_to(outside, target_is_directory=True)
    (folder / "sub" / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "self.py").symlink_to(folder / "self.py")
    os.mkfifo(folder / "Procfile")
    os.mkfifo(folder / "main.py")
    opened = open_project(folder)
    assert detect_in(opened, Choices()).entrypoint == "app:app"
    assert {"wsgi.py", "Procfile", "main.py"}.isdisjoint(opened.tree.files)


def test_links_inside_are_read(project):
    folder = project({"real/app.py": APP["app.py"]})
    (folder / "wsgi.py").symlink_to(folder / "real" / "app.py")
    assert detect(folder).entrypoint == "wsgi:app"


def test_what_cannot_be_read(project):
    folder = project({**APP, "locked/x.py": "", "locked.py": "from flask import Flask\n"})
    (folder / "locked").chmod(0)
    (folder / "locked.py").chmod(0)
    try:
        assert detect(folder).entrypoint == "app:app"
    finally:
        (folder / "locked").chmod(0o755)


SKIPPED = [
    "node_modules/x/app.py",
    ".git/app.py",
    ".venv/lib/app.py",
    "venv/app.py",
    "lib/python3.12/site-packages/flask/app.py",
    "__pycache__/app.py",
    "build/lib/app.py",
    "dist/app.py",
    ".tox/py/app.py",
]


@pytest.mark.parametrize("path", SKIPPED)
def test_folders_that_are_skipped(project, path):
    folder = project({path: "from flask import Flask\napp = Flask(__name__)\n"})
    opened = open_project(folder)
    with pytest.raises(NotAWebApplication):
        detect_in(opened, Choices())
    assert opened.tree.reads == []


def test_any_folder_with_pyvenv_cfg_is_skipped(project):
    folder = project({**APP, "stuff/pyvenv.cfg": "", "stuff/lib/main.py": APP["app.py"]})
    assert detect(folder).entrypoint == "app:app"


def test_a_folder_called_env_may_hold_files_of_the_project(found):
    result = found({**APP, "env/production.env": "X=1\n", "env/app.env": "X=1\n"})
    assert result.entrypoint == "app:app"


def test_only_files_that_may_matter_are_read_and_parsed(project):
    """2,000 modules and 3,000 assets: each module is looked at once, hardly any is parsed."""
    files = {
        "shop/__init__.py": "",
        "shop/wsgi.py": "import os\nfrom django.core.wsgi import get_wsgi_application\n"
        "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"
        "application = get_wsgi_application()\n",
        "shop/settings.py": "INSTALLED_APPS = []\nROOT_URLCONF = 'shop.urls'\n",
        "shop/urls.py": "urlpatterns = []\n",
    }
    files |= {
        f"shop/a{number}/models.py": "from django.db import models\nclass M(models.Model): ...\n"
        for number in range(300)
    }
    files |= {f"shop/b{number}/logic.py": "import json\nx = 1\n" for number in range(1700)}
    files |= {f"static/{number}.js": "" for number in range(3000)}
    files |= {f"docs/{number}.py": "import flask\n" for number in range(50)}
    opened = open_project(project(files))
    assert detect_in(opened, Choices()).entrypoint == "shop.wsgi:application"
    reads = opened.tree.reads
    assert not [path for path in reads if path.startswith(("static/", "docs/"))]
    assert len(reads) < 2004 + 20
    assert len(opened.code.parsed) <= 6


def test_the_order_of_the_directory_does_not_matter(project, monkeypatch):
    files = {f"p{n}/{name}.py": APP["app.py"] for n in range(3) for name in ("a", "b")}
    folder = project(
        {**files, **APP, "Makefile": "x:\n\tgunicorn app:app\n", "run.sh": "gunicorn gone:app\n"}
    )
    first = json.dumps(detect(folder).as_json())
    real = os.scandir

    class Reversed:
        def __init__(self, path):
            self.entries = sorted(real(path), key=lambda entry: entry.name, reverse=True)

        def __enter__(self):
            return iter(self.entries)

        def __exit__(self, *_):
            return None

        def close(self):
            return None

    monkeypatch.setattr(os, "scandir", Reversed)
    assert json.dumps(detect(folder).as_json()) == first


def test_nothing_of_the_project_runs(project):
    folder = project(
        {"app.py": "raise SystemExit('ran')\nfrom flask import Flask\napp = Flask(__name__)\n"}
    )
    assert detect(folder).entrypoint == "app:app"


HOSTILE = {
    "brackets": ("docker-compose.yml", "gunicorn: " + "[" * 200_000),
    "braces": ("app.json", '{"gunicorn":' * 5_000),
    "aliases": (
        "docker-compose.yml",
        "gunicorn: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(50)),
    ),
    "json brackets": ("Dockerfile", "CMD " + "[" * 100_000),
    "toml brackets": ("pyproject.toml", "a = " + "[" * 100_000),
    "dollars": ("start.sh", "gunicorn " + "${A:-" * 2000 + "}" * 2000),
    "assignments": ("start.sh", "A=$A$A\n" * 60 + "gunicorn $A\n"),
    "calls itself": ("start.sh", "#!/bin/sh\n./start.sh\n"),
    "env names": ("Dockerfile", "ENV " + "A=1 " * 20_000),
    "continued": ("Dockerfile", "RUN x \\\n" * 20_000),
    "no newline": ("Procfile", "web: " + "x" * 500_000),
    "settings loop": ("gunicorn.conf.py", "from gunicorn_conf import *\n"),
    "included by itself": ("requirements.txt", "-r requirements.txt\n"),
    "control characters": ("compose.yaml", "gunicorn: \x07\x00\n"),
}


@pytest.mark.parametrize(("path", "text"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_deployment_files(project, path, text):
    assert detect(project({**APP, path: text})).entrypoint == "app:app"


PATHS = [
    *("Procfile", "Dockerfile", "docker-compose.yml", "start.sh", "web.service", "uwsgi.ini"),
    *("supervisord.conf", "gunicorn.conf.py", "pyproject.toml", "fly.toml", "app.json", "Makefile"),
    *(".github/workflows/ci.yml", ".env", "requirements.txt", "Pipfile", "Pipfile.lock", "tox.ini"),
    *("uv.lock", "setup.py", "README.md", "k8s/web.yaml", "run", "shop/settings.py", "manage.py"),
]
WORDS = st.sampled_from(
    [
        *("gunicorn ", "uvicorn ", "app:app", "[", "]", "{", "}", ":", "=", "\n", "\\\n", "$", "'"),
        *(
            '"',
            "(",
            ")",
            "FROM python:",
            "CMD ",
            "ENV ",
            "RUN pip install -r ",
            "&a ",
            "*a",
            "<<: ",
        ),
        *("[program:x]\n", "[Service]\n", "ExecStart=", "web: ", "DJANGO_SETTINGS_MODULE=", "3.12"),
        *(
            "services:\n",
            "  command: ",
            "- ",
            "import *",
            "def f():",
            "\t",
            "#!/bin/sh\n",
            "--app-dir ",
        ),
        *("from flask import Flask\n", "INSTALLED_APPS = ", "STATIC_ROOT = ", "/", "..", "%s" * 3),
    ]
)
TEXTS = st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=40).map("".join))


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(files=st.dictionaries(st.sampled_from(PATHS), TEXTS, max_size=4))
def test_no_content_raises_anything_but_our_own_errors(tmp_path_factory, files):
    folder = tmp_path_factory.mktemp("any")
    for path, text in {**APP, **files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        result = detect(folder)
    except DeploygenError:
        return
    json.dumps(result.as_json())
    for place in result.evidence.values():
        assert Path(folder, place.rpartition(":")[0]).is_file()
