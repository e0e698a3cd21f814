"""The tree on disk: hand edits survive, and a write happens whole or not at all."""

from __future__ import annotations

import fcntl
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploygen.errors import DeploygenError
from deploygen.render import RenderedFile, State, compare, conflicts, manifest, resolve, write

ONE = {"README.md": b"one\n", "hosts/web/etc/a.conf": b"a 1\n", "hosts/web/etc/b.conf": b"b 1\n"}
TWO = {"README.md": b"two\n", "hosts/web/etc/a.conf": b"a 2\n", "hosts/db/etc/c.conf": b"c 1\n"}


def files(tree: Mapping[str, bytes], mode: int = 0o644) -> list[RenderedFile]:
    return [RenderedFile(path, content, mode) for path, content in tree.items()]


def render(
    tree: Path, wanted: Mapping[str, bytes], keep: tuple[str, ...] = (), over: tuple[str, ...] = ()
) -> dict[str, State]:
    """One render; raises AssertionError where it would have to stop."""
    before = manifest.read(tree)
    changes = resolve(compare(tree, files(wanted), before), keep, over)
    assert not conflicts(changes), [change.path for change in conflicts(changes)]
    write(tree, changes, before)
    return {change.path: change.state for change in changes}


def states(tree: Path, wanted: Mapping[str, bytes]) -> dict[str, State]:
    changes = compare(tree, files(wanted), manifest.read(tree))
    return {change.path: change.state for change in changes}


def content(tree: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(tree)): path.read_bytes()
        for path in tree.rglob("*")
        if path.is_file() and path.name != manifest.NAME
    }


def test_first_render_writes_everything(tmp_path: Path) -> None:
    tree = tmp_path / "deploy"
    assert set(render(tree, ONE).values()) == {State.NEW}
    assert content(tree) == ONE
    assert os.listdir(tmp_path) == ["deploy"]


def test_second_render_touches_nothing(tmp_path: Path) -> None:
    tree = tmp_path / "deploy"
    render(tree, ONE)
    before = {path: path.stat() for path in [tree, *tree.rglob("*")]}
    assert set(render(tree, ONE).values()) == {State.SAME}
    assert {path: path.stat() for path in [tree, *tree.rglob("*")]} == before


def test_a_changed_description_changes_and_removes(tmp_path: Path) -> None:
    tree = tmp_path / "deploy"
    render(tree, ONE)
    assert render(tree, TWO) == {
        "README.md": State.CHANGED,
        "hosts/db/etc/c.conf": State.NEW,
        "hosts/web/etc/a.conf": State.CHANGED,
        "hosts/web/etc/b.conf": State.GONE,
    }
    assert content(tree) == TWO


def test_emptied_folders_go_with_their_files(tmp_path: Path) -> None:
    tree = tmp_path / "deploy"
    render(tree, TWO)
    render(tree, {"README.md": b"two\n"})
    assert not (tree / "hosts").exists()


def test_an_edit_is_found_and_stops(tmp_path: Path) -> None:
    tree = tmp_path / "deploy"
    render(tree, ONE)
    (tree / "hosts/web/etc/a.conf").write_bytes(b"mine\n")
    found = states(tree, TWO)
    assert found["hosts/web/etc/a.conf"] is State.EDITED
    (change,) = conflicts(compare(tree, files(TWO), manifest.read(tree)))
    assert "-mine\n+a 2\n" in change.diff()


def test_an_edit_that_was_kept_is_kept_for_as_long_as_the_rendering_stays(tmp_path: Path) -> None:
    tree = tmp_path / "deploy"
    render(tree, ONE)
    edited = tree / "hosts/web/etc/a.conf"
    edited.write_bytes(b"mine\n")
    render(tree, ONE, keep=("hosts/web/etc/a.conf",))
    assert states(tree, ONE)["hosts/web/etc/a.conf"] is State.KEPT
    render(tree, {**ONE, "README.md": b"other\n"})
    assert edited.read_bytes() == b"mine\n"
    assert states(tree, TWO)["hosts/web/etc/a.conf"] is State.EDITED, "a new rendering: ask again"
    edited.write_bytes(b"mine, again\n")
    assert states(tree, ONE)["hosts/web/etc/a.conf"] is State.KEPT


def test_a_kept_file_that_is_no_longer_rendered_is_not_removed(tmp_path: Path) -> None:
    tree = tmp_path / "deploy"
    render(tree, ONE)
    (tree / "hosts/web/etc/b.conf").write_bytes(b"mine\n")
    render(tree, ONE, keep=("*",))
    assert states(tree, TWO)["hosts/web/etc/b.conf"] is State.EDITED_GONE
    render(tree, TWO, keep=("*b.conf",))
    assert (tree / "hosts/web/etc/b.conf").read_bytes() == b"mine\n"
    assert "hosts/web/etc/b.conf" not in states(tree, TWO), "it is the user's now"


def test_replace_replaces_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    tree = tmp_path / "deploy"
    render(tree, ONE)
    for name in ("a", "b"):
        (tree / f"hosts/web/etc/{name}.conf").write_bytes(b"mine\n")
    changes = resolve(compare(tree, files(ONE), manifest.read(tree)), (), ("*/a.conf",))
    assert [change.path for change in conflicts(changes)] == ["hosts/web/etc/b.conf"]
    render(tree, ONE, keep=("*/b.conf",), over=("*/a.conf",))
    assert content(tree) == {**ONE, "hosts/web/etc/b.conf": b"mine\n"}


def test_a_pattern_that_matches_nothing_is_an_error(tmp_path: Path) -> None:
    tree = tmp_path / "deploy"
    render(tree, ONE)
    with pytest.raises(DeploygenError, match="nginx.conf matches no file that was edited"):
        resolve(compare(tree, files(ONE), manifest.read(tree)), ("nginx.conf",), ())


def test_a_removed_file_comes_back(tmp_path: Path) -> None:
    tree = tmp_path / "deploy"
    render(tree, ONE)
    (tree / "README.md").unlink()
    assert render(tree, ONE)["README.md"] is State.MISSING
    assert content(tree) == ONE


def test_what_somebody_else_put_there_is_not_overwritten(tmp_path: Path) -> None:
    tree = tmp_path / "deploy"
    (tree / "hosts/web/etc").mkdir(parents=True)
    (tree / "hosts/web/etc/a.conf").write_bytes(b"foreign\n")
    (tree / "README.md").write_bytes(ONE["README.md"])
    found = states(tree, ONE)
    assert found["hosts/web/etc/a.conf"] is State.FOREIGN
    assert found["README.md"] is State.SAME, "the very same text is no loss"


def test_other_files_in_the_tree_survive_with_their_kind(tmp_path: Path) -> None:
    tree = tmp_path / "deploy"
    render(tree, ONE)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("precious")
    (tree / "notes").mkdir()
    (tree / "notes/mine.txt").write_text("mine")
    (tree / "notes/mine.txt").chmod(0o600)
    (tree / "link").symlink_to(outside)
    (tree / "dangling").symlink_to("nowhere")
    os.mkfifo(tree / "pipe")
    inode = (tree / "notes/mine.txt").stat().st_ino
    render(tree, TWO)
    assert (tree / "notes/mine.txt").stat().st_ino == inode, "linked, not copied"
    assert (tree / "notes/mine.txt").stat().st_mode & 0o777 == 0o600
    assert (tree / "link").readlink() == outside
    assert (tree / "dangling").is_symlink()
    assert (tree / "pipe").is_fifo()
    assert (outside / "precious").read_text() == "precious"


def test_a_link_in_a_files_place_is_an_edit_and_its_target_is_safe(tmp_path: Path) -> None:
    tree = tmp_path / "deploy"
    render(tree, ONE)
    target = tmp_path / "elsewhere"
    target.write_bytes(b"precious\n")
    for name in ("a", "b"):
        (tree / f"hosts/web/etc/{name}.conf").unlink()
        (tree / f"hosts/web/etc/{name}.conf").symlink_to(target)
    assert states(tree, TWO)["hosts/web/etc/a.conf"] is State.EDITED
    render(tree, TWO, over=("*",))
    assert target.read_bytes() == b"precious\n"
    assert not (tree / "hosts/web/etc/a.conf").is_symlink()
    assert not (tree / "hosts/web/etc/b.conf").is_symlink()


@pytest.mark.parametrize("place", ["README.md", "hosts"])
def test_a_folder_in_a_files_place_or_the_other_way_round(tmp_path: Path, place: str) -> None:
    tree = tmp_path / "deploy"
    tree.mkdir()
    if place == "hosts":
        (tree / "hosts").write_text("no folder")
    else:
        (tree / place).mkdir()
    with pytest.raises(DeploygenError, match="folder"):
        compare(tree, files(ONE), {})


def test_only_the_executable_bit_of_the_mode_is_drift(tmp_path: Path) -> None:
    tree = tmp_path / "deploy"
    render(tree, ONE)
    (tree / "README.md").chmod(0o664)  # version control and umask do this
    assert states(tree, ONE)["README.md"] is State.SAME
    (tree / "README.md").chmod(0o755)
    assert states(tree, ONE)["README.md"] is State.MODE
    render(tree, ONE)
    assert (tree / "README.md").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        '{"format": 1}',
        '{"format": 1, "files": {"a": {}}}',
        '{"format": 1, "files": {"../x": {"sha256": "0", "mode": "0644"}}}',
        '{"format": 1, "files": {"/etc/passwd": {"sha256": "0", "mode": "0644"}}}',
        '{"format": 1, "files": {"": {"sha256": "0", "mode": "0644"}}}',
    ],
)
def test_a_damaged_manifest_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / manifest.NAME).write_text(text)
    with pytest.raises(DeploygenError, match="is damaged"):
        manifest.read(tmp_path)


def test_a_manifest_of_a_later_format_is_an_error(tmp_path: Path) -> None:
    (tmp_path / manifest.NAME).write_text('{"format": 2, "files": {}}')
    with pytest.raises(DeploygenError, match="has format 2"):
        manifest.read(tmp_path)


def test_without_the_manifest_nothing_is_lost(tmp_path: Path) -> None:
    tree = tmp_path / "deploy"
    render(tree, ONE)
    (tree / "README.md").write_bytes(b"mine\n")
    (tree / manifest.NAME).unlink()
    assert states(tree, ONE)["README.md"] is State.FOREIGN
    assert states(tree, ONE)["hosts/web/etc/a.conf"] is State.SAME


def test_a_new_deploygen_alone_is_no_drift(tmp_path: Path) -> None:
    tree = tmp_path / "deploy"
    render(tree, ONE)
    path = tree / manifest.NAME
    path.write_text(json.dumps({**json.loads(path.read_text()), "deploygen": "0.0.1"}))
    assert set(states(tree, ONE).values()) == {State.SAME}


def test_two_renders_at_once(tmp_path: Path) -> None:
    handle = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        with pytest.raises(DeploygenError, match="another render is writing"):
            render(tmp_path / "deploy", ONE)
    finally:
        os.close(handle)
    assert os.listdir(tmp_path) == []


def test_a_tree_reached_through_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real"
    render(real, ONE)
    link = tmp_path / "deploy"
    link.symlink_to(real)
    render(link, TWO)
    assert link.is_symlink()
    assert content(real) == TWO


# A program that renders one of two large trees; the limit on file size stands for a full disk.
PROGRAM = """
import resource, signal, sys
from pathlib import Path
from deploygen.render import RenderedFile, compare, manifest, write
tree, letter, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
if limit:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
files = [RenderedFile(f"{n}/{n}.conf", letter.encode() * 20000, 0o644) for n in range(60)]
before = manifest.read(tree)
print("ready", flush=True)
write(tree, compare(tree, files, before), before)
"""


def letters(tree: Path) -> set[bytes]:
    found = content(tree)
    assert len(found) == 60
    assert {len(text) for text in found.values()} == {20000}
    return {bytes({text[0]}) for text in found.values()}


def run(tree: Path, letter: str, limit: int = 0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tree), letter, str(limit)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_full_disk_leaves_the_old_tree_whole(tmp_path: Path) -> None:
    tree = tmp_path / "deploy"
    assert run(tree, "a").returncode == 0
    failed = run(tree, "b", limit=10000)
    assert failed.returncode == 1
    assert "can't be written: File too large" in failed.stderr
    assert letters(tree) == {b"a"}
    assert os.listdir(tmp_path) == ["deploy"], "and nothing half made stays"


def test_a_killed_render_leaves_a_whole_tree(tmp_path: Path) -> None:
    tree = tmp_path / "deploy"
    assert run(tree, "a").returncode == 0
    dice = random.Random(7)
    seen = set()
    for turn in range(12):
        letter = "ab"[turn % 2]
        command = [sys.executable, "-c", PROGRAM, str(tree), letter, "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout
            process.stdout.readline()
            time.sleep(dice.uniform(0, 0.02))
            process.send_signal(signal.SIGKILL)
        found = letters(tree)
        assert len(found) == 1, "the old tree or the new one, never a mixture"
        seen |= found
    assert run(tree, "c").returncode == 0
    assert letters(tree) == {b"c"}
    assert os.listdir(tmp_path) == ["deploy"], "what a killed render left is cleared away"
