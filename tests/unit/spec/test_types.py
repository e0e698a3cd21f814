"""Each kind of value: what it takes, and what it refuses, injection attempts above all."""

from __future__ import annotations

from typing import Any

import pytest

from deploygen.errors import InputError
from deploygen.spec import Spec
from tests.builders import SMALLEST, merged

# Appended to a good value, each of these has to be refused wherever a file could take it for
# more than text. Python's $ stops before a final line feed, and other characters end a line too.
NASTY = {
    "semicolon": ";",
    "line feed": "\n",
    "carriage return": "\r",
    "line separator": "\u2028",
    "paragraph separator": "\u2029",
    "next line": "\x85",
    "vertical tab": "\x0b",
    "form feed": "\x0c",
    "file separator": "\x1c",
    "NUL": "\x00",
    "DEL": "\x7f",
    "escape": "\x1b[2J",
    "double quote": '"',
    "single quote": "'",
    "backtick": "`",
    "backslash": "\\",
    "space": " ",
    "no-break space": "\xa0",
    "tab": "\t",
    "Jinja": "{{ 7 * 7 }}",
    "block": "{",
    "end of block": "}",
    "percent": "%n",
    "dollar": "$host",
    "comment": "#",
    "pipe": "|",
    "angle": ">",
    "non-ASCII": "ä",
    "full-width digit": "\uff11",
    "Kelvin": "\u212a",
    "zero width": "\u200b",
    "right to left": "\u202e",
    "half a character": "\ud800",
}


def build(where: tuple[str | int, ...], value: object) -> Spec:
    """The smallest description with ``value`` at ``where``; 0 stands for a list's only item."""
    for part in reversed(where):
        value = [value] if part == 0 else {part: value}
    needed: dict[str, Any] = {}
    if where[:2] in {("app", "static"), ("app", "media")}:
        needed = {"app": {where[1]: {"url": "/files/", "folder": "files"}}}
    return Spec.model_validate(merged(merged(SMALLEST, needed), value))  # type: ignore[arg-type]


def refused(where: tuple[str | int, ...], value: object) -> bool:
    try:
        build(where, value)
    except ValueError:
        return True
    return False


TEXTS: list[tuple[tuple[str | int, ...], list[str], list[str]]] = [
    (
        ("name",),
        ["a", "shop", "my-shop-2", "x" * 31],
        ["", "Shop", "2shop", "-shop", "my_shop", "x" * 32, "shop.org", "root", "www-data",
         "nginx", "ssh", "systemd-network", "users"],
    ),
    (
        ("app", "entrypoint"),
        ["shop.wsgi:application", "app:app", "shop:create_app()", "_a._b:_c.d"],
        ["shop.wsgi", "shop:app:x", "shop:create_app(1)", "class:app", "shop.import:app", "1a:b",
         "shop:app()()", ".a:b", "a.:b", "a:", ":b", "../a:b"],
    ),
    (("app", "settings_module"), ["shop.settings", "settings"], ["", "a/b", "a..b", "def"]),
    (
        ("app", "app_dir"),
        [".", "src", "a/b.c/d-e", "./src"],
        ["", "/srv", "..", "a/../b", "a//b", "a/", "-r", "~root"],
    ),
    (
        ("app", "install", "file"),
        ["requirements.txt", "requirements/production.txt"],
        ["-e", "--index-url", "~/x", "/etc/passwd", "../x"],
    ),
    (("app", "install", "groups", 0), ["prod", "a.b-c_d"], ["", "-e", "a-", ".a"]),
    (
        ("app", "python"),
        ["3.9", "3.12", "3.13t"],
        ["", "3", "2.7", "3.12.1", "3.123", "3.x", "3.12T", "4.0", "3."],
    ),
    (
        ("app", "gunicorn"),
        ["27.0.1", "20.1", "25.1.0"],
        ["27", "", "27.0.1rc1", "27.0.1.2", "latest", ">=20", "v27.0"],
    ),
    (("app", "secrets", 0), ["SECRET_KEY", "_a1"], ["", "1A", "A-B", "A=B", "A" * 129]),
    (("app", "environment"), [], []),
    (("app", "static", "url"), ["/static/", "/a/b.c/"], ["/", "static/", "/static", "//", "/../a/",
     "/a/./b/"]),
    (("app", "media", "url"), ["/media/"], ["/", "media", "/a//b/"]),
    (
        ("app", "static", "folder"),
        ["staticfiles", "a/b", "/srv/files"],
        ["", "/", "../a", "a/../b", "a/", "/../etc", "./a", "-a", "~a"],
    ),
    (("app", "media", "folder"), ["media", "/srv/media"], ["..", "/srv/../etc"]),
    (("app", "health"), ["/", "/health", "/health/", "/a/b"], ["", "health", "//x", "/a/../b",
     "/a?b", "http://x/"]),
    (("app", "writable", 0), ["/var/lib/x", "/srv"], ["", "/", "a", "/a/", "/a/../b", "//a"]),
    (
        ("proxy", "server_names", 0),
        ["shop.org", "*.shop.org", "localhost", "a-b.c", "xn--bcher-kva.example", "10.0.0.1"],
        ["", ".org", "shop.org.", "http://a", "a:80", "a/b", "-a.org", "a-.org", "*", "*.*.a",
         "a.*.b", "a_b", "a..b", "_", "~^x$", "[::1]", "x" * 64, "a." * 127 + "org"],
    ),
    (
        ("machines", "web", "hosts", 0),
        ["h.org", "10.0.0.1", "::1", "2001:db8::1", "::ffff:10.0.0.1"],
        ["", "..", "::::", ":", "a:22", "user@h", "fe80::1%eth0", "*.a", "[::1]", "1:2"],
    ),
    (
        ("proxy", "behind", 0),
        ["10.0.0.0/8", "10.1.2.3", "2001:db8::/32", "2001:DB8::1", "::1/128"],
        ["", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/255.0.0.0", "10.0.0.0/0.255.255.255",
         "fe80::1%eth0", "fe80::%;evil", "::/129", "a.b", "10.0.0", "all", "10.0.0.0/08x",
         "Cloudflare", "cloudflare/8"],
    ),
    (("proxy", "behind", "networks", 0), ["cloudflare", "10.0.0.0/8"], ["", "fastly", "10.0.0"]),
    (("proxy", "behind", "networks"), ["cloudflare", "10.0.0.0/8"], ["", "10.0.0.1/8"]),
    (("proxy", "health", "url"), ["/lb", "/a/b/"], ["", "lb", "/../a", "/a?b"]),
    (
        ("proxy", "tls", "acme", "email"),
        ["ops@example.com", "a.b+c_d@x-y.org"],
        ["", "ops", "ops@", "@x.org", "-o@x.org", "a@b", "a@b@c.org", "a,b@c.org"],
    ),
    (
        ("proxy", "tls", "acme", "directory"),
        ["https://acme.example.org/directory", "https://localhost:14000/dir", "https://a.b/"],
        ["", "http://a.b/", "a.b/dir", "https://", "https://a.b/x?y", "https://u@a.b/"],
    ),
    (("proxy", "tls", "certificate"), ["/etc/ssl/a.pem"], ["a.pem", "/", "/a/../b"]),
    (("proxy", "tls", "key"), ["/etc/ssl/a.key"], ["a.key"]),
    (("proxy", "include", 0), ["/etc/nginx/extra.conf"], ["extra.conf", "/etc/nginx/*.conf"]),
]  # fmt: skip
GOOD = [(where, value) for where, good, _ in TEXTS for value in good]
BAD = [(where, value) for where, _, bad in TEXTS for value in bad]


@pytest.mark.parametrize(("where", "value"), GOOD)
def test_good(where: tuple[str | int, ...], value: str) -> None:
    build(where, value)


@pytest.mark.parametrize(("where", "value"), BAD)
def test_bad(where: tuple[str | int, ...], value: str) -> None:
    assert refused(where, value)


@pytest.mark.parametrize(("where", "good"), [(where, good[0]) for where, good, _ in TEXTS if good])
def test_nothing_else_slips_in(where: tuple[str | int, ...], good: str) -> None:
    slipped = [
        name
        for name, nasty in NASTY.items()
        for value in (good + nasty, nasty + good, good[:1] + nasty + good[1:])
        if not refused(where, value)
    ]
    assert not slipped


# Mappings: (where, key that is good, value that is good).
MAPPINGS: list[tuple[tuple[str, ...], str, Any]] = [
    (("machines",), "web", {}),
    (("machines", "web", "shared_with"), "redis", "1G"),
    (("app", "environment"), "DEBUG", "x"),
    (("proxy", "headers"), "X-Frame-Options", "DENY"),
]


@pytest.mark.parametrize(("where", "key", "value"), MAPPINGS)
def test_keys_are_as_narrow(where: tuple[str, ...], key: str, value: Any) -> None:
    build((*where, key), value)
    slipped = [
        name
        for name, nasty in NASTY.items()
        for written in (key + nasty, nasty + key)
        if not refused((*where, written), value)
    ]
    assert not slipped


@pytest.mark.parametrize("group", ["all", "ungrouped", "Web", "web-1", "1web", "", "w" * 32])
def test_bad_groups(group: str) -> None:
    assert refused(("machines", group), {})


# Values of an environment variable may hold nearly anything, on one line.
@pytest.mark.parametrize("nasty", NASTY)
def test_environment_values_are_one_line_of_text(nasty: str) -> None:
    ends_line_or_controls = {
        "line feed", "carriage return", "line separator", "paragraph separator", "next line",
        "vertical tab", "form feed", "file separator", "NUL", "DEL", "escape", "tab",
        "half a character",
    }  # fmt: skip
    value = f"a{NASTY[nasty]}b"
    assert refused(("app", "environment", "A"), value) == (nasty in ends_line_or_controls)
    assert refused(("app", "unhardened", "PrivateTmp"), value) == (nasty in ends_line_or_controls)


@pytest.mark.parametrize("nasty", NASTY)
def test_header_values_hold_no_variable_and_no_line(nasty: str) -> None:
    harmless = {
        "semicolon", "double quote", "single quote", "backtick", "space", "Jinja", "block",
        "end of block", "percent", "comment", "pipe", "angle",
    }  # fmt: skip
    assert refused(("proxy", "headers", "X-A"), f"a{NASTY[nasty]}b") == (nasty not in harmless)


@pytest.mark.parametrize(
    "name",
    ["Content-Length", "transfer-encoding", "Connection", "Content-Type", "Cache-Control", "Date"],
)
def test_headers_that_belong_to_one_response_are_refused(name: str) -> None:
    assert refused(("proxy", "headers", name), "1")


@pytest.mark.parametrize("nasty", NASTY)
def test_commands_are_one_line(nasty: str) -> None:
    assert not refused(("app", "release_commands", 0), "python manage.py migrate --x 'a b'")
    printable = {
        "semicolon", "space", "Jinja", "block", "end of block", "percent", "dollar", "comment",
        "non-ASCII", "full-width digit", "Kelvin", "backtick", "pipe", "angle", "backslash",
    }  # fmt: skip
    # Quotes have to be closed.
    assert refused(("app", "release_commands", 0), f"a{NASTY[nasty]}b") == (nasty not in printable)


@pytest.mark.parametrize("command", ["", "  ", "a && b", "a | b", "a ; b", "a > b", "'a"])
def test_commands_run_without_a_shell(command: str) -> None:
    assert refused(("app", "release_commands", 0), command)


@pytest.mark.parametrize(
    ("size", "bytes_"),
    [("512M", 512 * 2**20), ("1.5G", 3 * 2**29), ("4GiB", 2**32), ("4gb", 2**32), (4096, 4096),
     ("1024", 1024), ("1T", 2**40), (" 1K ", 1024), ("1024T", 2**50)],
)  # fmt: skip
def test_sizes(size: str | int, bytes_: int) -> None:
    assert build(("proxy", "body_limit"), size).proxy.body_limit == bytes_


@pytest.mark.parametrize(
    "size",
    ["", "M", "-1G", "1 G B", "1,5G", "4 gigabytes", "1e9", "512", 0, -1, 1023, True, None, 1.5,
     "1025T", "9" * 400 + "T", "5\u212a", "\uff15G", "4G\n4G", "0x10M", "1P", [], {}],
)  # fmt: skip
def test_bad_sizes(size: object) -> None:
    assert refused(("machines", "web", "memory"), size)


# Nothing is guessed: a wrong type is refused, never turned into the right one.
@pytest.mark.parametrize(
    ("where", "values"),
    [
        (("workload", "thread_safe"), ["yes", "no", "on", "true", 1, 0, None, [], "x"]),
        (("workload", "leaks"), ["off", 1]),
        (("proxy", "http2"), ["on", 0]),
        (("machines", "web", "cpus"), ["2", True, 0, -1, 0.001, 4097, "nan", "inf", float("nan"),
                                       float("inf"), None, [2]]),
        (("workload", "long_lived"), ["5", 1.0, True, -1, 10**9, 10**40]),
        (("workload", "db_connections"), ["5", 0, 1.5, True]),
        (("workload", "cpu_ms"), [0, -1, 1e-9, 1e300, "5", float("inf"), True]),
        (("workload", "wait_ms"), [-1, 1e300, "5", float("nan")]),
        (("workload", "slowest_request_s"), [0, -1, 86401, 1e308, "20"]),
        (("workload", "kind"), ["cpus", "CPU", "", None, 1]),
        (("version",), [2, 0, "1", 1.0, True, None]),
        (("machines",), [{}, [], None, "web"]),
        (("machines", "web"), [None, [], "4G"]),
        (("machines", "web", "os"), ["debian", "debian-11", 12]),
        (("app",), [None, [], "x"]),
        (("app", "interface"), ["http", "WSGI"]),
        (("app", "environment"), [None, [], "A=B", {"A": None}, {"A": True}, {"A": []}]),
        (("app", "secrets"), [None, "KEY", {"KEY": "x"}, ["A", "A"], [1]]),
        (("proxy", "server_names"), [[], None, "shop.org", ["a.org", "a.org"], ["a.org", "A.ORG"]]),
        (("proxy", "kind"), ["apache2", "Nginx"]),
        (("proxy", "tls", "mode"), ["acme2", True]),
        (("targets",), ["nginx", [1], {}]),
        (("nonsense",), [1]),
        (("proxy", "nonsense"), [1]),
        (("app", "install", "nonsense"), [1]),
    ],
)  # fmt: skip
def test_wrong_types_and_values(where: tuple[str, ...], values: list[object]) -> None:
    for value in values:
        assert refused(where, value), value


def test_a_name_is_one_name_however_it_is_written() -> None:
    assert build(("proxy", "server_names", 0), "Shop.ORG").proxy.server_names == ("shop.org",)


@pytest.mark.parametrize(("value", "text"), [(1, "1"), ("x", "x"), (2.5, "2.5"), ("", "")])
def test_environment_values_become_text(value: object, text: str) -> None:
    assert build(("app", "environment", "A"), value).app.environment == {"A": text}


def test_descriptions_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        build(("name",), "shop").name = "other"  # type: ignore[misc]
    assert issubclass(InputError, Exception)
