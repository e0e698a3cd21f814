import pytest
from flask.testing import FlaskClient
from flaskboard import create_app


@pytest.fixture
def settings(tmp_path):
    return {"TESTING": True, "DATABASE": str(tmp_path / "data" / "board.sqlite3")}


@pytest.fixture
def client(settings) -> FlaskClient:
    return create_app(settings).test_client()


def test_a_note_is_pinned_up_and_escaped(client):
    assert "Nothing here yet" in client.get("/").text
    answer = client.post("/notes", data={"text": " <b>Bring cake</b> "})
    assert (answer.status_code, answer.location) == (303, "/")
    assert "<li>&lt;b&gt;Bring cake&lt;/b&gt; <time>" in client.get("/").text


@pytest.mark.parametrize("text", ["", "  ", "x" * 501])
def test_a_note_is_neither_empty_nor_a_novel(client, text):
    answer = client.post("/notes", data={"text": text})
    assert answer.status_code == 422
    assert "1 to 500 characters" in answer.text
    assert "Nothing here yet" in client.get("/").text


def test_bodies_are_limited(client):
    assert client.post("/notes", data={"text": "x" * 70_000}).status_code == 413


def test_health_asks_the_database(client, settings, tmp_path):
    assert client.get("/healthz").json["status"] == "ok"
    (tmp_path / "file").touch()
    broken = create_app({**settings, "DATABASE": str(tmp_path / "file" / "board.sqlite3")})
    answer = broken.test_client().get("/healthz")
    assert (answer.status_code, answer.json["status"]) == (503, "database unavailable")


def test_settings_come_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("FLASKBOARD_DATABASE", str(tmp_path / "other.sqlite3"))
    monkeypatch.setenv("APP_RELEASE", "r7")
    assert create_app().test_client().get("/healthz").json["release"] == "r7"
    assert (tmp_path / "other.sqlite3").exists()


@pytest.mark.parametrize(
    ("proxies", "address", "secure"), [(0, "127.0.0.1", False), (1, "198.51.100.1", True)]
)
def test_only_as_many_proxies_are_believed_as_there_are(settings, proxies, address, secure):
    client = create_app({**settings, "PROXIES": proxies}).test_client()
    forwarded = {"X-Forwarded-For": "forged, 198.51.100.1", "X-Forwarded-Proto": "https"}
    answer = client.get("/whoami", headers=forwarded).json
    assert (answer["remote_addr"], answer["is_secure"]) == (address, secure)


def test_loading_the_application_touches_nothing(settings, tmp_path):
    create_app(settings)
    assert list(tmp_path.iterdir()) == []
