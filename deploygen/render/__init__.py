"""Turns file specs into text, and text into a tree on disk."""

from deploygen.render.engine import RenderedFile, render

__all__ = ["RenderedFile", "render"]
