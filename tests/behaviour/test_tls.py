"""TLS of each proxy, judged by sslyze against Mozilla's guideline, and what strangers see."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploygen.published import mozilla
from deploygen.published.mozilla import GUIDELINES, Guideline
from deploygen.stack import Options, Stack, ask, running
from tests import http2
from tests.examples import SECRETS, example
from tests.programs import needed

pytestmark = pytest.mark.slow

HOST = "bookshop.example"
# OpenSSL's names and those of the registry, which sslyze speaks.
IANA = {
    "ECDHE-ECDSA-AES128-GCM-SHA256": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384": "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305": "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "ECDHE-RSA-CHACHA20-POLY1305": "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
}


def openssl(*arguments: str | Path, folder: Path) -> None:
    command = [needed("openssl"), *map(str, arguments)]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority (ca.pem) and the site's chain that it signed."""
    folder = tmp_path_factory.mktemp("authority")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(
        "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "3",
        "-subj", "/CN=authority of a test", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        folder=folder,
    )  # fmt: skip
    openssl("req", *key, "-keyout", "key.pem", "-out", "site.csr", "-subj", f"/CN={HOST}",
            folder=folder)  # fmt: skip
    (folder / "extensions").write_text(
        f"subjectAltName=DNS:{HOST}\nbasicConstraints=critical,CA:FALSE\n"
        "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n"
        "authorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n"
    )
    openssl(
        "x509", "-req", "-in", "site.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "3",
        "-CAcreateserial", "-extfile", "extensions", "-out", "chain.pem", folder=folder,
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module", params=GUIDELINES)
def profile(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def site(
    kind: str, profile: str, authority: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    tls = (
        f"{{mode: files, certificate: {authority}/chain.pem, key: {authority}/key.pem, "
        f"profile: {profile}, hsts_subdomains: true}}"
    )
    made = example("bookshop", tmp_path_factory.mktemp("site"), kind=kind, proxy=f"tls: {tls}")
    options = Options(port=0, environ={**os.environ, **SECRETS})
    with running(made.tree, made.plan, "web", made.project, options) as stack:
        # The real certificate, not what stands in for one that is not here.
        assert not [each for each in stack.changes if each.before == f"{authority}/chain.pem"]
        yield stack


def guideline(stack: Stack) -> Guideline:
    return GUIDELINES[stack.plan.spec.proxy.tls.profile]


def in_mozillas_format(given: Guideline) -> dict[str, Any]:
    """As sslyze reads it: with the parts that are not the proxy's, too."""
    return {
        "certificate_curves": ["prime256v1", "secp384r1"],
        "certificate_signatures": ["ecdsa-with-SHA256", "ecdsa-with-SHA384", "ecdsa-with-SHA512"],
        "certificate_types": ["ecdsa"],
        "ciphersuites": [
            "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
        ],
        "ciphers": {
            "caddy": [], "go": [], "iana": [IANA[name] for name in given.ciphers],
            "openssl": list(given.ciphers),
        },
        "dh_param_size": None,
        "ecdh_param_size": 256,
        "hsts_min_age": given.hsts_min_age_s,
        "maximum_certificate_lifespan": 90,
        "ocsp_staple": False,
        "recommended_certificate_lifespan": 90,
        "rsa_key_size": None,
        "server_preferred_order": given.server_order,
        "tls_curves": list(given.curves),
        "tls_versions": list(given.protocols),
    }  # fmt: skip


def sslyze(stack: Stack, authority: Path, wanted: Guideline, folder: Path) -> str:
    """What it says; an exit code of 0 alone means nothing."""
    profile = folder / "profile.json"
    profile.write_text(json.dumps(in_mozillas_format(wanted)))
    command = [
        sys.executable, "-m", "sslyze", "--custom_tls_config", str(profile),
        "--certinfo_ca_file", str(authority / "ca.pem"), "--sni", HOST,
        f"localhost:{stack.address[1]}",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    return done.stdout + done.stderr


def test_sslyze_finds_it_compliant(site: Stack, authority: Path, tmp_path: Path) -> None:
    said = sslyze(site, authority, guideline(site), tmp_path)
    # What it thinks of the authority that a test made itself stands above that line.
    assert "OK - Compliant" in said and "Not compliant" not in said, said


def test_sslyze_would_find_something(site: Stack, authority: Path, tmp_path: Path) -> None:
    """The same scan against a guideline that the site can't meet: the judge is awake."""
    if guideline(site).name == "modern":
        pytest.skip("nothing is stricter")
    said = sslyze(site, authority, GUIDELINES["modern"], tmp_path)
    assert "TLSv1.2" in said and "should be rejected" in said


def shaken(stack: Stack, **options: Any) -> tuple[str | None, str | None, bytes]:
    """(protocol, application protocol, certificate) of a handshake. Raises OSError."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(options.get("alpn", ["h2", "http/1.1"]))
    if "most" in options:
        context.maximum_version = options["most"]
    name = options.get("name", HOST)
    with (
        socket.create_connection(stack.address, timeout=10) as sock,
        context.wrap_socket(sock, server_hostname=name) as tls,
    ):
        return tls.version(), tls.selected_alpn_protocol(), tls.getpeercert(binary_form=True) or b""


def certificate(authority: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert((authority / "chain.pem").read_text())


def test_http2_and_the_newest_protocol(site: Stack, authority: Path) -> None:
    assert shaken(site) == ("TLSv1.3", "h2", certificate(authority))


def test_a_page_over_http2(site: Stack) -> None:
    with http2.connected(site.address, HOST) as client:
        page = client.read(client.ask("/whoami/"))
    assert page.status == 200
    told = json.loads(page.body)
    assert (told["is_secure"], told["host"].partition(":")[0]) == (True, HOST)


def test_older_clients_are_taken_as_the_profile_says(site: Stack) -> None:
    if "TLSv1.2" in guideline(site).protocols:
        assert shaken(site, most=ssl.TLSVersion.TLSv1_2)[0] == "TLSv1.2"
    else:
        with pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"):
            shaken(site, most=ssl.TLSVersion.TLSv1_2)


@pytest.mark.parametrize("name", ["evil.example", None])
def test_an_unknown_name_sees_no_certificate_of_the_site(
    site: Stack, authority: Path, name: str | None
) -> None:
    if site.plan.spec.proxy.kind == "nginx":
        with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
            shaken(site, name=name)
        return
    _, _, shown = shaken(site, name=name)
    # A stack's own stand-in: test_acme.py looks into the one that a host makes.
    assert shown and shown != certificate(authority)


def test_an_unknown_host_behind_a_known_name_is_not_answered(site: Stack) -> None:
    context = ssl._create_unverified_context()
    with (
        socket.create_connection(site.address, timeout=10) as sock,
        context.wrap_socket(sock, server_hostname=HOST) as tls,
    ):
        tls.sendall(b"GET /whoami/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        answer = tls.recv(65536)
    assert answer.split()[1] == b"421"
    assert b"x_forwarded_for" not in answer


def test_strict_transport_security(site: Stack) -> None:
    value = f"max-age={guideline(site).hsts_min_age_s}; includeSubDomains"
    page = ask(site.address, "/whoami/", headers={"Host": HOST}, tls=True)
    assert page.headers["strict-transport-security"] == value
    assert json.loads(page.body)["is_secure"] is True


@pytest.mark.parametrize(
    "path", ["/a?b", "/", "/a%2Fb?c=%2F&d=?", "/a%3Fb", "/a%20b%25", "//a/", "/a%3Fb?c%3F=d"]
)
def test_plain_http_is_sent_on(site: Stack, path: str) -> None:
    port = int(site.urls[1].rstrip("/").rpartition(":")[2])
    moved = ask(("127.0.0.1", port), path, headers={"Host": HOST})
    assert moved.status == 301
    assert moved.headers["location"] == f"https://{HOST}:{site.address[1]}{path}"
    assert "strict-transport-security" not in moved.headers


def test_plain_http_may_be_served_too(
    kind: str, authority: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tls = (
        f"{{mode: files, certificate: {authority}/chain.pem, key: {authority}/key.pem, "
        "redirect: false}"
    )
    made = example("bookshop", tmp_path_factory.mktemp("both"), kind=kind, proxy=f"tls: {tls}")
    options = Options(port=0, environ={**os.environ, **SECRETS})
    with running(made.tree, made.plan, "web", made.project, options) as stack:
        host = {"Host": HOST}
        plain = ask(("127.0.0.1", stack.ports[80]), "/whoami/", headers=host)
        secure = ask(stack.address, "/whoami/", headers=host, tls=True)
    assert (plain.status, json.loads(plain.body)["is_secure"]) == (200, False)
    assert (secure.status, json.loads(secure.body)["is_secure"]) == (200, True)
    assert "strict-transport-security" in secure.headers
    assert "strict-transport-security" not in plain.headers, "RFC 6797, 7.2"


def test_the_guideline_is_dated() -> None:
    assert (mozilla.VERSION, mozilla.AS_OF) >= ("6.0", "2026-04-06")
