"""Whatever happens between renders, a hand edit is lost only where the user gave it up."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from deploygen.render import (
    Change,
    RenderedFile,
    compare,
    conflicts,
    manifest,
    resolve,
    write,
)

PATHS = ("README.md", "hosts/a/x.conf", "hosts/a/y.conf", "hosts/b/x.conf")
DESCRIPTIONS = st.dictionaries(
    st.sampled_from(PATHS), st.sampled_from([b"1\n", b"2\n", b"3\n"]), min_size=1
)


class Trees(RuleBasedStateMachine):
    """Renders, edits, keeps and replaces in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.tree = Path(self.folder.name) / "deploy"
        self.mine: dict[str, bytes] = {}
        self.count = 0

    def teardown(self) -> None:
        self.folder.cleanup()

    def changes(self, wanted: dict[str, bytes]) -> tuple[Change, ...]:
        files = [RenderedFile(path, text, 0o644) for path, text in sorted(wanted.items())]
        return compare(self.tree, files, manifest.read(self.tree))

    @rule(path=st.sampled_from(PATHS))
    def edit(self, path: str) -> None:
        self.count += 1
        text = f"edit {self.count}\n".encode()
        (self.tree / path).parent.mkdir(parents=True, exist_ok=True)
        (self.tree / path).write_bytes(text)
        self.mine[path] = text

    @rule(wanted=DESCRIPTIONS)
    def render(self, wanted: dict[str, bytes]) -> None:
        """As the command does: with conflicts, nothing is written."""
        changes = self.changes(wanted)
        if not conflicts(changes):
            write(self.tree, changes, manifest.read(self.tree))
            for path, text in wanted.items():
                if path not in self.mine:
                    assert (self.tree / path).read_bytes() == text

    @rule(wanted=DESCRIPTIONS, keep=st.booleans())
    def settle(self, wanted: dict[str, bytes], keep: bool) -> None:
        changes = self.changes(wanted)
        found = [change.path for change in conflicts(changes)]
        if not found:
            return
        settled = resolve(changes, ("*",) if keep else (), () if keep else ("*",))
        write(self.tree, settled, manifest.read(self.tree))
        if not keep:
            for path in found:
                self.mine.pop(path, None)

    @invariant()
    def edits_are_there(self) -> None:
        for path, text in self.mine.items():
            assert (self.tree / path).read_bytes() == text


TestTrees = Trees.TestCase
TestTrees.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
