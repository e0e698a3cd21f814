"""No text, however strange, makes the reader do anything but return or refuse."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from deploygen import plan
from deploygen.errors import InputError
from deploygen.gunicorn_settings import OVERRIDABLE
from deploygen.spec import parse
from deploygen.spec.front import FrontHosts
from deploygen.spec.model import App, Machine, Proxy, Spec, Workload
from tests.builders import description

KEYS = sorted(
    {
        key
        for model in (Spec, App, Workload, Machine, Proxy, FrontHosts)
        for key in model.model_fields
    }
    | set(OVERRIDABLE)
    | {"web", "url", "folder", "tool", "DEBUG", "X-A", "postgresql"}
)
TOKENS = [
    *"{}[]:,-?&*!|>%@`'\"\\\n\r\t #~=<.\x00\x85\u2028\ufeff", "---", "...", "<<", "&a", "*a",
    "!!str", "true", "null", "1e999", "0x1", "08", ".inf", "{{", "}}", "\ud800", "512M", "3.10",
    "shop.org", "a:b", *KEYS,
]  # fmt: skip


def reads(yaml: str) -> None:
    try:
        document = parse(yaml)
        with document.located():
            plan.make(document.spec)
    except InputError as error:
        check(error)


def check(error: InputError) -> None:
    assert error.problems
    for problem in error.problems:
        assert problem.message
        assert problem.file == "deploygen.yml"
        assert problem.line >= 1 and problem.column >= 1
        assert "\x1b" not in str(problem)


@given(st.text())
@settings(max_examples=200)
@example("a: \ud800")
@example("\ufeff")
@example("? ? ?")
def test_any_text(yaml: str) -> None:
    reads(yaml)


@given(st.lists(st.sampled_from(TOKENS), max_size=30).map("".join))
@settings(max_examples=250)
def test_any_tokens(yaml: str) -> None:
    reads(yaml)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(TOKENS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(Spec.model_fields)), values, max_size=4))
@settings(max_examples=200)
def test_any_data(data: dict[str, Any]) -> None:
    reads(json.dumps(data, ensure_ascii=False))


@given(
    st.sampled_from(["app", "workload", "proxy", "server", "machines", "front"]),
    st.dictionaries(st.sampled_from(KEYS), values, max_size=3),
)
@settings(max_examples=200)
def test_any_data_in_a_section(section: str, data: dict[str, Any]) -> None:
    reads(json.dumps(description(**{section: data}), ensure_ascii=False))


numbers = st.one_of(
    st.integers(),
    st.floats(),
    st.integers(0, 10**30),
    st.sampled_from([0, 1, 2**31, 1e308, 5e-324]),
)


@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            (
                "cpu_ms", "wait_ms", "slowest_request_s", "peak_rps", "long_lived",
                "db_connections", "worker_memory",
            ),
            numbers,
        ),
    ),
    st.fixed_dictionaries({}, optional={"cpus": numbers, "memory": numbers}),
    st.dictionaries(st.sampled_from(sorted(OVERRIDABLE)), numbers, max_size=3),
)  # fmt: skip
@settings(max_examples=200)
def test_any_numbers(
    workload: dict[str, Any], machine: dict[str, Any], server: dict[str, Any]
) -> None:
    reads(json.dumps(description(workload=workload, machines={"web": machine}, server=server)))
