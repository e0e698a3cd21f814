"""Target front: everything that is planned is there, and hosts of a fleet are where it says."""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from typing import Any

import crossplane
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from deploygen import targets
from deploygen.targets import REGISTRY
from tests.builders import a_plan, machine, rendered
from tests.unit.plan.test_fleet import FRONT, TWO, a_fleet

FULL: dict[str, Any] = {
    "app": {"static": {"url": "/static/", "folder": "s"}, "health": "/up"},
    "proxy": {
        "tls": {"mode": "acme", "redirect": True},
        "behind": ["10.9.0.0/16"],
        "limits": {"connections_per_address": 9, "requests_per_second": 7},
        "streaming": ["/ws"],
        "health": {"url": "/lb", "asks": "app"},
    },
}
PREFIX = "hosts/front/"


def files(**changes: Any) -> dict[str, str]:
    every = rendered(a_fleet(**changes))
    return {
        path.removeprefix(PREFIX): text for path, text in every.items() if path.startswith(PREFIX)
    }


def test_it_fits_where_there_is_a_front() -> None:
    alone = a_plan(machines=TWO)
    assert not REGISTRY["front"].fits(alone) and not REGISTRY["front"].files(alone)
    assert REGISTRY["front"] in targets.choose(a_fleet())


def flat(content: str) -> str:
    return re.sub(r"\s*\n\s*# ", " ", content)


@pytest.mark.parametrize("changes", [{}, FULL])
def test_every_setting_is_rendered_with_its_name_value_and_reason(changes: dict[str, Any]) -> None:
    made = a_fleet(**changes)
    everything = "".join(files(**changes).values())
    assert made.front is not None
    for full_name, setting in made.front.settings():
        name, value = setting.name, setting.value
        sizes = [f"{name} {value // unit}{suffix};" for suffix, unit in (("m", 2**20), ("k", 2**10))
                 if isinstance(value, int) and value % unit == 0]  # fmt: skip
        spelled = [f"{name} {value};", f"{name} {value}s;", f"{name}={value} ", f"{name}={value}s;",
                   f"zone shop_hosts {value};", f"{name}={value}\n", *sizes]  # fmt: skip
        assert [text for text in spelled if text in everything], full_name
        reason = f"{setting.reason[0].upper()}{setting.reason[1:]}"
        assert " ".join(reason.split()) in flat(everything), full_name
        assert f"[{setting.source.name}]" in flat(everything)


def test_templates_have_no_values_of_their_own() -> None:
    made = a_fleet(**FULL)
    assert made.front is not None
    marks: dict[str, int] = {}
    components = {}
    for component, decided in made.front.components.items():
        components[component] = {}
        for name, setting in decided.items():
            mark = marks[f"{component}.{name}"] = 700_001 + 2 * len(marks)
            value = mark if isinstance(setting.value, int) else f"v{mark}"
            components[component][name] = replace(setting, value=value)
    changed = replace(made, front=replace(made.front, components=components))
    content = "".join(text for path, text in rendered(changed).items() if path.startswith(PREFIX))
    assert not [name for name, mark in marks.items() if str(mark) not in content]


def test_the_pools() -> None:
    found = files(machines=machine(hosts=["a.test", "b.test", "c.test"]))
    hosts = found["etc/nginx/snippets/shop-hosts.conf"]
    pools = {
        name: re.findall(r"server (\S+):80 ", text)
        for name, text in re.findall(r"upstream (\w+) \{\n(.*?)\n\}", hosts, re.DOTALL)
    }
    assert pools == {
        "shop_hosts": ["a.test", "b.test", "c.test"],
        "shop_without_1": ["b.test", "c.test"],
        "shop_without_2": ["a.test", "c.test"],
        "shop_without_3": ["a.test", "b.test"],
    }
    chosen = re.findall(
        r"if \(-f /run/shop/drained/(\S+)\) \{\n    set \$shop_pool (\w+);",
        found["etc/nginx/snippets/shop-pool.conf"],
    )
    assert chosen == [
        ("a.test", "shop_without_1"),
        ("b.test", "shop_without_2"),
        ("c.test", "shop_without_3"),
    ]


host_names = st.one_of(
    st.from_regex(r"[a-z0-9]{1,9}(\.[a-z0-9]([a-z0-9-]{0,5}[a-z0-9])?){0,2}", fullmatch=True),
    st.ip_addresses().map(str),
)


@given(
    hosts=st.lists(host_names, min_size=1, max_size=6, unique=True),
    networks=st.lists(st.ip_addresses().map(str), min_size=1, max_size=3, unique=True),
)
@settings(max_examples=40, deadline=None)
def test_what_is_rendered_reads_back_as_what_was_planned(
    hosts: list[str], networks: list[str]
) -> None:
    """Read by crossplane: no name of a host becomes a second directive."""
    front = {"hosts": ["front.invalid"], "networks": networks}
    made = a_plan(machines=machine(hosts=hosts), front=front)
    assert made.front is not None
    found = rendered(made)
    read = blocks(found[f"{PREFIX}etc/nginx/snippets/shop-hosts.conf"])
    assert {block["directive"] for block in read} == {"upstream"}
    pools = {
        block["args"][0]: [
            each["args"][0] for each in block["block"] if each["directive"] == "server"
        ]
        for block in read
    }
    assert pools == {
        pool.name: [member.address for member in pool.members] for pool in made.front.fleet.pools
    }
    choices = blocks(found[f"{PREFIX}etc/nginx/snippets/shop-pool.conf"])
    flags = [block["args"] for block in choices if block["directive"] == "if"]
    assert flags == [["-f", pool.without.flag] for pool in made.front.fleet.pools if pool.without]
    doors = blocks(found["hosts/web/etc/nginx/snippets/shop-doors.conf"])
    believed = [each["args"][0] for each in doors if each["directive"] == "set_real_ip_from"]
    assert believed == networks
    inventory = yaml.safe_load(found["ansible/inventory.yml"])["all"]["children"]
    assert [*inventory["application_hosts"]["children"]["web"]["hosts"]] == hosts


def blocks(text: str) -> list[dict[str, Any]]:
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(text)
        file.flush()
        read = crossplane.parse(file.name, single=True, check_ctx=False, check_args=False)
    assert read["status"] == "ok", read["errors"]
    return list(read["config"][0]["parsed"])


def test_no_file_of_the_application_is_there() -> None:
    """The front has its site, the pages of its errors, and its certificate: no code, no unit."""
    found = set(files(**FULL))
    added = "etc/systemd/system/nginx.service.d/shop.conf"
    assert [path for path in found if "systemd" in path or "gunicorn" in path] == [added]
    assert "etc/nginx/snippets/shop-files.conf" not in found
    assert "usr/local/sbin/shop-certificate" in found
    hosts = rendered(a_fleet(**FULL))
    assert not [path for path in hosts if path.endswith("certificate") and "/web/" in path]


def test_who_asks_by_address_asks_the_front_and_by_name_the_hosts() -> None:
    found = files(**FULL)
    asked = found["etc/nginx/nginx.conf"].partition("location = /lb {")[2].partition("}")[0]
    assert 'return 200 "ok\\n";' in asked and "proxy_pass" not in asked
    assert "proxy_pass http://$shop_pool/up;" in found["etc/nginx/snippets/shop-doors.conf"]


def test_hosts_behind_it_refuse_everybody_else() -> None:
    every = rendered(a_fleet(front={**FRONT, "networks": ["10.0.0.2", "2001:db8::/64"]}))
    doors = every["hosts/web/etc/nginx/snippets/shop-doors.conf"]
    assert re.findall(r"set_real_ip_from (\S+);", doors) == ["10.0.0.2", "2001:db8::/64"]
    assert "if ($shop_front = 0) {\n    return 403;" in doors
