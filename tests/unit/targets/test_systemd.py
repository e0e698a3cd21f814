"""Target systemd: the unit, line by line, and the folders beside it."""

from __future__ import annotations

import pytest

from tests.builders import group, host_files, machine

UNIT = "etc/systemd/system/shop@.service"
SOCKET = "etc/systemd/system/shop@.socket"


def options(text: str) -> dict[str, list[str]]:
    """Option -> its values; comments do not count, lines that go on are joined."""
    found: dict[str, list[str]] = {}
    for line in text.replace("\\\n", "").splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(" ".join(value.split()))
    return found


def test_it_starts_gunicorn_in_its_slot() -> None:
    unit = options(host_files(app={"app_dir": "src"})[UNIT])
    assert unit["ExecStart"] == [
        "/srv/shop/%i/.venv/bin/gunicorn --config /etc/shop/gunicorn.conf.py "
        "--control-socket /run/shop/%i.ctl --bind unix:/run/shop/%i.sock"
    ]
    assert unit["WorkingDirectory"] == ["/srv/shop/%i/src"]
    assert unit["Type"] == ["notify"]


def test_systemd_opens_the_slot_s_socket_and_hands_it_over() -> None:
    unit, opened = options(host_files()[UNIT]), options(host_files()[SOCKET])
    assert "shop@%i.socket" in unit["Wants"] and unit["Also"] == ["shop@%i.socket"]
    [path] = opened["ListenStream"]
    assert unit["ExecStart"][0].endswith(f"--bind unix:{path}")
    who = [opened[f"Socket{name}"] for name in ("User", "Group", "Mode")]
    assert who == [["shop"], ["www-data"], ["0660"]]
    planned = group().components["gunicorn"]["backlog"]
    assert opened["Backlog"] == [str(planned.number)]
    assert opened["WantedBy"] == ["sockets.target"]


@pytest.mark.parametrize(("hosts", "closes"), [(["a.test"], False), (["a.test", "b.test"], True)])
def test_a_socket_closes_with_gunicorn_where_other_hosts_answer(
    hosts: list[str], closes: bool
) -> None:
    opened = options(host_files(machines=machine(hosts=hosts))[SOCKET])
    assert opened.get("StopPropagatedFrom") == (["shop@%i.service"] if closes else None)


def test_an_older_gunicorn_is_given_no_control_socket() -> None:
    unit = options(host_files(app={"gunicorn": "23.0.0"})[UNIT])
    assert "control" not in unit["ExecStart"][0]


def test_secrets_come_from_a_file_of_their_own() -> None:
    assert options(host_files()[UNIT])["EnvironmentFile"] == ["/etc/shop/env"]
    unit = options(host_files(app={"secrets": ["SECRET_KEY"]})[UNIT])
    assert unit["EnvironmentFile"] == ["/etc/shop/env", "/etc/shop/secrets"]


@pytest.mark.parametrize(
    ("os", "steps"),
    [("ubuntu-22.04", False), ("debian-12", False), ("ubuntu-24.04", True), ("debian-13", True)],
)
def test_growing_pauses_where_systemd_knows_them(os: str, steps: bool) -> None:
    assert ("RestartSteps" in options(host_files(machines=machine(os=os))[UNIT])) is steps


def test_every_hardening_option_is_there_or_says_why_not() -> None:
    dropped = {"MemoryDenyWriteExecute": "numba compiles at run time"}
    changes = {"app": {"unhardened": dropped}}
    text = host_files(**changes)[UNIT]
    unit = options(text)
    for option in group(**changes).hardening:
        if option.name in dropped:
            assert option.name not in unit
            assert f"# Left out in deploygen.yml: {dropped[option.name]}" in text
        else:
            assert unit[option.name] == list(option.values)


def test_it_may_write_where_it_is_declared_and_nowhere_else() -> None:
    app = {"media": {"url": "/media/", "folder": "media"}, "writable": ["/var/cache/shop"]}
    unit = options(host_files(app=app)[UNIT])
    assert unit["ReadWritePaths"] == ["/run/shop", "/srv/shop/media", "/var/cache/shop"]
    assert unit["ProtectSystem"] == ["strict"]


def test_the_proxy_reaches_the_sockets_and_nobody_else() -> None:
    lines = host_files()["etc/tmpfiles.d/shop.conf"].splitlines()
    assert "d /run/shop 0750 shop www-data -" in lines


def test_the_user_is_made() -> None:
    assert (
        'u shop - "shop, served by gunicorn" /srv/shop' in host_files()["etc/sysusers.d/shop.conf"]
    )
