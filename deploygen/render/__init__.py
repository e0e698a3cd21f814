"""Turns file specs into text, and text into a tree on disk."""

from deploygen.render.engine import RenderedFile, render
from deploygen.render.tree import Change, State, compare, conflicts, drifted, resolve
from deploygen.render.write import write

__all__ = [
    "Change",
    "RenderedFile",
    "State",
    "compare",
    "conflicts",
    "drifted",
    "render",
    "resolve",
    "write",
]
