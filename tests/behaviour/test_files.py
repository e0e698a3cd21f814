"""Static files, uploads and protected files from disk, behind both proxies."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest

from deploygen.stack import Response
from deploygen.stack.modules import MODULES
from deploygen.stack.proxies import BY_KIND
from tests.behaviour.proxies import Site, site
from tests.programs import needed_module

pytestmark = pytest.mark.slow

HASHED = "/static/app.3f2a9c01d4e8.css"
CSS = b"body { color: #123456 }\n" * 200
APP = """\
  media: {url: /media/, folder: media, attachment: true}
  protected: {url: /minutes-files/}
"""


@pytest.fixture(scope="module")
def board(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site("flaskboard", kind, tmp_path_factory.mktemp(kind), app=APP) as running:
        static = running.project / "src/flaskboard/static"
        (static / "app.3f2a9c01d4e8.css").write_bytes(CSS)
        (static / "packed.css").write_bytes(CSS)
        (static / "packed.css.gz").write_bytes(gzip.compress(b"packed beforehand"))
        (static / "packed.css.br").write_bytes(b"no brotli, but sent as it is")
        (static / "archive.tar.gz").write_bytes(gzip.compress(b"an archive"))
        for name in ("module.mjs", "script.js", "app.webmanifest", "font.woff2", "pixel.png",
                     "what.unknown", "README"):  # fmt: skip
            (static / name).write_bytes(b"a file")
        (static / "folder").mkdir()
        (static / "folder/in.txt").write_text("x")
        media = running.project / "media"
        media.mkdir()
        (media / "page.html").write_text("<script>alert(1)</script>")
        (media / "run.php").write_text("<?php echo 1 + 1;")
        (media / "run.cgi").write_text("#!/bin/sh\necho; echo run\n")
        (media / "run.cgi").chmod(0o755)
        protected = running.stack.folder / "srv/flaskboard/protected"
        protected.mkdir()
        (protected / "may.txt").write_text("what was said in May")
        yield running


def test_hashed_names_are_kept_for_ever_and_others_for_an_hour(board: Site) -> None:
    file = board.get(HASHED)
    assert (file.status, file.body) == (200, CSS)
    assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert file.headers["content-type"] == "text/css"
    assert board.get("/static/board.css").headers["cache-control"] == "public, max-age=3600"
    missing = board.get("/static/app.000000000000.css")
    assert missing.status == 404
    assert "immutable" not in missing.headers.get("cache-control", "")


def test_what_is_unchanged_is_not_sent_again(board: Site) -> None:
    for encoding in ("identity", "gzip"):
        file = board.get(HASHED, Accept_Encoding=encoding)
        tag, changed = file.headers["etag"], file.headers["last-modified"]
        same = board.get(HASHED, Accept_Encoding=encoding, If_None_Match=tag)
        assert (same.status, same.body) == (304, b"")
        assert board.get(HASHED, If_Modified_Since=changed).status == 304
        assert board.get(HASHED, Accept_Encoding=encoding, If_None_Match='"other"').status == 200


def test_ranges(board: Site) -> None:
    part = board.get(HASHED, Range="bytes=5-9")
    assert (part.status, part.body) == (206, CSS[5:10])
    assert part.headers["content-range"] == f"bytes 5-9/{len(CSS)}"
    assert board.get(HASHED, Range=f"bytes={len(CSS)}-").status == 416
    stale = board.get(HASHED, Range="bytes=5-9", If_Range='"other"')
    assert (stale.status, stale.body) == (200, CSS)


def test_text_is_compressed_and_images_are_not(board: Site) -> None:
    file = board.get(HASHED, Accept_Encoding="gzip")
    assert file.headers["content-encoding"] == "gzip"
    assert gzip.decompress(file.body) == CSS
    assert "accept-encoding" in file.headers["vary"].lower()
    assert "content-encoding" not in board.get(HASHED).headers
    page = board.get("/", Accept_Encoding="gzip")
    assert b"<html" in gzip.decompress(page.body)


def test_what_was_compressed_beforehand_is_sent_as_it_is(board: Site) -> None:
    file = board.get("/static/packed.css", Accept_Encoding="gzip")
    assert gzip.decompress(file.body) == b"packed beforehand"
    assert file.headers["content-encoding"] == "gzip"
    assert file.headers["content-type"].startswith("text/css")
    assert "accept-encoding" in file.headers["vary"].lower()
    assert board.get("/static/packed.css").body == CSS
    same = board.get(
        "/static/packed.css", Accept_Encoding="gzip", If_None_Match=file.headers["etag"]
    )
    assert same.status == 304
    # An archive is what it is: no browser may unpack it on the way.
    archive = board.get("/static/archive.tar.gz", Accept_Encoding="gzip")
    assert "content-encoding" not in archive.headers
    assert gzip.decompress(archive.body) == b"an archive"


def test_caches_are_told_of_the_encoding_alone(board: Site) -> None:
    """A cache in front would else keep a file once for each browser."""
    assert board.get(HASHED).headers["vary"].lower() == "accept-encoding"
    assert board.get(HASHED, Accept_Encoding="gzip").headers["vary"].lower() == "accept-encoding"
    assert "vary" not in board.get("/static/pixel.png").headers
    assert board.get("/static/packed.css", Accept_Encoding="br").headers["vary"].lower() in (
        "accept-encoding",
        "accept-encoding,accept-encoding",
    )


@pytest.mark.parametrize(
    ("name", "types"),
    [
        ("module.mjs", {"text/javascript"}),
        ("script.js", {"application/javascript", "text/javascript"}),
        ("app.webmanifest", {"application/manifest+json"}),
        ("font.woff2", {"font/woff2"}),
        ("pixel.png", {"image/png"}),
        ("what.unknown", {"application/octet-stream"}),
        ("README", {"application/octet-stream"}),
    ],
)
def test_the_type_of_a_file(board: Site, name: str, types: set[str]) -> None:
    """With nosniff, a browser runs no module and shows no page of another type."""
    file = board.get(f"/static/{name}")
    assert (file.status, file.body) == (200, b"a file")
    assert file.headers["content-type"] in types


def test_brotli_where_the_module_is(board: Site) -> None:
    if board.kind == "nginx":
        needed_module(board.kind, "brotli_static")
    file = board.get("/static/packed.css", Accept_Encoding="gzip, br")
    assert file.headers["content-encoding"] == "br"
    assert file.body == b"no brotli, but sent as it is"
    assert file.headers["content-type"].startswith("text/css")


@pytest.mark.parametrize(
    ("path", "of_nginx"),
    [("/static/", 403), ("/static/folder/", 403), ("/static/folder", 301), ("/media/", 403)],
)
def test_no_folder_is_listed(board: Site, path: str, of_nginx: int) -> None:
    answer = board.get(path)
    assert answer.status == {"nginx": of_nginx, "apache": 404}[board.kind]
    assert b"in.txt" not in answer.body and b"page.html" not in answer.body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "TRACE"])
def test_files_are_only_read(board: Site, method: str) -> None:
    answer = board.raw(
        f"{method} {HASHED} HTTP/1.1\r\nHost: {board.host}\r\nContent-Length: 0\r\n"
        "Connection: close\r\n\r\n"
    )
    assert answer.split()[1] == b"405"
    # It is there as it was.
    assert board.get(HASHED).body == CSS


@pytest.mark.parametrize("name", ["page.html", "run.php", "run.cgi"])
def test_an_upload_is_saved_by_browsers_and_run_by_nobody(board: Site, name: str) -> None:
    file = board.get(f"/media/{name}")
    assert file.status == 200
    assert file.body == (board.project / "media" / name).read_bytes()
    assert file.headers["content-disposition"] == "attachment"
    assert file.headers["x-content-type-options"] == "nosniff"
    # Only uploads are.
    assert "content-disposition" not in board.get(HASHED).headers
    assert "content-disposition" not in board.get("/").headers


def protected(board: Site, path: str) -> Response:
    if board.kind == "apache":
        needed_module(board.kind, "xsendfile")
    return board.get(path)


def test_a_protected_file_needs_the_applications_word(board: Site) -> None:
    file = protected(board, "/minutes/may.txt?member=yes")
    assert (file.status, file.body) == (200, b"what was said in May")
    # What the application asked the proxy for is no visitor's business.
    assert not {"x-sendfile", "x-accel-redirect"} & set(file.headers)
    assert board.get("/minutes/may.txt").status == 403
    assert board.get("/minutes-files/may.txt").status == 404
    assert protected(board, "/minutes/june.txt?member=yes").status == 404


def test_modules_are_named_once() -> None:
    assert {module.proxy for module in MODULES} <= set(BY_KIND)
