"""Images, packages and user numbers: the narrowest types, and what their errors say."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import refusal, spec

DIGEST = f"@sha256:{'0a' * 32}"


@pytest.mark.parametrize(
    "image",
    [
        "python:3.13-slim",
        "docker.io/library/python:3.13-slim",
        f"registry.example.com:5000/team/base_image{DIGEST}",
        f"localhost/python:3.13-slim{DIGEST}",
        f"python:latest{DIGEST}",
    ],
)
def test_images_with_tag_or_digest(image: str) -> None:
    assert spec(containers={"base": image}).containers.base == image


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("python", "without a tag or a digest it is another image every month"),
        ("registry.example.com:5000/python", "without a tag"),
        ("python:latest", "latest is another image every month"),
        ("python:3.13 AS x", ""),
        ("python:3.13\nRUN id", ""),
        ("python:${X}", ""),
        ("Python:3.13", ""),
        ("python@sha256:0a", ""),
        ("-python:3", ""),
    ],
)
def test_what_is_no_pinned_image(image: str, words: str) -> None:
    problem = refusal(containers={"base": image})
    assert problem.where == ("containers", "base")
    assert words in f"{problem.allowed} {problem.hint}"


@pytest.mark.parametrize(
    "package", ["libpq5", "libpq5 =17", "libpq5=17;id", "LIBPQ=1", "x=$(id)", "-y=1", "a='1'"]
)
def test_packages_have_a_version(package: str) -> None:
    problem = refusal(containers={"packages": [package]})
    assert "such as libpq5=17.*" in problem.allowed
    assert "security updates" in problem.hint


@pytest.mark.parametrize("package", ["libpq5=17.*", "gcc=4:14.2.0-1", "libstdc++6=14*"])
def test_versions_of_packages(package: str) -> None:
    assert spec(containers={"packages": [package]}).containers.packages == (package,)


@pytest.mark.parametrize("uid", [0, 33, 999, 65534, 70000, "10001", True])
def test_a_user_number_is_nobody_elses(uid: Any) -> None:
    assert refusal(containers={"uid": uid}).where == ("containers", "uid")


@pytest.mark.parametrize(("given", "version"), [(17, "17"), ("17.6", "17.6"), (16.1, "16.1")])
def test_a_service_s_version_may_be_a_plain_number(given: Any, version: str) -> None:
    found = spec(containers={"postgresql": {"version": given}}).containers.postgresql
    assert found and found.version == version


@pytest.mark.parametrize("image", ["shop:1.4", "Shop", "shop/", "http://shop", "a b"])
def test_the_images_name_has_no_tag(image: str) -> None:
    assert refusal(containers={"image": image}).where == ("containers", "image")
