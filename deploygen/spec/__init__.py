"""The description: ``deploygen.yml`` as frozen models; errors name file, line and column."""

from deploygen.spec.load import Document, load, parse
from deploygen.spec.model import (
    App,
    Install,
    Machine,
    Media,
    Proxy,
    Spec,
    Static,
    Tls,
    Workload,
)

__all__ = [
    "App",
    "Document",
    "Install",
    "Machine",
    "Media",
    "Proxy",
    "Spec",
    "Static",
    "Tls",
    "Workload",
    "load",
    "parse",
]
