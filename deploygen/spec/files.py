"""The description's part on files that the proxy serves from disk."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from deploygen.spec import types as t
from deploygen.spec.base import Model


class Static(Model):
    """Static files that the proxy serves from disk."""

    url: Annotated[t.UrlPrefix, Field(description="The URL prefix: Django's STATIC_URL.")]
    folder: Annotated[
        t.Folder,
        Field(description="Where they lie: below the project, or absolute (STATIC_ROOT)."),
    ]


class Media(Model):
    """Uploaded files: they outlive releases."""

    url: Annotated[t.UrlPrefix, Field(description="The URL prefix: Django's MEDIA_URL.")]
    folder: Annotated[
        t.Folder,
        Field(description="Where they lie: below the project, or absolute (MEDIA_ROOT)."),
    ]
    attachment: Annotated[
        t.Flag,
        Field(description="Whether browsers save them, and never show them as a page of the site."),
    ] = False


class Protected(Model):
    """Files that the proxy sends when the application says so, and to nobody who asks for them."""

    url: Annotated[
        t.UrlPrefix, Field(description="A URL prefix that only the proxy uses, no page's.")
    ]
    folder: Annotated[
        t.Folder,
        Field(description="Where they lie: below /srv/<name>, or absolute."),
    ] = "protected"
