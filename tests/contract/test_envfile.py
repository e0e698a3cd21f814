"""Our reading of environment files against systemd's own."""

from __future__ import annotations

import subprocess
from pathlib import Path

from deploygen.check.environment import GENERATOR
from deploygen.stack.envfile import parse
from tests.programs import lacking

TEXT = r"""
# a comment
; another
PLAIN=a b  c
 SPACED = x
SINGLE='it is # 100% "x" \n'
DOUBLE="it's \"x\" \\ \` \x"
JOINED='a''b' "c"
RAW=a"b"
ESCAPED=a\ b\\c
LINES=a\
b
IN_QUOTES="a\
b"
EMPTY_QUOTES=''x
URL=sqlite:////var/lib/shop/db.sqlite3
9BAD=x
no assignment
LAST=end"""


def test_the_same_values(tmp_path: Path) -> None:
    if not GENERATOR.is_file():
        lacking("systemd's reader is not installed (apt install systemd)")
    folder = tmp_path / "environment.d"
    folder.mkdir()
    (folder / "test.conf").write_text(TEXT)
    done = subprocess.run(
        [str(GENERATOR)],
        env={"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    # The generator prints in the same format as it reads.
    printed = parse(done.stdout)
    ours = parse(TEXT)
    assert {name: printed.get(name) for name in ours} == ours
    assert "9BAD" not in printed
