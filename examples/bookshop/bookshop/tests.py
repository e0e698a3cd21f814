# ruff: noqa: PT009 - unittest's assertions: Django's runner shows their values.
import hashlib
import importlib
import os
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType
from unittest import mock

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from django.test import Client, SimpleTestCase, TestCase, override_settings


class HealthTest(TestCase):
    @override_settings(RELEASE="2026-04-01", SLOT="blue")
    def test_healthy_while_the_database_answers(self):
        answer = self.client.get("/health/")
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(answer.json(), {"status": "ok", "release": "2026-04-01", "slot": "blue"})
        self.assertIn("no-store", answer["Cache-Control"])

    def test_unhealthy_when_it_does_not(self):
        broken = mock.patch("catalogue.models.Book.objects.exists", side_effect=OperationalError)
        with broken, self.assertLogs("bookshop.health", "ERROR"):
            answer = self.client.get("/health/")
        self.assertEqual(answer.status_code, 503)
        self.assertEqual(answer.json()["status"], "database unavailable")


class ProbesTest(SimpleTestCase):
    def test_whoami_repeats_what_arrived(self):
        answer = self.client.get(
            "/whoami/",
            REMOTE_ADDR="192.0.2.7",
            headers={"X-Request-Id": "r1", "X-Forwarded-For": "198.51.100.1", "Cookie": "a=b"},
        ).json()
        self.assertEqual(answer["remote_addr"], "192.0.2.7")
        self.assertEqual(answer["x_request_id"], "r1")
        self.assertEqual(answer["x_forwarded_for"], "198.51.100.1")
        self.assertIsNone(answer["x_forwarded_proto"])
        self.assertEqual((answer["host"], answer["is_secure"]), ("testserver", False))
        self.assertEqual(answer["pid"], os.getpid())
        self.assertNotIn("Cookie", answer["headers"])

    def test_cpu_burns_what_was_asked_for(self):
        answer = self.client.get("/cpu/?ms=20").json()
        self.assertGreaterEqual(answer["cpu_ms"], 20)
        self.assertGreater(answer["primes"], 100)

    def test_amounts_are_checked_and_capped(self):
        for bad in ("", "-1", "1.5", "ten", "9999999999", "²"):
            with self.subTest(ms=bad):
                self.assertEqual(self.client.get("/cpu/", {"ms": bad}).status_code, 400)
        with mock.patch("time.sleep") as sleep:
            self.client.get("/slow-upstream/?ms=99999")
        sleep.assert_called_once_with(30)

    def test_a_slow_upstream_is_asked_and_its_failure_said(self):
        with upstream() as (url, asked), override_settings(BOOKSHOP_UPSTREAM=f"{url}/pay?id=1"):
            answer = self.client.get("/slow-upstream/?ms=5")
        self.assertEqual(answer.json()["upstream"], "answered")
        self.assertEqual(asked, ["/pay?id=1&ms=5"])
        with override_settings(BOOKSHOP_UPSTREAM=url):
            answer = self.client.get("/slow-upstream/?ms=5")
        self.assertEqual((answer.status_code, answer.json()["upstream"]), (502, "failed"))

    def test_echo_reads_bodies_larger_than_django_keeps_in_memory(self):
        body = b"x" * 5_000_000
        answer = Client(enforce_csrf_checks=True).post(
            "/echo/", body, content_type="application/octet-stream"
        )
        expected = {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        self.assertEqual(answer.json(), expected)

    def test_download_has_the_size_that_it_announces(self):
        answer = self.client.get("/download/?kb=300")
        self.assertEqual(len(answer.getvalue()), int(answer["Content-Length"]))
        self.assertEqual(answer["Content-Length"], "307200")


class upstream:
    """A service on a free port that answers every GET and notes its path."""

    def __enter__(self) -> tuple[str, list[str]]:
        asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        return f"http://127.0.0.1:{self.server.server_port}", asked

    def __exit__(self, *error):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def production(**environment: str) -> ModuleType:
    """The production settings as they come out of an environment."""
    name = "bookshop.settings.production"
    with mock.patch.dict(os.environ, environment, clear=True), mock.patch.dict(sys.modules):
        sys.modules.pop(name, None)
        return importlib.import_module(name)


class ProductionSettingsTest(SimpleTestCase):
    def test_without_a_secret_key_nothing_starts(self):
        with self.assertRaisesMessage(ImproperlyConfigured, "SECRET_KEY is not set"):
            production()

    def test_the_secret_key_may_stand_in_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "key"
            file.write_text("from a file\n", encoding="utf-8")
            self.assertEqual(production(SECRET_KEY_FILE=str(file)).SECRET_KEY, "from a file")

    def test_safe_unless_told_otherwise(self):
        settings = production(SECRET_KEY="s")
        self.assertFalse(settings.DEBUG)
        self.assertEqual(settings.ALLOWED_HOSTS, [])
        self.assertTrue(settings.SESSION_COOKIE_SECURE and settings.CSRF_COOKIE_SECURE)

    def test_lists_are_separated_by_commas(self):
        settings = production(
            SECRET_KEY="s",
            DJANGO_ALLOWED_HOSTS="shop.example.org, www.example.org,",
            CSRF_TRUSTED_ORIGINS="https://shop.example.org",
            DJANGO_HTTPS="off",
        )
        self.assertEqual(settings.ALLOWED_HOSTS, ["shop.example.org", "www.example.org"])
        self.assertEqual(settings.CSRF_TRUSTED_ORIGINS, ["https://shop.example.org"])
        self.assertFalse(settings.SESSION_COOKIE_SECURE)
