"""The front's files: nginx accepts and starts them on every system, gixy finds nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploygen.check import check
from deploygen.systems import SYSTEMS
from tests.builders import rendered
from tests.contract.test_gixy import findings, write
from tests.examples import SECRETS, example
from tests.programs import needed
from tests.unit.plan.test_fleet import FRONT, a_fleet
from tests.unit.targets.test_front import FULL, PREFIX

pytestmark = pytest.mark.slow

TLS = (
    "tls: {mode: files, certificate: /etc/ssl/nobody/c.pem, key: /etc/ssl/nobody/k.pem}, "
    "behind: [10.0.0.0/8], streaming: [/ws], health: {url: /lb, asks: app}, "
    "limits: {requests_per_second: 50}"
)


@pytest.mark.parametrize("proxy", ["", TLS], ids=["plain", "tls"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_the_program_accepts_every_file(system: str, proxy: str, tmp_path: Path) -> None:
    """Its application hosts have names that this machine does not know."""
    needed("nginx")
    more = f"front: {{os: {system}, hosts: [front.test], networks: [10.0.0.2]}}\n"
    hosts = ("one.nowhere.test", "two.nowhere.test")
    made = example("bookshop", tmp_path, kind="apache", proxy=proxy, more=more, hosts=hosts)
    files = [path for path in made.files if path.startswith(PREFIX)]
    results = check(made.tree, made.plan, made.project, files, environ=SECRETS)
    assert len(results) == len(files) > 9
    for result in results:
        if result.status == "not checked":  # for a newer nginx than this machine's
            assert result.detail.startswith("all but "), result
        else:
            assert result.status == "passed", result


def test_a_mistake_is_found(tmp_path: Path) -> None:
    needed("nginx")
    more = "front: {hosts: [front.test], networks: [10.0.0.2]}\n"
    made = example("bookshop", tmp_path, more=more, hosts=("one.nowhere.test",))
    path = made.tree / "hosts/front/etc/nginx/snippets/bookshop-hosts.conf"
    path.write_text(path.read_text().replace("max_fails=3", "max_fails=three"))
    files = [path for path in made.files if path.startswith(PREFIX)]
    results = check(made.tree, made.plan, made.project, files, environ=SECRETS)
    [failed] = [result for result in results if result.status == "failed"]
    assert failed.path.endswith("bookshop-hosts.conf")
    assert 'invalid parameter "max_fails=three"' in failed.detail


@pytest.mark.parametrize("os", ["debian-12", "debian-13"])
def test_an_analyser_finds_nothing(os: str, tmp_path: Path) -> None:
    every = rendered(a_fleet(**FULL, front={**FRONT, "os": os}))
    write({path.removeprefix(PREFIX): text for path, text in every.items()
           if path.startswith(PREFIX)}, tmp_path)  # fmt: skip
    # It knows no systems: Debian 13's OpenSSL has the curve.
    found = [each for each in findings(tmp_path) if each["plugin"] != "ssl_ecdh_curve"]
    assert found == []
