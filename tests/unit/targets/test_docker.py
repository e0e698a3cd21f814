"""Target docker: what the compose file promises, and what the container's own scripts do."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploygen.plan import ContainerPlan
from deploygen.render.quoting import nginx_size, python
from deploygen.units import MIB
from tests.builders import a_plan, machine, refusal, rendered

FULL: dict[str, Any] = {
    "app": {
        "secrets": ["SECRET_KEY", "DATABASE_URL"],
        "static": {"url": "/static/", "folder": "staticfiles"},
        "media": {"url": "/media/", "folder": "media"},
        "writable": ["/var/cache/shop"],
        "release_commands": ["python manage.py migrate", "python manage.py collectstatic"],
        "environment": {"MOTTO": 'a "b" $HOME \\'},
    },
    "containers": {"postgresql": {}, "redis": {"memory": "100M"}},
}
APPLICATION = ("release", "app")


def docker(**changes: Any) -> dict[str, str]:
    """Path below docker/ -> text."""
    files = rendered(a_plan(**changes))
    return {
        path.removeprefix("docker/"): text
        for path, text in files.items()
        if path.startswith("docker/")
    }


def compose(**changes: Any) -> dict[str, Any]:
    return yaml.safe_load(docker(**changes)["compose.yaml"])


def containers(**changes: Any) -> ContainerPlan:
    found = a_plan(**changes).containers
    assert found
    return found


@pytest.mark.parametrize("name", ["release", "app", "proxy", "postgresql", "redis"])
def test_no_service_writes_to_its_root_or_keeps_a_right(name: str) -> None:
    service = compose(**FULL)["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service and "cap_add" not in service


APACHE_TLS = {"kind": "apache", "tls": {"mode": "files", "certificate": "/c", "key": "/k"}}


def test_apache_has_the_registrys_layout_and_ports_that_need_no_right() -> None:
    files, made = docker(proxy=APACHE_TLS), containers(proxy=APACHE_TLS)
    own = "proxy/usr/local/apache2"
    main, site = files[f"{own}/conf/httpd.conf"], files[f"{own}/sites-enabled/shop.conf"]
    assert re.findall(r"^Listen (.*)$", main, re.MULTILINE) == ["8080", "8443"]
    assert re.findall(r"<VirtualHost (.*)>", site) == ["*:8080", "*:8443"]
    assert "APACHE_LOG_DIR" not in "".join(files.values())
    assert "ErrorLog /dev/stderr" in site and "CustomLog /dev/stdout timed" in site
    assert f"unix:{made.socket}|" in files[f"{own}/conf-available/shop-proxy.conf"]
    dockerfile = files["Dockerfile"]
    assert "ARG PROXY_BASE=docker.io/library/httpd:2.4\n" in dockerfile
    assert "STOPSIGNAL SIGWINCH\n" in dockerfile
    # Bodies that exceed memory go to a volume, whatever /tmp holds.
    assert "ENV TMPDIR=/var/spool/apache2\n" in dockerfile
    service = compose(proxy=APACHE_TLS)["services"]["proxy"]
    assert "spool:/var/spool/apache2" in service["volumes"]
    assert not [path for path in files if "nginx" in path]
    # What shows a certificate to strangers is made at each start: no key is in the image.
    assert 'CMD ["sh", "/etc/shop/start.sh"]' in dockerfile
    assert "-keyout /tmp/stand-in/privkey.pem" in files["proxy/etc/shop/start.sh"]
    plain = docker(proxy={"kind": "apache"})
    assert 'CMD ["httpd", "-D", "FOREGROUND"]' in plain["Dockerfile"]
    assert "proxy/etc/shop/start.sh" not in plain


@pytest.mark.parametrize(("cpus", "memory"), [(1, "512M"), (2, "4G"), (16, "64G"), (64, "4G")])
def test_apaches_container_has_room_for_its_threads(cpus: float, memory: str) -> None:
    changes = {"proxy": {"kind": "apache"}, "machines": machine(cpus, memory)}
    planned, service = containers(**changes), compose(**changes)["services"]["proxy"]
    apache = {name: s.value for name, s in planned.components["apache"].items()}
    threads = apache["ServerLimit"] * apache["ThreadsPerChild"]
    assert service["pids_limit"] > threads, "a reload has two generations of processes"
    assert threads == 2 * apache["MaxRequestWorkers"]
    unit = {"g": 1024 * MIB, "m": MIB}[service["mem_limit"][-1]]
    limit = unit * int(service["mem_limit"][:-1])
    assert limit >= apache["MaxRequestWorkers"] * 200 * 1024
    # Each of its clients may leave so much of a response unread.
    clients = apache["MaxRequestWorkers"] * (1 + apache["AsyncRequestWorkerFactor"])
    assert limit >= clients * (112 * 1024 + apache["FlushMaxThreshold"])
    # Each connection of a process, and what each of its threads asks gunicorn with.
    each = apache["ThreadsPerChild"] * (2 + apache["AsyncRequestWorkerFactor"])
    assert service["ulimits"]["nofile"] > each


@pytest.mark.parametrize(
    ("given", "keeps"), [(None, False), ("httpd:2.4", False), ("httpd:2.4.66", True),
                         ("httpd:2.4.57-bookworm", False), ("a.example/web:7.1", True)],
)  # fmt: skip
def test_apaches_version_is_the_tags_and_else_taken_to_be_old(given: str, keeps: bool) -> None:
    changes = {"proxy": {"kind": "apache"}, "containers": {"proxy_image": given} if given else {}}
    server = docker(**changes)["proxy/usr/local/apache2/conf-available/zz-deploygen.conf"]
    assert ("DeflateAlterETag NoChange" in server) is keeps


def test_what_the_registrys_apache_can_not_do_is_refused() -> None:
    changes = {"proxy": {"kind": "apache"}, "app": {"protected": {"url": "/private/"}}}
    problem = refusal(targets=["docker"], **changes)
    assert problem.where == ("app", "protected") and "mod_xsendfile" in problem.message
    assert a_plan(**changes).containers is None, "a host's has it"
    changes = {"proxy": {"kind": "apache", "tls": {"mode": "acme"}}}
    assert refusal(targets=["docker"], **changes).where == ("proxy", "tls", "mode")


def test_limits_are_those_of_the_plan() -> None:
    changes = {"containers": {"cpus": 1.5, "memory": "700M"}, "workload": {"worker_memory": "90M"}}
    service = compose(**changes)["services"]["app"]
    planned = containers(**changes)
    assert (service["cpus"], service["mem_limit"]) == (1.5, "700m")
    gunicorn = planned.components["gunicorn"]
    assert gunicorn["workers"].number == 2
    assert service["stop_grace_period"] == f"{gunicorn['graceful_timeout'].number + 10}s"
    files = docker(**changes)
    assert "workers = 2\n" in files["app/etc/shop/gunicorn.conf.py"]


@pytest.mark.parametrize(
    ("given", "memory", "workers"),
    [
        ({}, "3481m", 2),
        ({"machines": machine(8, "2G")}, "1740m", 8),
        ({"machines": machine(8, "2G"), "containers": {"memory": "1G"}}, "1g", 7),
        ({"machines": machine(8, "2G"), "containers": {"memory": "512M", "cpus": 4}}, "512m", 3),
        ({"containers": {"memory": "200M"}}, "200m", 1),
    ],
)
def test_workers_fit_the_limit_without_a_second_slot(
    given: dict[str, Any], memory: str, workers: int
) -> None:
    found = containers(**given)
    shown = {"g": 1024 * MIB, "m": MIB}[memory[-1]] * int(memory[:-1])
    assert found.facts.memory_bytes == shown
    assert found.components["gunicorn"]["workers"].number == workers


def test_the_socket_is_all_that_proxy_and_application_share() -> None:
    services = compose(**FULL)["services"]
    assert not set(services["proxy"]["networks"]) & set(services["app"]["networks"])
    assert "run:/run/shop" in services["app"]["volumes"]
    assert "run:/run/shop:ro" in services["proxy"]["volumes"]
    # The proxy is another user, of the application's group.
    lines = docker(**FULL)["Dockerfile"].splitlines()
    assert "USER 10002:10001" in lines and "USER 10001:10001" in lines


def test_the_application_starts_after_its_release_and_its_services() -> None:
    services = compose(**FULL)["services"]
    assert services["app"]["depends_on"] == {
        "release": {"condition": "service_completed_successfully"},
        "postgresql": {"condition": "service_healthy"},
        "redis": {"condition": "service_healthy"},
    }
    assert services["release"]["restart"] == "no"
    # podman before 5.6 could not start the application after it.
    assert "depends_on" not in services["release"]
    assert services["proxy"]["depends_on"] == {"app": {"condition": "service_healthy"}}


def test_static_files_are_collected_by_the_build_and_copied_by_the_release() -> None:
    files = docker(**FULL)
    script = files["app/etc/shop/release.sh"]
    assert "python manage.py migrate\n" in script
    assert "collectstatic" not in script
    assert "cp --recursive" in script and "/srv/shop/app/staticfiles /srv/shop/static" in script
    assert "&& python manage.py collectstatic\n" in files["Dockerfile"]
    told = docker(**{**FULL, "containers": {"build_commands": ["make site"]}})
    assert "&& make site\n" in told["Dockerfile"] and "collectstatic" not in told["Dockerfile"]


def test_secrets_are_files_and_in_no_image() -> None:
    made = compose(**FULL)
    assert made["secrets"]["SECRET_KEY"] == {"file": "${SECRETS_DIR:-./secrets}/SECRET_KEY"}
    assert made["services"]["app"]["secrets"] == ["SECRET_KEY", "DATABASE_URL"]
    assert made["services"]["postgresql"]["secrets"] == ["POSTGRES_PASSWORD"]
    # In the build's own stage only, and worth nothing there.
    last = docker(**FULL)["Dockerfile"].partition("FROM ${BASE} AS app")[2]
    assert "SECRET_KEY" not in last and "DATABASE_URL" not in last


def test_volumes_are_named_and_mounted_where_the_image_has_a_folder_for_them() -> None:
    made, dockerfile = compose(**FULL), docker(**FULL)["Dockerfile"]
    for name in APPLICATION:
        for mount in made["services"][name]["volumes"]:
            volume, path = mount.split(":")
            assert volume in made["volumes"]
            assert f"{path} " in dockerfile or f"{path}\n" in dockerfile


@pytest.mark.parametrize(
    ("version", "data"),
    [("16", "/var/lib/postgresql/data"), ("17.6", "/var/lib/postgresql/data"),
     ("18", "/var/lib/postgresql")],
)  # fmt: skip
def test_the_database_keeps_its_data_where_its_image_has_it(version: str, data: str) -> None:
    made = compose(containers={"postgresql": {"version": version}})
    service = made["services"]["postgresql"]
    assert service["image"] == f"docker.io/library/postgres:{version}"
    assert service["volumes"] == [f"postgresql:{data}", "postgresql-socket:/run/postgresql"]


def test_without_a_proxy_of_ours_gunicorn_has_a_port_on_loopback() -> None:
    changes = {"proxy": {"kind": "none", "behind": ["10.0.0.0/8"]}}
    made, files = compose(**changes), docker(**changes)
    assert set(made["services"]) == {"release", "app"}
    assert made["services"]["app"]["ports"] == ["127.0.0.1:${HTTP_PORT:-8000}:8000"]
    config = files["app/etc/shop/gunicorn.conf.py"]
    assert 'bind = "0.0.0.0:8000"' in config
    assert 'forwarded_allow_ips = "10.0.0.0/8"' in config
    assert not [path for path in files if path.startswith("proxy/")]


def test_what_the_engine_reads_from_the_project_is_the_bases_digest() -> None:
    base = f"registry.example.com/python:3.13@sha256:{'a' * 64}"
    files = docker(containers={"base": base, "image": "registry.example.com/shop"})
    assert f"ARG BASE={base}" in files["Dockerfile"].splitlines()
    assert yaml.safe_load(files["compose.yaml"])["services"]["app"]["image"] == (
        "registry.example.com/shop:${TAG:-latest}"
    )


# --- The container's own scripts, run ---


def entry(
    tmp_path: Path, environment: dict[str, str], *command: str, **changes: Any
) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "entry.py"
    script.write_text(docker(**changes)["app/etc/shop/entry.py"])
    gunicorn = tmp_path / "gunicorn"
    gunicorn.write_text('#!/bin/sh\nprintf "%s " "$$" "$@"\n')
    gunicorn.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    with subprocess.Popen(
        [sys.executable, str(script), *(command or ("gunicorn", "--config", "c.py"))],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": path, **environment},
    ) as process:
        output, errors = process.communicate(timeout=30)
        started = output.replace(str(process.pid), "PID", 1)
        return subprocess.CompletedProcess((), process.returncode, started, errors)


def test_the_entry_becomes_the_command_with_what_the_environment_overrides(tmp_path: Path) -> None:
    given = {"WEB_CONCURRENCY": "3", "GUNICORN_TIMEOUT": "25", "GUNICORN_BACKLOG": ""}
    done = entry(tmp_path, given)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "PID --config c.py --timeout 25 --workers 3 "
    assert entry(tmp_path, {}).stdout == "PID --config c.py "


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"WEB_CONCURRENCY": "99"}, "WEB_CONCURRENCY=99: allowed is a whole number from 1 to 27"),
        ({"WEB_CONCURRENCY": "0"}, "from 1 to 27: of 3.4 GiB its /tmp may take 348 MiB"),
        ({"WEB_CONCURRENCY": "many"}, "WEB_CONCURRENCY=many"),
        ({"WEB_CONCURRENCY": "٣"}, "a whole number"),
        ({"GUNICORN_TIMEOUT": "31"}, "from 20 to 30: the proxy gives up after 40 s"),
        ({"GUNICORN_GRACEFUL_TIMEOUT": "40"}, "the container is killed 40 s after"),
        ({"GUNICORN_CMD_ARGS": "--workers 99"}, "GUNICORN_CMD_ARGS overrides nothing; allowed"),
        ({"GUNICORN_WORKER": "2"}, "GUNICORN_WORKER overrides nothing"),
        ({"WEB_CONCURRENCY": "2", "GUNICORN_WORKERS": "3"}, "another variable says workers"),
    ],
)
def test_a_wrong_variable_is_one_clear_line_and_no_start(
    tmp_path: Path, given: dict[str, str], words: str
) -> None:
    done = entry(tmp_path, given)
    assert (done.returncode, done.stdout) == (78, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("shop: ") and words in line


def test_the_same_wrong_start_again_waits_and_a_right_one_forgets(tmp_path: Path) -> None:
    script = tmp_path / "entry.py"
    (tmp_path / "gunicorn").write_text("#!/bin/sh\necho served\n")
    (tmp_path / "gunicorn").chmod(0o755)
    text = docker()["app/etc/shop/entry.py"]
    assert '"/var/lib/shop"' in text
    script.write_text(text.replace("/var/lib/shop", str(tmp_path)))
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"

    def start(workers: str, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(script), *command], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={"PATH": path, "WEB_CONCURRENCY": workers},
        )  # fmt: skip

    def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
        output, errors = process.communicate(timeout=30)
        return process.returncode, output, errors

    first = ended(start("99", "gunicorn"))
    assert first[0] == 78 and "WEB_CONCURRENCY=99" in first[2]
    # A release, or a person, is answered each time.
    assert ended(start("99", "sh")) == first
    with start("99", "gunicorn") as waits:
        assert waits.stderr
        assert "WEB_CONCURRENCY=99" in waits.stderr.readline()
        assert "it waits" in waits.stderr.readline()
        assert waits.poll() is None
        waits.terminate()
        assert waits.wait(timeout=30) == 78
    assert ended(start("98", "gunicorn"))[0] == 78, "something else is wrong: it is said"
    assert ended(start("2", "gunicorn")) == (0, "served\n", "")
    assert ended(start("98", "gunicorn"))[0] == 78, "nothing is left of what was"


def test_threads_and_workers_together_stay_within_the_database(tmp_path: Path) -> None:
    changes = {"workload": {"db_connections": 12}}
    assert entry(tmp_path, {"WEB_CONCURRENCY": "4"}, **changes).returncode == 0
    done = entry(tmp_path, {"WEB_CONCURRENCY": "5"}, **changes)
    assert done.returncode == 78
    assert "workers 5 x threads 3 is more than 12: the database allows 12" in done.stderr


def test_a_secret_that_nobody_gave_is_named(tmp_path: Path) -> None:
    changes = {"app": {"secrets": ["SECRET_KEY"]}}
    done = entry(tmp_path, {}, **changes)
    assert done.returncode == 78
    assert "secret SECRET_KEY: /run/secrets/SECRET_KEY: No such file" in done.stderr
    for given in ({"SECRET_KEY": "x"}, {"SECRET_KEY_FILE": "/elsewhere"}):
        assert entry(tmp_path, given, **changes).returncode == 0


def test_other_commands_run_as_they_are(tmp_path: Path) -> None:
    done = entry(tmp_path, {"WEB_CONCURRENCY": "3"}, "echo", "hello")
    assert done.stdout == "hello\n"


def test_requirements_of_a_pyproject(tmp_path: Path) -> None:
    changes = {"app": {"install": {"file": "pyproject.toml", "groups": ["prod"]}}}
    script = tmp_path / "requirements.py"
    script.write_text(docker(**changes)["tools/requirements.py"])
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "shop"\ndependencies = ["flask~=3.1", "gunicorn"]\n'
        '[project.optional-dependencies]\nprod = ["psycopg"]\n'
        '[dependency-groups]\nbase = ["redis"]\nmore = ["celery", {include-group = "base"}]\n'
    )

    def listed(*names: str) -> list[str]:
        command = [sys.executable, str(script), str(tmp_path / "pyproject.toml"), *names]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()

    assert listed() == ["flask~=3.1", "gunicorn"]
    assert listed("prod", "more") == ["flask~=3.1", "gunicorn", "psycopg", "celery", "redis"]


def test_the_helper_is_rendered_where_the_build_runs_it() -> None:
    assert "tools/requirements.py" not in docker()
    assert "tools/requirements.py" not in docker(app={"install": {"tool": "uv", "file": "uv.lock"}})


def test_nothing_of_the_build_is_decided_by_a_number_of_yaml() -> None:
    """What YAML would read otherwise is quoted: users, ports, versions."""
    made = compose(**FULL)
    assert made["services"]["app"]["user"] == "10001:10001"
    assert made["services"]["proxy"]["ports"] == ["${HTTP_PORT:-80}:8080"]
    assert json.dumps(made)


@pytest.mark.parametrize("kind", ["nginx", "apache"])
def test_a_container_has_no_unit(kind: str) -> None:
    planned = {name.rpartition(".")[2] for name, _ in containers(proxy={"kind": kind}).settings()}
    assert not planned & {"TasksMax", "PIDFile", "Restart", "OOMPolicy"}


def test_every_setting_of_the_containers_is_rendered_with_its_reason() -> None:
    made = a_plan(**FULL)
    assert made.containers
    text = "".join(content for path, content in rendered(made).items() if "docker/" in path)
    flat = re.sub(r"\s*\n\s*# ", " ", text)
    for name, setting in made.containers.settings():
        size = nginx_size(setting.value) if isinstance(setting.value, int) else ""
        assert python(setting.value) in text or size in text or str(setting.value) in text, name
        reason = f"{setting.reason[0].upper()}{setting.reason[1:]}"
        assert " ".join(reason.split()) in flat, name


@pytest.mark.parametrize(
    ("kind", "site", "name"),
    [
        ("nginx", "proxy/etc/nginx/sites-enabled/shop.conf", "return 301 https://$host"),
        ("apache", "proxy/usr/local/apache2/sites-enabled/shop.conf", "https://%{SERVER_NAME}"),
    ],
)
def test_a_redirect_names_the_port_that_the_host_has(kind: str, site: str, name: str) -> None:
    proxy = {"kind": kind, "tls": {"mode": "files", "certificate": "/c.pem", "key": "/k.pem"}}
    moved = {"https_port": 8443}
    assert f"{name}:8443" in docker(proxy=proxy, containers=moved)[site]
    assert f"{name}:" not in docker(proxy=proxy)[site]
    # A balancer in front has the usual one, and so have hosts.
    assert (
        f"{name}:" not in docker(proxy={**proxy, "behind": ["10.0.0.0/8"]}, containers=moved)[site]
    )
    hosts = rendered(a_plan(proxy=proxy, containers=moved))
    assert not [text for path, text in hosts.items() if "hosts/" in path and f"{name}:" in text]
