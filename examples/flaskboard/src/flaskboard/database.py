"""One SQLite connection for each request that needs one."""

import sqlite3
from pathlib import Path

from flask import Flask, current_app, g

SCHEMA = """
CREATE TABLE IF NOT EXISTS note (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL,
    created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
)
"""


def connect() -> sqlite3.Connection:
    if "database" not in g:
        path = Path(current_app.config["DATABASE"])
        path.parent.mkdir(parents=True, exist_ok=True)
        g.database = sqlite3.connect(path, timeout=10)
        g.database.row_factory = sqlite3.Row
        g.database.execute("PRAGMA journal_mode=WAL")  # readers go on while one worker writes
        g.database.execute(SCHEMA)
    return g.database


def close(error: BaseException | None = None) -> None:
    if database := g.pop("database", None):
        database.close()


def init_app(app: Flask) -> None:
    app.teardown_appcontext(close)
