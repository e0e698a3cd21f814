"""What the trials do to an example's code: a new release, and releases that must not go live."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from testbed.engine import TestbedError

PURPOSE = "broken on purpose"


@dataclass(frozen=True)
class Edit:
    """A file of the project: ``old`` becomes ``new``; without ``old`` ``new`` is appended."""

    file: str
    new: str
    old: str = ""

    def apply(self, project: Path) -> None:
        """Make the edit. Raises TestbedError where it no longer fits the example."""
        path = project / self.file
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if self.old not in text:
            raise TestbedError(f"{path} has no {self.old!r}: mend testbed/changes.py")
        text = text.replace(self.old, self.new, 1) if self.old else text + self.new
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Broken:
    """A release that fails, and what the play has to say about it.

    ``before`` and ``after`` are scripts on the host, with the application's name as $1.
    """

    edit: Edit
    says: str
    before: str = ""
    after: str = ""


_SYNTAX = "\n\ndef broken(:\n"
_HANGS = f"\nimport time\n\nprint({PURPOSE!r}, flush=True)\ntime.sleep(3600)\n"
_INSTALL = Edit("requirements.txt", "\n./a-folder-that-is-not-there\n")
# The releases, on a file system that has no room for another one. What serves finds its files.
_FULL = """
mkdir /run/full
kib=$(du --summarize --block-size=1K "/srv/$1/releases" | cut -f 1)
mount -t tmpfs -o "size=$((kib + 1024))k" tmpfs /run/full
cp --archive "/srv/$1/releases/." /run/full
chown --reference="/srv/$1/releases" /run/full
chmod --reference="/srv/$1/releases" /run/full
dd if=/dev/zero of=/run/full/filler bs=16k 2> /run/full.log || grep -q 'No space left' /run/full.log
mount --bind /run/full "/srv/$1/releases"
"""
_ROOM = """
umount "/srv/$1/releases"
umount /run/full
rmdir /run/full
"""


def _disk(file: str) -> Broken:
    return Broken(Edit(file, "# no room\n"), "No space left on device", _FULL, _ROOM)


# Where a comment that only makes the code another one does no harm.
MARKED = {"bookshop": "bookshop/__init__.py", "fastquotes": "app/__init__.py"}
BROKEN = {
    "bookshop": {
        "install": Broken(_INSTALL, "a-folder-that-is-not-there"),
        "migration": Broken(
            Edit(
                "catalogue/migrations/0003_broken.py",
                "from django.db import migrations\n\n\n"
                f"def fail(apps, schema_editor):\n    raise RuntimeError({PURPOSE!r})\n\n\n"
                "class Migration(migrations.Migration):\n"
                '    dependencies = [("catalogue", "0002_first_books")]\n'
                "    operations = [migrations.RunPython(fail)]\n",
            ),
            PURPOSE,
        ),
        "syntax": Broken(Edit("bookshop/wsgi.py", _SYNTAX), "SyntaxError"),
        "health": Broken(
            Edit(
                "bookshop/health.py", f'status, text = 500, "{PURPOSE}"', 'status, text = 200, "ok"'
            ),
            "500",
        ),
        "hanging": Broken(Edit("bookshop/wsgi.py", _HANGS), PURPOSE),
        "disk": _disk(MARKED["bookshop"]),
    },
    "fastquotes": {
        "install": Broken(_INSTALL, "a-folder-that-is-not-there"),
        "syntax": Broken(Edit("app/main.py", _SYNTAX), "SyntaxError"),
        "health": Broken(
            Edit(
                "app/main.py",
                f'    raise HTTPException(500, "{PURPOSE}")\n    return Health(\n',
                "    return Health(\n",
            ),
            "500",
        ),
        "hanging": Broken(Edit("app/main.py", _HANGS), PURPOSE),
        "disk": _disk(MARKED["fastquotes"]),
    },
}


def mark(example: str, number: int) -> Edit:
    """A change of the code that changes nothing: the next release."""
    return Edit(MARKED[example], f"# release {number}\n")
