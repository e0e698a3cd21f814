"""The examples as projects of their own: copied, described and rendered below a test's folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from deploygen import plan, targets
from deploygen.plan import Plan
from deploygen.render import render
from deploygen.spec import parse

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
NAMES = ("bookshop", "flaskboard", "fastquotes")

SECRETS = {"SECRET_KEY": "for-tests-only-" + "x" * 40}

_SECRETS = "secrets: [SECRET_KEY]"
_DESCRIPTIONS = {
    "bookshop": """
name: bookshop
app:
  framework: django
  entrypoint: bookshop.wsgi:application
  settings_module: bookshop.settings.production
  static: {url: /static/, folder: staticfiles}
  media: {url: /media/, folder: media}
  health: /health/
  secrets: [SECRET_KEY]
  environment:
    DJANGO_ALLOWED_HOSTS: bookshop.example,localhost
    DJANGO_HTTPS: "off"
    BOOKSHOP_DATABASE: /var/lib/bookshop/db.sqlite3
  release_commands:
    - python manage.py migrate --no-input
    - python manage.py collectstatic --no-input
""",
    "flaskboard": """
name: flaskboard
app:
  framework: flask
  entrypoint: flaskboard:create_app()
  app_dir: src
  install: {file: pyproject.toml}
  static: {url: /static/, folder: src/flaskboard/static}
  health: /healthz
  environment:
    FLASKBOARD_PROXIES: "1"
    FLASKBOARD_DATABASE: /var/lib/flaskboard/board.sqlite3
""",
    "fastquotes": r"""
name: fastquotes
app:
  framework: fastapi
  interface: asgi
  entrypoint: app.main:app
  health: /health
  environment: {MOTTO: 'it''s 100% "$HOME" \ #1'}
""",
}


@dataclass(frozen=True)
class Example:
    """A rendered example. ``tree`` is its deploy/, ``files`` the paths of all that was rendered."""

    name: str
    project: Path
    tree: Path
    plan: Plan
    files: tuple[str, ...]

    @property
    def host(self) -> str:
        return f"{self.name}.example"

    def file(self, ending: str) -> Path:
        """The one rendered file whose path ends so; those of hosts come first."""
        found, *_ = sorted(
            (path for path in self.files if path.endswith(ending)),
            key=lambda path: not path.startswith("hosts/"),
        )
        return self.tree / found


def example(
    name: str,
    folder: Path,
    *,
    os: str = "debian-12",
    kind: str = "nginx",
    proxy: str = "body_limit: 1M",
    more: str = "",
    app: str = "",
    hosts: tuple[str, ...] = (),
    secrets: Iterable[str] = SECRETS,
) -> Example:
    """Copy an example into ``folder`` and render it there.

    ``proxy`` is added to the proxy's section, ``app`` to the application's (indented lines),
    ``more`` to the end of the description; ``hosts`` are those of its one group. ``secrets`` are
    the names of those that it wants, where it wants any.
    """
    project = folder / name
    shutil.copytree(
        EXAMPLES / name,
        project,
        ignore=shutil.ignore_patterns("__pycache__", ".venv", "instance", "*.sqlite3"),
    )
    named = f"secrets: [{', '.join(secrets)}]"
    machine = f"{{os: {os}, hosts: [{', '.join(hosts)}]}}"
    text = (
        f"{_DESCRIPTIONS[name].replace(_SECRETS, named)}{app}\nmachines: {{web: {machine}}}\n"
        f"proxy: {{kind: {kind}, server_names: [{name}.example], {proxy}}}\n{more}"
    )
    document = parse(text)
    with document.located():
        made = plan.make(document.spec)
        rendered = render(targets.files(made))
    for file in rendered:
        path = project / "deploy" / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        path.chmod(file.mode)
    files = tuple(file.path for file in rendered)
    return Example(name, project, project / "deploy", made, files)
