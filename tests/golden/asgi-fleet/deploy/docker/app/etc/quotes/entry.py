# The way into a container of quotes.
# Made by deploygen from deploygen.yml: change it there, then run deploygen render.
"""Starts what a container runs: its secrets become variables, what overrides is checked first."""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

# Read from /run/secrets, where the variable itself or NAME_FILE is not set.
SECRETS = []

# variable: (gunicorn's setting, from, to, why no more)
BOUNDS = {
    "WEB_CONCURRENCY": (
        "workers", 1, 480,
        "of 58 GiB its /tmp may take 5.8 GiB; 52 GiB are left, and a worker takes 100 MiB (assumed)",
    ),
    "GUNICORN_WORKERS": (
        "workers", 1, 480,
        "of 58 GiB its /tmp may take 5.8 GiB; 52 GiB are left, and a worker takes 100 MiB (assumed)",
    ),
    "GUNICORN_WORKER_CONNECTIONS": (
        "worker_connections", 1, 1188,
        "the proxy and the open files of the container are planned for no more",
    ),
    "GUNICORN_TIMEOUT": (
        "timeout", 20, 30,
        "the proxy gives up after 40 s, and a request may queue for 10 s of them; the slowest request takes 20 s",
    ),
    "GUNICORN_GRACEFUL_TIMEOUT": (
        "graceful_timeout", 1, 30,
        "the container is killed 40 s after it was asked to stop, and the workers need 10 s to exit",
    ),
    "GUNICORN_BACKLOG": (
        "backlog", 1, 4096,
        "the kernel keeps no longer queue: net.core.somaxconn",
    ),
    "GUNICORN_MAX_REQUESTS": (
        "max_requests", 0, 10000000,
        "0 replaces no worker",
    ),
}
# (setting, most, why): workers times this setting is at most so much.
TOGETHER = [
    ("worker_connections", 33333, "the database allows 100000 connections on 3 hosts"),
    ("worker_connections", 65536, "the proxy's worker_processes 16 x worker_connections 8192 carry no more"),
]
# What gunicorn.conf.py says.
PLANNED = {
    "workers": 16,
    "worker_connections": 1188,
    "timeout": 30,
    "graceful_timeout": 30,
    "backlog": 2048,
    "max_requests": 0,
}
# EX_CONFIG of sysexits.h: another start with the same input ends the same way.
WRONG = 78
# What was wrong at the last start, in a volume: engines start again what has ended.
REFUSED = Path("/var/lib/quotes", ".refused")


def read_secrets():
    """Set each secret's variable; yield what is missing."""
    for name in SECRETS:
        if os.environ.get(name) or os.environ.get(name + "_FILE"):
            continue
        file = Path("/run/secrets", name)
        try:
            os.environ[name] = file.read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            yield f"secret {name}: {file}: {error.strerror}; give the file, or the variable {name}"


def check(found):
    """Put the settings that the environment overrides into ``found``; yield what is wrong."""
    for name, text in sorted(os.environ.items()):
        if name not in BOUNDS:
            if name.startswith("GUNICORN_"):
                yield f"{name} overrides nothing; allowed are {', '.join(BOUNDS)}"
            continue
        setting, least, most, why = BOUNDS[name]
        if not text:
            continue
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            yield f"{name}={text}: allowed is a whole number from {least} to {most}: {why}"
        elif found.get(setting, int(text)) != int(text):
            yield f"{name}={text}: another variable says {setting} {found[setting]}"
        else:
            found[setting] = int(text)
    now = {**PLANNED, **found}
    for setting, most, why in TOGETHER:
        if now["workers"] * now[setting] > most:
            yield (
                f"workers {now['workers']} x {setting} {now[setting]} is more than {most}: {why}"
            )


def refuse(problems, *, serves):
    """Say what is wrong, and end. Whoever starts the same again gets a container that waits.

    It is not well, so that nothing is sent to it, and it fills no log.
    """
    told = "".join(f"quotes: {problem}\n" for problem in problems)
    sys.stderr.write(told)
    with suppress(OSError):
        again = REFUSED.exists() and REFUSED.read_text(encoding="utf-8") == told
        REFUSED.write_text(told, encoding="utf-8")
        if serves and again:
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(WRONG))
            sys.stderr.write("quotes: again; it waits to be started with other values\n")
            signal.pause()
    sys.exit(WRONG)


def main():
    """Check, then become the given command: gunicorn is process 1, and gets every signal."""
    command, found = sys.argv[1:], {}
    problems = [*read_secrets(), *check(found)]
    if not command:
        problems.append("no command: the image's own is gunicorn")
    serves = bool(command) and Path(command[0]).name == "gunicorn"
    if problems:
        refuse(problems, serves=serves)
    with suppress(OSError):
        REFUSED.unlink()
    if serves:
        for setting, value in found.items():
            command += ["--" + setting.replace("_", "-"), str(value)]
    os.execvp(command[0], command)


main()
