"""Apache's files, moved: what changes, and that nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploygen.stack.apache_conf import text as apache_conf
from deploygen.stack.apache_directives import directives
from deploygen.stack.machine import Machine
from deploygen.stack.paths import PROXIES, Moves
from deploygen.stack.relocate import Relocated, ports, relocate

SITE = "/etc/apache2/sites-available/shop.conf"
PROXY = "/etc/apache2/conf-available/shop-proxy.conf"


def machine(**more: object) -> Machine:
    given = {
        "root": "/p",
        "moves": Moves({path: f"/p{path}" for path in ("/srv/shop", "/run/shop", PROXY, *PROXIES)}),
        "ports": {80: 8000, 443: 8443, 8080: 9090},
        "readable": lambda path: path.startswith("/here/"),
        "names": (),
    }
    return Machine(**{**given, **more})  # type: ignore[arg-type]


def done(text: str, **more: object) -> Relocated:
    return relocate({SITE: text.encode()}, machine(**more))


def moved(text: str, **more: object) -> str:
    return done(text, **more).files[SITE].decode()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("<VirtualHost *:80>", "<VirtualHost *:8000>"),
        ("<VirtualHost 10.1.2.3:443 [::1]:443>", "<VirtualHost *:8443 *:8443>"),
        ("Listen 10.1.2.3:80", ""),
        ("Alias /srv/shop/ /srv/shop/files/", "Alias /srv/shop/ /p/srv/shop/files/"),
        ("<Directory /srv/shop/files/>", "<Directory /p/srv/shop/files/>"),
        ("<Location /srv/shop/>", "<Location /srv/shop/>"),
        ("ProxyPass /srv/shop/ !", "ProxyPass /srv/shop/ !"),
        (
            "ProxyPass / unix:/srv/shop/current.sock|http://localhost/ retry=0",
            "ProxyPass / unix:/p/srv/shop/current.sock|http://localhost/ retry=0",
        ),
        ('Header set X "/srv/shop/a"', 'Header set X "/srv/shop/a"'),
        ("ErrorLog /srv/log/error.log", "ErrorLog /p/srv/log/error.log"),
        ("ErrorLog /dev/null", "ErrorLog /dev/null"),
        ("CustomLog /var/log/apache2/a.log timed", "CustomLog /p/var/log/apache2/a.log timed"),
        ("CustomLog ${APACHE_LOG_DIR}/a.log timed", "CustomLog ${APACHE_LOG_DIR}/a.log timed"),
        (
            'RequestHeader set Host "expr=%{SERVER_NAME}"',
            'RequestHeader set Host "expr=%{SERVER_NAME}:%{SERVER_PORT}"',
        ),
        ("RequestHeader unset Forwarded", "RequestHeader unset Forwarded"),
        (
            "RewriteRule ^ https://%{SERVER_NAME}%{REQUEST_URI} [R=301,L]",
            "RewriteRule ^ https://%{SERVER_NAME}:8443%{REQUEST_URI} [R=301,L]",
        ),
        ("Redirect / https://other.example/", "Redirect / https://other.example/"),
        ("User www-data", ""),
        ("Include conf-available/shop-proxy.conf", f"Include /p{PROXY}"),
        ("Include conf-available/nobodys.conf", ""),
        ("Include /only/on/the/host.conf", ""),
        ("Include /here/x.conf", "Include /here/x.conf"),
        ("IncludeOptional /nowhere/*.conf", "IncludeOptional /nowhere/*.conf"),
        ("# Include /only/on/the/host.conf", "# Include /only/on/the/host.conf"),
    ],
)
def test_directives(given: str, expected: str) -> None:
    assert moved(f"{given}\n") == f"{expected}\n"


def test_names_of_this_machine_are_added_once_for_each_port() -> None:
    text = (
        "<VirtualHost *:80>\nServerName unknown.invalid\n</VirtualHost>\n"
        "<VirtualHost *:80>\nServerAlias a.example\n</VirtualHost>\n"
        "<VirtualHost *:80>\nServerAlias b.example\n</VirtualHost>\n"
        "<VirtualHost *:443>\nServerAlias a.example localhost\n</VirtualHost>\n"
    )
    result = moved(text, names=("localhost", "127.0.0.1"))
    assert result.count("ServerAlias a.example localhost 127.0.0.1\n") == 2
    assert "ServerAlias b.example\n" in result


@pytest.mark.parametrize("name", ["a.example", "%{HTTP_HOST}"])
def test_a_redirect_to_the_own_name_gets_the_port(name: str) -> None:
    text = f"ServerName a.example\nRedirect / https://{name}/\n"
    assert f"https://{name}:8443/" in moved(text)


def test_a_missing_certificate_is_replaced_as_a_pair() -> None:
    text = "SSLCertificateFile /here/c.pem\nSSLCertificateKeyFile /gone/k.pem\n"
    result = done(text)
    assert result.stand_in
    assert result.files[SITE].decode() == (
        "SSLCertificateFile /p/tls/certificate.pem\nSSLCertificateKeyFile /p/tls/key.pem\n"
    )
    assert not done(text.replace("gone", "here")).stand_in


@pytest.mark.parametrize(
    ("text", "more", "expected"),
    [
        ("DeflateAlterETag NoChange", {"apache": (2, 4, 52)}, ""),
        ("DeflateAlterETag NoChange", {"apache": (2, 4, 66)}, "DeflateAlterETag NoChange"),
        ("DeflateAlterETag NoChange", {}, "DeflateAlterETag NoChange"),
        (
            'SSLOpenSSLConfCmd Groups "X25519MLKEM768:X25519"',
            {"openssl": (3, 0, 19)},
            'SSLOpenSSLConfCmd Groups "X25519"',
        ),
        (
            "SSLOpenSSLConfCmd Groups X25519MLKEM768:X25519",
            {"openssl": (3, 5)},
            "SSLOpenSSLConfCmd Groups X25519MLKEM768:X25519",
        ),
    ],
)
def test_what_an_older_apache_does_not_know(
    text: str, more: dict[str, object], expected: str
) -> None:
    assert moved(text, **more) == expected


def test_ports_of_a_site() -> None:
    text = b"Listen 10.0.0.1:8080\n<VirtualHost *:443 *:80>\n</VirtualHost>\n"
    assert ports({SITE: text, "/etc/other.conf": b"Listen 99"}) == (8080, 443, 80)


def test_what_debian_says_is_said_below_the_private_folder() -> None:
    text = apache_conf(
        machine(), ["proxy", "ssl"], folder="/m", static=["unixd"], conf=["/c.conf"], tls=True
    )
    found = {(each.name, each.values()) for each in directives(text)}
    assert ("listen", ("127.0.0.1:8000",)) in found and ("listen", ("[::1]:8443",)) in found
    assert ("loadmodule", ("proxy_module", "/m/mod_proxy.so")) in found
    assert ("loadmodule", ("log_config_module", "/m/mod_log_config.so")) in found
    assert not [values for name, values in found if values[:1] == ("unixd_module",)]
    assert ("include", ("/p/c.conf",)) in found
    # Nothing on a public address, nothing written elsewhere.
    for name, values in found:
        assert name != "listen" or values[0].startswith(("127.0.0.1:", "[::1]:"))
    assert not [each for each in directives(moved(text, ipv6=False)) if each.name == "listen"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('Header set X "a b"', ["header", "set", "X", "a b"]),
        ("Header set X 'a \"b\"'", ["header", "set", "X", 'a "b"']),
        (r'Header set X "a \"b\" \\ \d"', ["header", "set", "X", r'a "b" \ \d']),
        ("Options \\\n  None", ["options", "None"]),
        ("  # comment", []),
        ("<Directory />", ["directory", "/"]),
        ("<VirtualHost *:80 >", ["virtualhost", "*:80"]),
        (r"RewriteRule /\.(?!well-known/) - [R=404]",
         ["rewriterule", r"/\.(?!well-known/)", "-", "[R=404]"]),
    ],
)  # fmt: skip
def test_words_are_read_as_apache_reads_them(text: str, words: list[str]) -> None:
    found = [[each.name, *each.values()] for each in directives(text)]
    assert found == ([words] if words else [])


def test_blocks_are_known_to_what_stands_in_them() -> None:
    text = "A 1\n<VirtualHost *:80>\n<Location />\nB 2\n</Location>\nC 3\n</VirtualHost>\nD 4\n"
    found = {each.name: (each.context, each.line) for each in directives(text)}
    assert found["b"] == (("virtualhost", "location"), 4)
    assert found["c"] == (("virtualhost",), 6)
    assert found["d"] == ((), 8)


@given(st.text(st.sampled_from("ab <>/\"'\\#\n\t"), max_size=60))
def test_any_text_can_be_read(text: str) -> None:
    for each in directives(text):
        for word in each.args:
            assert text[word.start : word.end]
        assert each.line <= text.count("\n") + 1
