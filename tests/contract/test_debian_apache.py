"""Debian's own Apache files with ours among them: the modules that we name are enough."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from deploygen.plan.apache_modules import needed, unused
from tests.examples import example
from tests.programs import lacking
from tests.programs import needed as needed_program

pytestmark = pytest.mark.slow

ETC = Path("/etc/apache2")
TLS = (
    "tls: {mode: files, certificate: /c.pem, key: /k.pem}, behind: [10.0.0.0/8], "
    'headers: {X-Odd: "50% <a> \\"b\\" #c"}'
)


LIMITS = f"{TLS}, limits: {{connections_per_address: 9, requests_per_second: 9}}"


@pytest.mark.parametrize("proxy", ["", TLS, LIMITS], ids=["plain", "tls", "limits"])
def test_debians_files_with_ours(proxy: str, tmp_path: Path) -> None:
    program = needed_program("apache2")
    if not (ETC / "apache2.conf").is_file():
        lacking("no Debian Apache: found no /etc/apache2/apache2.conf")
    made = example("bookshop", tmp_path, kind="apache", proxy=proxy)
    root = tmp_path / "apache2"
    shutil.copytree(ETC, root, symlinks=True)
    for folder in ("mods-enabled", "conf-enabled", "sites-enabled"):
        shutil.rmtree(root / folder, ignore_errors=True)
        (root / folder).mkdir()
    shutil.copytree(made.tree / "hosts/web/etc/apache2", root, dirs_exist_ok=True)
    site = made.plan.groups["web"].site
    names = [module.name for module in needed(site)]
    assert not {*names} & {*unused(site)}
    for name in names:
        for ending in ("load", "conf"):
            if (root / f"mods-available/{name}.{ending}").is_file():
                link = root / f"mods-enabled/{name}.{ending}"
                link.symlink_to(f"../mods-available/{name}.{ending}")
        assert (root / f"mods-enabled/{name}.load").is_symlink(), name
    (root / "conf-enabled/security.conf").symlink_to("../conf-available/security.conf")
    (root / "conf-enabled/zz-deploygen.conf").symlink_to("../conf-available/zz-deploygen.conf")
    (root / "sites-enabled/bookshop.conf").symlink_to("../sites-available/bookshop.conf")
    certificate(tmp_path, root)
    done = subprocess.run(
        [program, "-d", str(root), "-f", str(root / "apache2.conf"), "-t"],
        env={
            **os.environ,
            "APACHE_RUN_USER": "www-data",
            "APACHE_RUN_GROUP": "www-data",
            "APACHE_PID_FILE": str(tmp_path / "apache2.pid"),
            "APACHE_RUN_DIR": str(tmp_path),
            "APACHE_LOCK_DIR": str(tmp_path),
            "APACHE_LOG_DIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # MaxRequestWorkers that ServerLimit does not allow, say: Apache would change what is planned.
    told = [line for line in done.stderr.splitlines() if "AH00558" not in line]
    assert told == ["Syntax OK"]


def certificate(folder: Path, root: Path) -> None:
    """A pair for every name of one, since this machine has none of the site's."""
    command = ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt",
               "ec_paramgen_curve:prime256v1", "-subj", "/CN=localhost",
               "-keyout", "k.pem", "-out", "c.pem"]  # fmt: skip
    subprocess.run(command, cwd=folder, capture_output=True, check=True)
    for path in (*root.glob("sites-available/*.conf"), root / "conf-available/zz-deploygen.conf"):
        text = path.read_text()
        for old, new in (
            ("SSLCertificateFile /", "c.pem"),
            ("SSLCertificateKeyFile /", "k.pem"),
        ):
            lines = text.splitlines()
            for number, line in enumerate(lines):
                if line.strip().startswith(old):
                    lines[number] = f"{old[:-1]}{folder / new}"
            text = "\n".join(lines) + "\n"
        path.write_text(text)
