"""The types of what stands in files for containers: images, packages, user numbers."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from deploygen.spec.types import Whole, number_or, version_text
from deploygen.spec.validators import checked, pattern

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REGISTRY = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)*(?::[0-9]{1,5})?/)?"
_REPOSITORY = rf"{_REGISTRY}{_COMPONENT}(?:/{_COMPONENT})*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"@sha256:[0-9a-f]{64}"


def _pinned(text: str) -> None:
    name = text.partition("@")[0].rpartition("/")[2]
    if ":" not in name and "@" not in text:
        raise ValueError("without a tag or a digest it is another image every month")
    if name.endswith(":latest") and "@" not in text:
        raise ValueError("latest is another image every month: name a version")


# What the built image is called: deployments add the tag.
Repository = Annotated[
    str,
    pattern(
        _REPOSITORY,
        "an image's name without tag, such as registry.example.com/shop",
        "the tag is given when it is built: TAG=1.4 docker compose build",
    ),
]
Image = Annotated[
    str,
    pattern(
        rf"{_REPOSITORY}(?::{_TAG})?(?:{_DIGEST})?",
        "an image with tag or digest, such as docker.io/library/python:3.13-slim",
    ),
    checked(_pinned, "an image with a version's tag, or with @sha256: and its digest"),
]
Package = Annotated[
    str,
    pattern(
        r"[a-z0-9][a-z0-9+.-]+=[A-Za-z0-9.+:~*-]+",
        "a Debian package with its version, such as libpq5=17.*",
        "a star stands for what may change: security updates replace the versions of a release",
    ),
]
# 0 is root, up to 999 are the users of the base image's own packages; the last fits any system.
UserNumber = Annotated[Whole, Field(ge=1000, le=65533)]
Port = Annotated[Whole, Field(ge=1, le=65535)]
_RELEASE = r"[0-9]{1,2}(?:\.[0-9]{1,3}){0,2}"
Release = Annotated[
    str,
    BeforeValidator(version_text),
    pattern(_RELEASE, 'a version such as "17"'),
    number_or(_RELEASE),
]
