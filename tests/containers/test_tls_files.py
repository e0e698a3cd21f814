"""TLS from files in containers, with each proxy: what visitors get, and what strangers do."""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from deploygen.stack import Response, ask
from tests.containers.conftest import Engines
from tests.containers.engines import NAMES, Stack, free_port
from tests.containers.variants import described, running, until
from tests.programs import needed

pytestmark = pytest.mark.slow

HOST = "fastquotes.example"
BASES = {"nginx": "nginx", "apache": "httpd"}
# The proxy's user and the group that it shares with the application.
PROXY = (10002, 10001)


@dataclass(frozen=True)
class Served:
    """A stack with a certificate of its own: the port of HTTPS, and where the pair lies."""

    stack: Stack
    kind: str
    port: int
    folder: Path

    def get(self, path: str, host: str = HOST) -> Response:
        return ask(("127.0.0.1", self.port), path, headers={"Host": host}, tls=True)


def certificate(folder: Path, common_name: str) -> None:
    """A self-signed pair that the proxy's user may read, and nobody else."""
    command = (
        needed("openssl"), "req", "-x509", "-nodes", "-newkey", "ec",
        "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "3", "-subj", f"/CN={common_name}",
        "-addext", f"subjectAltName=DNS:{HOST}",
        "-keyout", str(folder / "key.pem"), "-out", str(folder / "chain.pem"),
    )  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    if os.geteuid() == 0:
        os.chown(folder / "key.pem", *PROXY)
        (folder / "key.pem").chmod(0o400)
    else:
        (folder / "key.pem").chmod(0o444)


@pytest.fixture(
    scope="module", params=[(engine, kind) for engine in NAMES for kind in BASES], ids="-".join
)
def served(
    request: pytest.FixtureRequest, engines: Engines, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    engine, kind = request.param
    folder = tmp_path_factory.mktemp(f"tls-{kind}")
    certificate(folder, "the first")
    tls = f"tls: {{mode: files, certificate: {folder}/chain.pem, key: {folder}/key.pem}}"
    made = described("fastquotes", folder / "project", kind=kind, proxy=tls)
    port = free_port()
    environ = {"TAG": f"tls-{kind}", "HTTPS_PORT": f"127.0.0.1:{port}"}
    label, ready = f"tls-{kind}", partial(_answers, port)
    with running(
        engines.get(engine), made, label, BASES[kind], environ=environ, ready=ready
    ) as stack:
        yield Served(stack, kind, port, folder)


def _answers(port: int) -> bool:
    return ask(("127.0.0.1", port), "/health", headers={"Host": HOST}, tls=True).status == 200


def handshake(served: Served, name: str, *, trusted: Path | None = None) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(trusted) if trusted else None)
    if trusted is None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    sock = socket.create_connection(("127.0.0.1", served.port), timeout=10)
    return context.wrap_socket(sock, server_hostname=name)


def test_https_is_served_with_the_certificate_that_was_given(served: Served) -> None:
    with handshake(served, HOST, trusted=served.folder / "chain.pem") as sock:
        # Verified: its name, and that it is ours.
        assert sock.version() == "TLSv1.3"
        assert sock.selected_alpn_protocol() == "h2"
    page = served.get("/quotes")
    assert page.status == 200 and page.body.startswith(b"[")
    assert page.headers["strict-transport-security"] == "max-age=63072000"
    # The application knows: the proxy has told it.
    assert json.loads(served.get("/whoami").body)["is_secure"] is True


def test_http_only_sends_there(served: Served) -> None:
    answer = served.stack.get("/quotes?page=2")
    assert (answer.status, answer.headers["location"]) == (301, f"https://{HOST}/quotes?page=2")
    assert "strict-transport-security" not in answer.headers


def test_a_stranger_learns_no_name_of_the_site(served: Served) -> None:
    if served.kind == "nginx":
        with pytest.raises(ssl.SSLError):
            handshake(served, "stranger.example")
        return
    with handshake(served, "stranger.example") as sock:
        shown = ssl.DER_cert_to_PEM_cert(sock.getpeercert(binary_form=True) or b"")
    assert shown != (served.folder / "chain.pem").read_text()
    words = (needed("openssl"), "x509", "-noout", "-subject", "-ext", "subjectAltName")
    told = subprocess.run(
        words, input=shown, text=True, capture_output=True, check=True, timeout=60
    )
    assert "invalid" in told.stdout and HOST not in told.stdout
    assert served.get("/", host="stranger.example").status == 421


def test_the_key_is_read_only_in_no_image_and_the_proxys_alone(
    served: Served, tmp_path: Path
) -> None:
    stack = served.stack
    proxy = stack.container("proxy")
    for file in ("chain.pem", "key.pem"):
        done = stack.engine.run(
            "exec", "--user=0", proxy, "sh", "-c", f"echo x >> {served.folder}/{file}", check=False
        )
        assert done.returncode and re.search("Read-only|denied", done.stderr)
    key = (served.folder / "key.pem").read_bytes()
    for image in ("fastquotes", "fastquotes-proxy"):
        archive = tmp_path / "image.tar"
        stack.engine.run("save", "--output", str(archive), f"{image}:{stack.environment['TAG']}")
        assert key not in archive.read_bytes()
        # Nor is any other: what a stranger is shown is made when the container starts.
        assert _keys(archive) == []
        archive.unlink()
    application = stack.engine.run(
        "exec", stack.container("app"), "cat", str(served.folder / "key.pem"), check=False
    )
    assert application.returncode


def _keys(image: Path) -> list[str]:
    """The files with a private key in all layers of a saved image."""
    found: list[str] = []
    with tarfile.open(image) as outer:
        for member in outer:
            if not member.isfile() or member.name.endswith(".json"):
                continue
            layer = outer.extractfile(member)
            assert layer
            with suppress(tarfile.ReadError), tarfile.open(fileobj=layer) as inner:
                for file in inner:
                    if file.isfile() and file.name.endswith((".pem", ".key", ".crt")):
                        text = inner.extractfile(file)
                        if text and b"PRIVATE KEY" in text.read():
                            found.append(file.name)
    return found


def test_a_renewed_certificate_is_served_after_a_restart(served: Served) -> None:
    """The last test of the stack. A renewal replaces files: the mount keeps the old ones."""
    before = (served.folder / "chain.pem").read_text()
    for file in ("chain.pem", "key.pem"):
        (served.folder / file).unlink()
    certificate(served.folder, "the second")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(served, HOST, trusted=served.folder / "chain.pem")
    served.stack.compose("stop", "proxy")
    served.stack.compose("start", "proxy")
    until(served.stack, partial(_answers, served.port))
    with handshake(served, HOST, trusted=served.folder / "chain.pem") as sock:
        shown = ssl.DER_cert_to_PEM_cert(sock.getpeercert(binary_form=True) or b"")
    assert shown != before
