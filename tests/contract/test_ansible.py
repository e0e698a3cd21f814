"""Ansible and ansible-lint, at its production profile, over roles and all that is rendered."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from deploygen.check import ansible, check
from deploygen.render.quoting import yaml
from deploygen.stack.programs import Missing
from tests.examples import SECRETS, example
from tests.programs import needed_here

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "kind", "more", "hosts"),
    [
        ("bookshop", "nginx", "", ()),
        ("flaskboard", "none", "", ()),
        ("fastquotes", "apache", "release: {source: git, keep: 3}", ()),
        ("bookshop", "nginx", "front: {hosts: [lb], networks: [10.0.0.2]}", ("one", "two")),
        ("flaskboard", "apache", "front: {hosts: [lb], networks: [10.0.0.2]}", ("one",)),
    ],
)
def test_what_is_rendered_passes(
    name: str, kind: str, more: str, hosts: tuple[str, ...], tmp_path: Path
) -> None:
    needed_here("ansible-lint")
    made = example(name, tmp_path, kind=kind, more=more, hosts=hosts)
    paths = [path for path in made.files if path.startswith("ansible/")]
    results = check(made.tree, made.plan, made.project, paths, environ=SECRETS)
    assert {(result.status, result.detail) for result in results} == {("passed", "")}
    assert {result.program for result in results} == {f"{ansible.PROGRAM}, {ansible.LINT}"}


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("site.yml", "hosts: application_hosts", "hostz: application_hosts", "hostz"),
        ("roles/app/tasks/build.yml", "deploygen_build:", "deploygen_bild:", "deploygen_bild"),
        ("roles/nginx/tasks/main.yml", 'mode: "0700"', "mode: 700", "octal"),
    ],
)
def test_what_is_broken_is_reported(
    file: str, old: str, new: str, words: str, tmp_path: Path
) -> None:
    needed_here("ansible-lint")
    made = example("bookshop", tmp_path)
    path = made.tree / "ansible" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    results = check(made.tree, made.plan, made.project, ["ansible/site.yml"], environ=SECRETS)
    assert [result.status for result in results] == ["failed"]
    assert words in results[0].detail


def test_a_value_is_never_evaluated(tmp_path: Path) -> None:
    """What looks like an expression in the description reaches the host as it is."""
    player = ansible.beside("ansible-playbook")
    assert not isinstance(player, Missing)
    made = example("flaskboard", tmp_path)
    group_vars = made.tree / "ansible/group_vars/all.yml"
    evil = "{{ lookup('ansible.builtin.pipe', 'echo evaluated') }}"
    group_vars.write_text(f"{group_vars.read_text()}evil: {yaml([evil])}\n")
    inventory = tmp_path / "hosts.yml"
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory.write_text(json.dumps({"all": {"hosts": {"here": here}}}))
    playbook = made.tree / "ansible/print.yml"
    playbook.write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n"
        "    - ansible.builtin.copy: {content: '{{ evil | to_json }}', dest: '"
        f"{tmp_path}/out', mode: '0600'}}\n"
    )
    subprocess.run([*player.command, "-i", inventory, playbook], check=True, capture_output=True)
    assert json.loads((tmp_path / "out").read_text()) == [evil]


GIVEN = "given-for-this-test"


# What the environment gives of two secrets -> what the play says of them.
@pytest.mark.parametrize(
    ("given", "missing"),
    [({}, ["NOBODYS_KEY", "NOBODYS_TOKEN"]), ({"NOBODYS_KEY": GIVEN}, ["NOBODYS_TOKEN"]),
     ({"NOBODYS_KEY": GIVEN, "NOBODYS_TOKEN": "def"}, [])],
)  # fmt: skip
def test_a_missing_secret_is_named(
    given: dict[str, str], missing: list[str], tmp_path: Path
) -> None:
    """And where to put it, before anything changes; a host that has none yet takes all or none."""
    player = ansible.beside("ansible-playbook")
    assert not isinstance(player, Missing)
    made = example("flaskboard", tmp_path)
    playbook = made.tree / "ansible/secrets.yml"
    variables = {
        "ansible_python_interpreter": sys.executable, "app_name": "nobody-has-this-name",
        "app_secrets": ["NOBODYS_KEY", "NOBODYS_TOKEN"], "app_secret_values": {},
    }  # fmt: skip
    role = {"name": "app", "tasks_from": "secrets.yml", "rolespec_validate": False}
    task = {"ansible.builtin.include_role": role}
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False}
    playbook.write_text(json.dumps([{**play, "vars": variables, "tasks": [task]}]))
    environment = {**os.environ, **given, "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(
        [*player.command, "-i", "localhost,", playbook],
        cwd=playbook.parent, env=environment, check=False, capture_output=True, text=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if not missing:
        assert done.returncode == 0, done.stdout
        return
    assert done.returncode == 2, done.stdout
    said = re.search(r"Missing ([A-Z_, ]+): put the value into the environment", done.stdout)
    assert said and sorted(said[1].split(", ")) == missing
    assert GIVEN not in done.stdout
