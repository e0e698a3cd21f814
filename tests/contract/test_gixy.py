"""A static analyser reads nginx's rendered files and finds nothing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.builders import host_files, machine, merged
from tests.programs import needed

pytestmark = pytest.mark.slow

BASE: dict[str, Any] = {
    "app": {
        "static": {"url": "/static/", "folder": "staticfiles"},
        "media": {"url": "/media/", "folder": "media"},
        "health": "/health/",
    }
}
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "everything": {
        "proxy": {
            "tls": {"mode": "acme", "hsts_subdomains": True},
            "behind": {"networks": "cloudflare", "only": True},
            "health": {"url": "/lb", "asks": "app"},
            "headers": {"Permissions-Policy": "camera=()"},
        }
    },
    "piped": {"proxy": {"behind": {"networks": ["10.0.0.0/8"], "proxy_protocol": True}}},
}


# What it says that is none: it knows no systems, and takes the default server for a site.
KNOWN = {
    ("debian-13", "ssl_ecdh_curve"): "the system has OpenSSL 3.5, which the curve needs",
    ("ubuntu-22.04", "hsts_header"): "the default server is nobody's site",
}


# The same, and what these trees have on purpose.
KNOWN_IN_TREES = {
    **{plugin: reason for (_, plugin), reason in KNOWN.items()},
    "add_header_redefinition": "the page of an error is no upload, and no file to keep",
    "missing_resolver": "the hosts of a fleet stand in the description",
}


def findings(folder: Path) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "gixy", "--format", "json", str(folder / "nginx.conf")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (0, 1), done.stderr
    return list(json.loads(done.stdout))


# Whole trees, with what is included on hosts alone; the front and the containers have nginx too.
GOLDEN = Path(__file__).parent.parent / "golden"
TREES = sorted(path.parent for path in GOLDEN.glob("*/deploy/**/etc/nginx/nginx.conf"))


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: str(tree.relative_to(GOLDEN)))
def test_it_finds_nothing_in_golden_trees(tree: Path, tmp_path: Path) -> None:
    files = {
        f"etc/nginx/{path.relative_to(tree)}": path.read_text()
        for path in tree.rglob("*")
        if path.is_file()
    }
    write(files, tmp_path)
    for text in files.values():
        for extra in re.findall(r"include (/etc/nginx/[a-z-]+\.conf);", text):
            (tmp_path / Path(extra).name).touch()
    assert [each for each in findings(tmp_path) if each["plugin"] not in KNOWN_IN_TREES] == []


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("os", ["ubuntu-22.04", "debian-12", "debian-13"])
def test_it_finds_nothing(case: str, os: str, tmp_path: Path) -> None:
    files = host_files(**merged(BASE, merged(CASES[case], {"machines": machine(os=os)})))
    write(files, tmp_path)
    found = [each for each in findings(tmp_path) if (os, each["plugin"]) not in KNOWN]
    assert found == []


def test_it_would_find_something(tmp_path: Path) -> None:
    files = host_files(**BASE)
    served = "etc/nginx/snippets/shop-files.conf"
    files[served] = files[served].replace("location /media/", "location /media")
    write(files, tmp_path)
    assert findings(tmp_path)


def write(files: dict[str, str], folder: Path) -> None:
    """nginx's folder, the site turned on, with the types that its package brings."""
    needed("nginx")
    for path, text in files.items():
        if path.startswith("etc/nginx/"):
            name = path.removeprefix("etc/nginx/").replace("sites-available", "sites-enabled")
            target = folder / name
            target.parent.mkdir(exist_ok=True)
            here = text.replace("/etc/nginx/", f"{folder}/")
            target.write_text(here.replace("include snippets/", f"include {folder}/snippets/"))
    (folder / "mime.types").write_text("types { text/html html; }\n")
