"""python -m benchmarks.sockets: what a restart and a kill lose, by who holds a slot's socket.

A host with systemd, bookshop and nginx; clients send GET and POST all the while. The same host has
the rendered socket unit, one that closes when gunicorn ends by itself, and none: gunicorn opens its
socket then. docs/decisions/0012-sockets.md has what this printed. It takes five minutes.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from testbed import engine, hosts
from testbed.scenario import scenario
from testbed.trial import Act, Trial

CLIENTS, TIMES = 32, 3
WHERE = "/etc/systemd/system/bookshop@.socket"
STOP = 'slot=$(basename $(readlink /srv/bookshop/current)); systemctl stop "bookshop@$slot.*"\n'
START = 'systemctl daemon-reload; systemctl start "bookshop@$slot"'
# Each starts from what the one before has left.
VARIANTS = {
    "systemd holds it": "",
    "... and closes it when gunicorn ends": (
        f"{STOP} sed --in-place '/^Description=/a StopPropagatedFrom=bookshop@%i.service' {WHERE}\n"
        f"{START}"
    ),
    "gunicorn opens it": f"{STOP} rm {WHERE}\n{START}",
}
# A gunicorn that can't start any more, and one request, answered after how long and with what.
BROKEN = r"""
slot=$(basename $(readlink /srv/bookshop/current)) gunicorn=/srv/bookshop/current/.venv/bin/gunicorn
mv $gunicorn $gunicorn.away
systemctl kill --signal=KILL "bookshop@$slot"
sleep 3
python3 - <<'END'
import time, urllib.error, urllib.request
asked = urllib.request.Request("http://localhost/", headers={"Host": "bookshop.example"})
began = time.monotonic()
try:
    status = urllib.request.urlopen(asked, timeout=100).status
except urllib.error.HTTPError as error:
    status = error.code
print(f"{status} after {time.monotonic() - began:.1f} s")
END
mv $gunicorn.away $gunicorn
systemctl restart "bookshop@$slot"
"""


def lost(acts: list[Act]) -> str:
    """The median act."""
    counts = [(sum(act.lost.values()), sum(act.sent.values())) for act in acts]
    one, of = statistics.median_low(counts)
    slowest = statistics.median(act.slowest_ms for act in acts)
    return f"{one} of {of}, slowest {slowest:.0f} ms"


def measured(trial: Trial, act: str) -> list[Act]:
    """The same act, some times."""
    trial.done.clear()
    with trial.load() as running:
        time.sleep(2)
        for _ in range(TIMES):
            trial.act(running, act)
    return list(trial.done)


def main() -> int:
    """Make the host, measure, remove it."""
    found, tried = engine.find(), scenario("default")
    try:
        # molecule remembers what it made; the host may be gone all the same.
        for step in ("destroy", "create", "prepare", "converge"):
            subprocess.run(
                ["molecule", step, "--scenario-name", tried.name],
                cwd=engine.ROOT,
                env=found.environment,
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        trial = Trial(found, tried)
        trial.options["clients"] = CLIENTS
        for name, change in VARIANTS.items():
            trial.on_host(change)
            print(f"\n{name}", flush=True)
            told = {act: lost(measured(trial, act)) for act in ("restart", "kill master")}
            told["gunicorn can't start"] = trial.on_host(BROKEN).strip()
            for act, text in told.items():
                print(f"    {act:22} {text}", flush=True)
    finally:
        hosts.destroy(found, tried)
    return 0


if __name__ == "__main__":
    sys.exit(main())
