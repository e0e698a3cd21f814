"""Renders a tuned, explained and verified production deployment for a Python web project."""

__version__ = "0.1.0"
