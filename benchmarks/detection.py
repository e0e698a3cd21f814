"""How long init looks at a tree of 50,000 files. Run it with: make bench"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from deploygen.detect import detect

MODULES, WITH_DJANGO, ASSETS = 2400, 480, 47_600
FILLER = "def compute(value):\n    return value * 2\n\n\n" * 200
WSGI = (
    "import os\nfrom django.core.wsgi import get_wsgi_application\n"
    'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n'
    "application = get_wsgi_application()\n"
)


def main() -> None:
    """Prints the median of three looks."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        build(root)
        times = []
        for _ in range(3):
            start = time.perf_counter()
            found = detect(root)
            times.append(time.perf_counter() - start)
        assert found.entrypoint == "shop.wsgi:application"
    count = MODULES + ASSETS
    print(f"init, {count} files, {MODULES} of them modules: {statistics.median(times):.1f} s")


def build(root: Path) -> None:
    """A project of many modules and more assets."""
    for number in range(MODULES):
        path = root / f"part{number % 60}" / f"module{number}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(("from django.db import models\n" * (number < WITH_DJANGO)) + FILLER)
    for number in range(ASSETS):
        path = root / "assets" / str(number % 400) / f"{number}.svg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (root / "shop").mkdir()
    (root / "shop/__init__.py").touch()
    (root / "shop/wsgi.py").write_text(WSGI)
    (root / "shop/settings.py").write_text("INSTALLED_APPS = []\n")


if __name__ == "__main__":
    main()
