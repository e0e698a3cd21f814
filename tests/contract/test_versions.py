"""What the versions table says of a directive, asked of the programs that are here."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from deploygen.published.mozilla import CURVES_SINCE
from deploygen.stack import programs
from deploygen.stack.programs import Program
from deploygen.systems import (
    APACHE_SINCE,
    NGINX_SINCE,
    SYSTEMD_SINCE,
    SYSTEMS,
    Version,
    show_version,
)
from tests.programs import lacking, needed

pytestmark = pytest.mark.slow


def found(finder: Callable[[], object], name: str) -> Program:
    needed(name)
    program = finder()
    assert isinstance(program, Program)
    return program


def nginx() -> Program:
    return found(programs.nginx, "nginx")


def apache() -> Program:
    return found(programs.apache, "apache2")


def systemd() -> Program:
    return found(lambda: programs.systemd("systemd-analyze"), "systemd-analyze")


def said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def of_nginx(server: str, folder: Path) -> str:
    """What nginx's test says of a server with these directives."""
    (folder / "logs").mkdir()
    config = folder / "nginx.conf"
    config.write_text(
        f"pid {folder}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n"
        f"server {{ listen unix:{folder}/socket; {server} }}\n}}\n"
    )
    return said(*nginx().command, "-p", str(folder), "-c", str(config), "-t")


@pytest.mark.parametrize("name", NGINX_SINCE)
def test_nginx_knows_what_the_table_says(name: str, tmp_path: Path) -> None:
    unknown = f'unknown directive "{name}"' in of_nginx(f"{name} on;", tmp_path)
    assert unknown == (nginx().version < NGINX_SINCE[name])


@pytest.mark.parametrize("name", CURVES_SINCE)
def test_openssl_knows_what_the_table_says(name: str, tmp_path: Path) -> None:
    key = ("req", "-x509", "-nodes", "-newkey", "rsa:2048", "-days", "2", "-subj", "/CN=shop.test")
    files = ("-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "certificate"))
    said(needed("openssl"), *key, *files)
    asked = of_nginx(
        f"listen unix:{tmp_path}/tls ssl; ssl_certificate {tmp_path}/certificate; "
        f"ssl_certificate_key {tmp_path}/key; ssl_ecdh_curve {name}:prime256v1;",
        tmp_path,
    )
    assert ("syntax is ok" in asked) or name in asked, asked
    assert ("test is successful" in asked) == (nginx().openssl >= CURVES_SINCE[name]), asked


@pytest.mark.parametrize("name", APACHE_SINCE)
def test_apache_knows_what_the_table_says(name: str, tmp_path: Path) -> None:
    program = apache()
    config = tmp_path / "apache.conf"
    # What is built in has no file.
    modules = {name: Path(program.modules) / f"mod_{name}.so" for name in ("mpm_event", "deflate")}
    loaded = "".join(
        f"LoadModule {name}_module {path}\n" for name, path in modules.items() if path.is_file()
    )
    config.write_text(
        f"ServerRoot {tmp_path}\nPidFile {tmp_path}/pid\nErrorLog {tmp_path}/log\nListen 1\n"
        f"ServerName shop.test\n{loaded}{name} NoChange\n"
    )
    answer = said(program.command[-1], "-f", str(config), "-t")
    assert "Syntax OK" in answer or name in answer, answer
    assert ("Invalid command" in answer) == (program.version < APACHE_SINCE[name]), answer


@pytest.mark.parametrize("name", SYSTEMD_SINCE)
def test_systemd_knows_what_the_table_says(name: str, tmp_path: Path) -> None:
    unit = tmp_path / "shop.service"
    value = "4" if name == "RestartSteps" else "60"
    unit.write_text(f"[Service]\nExecStart=/bin/true\nRestart=on-failure\n{name}={value}\n")
    answer = said(*systemd().command, "verify", str(unit))
    assert (name in answer and "Unknown key" in answer) == (
        systemd().version < SYSTEMD_SINCE[name]
    ), answer


def test_what_this_system_ships_can_do_what_its_row_says() -> None:
    """Debian takes new releases of Apache: what follows from its number must not change."""
    told = platform.freedesktop_os_release()
    system = SYSTEMS.get(f"{told.get('ID')}-{told.get('VERSION_ID')}")
    if system is None:
        pytest.skip(f"{told.get('PRETTY_NAME')} is no supported system")

    def same(version: Version, row: Version) -> Version:
        if version[:2] != row[:2]:
            lacking(f"{show_version(version)} is none of {system.name}'s own packages")
        return version

    here = replace(
        system,
        nginx=same(nginx().version, system.nginx),
        apache=same(apache().version, system.apache),
        systemd=systemd().version,
        openssl=same(apache().openssl, system.openssl)[:2],
    )
    follows = [name for name, value in vars(type(system)).items() if isinstance(value, property)]
    assert follows
    for name in follows:
        assert getattr(here, name) == getattr(system, name), name
