"""make demo: the example project, from nothing to a running production stack, and stopped again.

Everything happens in a copy below .demo/; the example itself stays as it is.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PROJECT = ROOT / ".demo" / "bookshop"
SERVER_NAME = "bookshop.example"
LINES_SHOWN = 16
# SECRET_KEY is one of app.secrets: taken from the environment, as on the host from a file.
ENVIRONMENT = {"SECRET_KEY": secrets.token_urlsafe(50)}
# What only this machine needs: no TLS in front, a name that a browser can open.
FOR_UP = {
    "DJANGO_ALLOWED_HOSTS": f"{SERVER_NAME},localhost",
    "DJANGO_HTTPS": "off",
    "BOOKSHOP_DATABASE": str(PROJECT / "db.sqlite3"),
}


def main() -> int:
    """Runs the demonstration; 0 when every answer was as it should be."""
    prepare()
    deploygen("init", "--yes")
    deploygen("render")
    os.environ.update(ENVIRONMENT)
    checked = deploygen("check", check=False)
    deploygen("explain", "gunicorn", shown=30)
    ok = look()
    say("The description and what was rendered are in .demo/bookshop: have a look at deploy/.")
    return 0 if ok and checked.returncode == 0 else 1


def say(text: str) -> None:
    """A heading."""
    print(f"\n\033[1m== {text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


def prepare() -> None:
    """A copy of the example, with an environment of its own, as a user's project has one."""
    say("A Django project: examples/bookshop, copied to .demo/bookshop, with its own environment")
    shutil.rmtree(PROJECT.parent, ignore_errors=True)
    shutil.copytree(ROOT / "examples" / "bookshop", PROJECT)
    environment = [sys.executable, str(PROJECT / ".venv"), "-r", str(PROJECT / "requirements.txt")]
    run([ROOT / "scripts" / "environment.sh", *environment], ROOT)


def run(
    command: Sequence[str | Path], folder: Path, *, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """A command in a folder; its output is kept."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        text=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if check and done.returncode:
        print(done.stdout, done.stderr, sep="\n")
        raise SystemExit(f"{' '.join(str(word) for word in command)} failed")
    return done


def deploygen(
    *arguments: str, shown: int = LINES_SHOWN, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Runs deploygen and shows the start of what it prints."""
    say(f"deploygen {' '.join(arguments)}")
    done = run([BIN / "deploygen", *arguments], PROJECT, check=check)
    lines = (done.stdout + done.stderr).splitlines()
    for line in lines[:shown]:
        print(f"   {line}")
    if len(lines) > shown:
        print(f"   ... {len(lines) - shown} more lines")
    return done


def look() -> bool:
    """Starts the stack, asks for a page, a static file and the health URL, stops it."""
    options = [word for name, value in FOR_UP.items() for word in ("--env", f"{name}={value}")]
    say("deploygen up --release: migrate, collectstatic, gunicorn, nginx in front if it is here")
    command = [str(BIN / "deploygen"), "up", "--release", "--json", "--port", "0", *options]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        line = process.stdout.readline()
        if not line:
            return False
        up = json.loads(line)
        for name, version in up["programs"].items():
            print(f"   {name}: {version}, pid {up['pids'].get(name)}")
        print(f"   {len(up['workers'])} workers, {up['urls'][0]}")
        for note in up["notes"]:
            print(f"   note: {note}")
        try:
            ok = requests(up["urls"][0].rstrip("/"), proxied="nginx" in up["pids"])
        finally:
            say("Ctrl-C")
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)
    left = [pid for pid in [*up["pids"].values(), *up["workers"]] if Path(f"/proc/{pid}").exists()]
    print(f"   stopped; processes left: {left or 'none'}")
    return ok and not left


def requests(url: str, *, proxied: bool) -> bool:
    """A page, a static file, the health URL; True if all answered well."""
    say("What it answers")
    ok, page = get(url, "/")
    found = re.search(r'href="(/static/[^"]+\.css)"', page)
    healthy, _ = get(url, "/health/")
    if not proxied:
        print("   nginx is not installed: static files need it (apt-get install nginx-light)")
        return ok and healthy
    static, _ = get(url, found[1] if found else "/static/")
    return ok and healthy and static


def get(url: str, path: str) -> tuple[bool, str]:
    """One request: its status, type and time; with the Host header of the site."""
    request = urllib.request.Request(url + path, headers={"Host": SERVER_NAME})
    start = time.perf_counter()
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            body, status, headers = answer.read().decode(), answer.status, answer.headers
    except urllib.error.HTTPError as error:
        body, status, headers = "", error.code, error.headers
    took = (time.perf_counter() - start) * 1000
    cache = headers.get("Cache-Control") or "-"
    print(f"   {status} {path:<46} {headers.get_content_type():<18} {took:5.0f} ms  cache: {cache}")
    return status == 200, body


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
