"""``containers`` in the description: what the image and the compose file need to know."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from deploygen.spec import images as i
from deploygen.spec import types as t
from deploygen.spec.base import Model
from deploygen.spec.validators import UNIQUE
from deploygen.units import MIB


class Postgresql(Model):
    """A PostgreSQL beside the application."""

    version: Annotated[i.Release, Field(description="The release of the registry's image.")] = "17"
    memory: Annotated[t.Size, Field(description="The limit of its container.")] = 512 * MIB


class Redis(Model):
    """A Redis beside the application."""

    version: Annotated[i.Release, Field(description="The release of the registry's image.")] = "8"
    memory: Annotated[t.Size, Field(description="The limit of its container.")] = 128 * MIB


class Containers(Model):
    """The image and the compose file: the target docker."""

    image: Annotated[
        i.Repository | None,
        Field(description="The image's name, without tag; the project's name when left out."),
    ] = None
    base: Annotated[
        i.Image | None,
        Field(
            description="The base image, best with its digest; the registry's slim Python when "
            "left out."
        ),
    ] = None
    proxy_image: Annotated[
        i.Image | None, Field(description="The proxy's image, best with its digest.")
    ] = None
    cpus: Annotated[
        Annotated[t.Real, Field(ge=0.01, le=4096)] | None,
        Field(description="The application's limit; the first machine group's cpus when left out."),
    ] = None
    memory: Annotated[
        t.Size | None,
        Field(
            description="The application's limit; what the first machine group's memory leaves "
            "when left out."
        ),
    ] = None
    uid: Annotated[
        i.UserNumber, Field(description="The number of the image's user, and of its group.")
    ] = 10001
    http_port: Annotated[i.Port, Field(description="Where the host listens, without TLS.")] = 80
    https_port: Annotated[i.Port, Field(description="Where the host listens, with TLS.")] = 443
    environment: Annotated[
        dict[t.EnvName, t.EnvValue],
        Field(description="What variables say in containers, in the place of app.environment."),
    ] = {}
    packages: Annotated[
        tuple[i.Package, ...],
        UNIQUE,
        Field(description="Debian packages that the application needs: [libpq5=17.*]."),
    ] = ()
    build_packages: Annotated[
        tuple[i.Package, ...],
        UNIQUE,
        Field(description="Debian packages that its dependencies are compiled with: [gcc=4:14.*]."),
    ] = ()
    dependency_files: Annotated[
        tuple[t.ProjectPath, ...],
        UNIQUE,
        Field(description="Files that install.file refers to: [constraints.txt]."),
    ] = ()
    build_commands: Annotated[
        tuple[t.Command, ...] | None,
        Field(
            description="Run when the image is built, without its secrets; the release commands "
            "that collect static files when left out."
        ),
    ] = None
    postgresql: Annotated[
        Postgresql | None, Field(description="A PostgreSQL of its own; none when left out.")
    ] = None
    redis: Annotated[Redis | None, Field(description="A Redis of its own; none when left out.")] = (
        None
    )
