"""From text to a description: what is read, and errors with file, line, column and a hint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploygen.errors import DeploygenError, DriftError, InputError, Problem, dotted
from deploygen.spec import Document, Spec, load, parse

BASE = """\
name: shop
app:
  entrypoint: shop.wsgi:application
proxy:
  server_names: [shop.org]
"""


def problems(yaml: str) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as caught:
        parse(yaml)
    return caught.value.problems


def problem(yaml: str) -> Problem:
    found = problems(yaml)
    assert len(found) == 1, [str(each) for each in found]
    return found[0]


def place(found: Problem) -> tuple[int, int]:
    return found.line, found.column


def test_everything_else_has_a_default() -> None:
    made = parse("app: {entrypoint: 'shop.wsgi:app'}\nproxy: {server_names: [a.org]}\n").spec
    assert made == Spec(
        name="shop",
        app={"entrypoint": "shop.wsgi:app"},  # type: ignore[arg-type]
        proxy={"server_names": ["a.org"]},  # type: ignore[arg-type]
    )


def test_every_default_may_be_written_out() -> None:
    made = parse(BASE).spec
    written = made.model_dump(mode="json")
    assert parse(json.dumps(written)).spec == made


@pytest.mark.parametrize(
    ("entrypoint", "name"),
    [
        ("shop.wsgi:app", "shop"),
        ("My_Shop.wsgi:app", "my-shop"),
        ("_private:app", "private"),
        ("shop2_:create()", "shop2"),
        ("x" * 40 + ":app", "x" * 31),
        ("x" * 30 + "_y:app", "x" * 30),
    ],
)
def test_the_name_comes_from_the_entrypoint(entrypoint: str, name: str) -> None:
    yaml = f"app: {{entrypoint: '{entrypoint}'}}\nproxy: {{server_names: [a.org]}}\n"
    assert parse(yaml).spec.name == name
    assert parse(f"name: own\n{yaml}").spec.name == "own"


@pytest.mark.parametrize("entrypoint", ["www.wsgi:app", "nginx:app", "_1:app"])
def test_a_name_that_can_not_be_used_has_to_be_given(entrypoint: str) -> None:
    yaml = f"app: {{entrypoint: '{entrypoint}'}}\nproxy: {{server_names: [a.org]}}\n"
    assert problem(yaml).where == ("name",)
    assert parse(f"name: own\n{yaml}").spec.name == "own"


@pytest.mark.parametrize("entrypoint", ["", "'%'", "[a]", "shop"])
def test_a_wrong_entrypoint_is_the_only_problem(entrypoint: str) -> None:
    yaml = f"app: {{entrypoint: {entrypoint}}}\nproxy: {{server_names: [a.org]}}\n"
    assert problem(yaml).where == ("app", "entrypoint")


# What is appended to BASE -> where, line, column (both from 1), words of the message and hint.
WRONG = [
    ("workload:\n  kindd: io\n", "workload.kindd", (7, 3), "no such key", "did you mean kind?"),
    ("workload:\n  kind: ioo\n", "workload.kind", (7, 9), "'ioo'", "did you mean io?"),
    (
        "machines:\n  web:\n    cpu: 4\n",
        "machines.web.cpu", (8, 5), "no such key", "did you mean cpus?",
    ),
    (
        "machines:\n  cpus:\n    memori: 4G\n",
        "machines.cpus.memori", (8, 5), "no such key", "did you mean memory?",
    ),
    ("machines:\n  Web: {}\n", "machines.Web", (7, 3), "'Web'", ""),
    ("machines: {web: {os: debian-14}}\n", "machines.web.os", (6, 22), "'debian-14'", "debian-1"),
    ("server:\n  worker: 3\n", "server.worker", (7, 11), "'worker'", "did you mean workers?"),
    ("server: {bind: x}\n", "server.bind", (6, 16), "can't be overridden", "below /run"),
    ("server: {certfile: x}\n", "server.certfile", (6, 20), "can't be overridden", "proxy.tls"),
    ("server: {workers: two}\n", "server.workers", (6, 19), "'two'", ""),
    ("server: {workers: -1}\n", "server.workers", (6, 19), "'-1'", ""),
    ("server: {workers: 1.5}\n", "server.workers", (6, 19), "'1.5'", ""),
    ("server: {workers: true}\n", "server.workers", (6, 19), "true", ""),
    ("server: {workers: 2147483648}\n", "server.workers", (6, 19), "2147483648", ""),
    ("server: {workers: }\n", "server.workers", (6, 19), "nothing", ""),
    ("server: {preload_app: yes}\n", "server.preload_app", (6, 23), "'yes'", ""),
    ('server: {proc_name: "a\\nb"}\n', "server.proc_name", (6, 21), "a\\nb", ""),
    ("server: {dirty_apps: [1]}\n", "server.dirty_apps", (6, 22), "[1]", ""),
    (
        "server: {logconfig_dict: {a: [1e999]}}\n",
        "server.logconfig_dict", (6, 26), "found", "",
    ),
    ("server: 4\n", "server", (6, 9), "'4'", ""),
    ("app2: 1\n", "app2", (6, 1), "no such key", "did you mean app?"),
    ("workload: {thread_safe: no}\n", "workload.thread_safe", (6, 25), "'no'", "without quotes"),
    ("workload: {long_lived: '5'}\n", "workload.long_lived", (6, 24), "'5'", "without quotes"),
    ("workload: {cpu_ms: .inf}\n", "workload.cpu_ms", (6, 20), "'.inf'", ""),
    ("workload: {cpu_ms: .nan}\n", "workload.cpu_ms", (6, 20), "'.nan'", ""),
    ("workload: {cpu_ms: 1e999}\n", "workload.cpu_ms", (6, 20), "'1e999'", ""),
    ("version: 2\n", "version", (6, 10), "'2'", ""),
    ("targets: nginx\n", "targets", (6, 10), "'nginx'", ""),
]  # fmt: skip


@pytest.mark.parametrize(("more", "where", "at", "words", "hint"), WRONG)
def test_errors_say_where_what_and_how(
    more: str, where: str, at: tuple[int, int], words: str, hint: str
) -> None:
    found = problem(BASE + more)
    assert dotted(found.where) == where
    assert place(found) == at
    assert words in found.message
    assert hint in found.hint
    assert found.allowed or found.hint
    # Nothing of the library that checks shows.
    assert not {"Input", "valid", "instance", "Tuple", "Dictionary"} & set(str(found).split())
    assert str(found).startswith(f"deploygen.yml:{at[0]}:{at[1]}: {where}: ")


def test_every_problem_comes_at_once_in_the_order_of_the_file() -> None:
    found = problems(
        "server: {wrkers: 1, bind: x}\n"
        "app:\n"
        "  entrypoint: shop\n"
        "  python: 2.7\n"
        "proxy:\n"
        "  server_names: [ok.org, 'a;b', 'c\\nd']\n"
        "  body_limit: 5\n"
        "name: Shop\n"
    )
    assert [dotted(each.where) for each in found] == [
        "server.wrkers",
        "server.bind",
        "app.entrypoint",
        "app.python",
        "proxy.server_names[1]",
        "proxy.server_names[2]",
        "proxy.body_limit",
        "name",
    ]
    lines = [each.line for each in found]
    assert lines == sorted(lines) == [1, 1, 3, 4, 6, 6, 7, 8]


@pytest.mark.parametrize("missing", ["app", "proxy"])
def test_what_is_required_is_named(missing: str) -> None:
    sections = {
        "app": "app: {entrypoint: 'a:b'}\n",
        "proxy": "proxy: {server_names: [a.org]}\n",
    }
    del sections[missing]
    found = problem("".join(sections.values()))
    assert found.where == (missing,)
    assert "required" in found.message
    assert place(found) == (1, 1)


@pytest.mark.parametrize(
    ("yaml", "where", "at"),
    [
        ("app: {python: 3.12}\nproxy: {server_names: [a.org]}\n", ("app", "entrypoint"), (1, 1)),
        ("app: {entrypoint: 'a:b'}\nproxy: {http2: true}\n", ("proxy", "server_names"), (2, 1)),
    ],
)
def test_what_a_section_lacks_is_named_with_what_it_is(
    yaml: str, where: tuple[str, ...], at: tuple[int, int]
) -> None:
    found = problem(yaml)
    assert found.where == where
    assert place(found) == at
    assert found.allowed


@pytest.mark.parametrize(
    ("yaml", "words", "at"),
    [
        ("", "empty", (1, 1)),
        ("# nothing\n", "empty", (1, 1)),
        ("---\n...\n", "empty", (1, 1)),
        ("- a\n- b\n", "no mapping", (1, 1)),
        ("just text\n", "no mapping", (1, 1)),
        ("5\n", "no mapping", (1, 1)),
        ("name: a\nname: b\n", "line 1 already", (2, 1)),
        ("app:\n  x: 1\n  y: 2\n  x: 3\n", "line 2 already", (4, 3)),
        ("a: &x 1\nb: *x\n", "aliases", (2, 4)),
        ("a: &x 1\n*x : 2\n", "aliases", (2, 1)),
        ("a: &x [*x]\n", "aliases", (1, 8)),
        ("a: {<<: {b: 1}}\n", "merge keys", (1, 5)),
        ("a: !!str 1\n", "tags", (1, 4)),
        ("a: !!python/object/apply:os.system [ls]\n", "tags", (1, 4)),
        ("a: !mine {b: 1}\n", "tags", (1, 4)),
        ("!!set {a, b}\n", "tags", (1, 1)),
        ("!x a: 1\n", "tags", (1, 1)),
        ("[a]: 1\n", "plain word", (1, 1)),
        ("? {a: 1}\n: 2\n", "plain word", (1, 3)),
        ("app:\n\tname: x\n", "no YAML", (2, 1)),
        ("a: [1\n", "no YAML", (2, 1)),
        ("a: 'x\n", "no YAML", (2, 1)),
        ("a: b: c\n", "no YAML", (1, 5)),
        ("a: %x\n", "no YAML", (1, 4)),
        ("a: 1\n---\nb: 2\n", "no YAML", (2, 1)),
        ("a: 1\nb: \x00\n", "no YAML", (2, 4)),
        ("ä: \x1b[31m\n", "no YAML", (1, 4)),
        ("a: \ud800\n", "no YAML", (1, 4)),
        ('a: "\\ud800"\n', "no YAML", (1, 7)),
        ("a: " + "[" * 30 + "]" * 30, "too deeply", (1, 23)),
        ("x" * 1_000_001, "larger than 1 MB", (1, 1)),
    ],
)  # fmt: skip
def test_what_is_no_description(yaml: str, words: str, at: tuple[int, int]) -> None:
    found = problems(yaml)
    assert words in found[0].message
    assert place(found[0]) == at
    assert found[0].file == "deploygen.yml"


# The parser builds nodes recursively, in C: these would end the whole process.
@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_refused_and_ends_nothing(opening: str) -> None:
    assert "too deeply" in problem(opening * (900_000 // len(opening))).message


def test_a_billion_laughs_stay_few() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"{after}: &{after} [" + ", ".join([f"*{before}"] * 9) + "]"
        for before, after in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    assert {each.message for each in problems("\n".join(lines))} == {
        "aliases (*name) are not supported"
    }


# How YAML is written -> what a text, here an environment value, becomes.
@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("3.10", "3.10"), ("'3.10'", "3.10"), ("007", "007"), ("+5", "+5"), ("1e3", "1e3"),
        ("0x1F", "0x1F"), ("1_000", "1_000"), ("10:30", "10:30"), ("2026-01-02", "2026-01-02"),
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("y", "y"), ("'true'", "true"),
        ("'null'", "null"), (".inf", ".inf"), ("-0", "-0"), ("1" * 40, "1" * 40), ("'a\"b'", 'a"b'),
        ("5", "5"), ("-5", "-5"), ("1.50", "1.50"), ("=", "="), ("|-\n      a b", "a b"),
    ],
)  # fmt: skip
def test_values_stay_as_they_are_written(written: str, value: str) -> None:
    made = parse(BASE.replace("app:\n", f"app:\n  environment:\n    A: {written}\n"))
    assert made.spec.app.environment == {"A": value}


@pytest.mark.parametrize("written", ["true", "False", "null", "~", ""])
def test_words_of_yaml_have_to_be_quoted_to_be_text(written: str) -> None:
    found = problem(BASE.replace("app:\n", f"app:\n  environment:\n    A: {written}\n"))
    assert found.where == ("app", "environment", "A")
    assert "quotes" in found.hint


@pytest.mark.parametrize("written", ["3.10", "'3.10'", '"3.10"'])
def test_a_version_is_no_number(written: str) -> None:
    made = parse(BASE.replace("app:\n", f"app:\n  python: {written}\n"))
    assert made.spec.app.python == "3.10"


def test_a_version_of_one_number_is_told_what_a_version_is() -> None:
    found = problem(BASE.replace("app:\n", "app:\n  gunicorn: 27\n"))
    assert found.message == "found '27'"
    assert '"27.0.1"' in found.allowed


@pytest.mark.parametrize("written", ["2", "2.0", "0.5", "1e1"])
def test_numbers(written: str) -> None:
    made = parse(BASE + f"machines: {{web: {{cpus: {written}}}}}\n")
    assert made.spec.machines["web"].cpus == float(written)


def test_mappings_of_overrides_come_as_plain_data() -> None:
    made = parse(BASE + "server: {logconfig_dict: {version: 1, x: [1.5, {y: true}]}}\n").spec
    assert made.server["logconfig_dict"] == {"version": 1, "x": [1.5, {"y": True}]}


def written_to(path: Path, raw: bytes) -> str:
    path.write_bytes(raw)
    return str(path)


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "d.yml"
    expected = parse(BASE).spec
    assert load(written_to(path, BASE.encode())).spec == expected
    assert load(written_to(path, b"\xef\xbb\xbf" + BASE.encode())).spec == expected
    assert load(written_to(path, BASE.replace("\n", "\r\n").encode())).spec == expected


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(DeploygenError, match="does not exist") as missing:
        load(str(tmp_path / "none.yml"))
    assert missing.value.exit_code == 1
    assert "deploygen init" in missing.value.hint
    with pytest.raises(DeploygenError, match="can't be read"):
        load(str(tmp_path))


def test_a_file_that_is_no_utf8_is_refused_at_its_place(tmp_path: Path) -> None:
    path = written_to(tmp_path / "d.yml", "name: x\nä: ".encode() + b"\xff\n")
    with pytest.raises(InputError) as caught:
        load(path)
    assert str(caught.value) == f"{path}:2:4: this is no UTF-8 text"


@pytest.mark.parametrize("letter", ["x", "ä", "\U0001f600"])
def test_a_file_that_is_too_large_is_called_that(tmp_path: Path, letter: str) -> None:
    # Not "no UTF-8", though the limit cuts through a letter.
    path = written_to(tmp_path / "d.yml", f"# {letter * 1_000_001}".encode())
    with pytest.raises(InputError, match="larger than 1 MB"):
        load(path)


def test_exit_codes() -> None:
    assert (DeploygenError("x").exit_code, InputError([]).exit_code) == (1, 1)
    assert DriftError("x").exit_code == 3


def test_the_plan_can_place_its_problems() -> None:
    document: Document = parse(BASE + "server:\n  workers: 3\n")

    def raised(where: tuple[str | int, ...]) -> Problem:
        with pytest.raises(InputError) as caught, document.located():
            raise InputError.one("no", where=where)
        return caught.value.problems[0]

    assert place(raised(("server", "workers"))) == (7, 12)
    assert place(raised(("server", "threads"))) == (6, 1)  # not there: its parent
    assert place(raised(("proxy", "server_names", 0))) == (5, 18)
    assert place(raised(("machines", "web"))) == (1, 1)


def test_a_key_can_not_speak_to_the_terminal() -> None:
    found = problem(BASE + '"\\e[2Jx": 1\n')
    assert "\x1b" not in str(found)
