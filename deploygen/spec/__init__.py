"""The description: ``deploygen.yml`` as frozen models; errors name file, line and column."""

from deploygen.spec.files import Media, Protected, Static
from deploygen.spec.load import Document, load, parse
from deploygen.spec.model import (
    App,
    Install,
    Machine,
    Spec,
    Workload,
)
from deploygen.spec.proxy import Proxy, Tls

__all__ = [
    "App",
    "Document",
    "Install",
    "Machine",
    "Media",
    "Protected",
    "Proxy",
    "Spec",
    "Static",
    "Tls",
    "Workload",
    "load",
    "parse",
]
