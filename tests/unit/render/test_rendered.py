"""What is rendered reads back as what was planned, whatever the values are.

Each file is read by something other than what wrote it: Python's own parser, crossplane, a
shell. No value may become a second directive.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import crossplane
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from deploygen import plan, targets
from deploygen.errors import InputError
from deploygen.gunicorn_settings import OVERRIDABLE, SINCE, Kind
from deploygen.plan import Plan
from deploygen.plan.gunicorn import PER_SLOT
from deploygen.plan.nginx_site import nginx_site
from deploygen.stack.apache_directives import directives as directives_of_apache
from tests.builders import a_plan, host_files, merged, rendered, spec

NASTY = st.text(
    st.sampled_from(
        list("ab01 ;{}[]()'\"`\\$%#&|<>=:,.~*@+-_/\n\r\t\x00\x85\u2028\u00e4\U0001f600")
    ),
    max_size=12,
)
one_line = st.one_of(
    st.text(
        st.characters(
            codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\u2028\u2029"
        ),
        max_size=20,
    ),
    NASTY.filter(lambda text: text.isprintable()),
)
segment = st.from_regex(r"[A-Za-z0-9._~@+-]{1,8}", fullmatch=True).filter(lambda s: set(s) != {"."})
names = st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True)
env_names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,10}", fullmatch=True).filter(
    lambda name: name != "GUNICORN_CMD_ARGS"
)
host_names = st.from_regex(
    r"(\*\.)?[a-z0-9]{1,5}(\.[a-z0-9]([a-z0-9-]{0,5}[a-z0-9])?){0,2}", fullmatch=True
)
header_values = st.from_regex(r"(?!expr=)[\x20-\x23\x25-\x5b\x5d-\x7e]{1,30}", fullmatch=True)
header_names = st.from_regex(r"X-[A-Za-z0-9-]{1,8}", fullmatch=True)
networks = st.one_of(
    st.ip_addresses().map(str), st.sampled_from(["10.0.0.0/8", "2001:db8::/32", "::/0"])
)


@st.composite
def descriptions(draw: st.DrawFn) -> dict[str, Any]:
    path = segment.map(lambda text: f"/{text}")
    prefix = segment.map(lambda text: f"/{text}/")
    tls = {"mode": "files", "certificate": draw(path), "key": draw(path)}
    return {
        "name": draw(names),
        "app": {
            "entrypoint": draw(
                st.from_regex(r"[a-z_]{2,6}\.x_y:[a-z_]{2,6}(\(\))?", fullmatch=True)
            ),
            "app_dir": draw(segment),
            "environment": draw(st.dictionaries(env_names, one_line, max_size=4)),
            "secrets": draw(st.lists(env_names, max_size=2, unique=True)),
            "static": {"url": draw(prefix), "folder": draw(segment)},
            "media": draw(
                st.none()
                | st.fixed_dictionaries(
                    {
                        "url": prefix,
                        "folder": st.one_of(segment, path),
                        "attachment": st.booleans(),
                    }
                )
            ),
            "protected": draw(st.none() | st.fixed_dictionaries({"url": prefix})),
            "writable": draw(st.lists(path, max_size=2)),
            "unhardened": draw(
                st.dictionaries(st.sampled_from(["PrivateTmp", "ProcSubset"]), one_line)
            ),
        },
        "machines": {"web": {"os": draw(st.sampled_from(["debian-12", "debian-13"]))}},
        "proxy": {
            "kind": draw(st.sampled_from(["nginx", "apache"])),
            "server_names": ["shop.test", *draw(st.lists(host_names, max_size=3, unique=True))],
            "tls": draw(st.sampled_from([{"mode": "none"}, tls])),
            "streaming": draw(st.lists(path, max_size=2, unique=True)),
            "behind": draw(
                st.just("cloudflare")
                | st.lists(networks, max_size=2, unique=True)
                | st.fixed_dictionaries(
                    {
                        "networks": st.lists(networks, min_size=1, max_size=2, unique=True),
                        "only": st.booleans(),
                        "proxy_protocol": st.booleans(),
                    }
                )
            ),
            "health": draw(st.none() | st.fixed_dictionaries({"url": path})),
            "headers": draw(
                st.dictionaries(header_names, header_values, max_size=3).filter(
                    lambda found: len({name.lower() for name in found}) == len(found)
                )
            ),
            "include": draw(st.lists(path, max_size=2)),
        },
        "server": draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "proc_name": one_line,
                    "access_log_format": one_line,
                    "dirty_apps": st.lists(NASTY, max_size=2),
                    "logconfig_dict": st.dictionaries(NASTY, NASTY | st.none() | st.floats(-5, 5)),
                    "keepalive": st.integers(0, 60),
                    "sendfile": st.booleans(),
                },
            )
        ),
    }


def accepted(changes: dict[str, Any]) -> Plan:
    """The plan; what is refused (a reserved name, say) is no example of this test."""
    try:
        return plan.make(spec(**changes))
    except InputError:
        assume(False)
        raise


def frozen(value: object) -> object:
    """Lists and tuples are one thing to gunicorn."""
    if isinstance(value, list | tuple):
        return [frozen(item) for item in value]
    return {key: frozen(item) for key, item in value.items()} if isinstance(value, dict) else value


def assignments(source: str) -> dict[str, object]:
    """Name -> value of a Python file that holds nothing but literals."""
    found: dict[str, object] = {}
    for statement in ast.parse(source).body:
        assert isinstance(statement, ast.Assign)
        (name,) = statement.targets
        assert isinstance(name, ast.Name)
        assert name.id not in found
        found[name.id] = ast.literal_eval(statement.value)
    return found


def directives(unit: str) -> Iterator[tuple[str, str]]:
    """(name, value) of each line of a unit, as systemd reads it."""
    for line in unit.replace("\\\n", " ").split("\n"):
        text = line.strip()
        if text and text[0] not in "#;":
            name, _, value = text.partition("=")
            yield name, value


def parsed_env(source: str) -> dict[str, str]:
    """An EnvironmentFile by the rules of systemd.exec(5)."""
    found = {}
    for line in source.split("\n"):
        if not line or line[0] in "#;":
            continue
        name, _, rest = line.partition("=")
        value, quote, index = "", "", 0
        while index < len(rest):
            letter = rest[index]
            if quote == "'" and letter != "'":
                value += letter
            elif quote == '"' and letter == "\\" and rest[index + 1] in '"\\`$':
                index += 1
                value += rest[index]
            elif letter == quote:
                quote = ""
            elif not quote and letter in "'\"":
                quote = letter
            else:
                assert quote or letter not in "\\ \t"
                value += letter
            index += 1
        assert not quote
        found[name] = value
    return found


def nginx_blocks(source: str, folder: Path) -> list[dict[str, Any]]:
    path = folder / "site.conf"
    path.write_text(source)
    payload = crossplane.parse(str(path), single=True, check_ctx=False, check_args=False)
    assert payload["status"] == "ok", payload["errors"]
    blocks: list[dict[str, Any]] = payload["config"][0]["parsed"]
    return blocks


def every(blocks: list[dict[str, Any]], name: str) -> Iterator[list[str]]:
    for block in blocks:
        if block["directive"] == name:
            yield block["args"]
        yield from every(block.get("block", []), name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nginx")


@given(changes=descriptions())
@settings(max_examples=50)
def test_files_read_back_as_what_was_planned(folder: Path, changes: dict[str, Any]) -> None:
    made = accepted(changes)
    group, name = made.groups["web"], made.spec.name
    files = {path.removeprefix("hosts/web/"): text for path, text in rendered(made).items()}

    # gunicorn.conf.py
    gunicorn = group.components["gunicorn"]
    expected = {
        setting.name: frozen(setting.value)
        for setting in gunicorn.values()
        if setting.name not in PER_SLOT
    }
    found = assignments(files[f"etc/{name}/gunicorn.conf.py"])
    assert found == {**expected, "wsgi_app": made.spec.app.entrypoint}

    # The environment.
    assert parsed_env(files[f"etc/{name}/env"]) == dict(made.environment)

    # The unit: the values are whole, and there is no line that the plan does not know.
    unit = list(directives(files[f"etc/systemd/system/{name}@.service"]))
    assert [value for key, value in unit if key == "ReadWritePaths"] == list(group.writable)
    assert ("WorkingDirectory", f"/srv/{name}/%i/{made.spec.app.app_dir}") in unit
    for option in group.hardening:
        values = [value for key, value in unit if key == option.name]
        assert values == ([] if option.dropped else list(option.values))
    known = {
        "[Unit]", "[Service]", "[Install]", "Description", "Documentation", "Wants", "After",
        "Before", "StartLimitIntervalSec", "Type", "NotifyAccess", "User", "Group", "Also",
        "WorkingDirectory", "EnvironmentFile", "ExecStart", "ExecReload", "SyslogIdentifier",
        "StateDirectory", "UMask", "ReadWritePaths", "WantedBy", *group.components["systemd"],
        *(option.name for option in group.hardening),
    }  # fmt: skip
    assert {key for key, _ in unit} <= known
    assert [key for key, _ in unit].count("ExecStart") == 1
    assert ("User", name) in unit

    # Its socket: all of it, for a host that is alone.
    assert list(directives(files[f"etc/systemd/system/{name}@.socket"])) == [
        ("[Unit]", ""), ("Description", f"requests for {name} (%i)"),
        ("[Socket]", ""), ("ListenStream", f"/run/{name}/%i.sock"), ("RemoveOnStop", "yes"),
        ("SocketUser", name), ("SocketGroup", "www-data"), ("SocketMode", "0660"),
        ("Backlog", str(gunicorn["backlog"].number)),
        ("[Install]", ""), ("WantedBy", "sockets.target"),
    ]  # fmt: skip

    check_site = check_nginx if made.spec.proxy.kind == "nginx" else check_apache
    check_site(made, files, folder)

    # User and folders: a line each.
    assert len(files[f"etc/sysusers.d/{name}.conf"].strip().split("\n")) == 3
    for line in files[f"etc/tmpfiles.d/{name}.conf"].split("\n"):
        assert not line or line.startswith("#") or len(line.split()) == 6


def check_nginx(made: Plan, files: dict[str, str], folder: Path) -> None:
    group, name = made.groups["web"], made.spec.name
    words = nginx_site(group.site, group.facts.system, name)
    site = nginx_blocks(files[f"etc/nginx/sites-available/{name}.conf"], folder)
    disk = nginx_blocks(files[f"etc/nginx/snippets/{name}-files.conf"], folder)
    proxy = made.spec.proxy
    for args in every(site, "server_name"):
        assert tuple(args) == proxy.server_names
    served = [each for each in (group.site.static, group.site.media, group.site.protected) if each]
    assert [args[0] for args in every(disk, "alias")] == [each.folder for each in served]
    assert [args[0] for args in every(disk, "location")] == [each.url for each in served]
    if group.site.streaming:
        streams = nginx_blocks(files[f"etc/nginx/snippets/{name}-streaming.conf"], folder)
        [(_, streamed)] = every(streams, "location")
        for path in group.site.streaming:
            assert re.match(streamed, f"{path}/x") and not re.match(streamed, f"/{'z' * 99}{path}")
    includes = [args[0] for args in every(site, "include")]
    assert [path for path in includes if not path.startswith("snippets/")] == list(proxy.include)
    words = nginx_site(group.site, group.facts.system, name)
    assert [" ".join(args) for args in every(site, "listen")] == [
        *(words.listen_plain if words.redirect else ()), *words.listen
    ]  # fmt: skip
    variables = {args[0]: args[1] for args in every(site, "add_header")}
    added = nginx_blocks(files[f"etc/nginx/snippets/{name}-maps.conf"], folder)
    maps = {
        block["args"][1]: {each["directive"]: each["args"] for each in block["block"]}
        for block in added
        if block["directive"] == "map"
    }
    for header, value in proxy.headers.items():
        assert maps[variables[header]][""] == [value]
    assert {block["directive"] for block in site} <= {"include", "upstream", "server"}
    assert {block["directive"] for block in added} <= {"map", "geo", "log_format"}
    doors = nginx_blocks(files[f"etc/nginx/snippets/{name}-doors.conf"], folder)
    front = group.site.front
    networks = list(front.networks) if front else []
    assert [args[0] for args in every(doors, "set_real_ip_from")] == networks
    assert [args[1] for args in every(doors, "location")] == (
        [proxy.health.url] if proxy.health else []
    )
    assert {block["directive"] for block in doors} <= {
        "access_log", "real_ip_header", "real_ip_recursive", "set_real_ip_from", "if", "location",
    }  # fmt: skip


def check_apache(made: Plan, files: dict[str, str], _folder: Path) -> None:
    group, name, proxy = made.groups["web"], made.spec.name, made.spec.proxy
    found = [
        each
        for path in (
            f"sites-available/{name}.conf",
            f"conf-available/{name}-files.conf",
            f"conf-available/{name}-doors.conf",
        )
        for each in directives_of_apache(files[f"etc/apache2/{path}"])
    ]

    def values(directive: str) -> list[tuple[str, ...]]:
        return [each.values() for each in found if each.name == directive]

    served = [each for each in (group.site.static, group.site.media) if each]
    assert set(values("serveralias")) == {proxy.server_names}
    assert values("alias") == [(each.url, each.folder) for each in served]
    assert values("proxypass") == [(each.url, "!") for each in served]
    front = group.site.front
    headers_of = front.networks if front and not front.proxy_protocol else ()
    assert values("remoteipinternalproxy") == [(network,) for network in headers_of]
    assert len(values("setenvifexpr")) >= (len(front.networks) if front else 0)
    parts = (
        ("doors", "files", "errors", "proxy")
        if group.site.from_disk
        else ("doors", "errors", "proxy")
    )
    own = [f"conf-available/{name}-{part}.conf" for part in parts]
    told = f"conf-available/{name}-told.conf"  # by the doors, for every host
    included = [args[0] for args in values("include") if args != (told,)]
    assert included[-len(own) - len(proxy.include) :] == [*own, *proxy.include]
    asked = directives_of_apache(files[f"etc/apache2/conf-available/{name}-proxy.conf"])
    paths = [each.values()[0] for each in asked if each.name == "proxypass"]
    assert paths == [*(path.rstrip("/") for path in proxy.streaming), "/"]
    headers = {args[2]: args[3] for args in values("header") if args[:2] == ("always", "set")}
    for header, value in proxy.headers.items():
        assert headers[header].replace("%%", "%") == value
    assert {each.name for each in found if not each.within} <= {
        "virtualhost", "proxypass", "alias", "directory", "location", "locationmatch",
        "rewritecond", "rewriterule", "xsendfile", "xsendfilepath",
        "include", "allowencodedslashes", "rewriteengine", "setenvifexpr", "remoteipheader",
        "errordocument", "remoteipinternalproxy", "remoteipproxyprotocol",
    }  # fmt: skip


@given(st.dictionaries(env_names, one_line, max_size=40))
@settings(max_examples=20)
def test_a_shell_reads_the_same_environment(folder: Path, values: dict[str, str]) -> None:
    shells_own = {"UID", "EUID", "PPID", "BASHOPTS", "SHELLOPTS", "_", "IFS"}
    values = {f"X_{name}": value for name, value in values.items() if name not in shells_own}
    path = folder / "env"
    path.write_text(host_files(app={"environment": values})["etc/shop/env"])
    shell = 'set -a; . "$0"; exec env -0'
    done = subprocess.run(
        ["bash", "--norc", "-c", shell, str(path)],
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        capture_output=True,
        check=True,
    )
    pairs = (entry.partition("=") for entry in done.stdout.decode().split("\0"))
    read = {name: value for name, _, value in pairs if name.startswith("X_")}
    assert read == values


SAMPLES: dict[Kind, Any] = {
    Kind.INT: 40, Kind.BOOL: True, Kind.TEXT: "some text", Kind.LIST: ["a:b"], Kind.MAP: {"a": "b"},
}  # fmt: skip
OWN_SAMPLES = {"worker_class": "sync", "control_socket": "/run/shop/%i.other", "threads": 2,
               "max_requests_jitter": 3}  # fmt: skip


@pytest.mark.parametrize("name", sorted(OVERRIDABLE))
def test_every_override_is_rendered(name: str) -> None:
    value = OWN_SAMPLES.get(name, SAMPLES[OVERRIDABLE[name]])
    machines = {"web": {"cpus": 8, "memory": "64G"}}
    made = a_plan(server={name: value}, machines=machines)
    setting = made.groups["web"].components["gunicorn"][name]
    assert frozen(setting.value) == value
    assert setting.reason == "set in deploygen.yml"
    files = host_files(server={name: value}, machines=machines)
    if name in PER_SLOT:
        unit = dict(directives(files["etc/systemd/system/shop@.service"]))
        assert f"--{name.replace('_', '-')} {value} " in unit["ExecStart"]
    else:
        assert assignments(files["etc/shop/gunicorn.conf.py"])[name] == value


@pytest.mark.parametrize("name", sorted(SINCE))
def test_settings_that_a_release_lacks_are_not_rendered(name: str) -> None:
    files = host_files(app={"gunicorn": "20.1.0"})
    everything = files["etc/shop/gunicorn.conf.py"] + files["etc/systemd/system/shop@.service"]
    assert name not in everything.replace("-", "_")


@pytest.mark.parametrize(
    "socket",
    ["/run/shop/a.ctl", "/tmp/%i --bind 0.0.0.0:80", "%i", "/%i;x", "/%i\\", '/%i"', "/%i$x",
     "/%n%i", "/run/%i/", "/%i\u2028", "/%i{{x}}", "relative/%i", ""],
)  # fmt: skip
def test_the_control_socket_can_not_change_the_command_line(socket: str) -> None:
    with pytest.raises(InputError, match="control_socket"):
        a_plan(server={"control_socket": socket})


def test_a_reason_that_ends_in_a_backslash_takes_no_line_with_it() -> None:
    unit = host_files(app={"unhardened": {"PrivateTmp": "it says so \\"}})[
        "etc/systemd/system/shop@.service"
    ]
    lines = unit.split("\n")
    assert "# Left out in deploygen.yml: it says so " in lines
    assert not [line for line in lines if line.startswith("#") and line.endswith("\\")]


def test_values_of_one_kind_meet_in_no_variable_of_the_site(folder: Path) -> None:
    headers = dict.fromkeys(("Scheme", "Cache", "Front", "Request-Id", "Gunicorn"), "x")
    text = host_files(proxy={"headers": headers, "behind": ["10.0.0.1"]})[
        "etc/nginx/snippets/shop-maps.conf"
    ]
    targets_of_maps = [args[1] for args in every(nginx_blocks(text, folder), "map")]
    targets_of_maps += [args[1] for args in every(nginx_blocks(text, folder), "geo")]
    assert len(targets_of_maps) == len(set(targets_of_maps)) == 5 + 3 + len(headers)


def test_a_description_is_not_changed_by_rendering() -> None:
    changes = merged({}, {"app": {"environment": {"A": "{{ x }}"}}})
    before = spec(**changes)
    made = plan.make(before)
    rendered(made)
    assert made.spec == spec(**changes)
    assert targets.files(made)
