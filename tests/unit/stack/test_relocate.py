from __future__ import annotations

from deploygen.stack.machine import Machine
from deploygen.stack.paths import Moves
from deploygen.stack.relocate import relocate

MOVES = Moves({path: f"/p{path}" for path in ("/etc/shop", "/srv/shop", "/dev/shm")})
MACHINE = Machine(root="/p", moves=MOVES, ports={}, readable=lambda _: True)


def moved(path: str, text: str) -> str:
    return relocate({path: text.encode()}, MACHINE).files[path].decode()


def test_python_changes_in_its_strings_only() -> None:
    text = (
        "# /srv/shop stays in a comment\n"
        "wsgi_app = 'shop:app'\n"
        'chdir = \'/srv/shop/current\'; pidfile = """/etc/shop/pid"""\n'
        "worker_tmp_dir = '/dev/shm'\n"
        "ratio = a /srv/shop\n"
    )
    assert moved("/etc/shop/gunicorn.conf.py", text) == (
        "# /srv/shop stays in a comment\n"
        "wsgi_app = 'shop:app'\n"
        'chdir = \'/p/srv/shop/current\'; pidfile = """/p/etc/shop/pid"""\n'
        "worker_tmp_dir = '/p/dev/shm'\n"
        "ratio = a /srv/shop\n"
    )


def test_f_strings_of_every_python() -> None:
    text = "x = f'/srv/shop/{name}/a'\n"
    assert moved("/etc/shop/gunicorn.conf.py", text) == "x = f'/p/srv/shop/{name}/a'\n"


def test_python_that_cannot_be_read_is_left_for_python_to_report() -> None:
    assert moved("/etc/shop/gunicorn.conf.py", "a = '/srv/shop") == "a = '/srv/shop"


def test_units_change_everywhere_but_in_comments() -> None:
    text = (
        "# /srv/shop\n; /srv/shop\nEnvironmentFile=-/etc/shop/env\n"
        "ExecStart=/srv/shop/x \\\n  /etc/shop\n"
    )
    assert moved("/etc/systemd/system/shop@.service", text) == (
        "# /srv/shop\n; /srv/shop\nEnvironmentFile=-/p/etc/shop/env\n"
        "ExecStart=/p/srv/shop/x \\\n  /p/etc/shop\n"
    )


def test_a_project_called_nginx_has_an_environment_file_too() -> None:
    moves = Moves({"/var/lib/nginx": "/p/var/lib/nginx"})
    machine = Machine(root="/p", moves=moves, ports={}, readable=lambda _: True)
    done = relocate({"/etc/nginx/env": b"A=/var/lib/nginx/db\n"}, machine)
    assert done.files["/etc/nginx/env"] == b"A=/p/var/lib/nginx/db\n"


def test_what_is_no_text_stays() -> None:
    assert relocate({"/etc/shop/x": b"\xff\xfe/srv/shop"}, MACHINE).files["/etc/shop/x"] == (
        b"\xff\xfe/srv/shop"
    )
