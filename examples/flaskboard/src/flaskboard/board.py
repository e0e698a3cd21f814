import os
import sqlite3
import threading

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from werkzeug.utils import secure_filename

from .database import connect

MAX_TEXT = 500

pages = Blueprint("board", __name__)


@pages.get("/")
def index() -> ResponseReturnValue:
    return _board()


@pages.post("/notes")
def add_note() -> ResponseReturnValue:
    text = request.form.get("text", "").strip()
    if not 0 < len(text) <= MAX_TEXT:
        return _board(error=f"A note has 1 to {MAX_TEXT} characters.", text=text), 422
    with connect() as database:  # commits
        database.execute("INSERT INTO note (text) VALUES (?)", (text,))
    return redirect(url_for(".index"), code=303)


def _board(**context: str) -> str:
    notes = connect().execute("SELECT text, created FROM note ORDER BY id DESC LIMIT 50")
    return render_template("board.html", notes=notes.fetchall(), max_text=MAX_TEXT, **context)


@pages.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Answer 200 when the database does, else 503."""
    try:
        connect().execute("SELECT 1 FROM note LIMIT 1")
    except (OSError, sqlite3.Error):
        current_app.logger.exception("healthz: the database does not answer")
        status, text = 503, "database unavailable"
    else:
        status, text = 200, "ok"
    return {"status": text, **_served_by()}, status, {"Cache-Control": "no-store"}


@pages.get("/minutes/<name>")
def minutes(name: str) -> Response:
    """A file that only members may have: the proxy sends it, once the application says so."""
    if request.args.get("member") != "yes":
        abort(403)
    header = os.environ.get("SENDFILE_HEADER")
    if not header or name != secure_filename(name):
        abort(404)
    response = Response(content_type="text/plain")
    response.headers[header] = os.environ["SENDFILE_ROOT"] + name
    return response


@pages.get("/whoami")
def whoami() -> ResponseReturnValue:
    """What reaches the application through proxy and gunicorn, and who answers."""
    return {
        "remote_addr": request.remote_addr,
        "x_forwarded_for": request.headers.get("X-Forwarded-For"),
        "x_forwarded_proto": request.headers.get("X-Forwarded-Proto"),
        "x_request_id": request.headers.get("X-Request-Id"),
        "host": request.host,
        "is_secure": request.is_secure,
        "pid": os.getpid(),
        "thread": threading.current_thread().name,
        **_served_by(),
    }


def _served_by() -> dict[str, str]:
    return {"release": current_app.config["RELEASE"], "slot": current_app.config["SLOT"]}
