"""Sizes, with the unit that each program wants.

One size is an ``int`` of bytes everywhere inside; suffixes are powers of 1024, as in nginx,
systemd and every tool that reads the files that we render.
"""

from __future__ import annotations

import re

DAY_S = 86_400

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
TIB = 1024 * GIB

_SUFFIXES = {"": 1, "K": KIB, "M": MIB, "G": GIB, "T": TIB}
# ASCII: a Kelvin sign is no K, and full-width digits are no digits.
_SIZE = re.compile(
    r"([0-9]{1,18})(?:\.([0-9]{1,18}))?\s*([KMGT]?)(?:i?B)?", re.IGNORECASE | re.ASCII
)


def parse_size(text: str | int) -> int:
    """Bytes of ``512M``, ``1.5G``, ``4GiB`` or a plain number of bytes.

    Raises ValueError when the text is no size.
    """
    match = _SIZE.fullmatch(str(text).strip())
    if match is None or isinstance(text, bool):
        raise ValueError(f"{text!r} is no size")
    whole, fraction, unit = match[1], match[2] or "", _SUFFIXES[match[3].upper()]
    # In whole numbers: a float would round what is larger than 8 PiB, or overflow.
    scale: int = 10 ** len(fraction)
    return int(whole + fraction) * unit // scale


def format_size(size_bytes: int) -> str:
    """The shortest exact text: ``512M``, ``1536M``, ``4G``; systemd and people read it."""
    for suffix in ("T", "G", "M", "K"):
        if size_bytes and size_bytes % _SUFFIXES[suffix] == 0:
            return f"{size_bytes // _SUFFIXES[suffix]}{suffix}"
    return str(size_bytes)


def about(size_bytes: float) -> str:
    """A rounded text for sentences: ``1.9 GiB``, ``150 MiB``."""
    for name, unit in (("TiB", TIB), ("GiB", GIB), ("MiB", MIB)):
        if size_bytes >= unit:
            number = size_bytes / unit
            return (
                f"{number:.0f} {name}"
                if number >= 10 or number.is_integer()
                else f"{number:.1f} {name}"
            )
    return f"{size_bytes / KIB:.0f} KiB"


def plural(count: float, noun: str, nouns: str = "") -> str:
    """``1 worker``, ``2 workers``, ``1.5 cpus``; ``nouns`` where an s is not enough."""
    text = number(count)
    return f"{text} {noun}" if text == "1" else f"{text} {nouns or noun + 's'}"


def number(value: float) -> str:
    """A number for sentences, never with an exponent: ``0.1``, ``4``, ``11264``."""
    if float(value).is_integer():
        return str(int(value))
    return f"{value:.1f}".removesuffix(".0") if abs(value) >= 1000 else f"{value:.4g}"
