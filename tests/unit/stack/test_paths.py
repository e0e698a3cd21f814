from __future__ import annotations

import pytest

from deploygen.plan.layout import layout
from deploygen.spec import parse
from deploygen.stack.paths import Moves, of_host

MOVES = Moves(
    {
        "/etc/shop": "/p/etc/shop",
        "/srv/shop": "/p/srv/shop",
        "/var/lib/shop": "/p/var/lib/shop",
        "/run/nginx.pid": "/p/run/nginx.pid",
        "/etc/shop/env": "/q/env",
    }
)


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("/etc/shop", "/p/etc/shop"),
        ("/etc/shop/", "/p/etc/shop/"),
        ("/etc/shop/gunicorn.conf.py", "/p/etc/shop/gunicorn.conf.py"),
        # Whole segments only.
        ("/etc/shopping", "/etc/shopping"),
        ("/etc/shop-admin/x", "/etc/shop-admin/x"),
        ("/etc/shop.d/x", "/etc/shop.d/x"),
        ("/etc/shop_old", "/etc/shop_old"),
        ("/opt/etc/shop/x", "/opt/etc/shop/x"),
        ("etc/shop/x", "etc/shop/x"),
        ("$root/srv/shop", "$root/srv/shop"),
        ("${root}/srv/shop", "${root}/srv/shop"),
        # The longest wins.
        ("/etc/shop/env", "/q/env"),
        ("/etc/shop/environment", "/p/etc/shop/environment"),
        # What may stand before one.
        ("unix:/srv/shop/current.sock", "unix:/p/srv/shop/current.sock"),
        ("EnvironmentFile=-/etc/shop/env", "EnvironmentFile=-/q/env"),
        ("--config=/etc/shop/x /srv/shop", "--config=/p/etc/shop/x /p/srv/shop"),
        ("A='/srv/shop/a b'", "A='/p/srv/shop/a b'"),
        # URLs of files are moved, those of hosts are not.
        ("sqlite:////var/lib/shop/db.sqlite3", "sqlite:////p/var/lib/shop/db.sqlite3"),
        ("file:///var/lib/shop/x", "file:///p/var/lib/shop/x"),
        ("http://srv/shop/x", "http://srv/shop/x"),
        ("https://example.com/srv/shop/x", "https://example.com/srv/shop/x"),
        ("user@example.com:/srv/shop", "user@example.com:/p/srv/shop"),
        ("user-/srv/shop", "user-/srv/shop"),
        # An exact file.
        ("/run/nginx.pid", "/p/run/nginx.pid"),
        ("/run/nginx.pid.old", "/run/nginx.pid.old"),
    ],
)
def test_moves(text: str, moved: str) -> None:
    assert MOVES.text(text) == moved


@pytest.mark.parametrize("name", ["shop", "my-shop", "nginx", "etc", "ssl", "a"])
def test_only_what_belongs_to_the_project(name: str) -> None:
    text = "name: x\napp: {entrypoint: 'a:b'}\nproxy: {server_names: [a.example]}"
    # A description may not use every one of these names; the rule does not rely on that.
    spec = parse(text).spec.model_copy(update={"name": name})
    moves = of_host(layout(spec), "/p", ["/etc/nginx/nginx.conf"])
    mine = [
        f"/etc/{name}/gunicorn.conf.py",
        f"/etc/{name}/env",
        f"/srv/{name}/current/static/",
        f"/run/{name}/blue.sock",
        f"/var/lib/{name}/db",
        "/etc/nginx/sites-enabled/*.conf",
        "/var/log/nginx/error.log",
    ]
    assert [moves.text(path) for path in mine] == [f"/p{path}" for path in mine]
    others = [
        "/etc/nginx/mime.types",
        "/etc/ssl/certs/site.pem",
        "/etc/passwd",
        "/dev/shm",
        f"/srv/{name}ping/x",
        f"/run/{name}-other.sock",
        "/srv/files/static/",
    ]
    assert [moves.text(path) for path in others] == others
