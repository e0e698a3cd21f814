"""The JSON Schema says the same as the models, as far as a schema can."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from deploygen.errors import InputError
from deploygen.gunicorn_settings import OVERRIDABLE, Kind
from deploygen.spec import parse
from deploygen.spec.schema import json_schema
from deploygen.targets import REGISTRY
from tests.builders import SMALLEST, description

SCHEMA = json_schema(tuple(REGISTRY))
VALIDATOR = Draft202012Validator(SCHEMA)

GOOD: list[dict[str, Any]] = [
    {},
    {"version": 1, "targets": ["nginx", "gunicorn"]},
    {"targets": None},
    {"app": {"python": 3.1, "gunicorn": "25.1.0", "environment": {"A": 1, "B": "x", "C": 1.5}}},
    {"app": {"static": {"url": "/s/", "folder": "s"}, "media": None, "health": None}},
    {"app": {"install": {"tool": "uv", "file": "uv.lock", "groups": ["prod"]}, "secrets": ["A"]}},
    {"workload": {"kind": "io", "cpu_ms": 1, "wait_ms": 0, "leaks": True, "worker_memory": "90M"}},
    {"machines": {"web": {}, "big": {"cpus": 0.5, "memory": 10**9, "hosts": ["a.org", "::1"]}}},
    {"machines": {"web": {"shared_with": {"postgresql": "1G"}}}},
    {"proxy": {"tls": {"mode": "files", "certificate": "/a", "key": "/b"}, "behind": ["10.0.0.1"]}},
    {"proxy": {"behind": "cloudflare", "headers": {"X-Frame-Options": None}}},
    {"proxy": {"behind": {"networks": ["::1"], "proxy_protocol": True, "only": True}}},
    {"proxy": {"tls": {"mode": "acme", "profile": "modern", "acme": {"email": "a@b.org"}}}},
    {"proxy": {"health": {"url": "/lb", "asks": "app"}}},
    {"proxy": {"headers": {"X-A": "b"}, "include": ["/etc/x"], "body_limit": " 1.5 g "}},
    {"server": {"workers": 3, "preload_app": True, "loglevel": "debug", "dirty_apps": ["a:b"]}},
    {"server": {"logconfig_dict": {"version": 1}}},
]
BAD: list[dict[str, Any]] = [
    {"name": "Shop"},
    {"version": 2},
    {"nonsense": 1},
    {"app": {"entrypoint": "shop"}},
    {"app": {"entrypint": "a:b"}},
    {"app": {"environment": {"A-B": "x"}}},
    {"app": {"environment": {"A": None}}},
    {"app": {"environment": {"A": "x\ny"}}},
    {"app": {"secrets": ["A", "A"]}},
    {"app": {"python": "2.7"}},
    {"app": {"framework": "rails"}},
    {"app": {"static": {"url": "static", "folder": "x"}}},
    {"app": {"static": {"url": "/static/"}}},
    {"app": {"install": {"file": "-e"}}},
    {"workload": {"kind": "disk"}},
    {"workload": {"cpu_ms": "5"}},
    {"workload": {"cpu_ms": 0}},
    {"workload": {"slowest_request_s": 100000}},
    {"workload": {"thread_safe": "yes"}},
    {"workload": {"long_lived": -1}},
    {"workload": {"long_lived": "5"}},
    {"workload": {"db_connections": 0}},
    {"workload": {"worker_memory": "5 bananas"}},
    {"machines": {}},
    {"machines": {"Web": {}}},
    {"machines": {"web": {"cpu": 2}}},
    {"machines": {"web": {"cpus": 0}}},
    {"machines": {"web": {"memory": 12}}},
    {"machines": {"web": {"hosts": ["a b"]}}},
    {"machines": {"web": {"shared_with": {"Redis": "1G"}}}},
    {"proxy": {"server_names": []}},
    {"proxy": {"server_names": ["a;b"]}},
    {"proxy": {"server_names": ["a.org", "a.org"]}},
    {"proxy": {"headers": {"X A": "b"}}},
    {"proxy": {"headers": {"X-A": "$host"}}},
    {"proxy": {"tls": {"mode": "letsencrypt"}}},
    {"proxy": {"tls": {"certificate": "a.pem"}}},
    {"proxy": {"behind": ["all"]}},
    {"proxy": {"behind": {"network": ["10.0.0.0/8"]}}},
    {"proxy": {"behind": {"only": "yes"}}},
    {"proxy": {"behind": 5}},
    {"proxy": {"tls": {"profile": "old"}}},
    {"proxy": {"health": "/lb"}},
    {"server": {"wrkers": 3}},
    {"server": {"workers": "3"}},
    {"server": {"workers": -3}},
    {"server": {"workers": 2**31}},
    {"server": {"preload_app": "yes"}},
    {"server": {"loglevel": 3}},
    {"server": {"bind": "0.0.0.0:80"}},
]


def parses(data: dict[str, Any]) -> bool:
    try:
        parse(json.dumps(data, ensure_ascii=False))
    except InputError:
        return False
    return True


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == Draft202012Validator.META_SCHEMA["$id"]


@pytest.mark.parametrize("changes", GOOD)
def test_both_accept(changes: dict[str, Any]) -> None:
    data = description(**changes)
    assert parses(data)
    assert not list(VALIDATOR.iter_errors(data))


@pytest.mark.parametrize("changes", BAD)
def test_both_refuse(changes: dict[str, Any]) -> None:
    data = description(**changes)
    assert not parses(data)
    assert not VALIDATOR.is_valid(data)


@pytest.mark.parametrize("required", ["app", "proxy"])
def test_both_require(required: str) -> None:
    data = {key: value for key, value in SMALLEST.items() if key != required}
    assert not parses(data)
    assert not VALIDATOR.is_valid(data)


def test_neither_requires_a_name() -> None:
    data = {key: value for key, value in SMALLEST.items() if key != "name"}
    assert parses(data)
    assert VALIDATOR.is_valid(data)


def test_targets_are_those_that_exist() -> None:
    assert not VALIDATOR.is_valid(description(targets=["caddyy"]))


SAMPLES: dict[Kind, Any] = {
    Kind.INT: 5, Kind.BOOL: True, Kind.TEXT: "x", Kind.LIST: ["x"], Kind.MAP: {"a": "b"},
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(OVERRIDABLE))
def test_both_know_the_type_of_each_override(name: str) -> None:
    for kind, value in SAMPLES.items():
        data = description(server={name: value})
        assert parses(data) == VALIDATOR.is_valid(data) == (kind is OVERRIDABLE[name])
