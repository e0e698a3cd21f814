"""The certificate script against a real authority: Pebble, certbot, and the proxy that serves.

Paths and programs of the host are stood in for: the script's folders lie below the stack's
private one, and ``systemctl`` signals the stack's own proxy. The rest is real.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploygen.stack import Options, Stack, ask, ports, running
from tests.examples import SECRETS, Example, example
from tests.programs import needed

pytestmark = pytest.mark.slow

HOST = "bookshop.example"
SHIM = '#!/bin/sh\nexec {command} "$@" {more}\n'
# What the proxy is told by its unit's reload.
RELOADS = {"nginx": "HUP", "apache": "USR1"}


class Host:
    """A host before its first certificate: the rendered files, a proxy, an authority."""

    def __init__(self, stack: Stack, made: Example, bundle: Path) -> None:
        self.stack = stack
        self.kind = stack.plan.spec.proxy.kind
        self.folder = stack.folder
        self.script = self.folder / "bookshop-certificate"
        text = made.file("bookshop-certificate").read_text()
        for path in ("/etc/bookshop", "/etc/letsencrypt", "/srv/bookshop"):
            text = text.replace(path, f"{self.folder}{path}")
        self.script.write_text(text)
        self.script.chmod(0o755)
        self.environment = {
            **os.environ,
            "PATH": f"{self._shims()}:{os.environ['PATH']}",
            "REQUESTS_CA_BUNDLE": str(bundle),
        }
        self._point_the_site_to_its_certificate()

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def certificate(self, verb: str) -> str:
        return self.run(str(self.script), verb)

    def shown(self) -> bytes:
        """The certificate that a visitor sees."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with (
            socket.create_connection(self.stack.address, timeout=10) as sock,
            context.wrap_socket(sock, server_hostname=HOST) as tls,
        ):
            return tls.getpeercert(binary_form=True) or b""

    def becomes(self, right: Callable[[bytes], bool]) -> bytes:
        """The certificate, once it is the right one: a reload takes a moment."""
        deadline = time.monotonic() + 20
        while not right(shown := self.shown()):
            assert time.monotonic() < deadline, shown
            time.sleep(0.1)
        return shown

    def reload(self) -> None:
        self.run("systemctl", "reload", {"nginx": "nginx", "apache": "apache2"}[self.kind])

    def _shims(self) -> Path:
        folder = self.folder / "shims"
        folder.mkdir()
        config = self.folder / "etc/letsencrypt"
        own = f"--config-dir {config} --work-dir {self.folder}/w --logs-dir {self.folder}/l"
        pid = self.stack.pids[self.kind]
        shims = {
            "certbot": SHIM.format(command=needed("certbot"), more=own),
            "systemctl": f"#!/bin/sh\nkill -{RELOADS[self.kind]} {pid}\n",
            "apache2ctl": "#!/bin/sh\nexit 0\n",
        }
        if self.kind == "nginx":
            more = f"-p {self.folder} -c {self.folder}/etc/nginx/nginx.conf -e stderr"
            shims["nginx"] = SHIM.format(command=needed("nginx"), more=more)
        for name, text in shims.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        return folder

    def _point_the_site_to_its_certificate(self) -> None:
        """A stack has a stand-in of its own, for it knows no host's script."""
        tls = self.folder / "etc/bookshop/tls"
        found = 0
        for path in (self.folder / "etc").rglob("bookshop.conf"):
            text = path.read_text()
            found += text.count(f"{self.folder}/tls/certificate.pem")
            text = text.replace(f"{self.folder}/tls/certificate.pem", f"{tls}/fullchain.pem")
            path.write_text(text.replace(f"{self.folder}/tls/key.pem", f"{tls}/privkey.pem"))
        assert found


def free_ports(count: int) -> list[int]:
    return [ports.choose([80], 0)[80] for _ in range(count)]


@pytest.fixture(scope="module")
def host(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    programs = {name: needed(name) for name in ("pebble", "pebble-challtestsrv", "openssl")}
    needed("certbot")
    folder = tmp_path_factory.mktemp("acme")
    subprocess.run(
        [programs["openssl"], "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "certificate.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    directory, management, names, told = free_ports(4)
    made = example(
        "bookshop",
        folder,
        kind=kind,
        proxy=f"tls: {{mode: acme, acme: {{email: ops@example.com, "
        f"directory: 'https://localhost:{directory}/dir'}}}}",
    )
    options = Options(port=0, environ={**os.environ, **SECRETS})
    with running(made.tree, made.plan, "web", made.project, options) as stack:
        config = {
            "listenAddress": f"127.0.0.1:{directory}",
            "managementListenAddress": f"127.0.0.1:{management}",
            "certificate": str(folder / "certificate.pem"),
            "privateKey": str(folder / "key.pem"),
            "httpPort": stack.ports[80],
            "tlsPort": stack.ports[443],
        }
        (folder / "pebble.json").write_text(json.dumps({"pebble": config}))
        commands = (
            [programs["pebble-challtestsrv"], "-dns01", f"127.0.0.1:{names}", "-management",
             f"127.0.0.1:{told}", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "",
             "-http01", "", "-https01", "", "-tlsalpn01", ""],
            [programs["pebble"], "-config", str(folder / "pebble.json"),
             "-dnsserver", f"127.0.0.1:{names}", "-strict"],
        )  # fmt: skip
        environment = {**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
        started = []
        with (folder / "authority.log").open("w") as log:
            try:
                for command in commands:
                    started.append(
                        subprocess.Popen(command, env=environment, stdout=log, stderr=log)
                    )
                for port in (directory, told):
                    listens(port, folder / "authority.log")
                yield Host(stack, made, folder / "certificate.pem")
            finally:
                for process in started:
                    process.terminate()
                    process.wait(timeout=20)


def listens(port: int, log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(log.read_text())


def test_from_no_certificate_to_a_renewed_one(host: Host) -> None:
    # The first start: a stand-in that says nothing, made once.
    host.certificate("stand-in")
    tls = host.folder / "etc/bookshop/tls"
    key = tls / "privkey.pem"
    assert key.stat().st_mode & 0o077 == 0
    host.certificate("stand-in")
    before = key.read_bytes()
    host.reload()
    first = host.becomes(lambda shown: b"invalid" in shown)
    assert HOST.encode() not in first

    # The authority asks on port 80, as it would on a host, and the proxy is reloaded.
    host.certificate("issue")
    issued = host.becomes(lambda shown: b"Pebble" in shown)
    assert HOST.encode() in issued
    assert str(tls.readlink()).endswith("/etc/letsencrypt/live/bookshop")
    assert key.read_bytes() != before

    # Neither is done twice.
    host.certificate("issue")
    host.certificate("stand-in")
    assert host.shown() == issued

    # What certbot's timer runs; the hook is certbot's own memory of it.
    renewal = (host.folder / "etc/letsencrypt/renewal/bookshop.conf").read_text()
    assert f"{host.script} live" in renewal
    host.run("certbot", "renew", "--force-renewal", "--no-random-sleep-on-renew")
    renewed = host.becomes(lambda shown: shown != issued)
    assert b"Pebble" in renewed


def test_challenges_are_plain_files_and_no_other_door(host: Host) -> None:
    """The site redirects all but the challenges, and shows nothing beside them."""
    folder = host.folder / "srv/bookshop/acme/.well-known/acme-challenge"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "token").write_text("token.thumbprint")
    plain = ("127.0.0.1", host.stack.ports[80])
    answer = ask(plain, "/.well-known/acme-challenge/token", headers={"Host": HOST})
    assert (answer.status, answer.body) == (200, b"token.thumbprint")
    for path in ("/", "/.well-known/other"):
        assert ask(plain, path, headers={"Host": HOST}).status == 301
    for path in ("", "none", "../../../../etc/passwd", "%2e%2e/%2e%2e/%2e%2e/env"):
        asked = f"/.well-known/acme-challenge/{path}"
        answer = ask(plain, asked, headers={"Host": HOST})
        assert answer.status in (301, 400, 403, 404)
        assert b"token" not in answer.body and b"root:" not in answer.body
