"""Finds what is packaged with deploygen: ``templates/`` and ``roles/``."""

from __future__ import annotations

import os

_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120


def folder(name: str) -> str:
    """The folder of that name: inside an installed wheel, else at the top of a checkout."""
    for root in (os.path.join(_HERE, "_resources"), os.path.dirname(_HERE)):  # noqa: PTH118, PTH120
        path = os.path.join(root, name)  # noqa: PTH118
        if os.path.isdir(path):  # noqa: PTH112
            return path
    raise AssertionError(f"deploygen is installed without its {name}/")
