"""Tables of what changes in nginx's files, and of what does not."""

from __future__ import annotations

import pytest

from deploygen.stack.machine import Machine
from deploygen.stack.paths import Moves
from deploygen.stack.relocate import NGINX_CONF, Relocated, ports, relocate

SITE = "/etc/nginx/sites-available/shop.conf"
MOVES = Moves(
    {
        path: f"/p{path}"
        for path in (
            "/srv/shop",
            "/etc/nginx/sites-enabled",
            "/var/log/nginx",
            "/etc/nginx/snippets/a.conf",
        )
    }
)


def machine(**more: object) -> Machine:
    given: dict[str, object] = {
        "root": "/p",
        "moves": MOVES,
        "ports": {80: 8000, 443: 8443, 8080: 9090},
        "readable": lambda path: path.startswith("/here/") or path == "/etc/nginx/mime.types",
        "names": (),
    }
    return Machine(**{**given, **more})  # type: ignore[arg-type]


def moved(text: str, **more: object) -> str:
    return relocate({SITE: text.encode()}, machine(**more)).files[SITE].decode()


def server(text: str) -> str:
    return f"server {{ listen 8080; {text} }}"


def inner(text: str, **more: object) -> str:
    return (
        moved(server(text), **more)
        .removeprefix("server { listen 127.0.0.1:9090; ")
        .removesuffix(" }")
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("listen 80;", "listen 127.0.0.1:8000;"),
        ("listen 443 ssl http2;", "listen 127.0.0.1:8443 ssl http2;"),
        ("listen [::]:80;", "listen [::1]:8000;"),
        ("listen [::]:443 ssl ipv6only=on;", "listen [::1]:8443 ssl ipv6only=on;"),
        ("listen *:80 default_server;", "listen 127.0.0.1:8000 default_server;"),
        ("listen 10.1.2.3;", "listen 127.0.0.1:8000;"),
        ("listen [::1];", "listen [::1]:8000;"),
        ("listen shop.example:443 ssl;", "listen 127.0.0.1:8443 ssl;"),
        ("listen shop.example;", "listen 127.0.0.1:8000;"),
        ("listen unix:/srv/shop/x.sock;", "listen unix:/p/srv/shop/x.sock;"),
        ("listen unix:/tmp/x.sock;", "listen unix:/tmp/x.sock;"),
        # Two addresses that are one here.
        ("listen 80; listen 10.1.2.3:80;", "listen 127.0.0.1:8000; "),
    ],
)
def test_listen(given: str, expected: str) -> None:
    assert moved(f"server {{ {given} }}") == f"server {{ {expected} }}"


def test_without_ipv6_loopback() -> None:
    text = "server { listen 80; listen [::]:80; }"
    assert moved(text, ipv6=False) == "server { listen 127.0.0.1:8000;  }"


@pytest.mark.parametrize("text", ["server { }", "server { listen [::]:80; }"])
def test_no_server_is_left_on_a_public_address(text: str) -> None:
    """nginx gives a server without listen the port 80 or 8000 of every address."""
    assert "listen 127.0.0.1:8000;" in moved(text, ipv6=False)


def test_ports_of_a_site() -> None:
    text = "server { listen 443 ssl; listen [::]:8080; listen unix:/x; } server { }"
    assert ports({SITE: text.encode(), "/etc/other": b"server { listen 99; }"}) == (443, 8080, 80)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("alias /srv/shop/current/static/;", "alias /p/srv/shop/current/static/;"),
        ("root '/srv/shop/a';", "root '/p/srv/shop/a';"),
        ("alias /srv/shopping/;", "alias /srv/shopping/;"),
        ("alias /srv/files/static/;", "alias /srv/files/static/;"),
        ("if (-f /srv/shop/down) { return 503; }", "if (-f /p/srv/shop/down) { return 503; }"),
        # URLs that look like paths of the host.
        ("location /srv/shop/ { }", "location /srv/shop/ { }"),
        ("try_files $uri /srv/shop/x;", "try_files $uri /srv/shop/x;"),
        ("rewrite ^/x /srv/shop/y;", "rewrite ^/x /srv/shop/y;"),
        ("error_page 502 /srv/shop/502.html;", "error_page 502 /srv/shop/502.html;"),
        # The application has to know its port.
        ("proxy_set_header Host $host;", "proxy_set_header Host $host:$server_port;"),
        (
            'proxy_set_header X-Forwarded-Host "$host";',
            "proxy_set_header X-Forwarded-Host $host:$server_port;",
        ),
        ("proxy_set_header Host $http_host;", "proxy_set_header Host $http_host;"),
        ("proxy_set_header X-Real-IP $remote_addr;", "proxy_set_header X-Real-IP $remote_addr;"),
        ("return 301 https://$host$request_uri;", "return 301 https://$host:8443$request_uri;"),
        ("return 301 http://$host$request_uri;", "return 301 http://$host:8000$request_uri;"),
        ("return 301 https://$host:1$request_uri;", "return 301 https://$host:1$request_uri;"),
        ("return 301 https://other.example/;", "return 301 https://other.example/;"),
        # Logs and caches are written: always below the private folder.
        ("access_log /srv/log/shop.log timed;", "access_log /p/srv/log/shop.log timed;"),
        ("access_log /var/log/nginx/a.log;", "access_log /p/var/log/nginx/a.log;"),
        ("access_log off;", "access_log off;"),
        ("error_log stderr;", "error_log stderr;"),
        ("error_log /dev/null crit;", "error_log /dev/null crit;"),
        # Included files.
        ("include /etc/nginx/mime.types;", "include /etc/nginx/mime.types;"),
        ("include mime.types;", "include /etc/nginx/mime.types;"),
        ("include snippets/a.conf;", "include /p/etc/nginx/snippets/a.conf;"),
        ("include /here/x.conf;", "include /here/x.conf;"),
        ("include /only/on/the/host.conf;", ""),
        ("include /nowhere/*.conf;", "include /nowhere/*.conf;"),
    ],
)
def test_directives(given: str, expected: str) -> None:
    assert inner(given) == expected


def test_a_redirect_to_the_own_name_gets_the_port() -> None:
    text = "server_name shop.example; return 301 https://shop.example$request_uri;"
    assert "https://shop.example:8443$request_uri" in inner(text)


def test_tables_hold_no_paths() -> None:
    text = "map $uri $x { default /srv/shop/a; }"
    assert moved(text) == text


def test_names_of_this_machine_are_added_once_for_each_port() -> None:
    text = (
        "server { listen 80 default_server; server_name _; }"
        "server { listen 80; server_name a.example; }"
        "server { listen 80; server_name b.example; }"
        "server { listen 443 ssl; server_name a.example localhost; }"
    )
    done = moved(text, names=("localhost", "127.0.0.1"))
    assert done.count("a.example localhost 127.0.0.1;") == 2
    assert "server_name b.example;" in done
    assert "server_name _;" in done


@pytest.mark.parametrize(
    ("certificate", "key", "stand_in"),
    [
        ("/here/c.pem", "/here/k.pem", False),
        ("/gone/c.pem", "/here/k.pem", True),
        ("/here/c.pem", "/gone/k.pem", True),
        ("/gone/c.pem", "/gone/k.pem", True),
        ("data:$c", "data:$k", False),
    ],
)
def test_a_missing_certificate_is_replaced_as_a_pair(
    certificate: str, key: str, *, stand_in: bool
) -> None:
    text = server(f"ssl_certificate {certificate}; ssl_certificate_key {key};")
    done = relocate({SITE: text.encode()}, machine())
    assert done.stand_in is stand_in
    now = "/p/tls/certificate.pem" if stand_in else certificate
    assert f"ssl_certificate {now};" in done.files[SITE].decode()
    assert ("ssl_certificate_key /p/tls/key.pem;" in done.files[SITE].decode()) is stand_in


CONF = """user www-data;
pid /run/nginx.pid;
daemon on;
http {
    include /etc/nginx/sites-enabled/*.conf;
    proxy_temp_path /fast/proxy;
}
"""


def conf(text: str = CONF, **more: object) -> Relocated:
    return relocate({NGINX_CONF: text.encode()}, machine(**more))


def test_nginx_conf_as_another_user() -> None:
    done = conf().files[NGINX_CONF].decode().splitlines()
    # Nothing is left that only root may do, and every line keeps its number.
    assert done[0] == "error_log /p/var/log/nginx/error.log; "
    assert done[1] == "pid /p/run/nginx.pid;"
    assert done[2] == ""
    assert done[3].startswith(
        "http { client_body_temp_path /p/var/lib/nginx/client_body_temp_path;"
    )
    assert done[4].strip() == "include /p/etc/nginx/sites-enabled/*.conf;"
    assert done[5].strip() == "proxy_temp_path /p/fast/proxy;"
    assert " proxy_temp_path" not in done[3]
    assert "access_log /p/var/log/nginx/access.log;" in done[3]


def test_nginx_conf_as_root() -> None:
    assert "user root root;" in conf(user="root root").files[NGINX_CONF].decode().splitlines()[0]
    without = CONF.replace("user www-data;", "")
    assert "user root root;" in conf(without, user="root root").files[NGINX_CONF].decode()


def test_folders_that_nginx_needs_are_told() -> None:
    assert {"/p/run", "/p/var/lib/nginx", "/p/var/log/nginx", "/p/fast"} <= set(conf().folders)


@pytest.mark.parametrize(
    ("text", "nginx", "openssl", "expected"),
    [
        ("http2 on;", (1, 22, 1), (), ""),
        ("http2 on;", (1, 25, 1), (), "http2 on;"),
        ("http2 on;", (), (), "http2 on;"),
        (
            "ssl_ecdh_curve X25519MLKEM768:X25519;",
            (1, 26, 3),
            (3, 0, 19),
            "ssl_ecdh_curve X25519;",
        ),
        (
            'ssl_ecdh_curve "X25519MLKEM768:X25519";',
            (1, 26, 3),
            (3, 0, 19),
            'ssl_ecdh_curve "X25519";',
        ),
        (
            "ssl_ecdh_curve X25519MLKEM768:X25519;",
            (),
            (3, 5),
            "ssl_ecdh_curve X25519MLKEM768:X25519;",
        ),
        (
            "ssl_reject_handshake on;",
            (1, 18, 0),
            (),
            "ssl_certificate /p/tls/certificate.pem; ssl_certificate_key /p/tls/key.pem;",
        ),
    ],
)
def test_what_an_older_nginx_does_not_know(
    text: str, nginx: tuple[int, ...], openssl: tuple[int, ...], expected: str
) -> None:
    assert inner(text, nginx=nginx, openssl=openssl) == expected


def test_changes_are_told_with_file_and_line() -> None:
    done = relocate({SITE: b"server {\n  listen 80;\n  root /srv/shop;\n}"}, machine())
    told = [(each.file, each.line, each.what, each.before, each.after) for each in done.changes]
    assert told == [
        (SITE, 2, "port", "80", "127.0.0.1:8000"),
        (SITE, 3, "path", "/srv/shop", "/p/srv/shop"),
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("server web1.test:80 weight=2;", "server 127.0.0.1:9 weight=2;"),
        ("server 10.0.0.1:80;", "server 127.0.0.1:4321;"),
        ("server unix:/srv/shop/current.sock a=b;", "server unix:/p/srv/shop/current.sock a=b;"),
    ],
)
def test_hosts_of_a_fleet_are_not_asked_from_here(given: str, expected: str) -> None:
    """Their names need not be known to this machine either."""
    text = f"upstream hosts {{ {given} }}"
    members = {"10.0.0.1:80": "127.0.0.1:4321"}
    assert moved(text, members=members) == f"upstream hosts {{ {expected} }}"
