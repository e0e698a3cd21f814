"""Reads a project folder and returns what it is, with evidence for each finding.

Nothing of the project is imported or run, and nothing outside of its folder is read.
"""

from __future__ import annotations

from deploygen.detect.detector import detect
from deploygen.detect.findings import (
    Ambiguous,
    Candidate,
    Choices,
    Detected,
    Install,
    NotAWebApplication,
)

__all__ = [
    "Ambiguous",
    "Candidate",
    "Choices",
    "Detected",
    "Install",
    "NotAWebApplication",
    "detect",
]
