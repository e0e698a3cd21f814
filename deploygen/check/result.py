"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["passed", "failed", "not checked"]


@dataclass(frozen=True)
class Result:
    """One file of the tree.

    ``path`` is below the tree, ``program`` the one that judged or would have, ``detail`` says
    what it found, or why it could not judge; several findings stand on a line each.
    """

    path: str
    status: Status
    program: str
    detail: str
