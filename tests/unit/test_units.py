"""Sizes and words for numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploygen.units import GIB, MIB, TIB, about, format_size, number, parse_size, plural


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0), ("1", 1), ("1K", 1024), ("512M", 512 * MIB), ("1.5G", 1536 * MIB),
        ("4g", 4 * GIB),
        ("4GB", 4 * GIB), ("4GiB", 4 * GIB), ("4 G", 4 * GIB), (" 4G ", 4 * GIB), ("2T", 2 * TIB),
        (4096, 4096), ("0.1G", GIB // 10), ("9007199254740993", 9007199254740993),
        ("512B", 512), ("1.0K", 1024), ("0.0009765625K", 1),
    ],
)  # fmt: skip
def test_parse(text: str | int, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    ["", " ", "K", "-1", "1,5G", "1.G", ".5G", "1e3", "0x10", "4GG", "4 G G", "4G\n5", "five", True,
     "5\u212a", "\uff15G", "9" * 400, "9" * 400 + "T", "1." + "0" * 400, -1],
)  # fmt: skip
def test_no_size(text: str | int) -> None:
    with pytest.raises(ValueError, match="is no size"):
        parse_size(text)


@given(st.integers(0, 10**18 - 1))
def test_what_is_formatted_parses_back_exactly(size: int) -> None:
    assert parse_size(format_size(size)) == size


@given(st.text())
def test_any_text_is_a_size_or_a_value_error(text: str) -> None:
    try:
        assert parse_size(text) >= 0
    except ValueError as error:
        assert "is no size" in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0"), (1, "1"), (1024, "1K"), (1536 * MIB, "1536M"), (4 * GIB, "4G"), (1025, "1025")],
)
def test_format(size: int, text: str) -> None:
    assert format_size(size) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 KiB"), (100 * MIB, "100 MiB"), (1.9 * GIB, "1.9 GiB"), (4 * GIB, "4 GiB"),
        (15.6 * GIB, "16 GiB"), (8 * TIB, "8 TiB"), (512 * 1024, "512 KiB"),
    ],
)  # fmt: skip
def test_about(size: float, text: str) -> None:
    assert about(size) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"), (1, "1"), (4.0, "4"), (11264, "11264"), (1234567, "1234567"),
        (10**12, "1" + "0" * 12),
        (1.2345678, "1.235"), (1234.56, "1234.6"), (99999.99, "100000"), (0.001, "0.001"),
    ],
)  # fmt: skip
def test_numbers_of_a_sentence(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 workers"), (1, "1 worker"), (1.0, "1 worker"), (1.5, "1.5 workers"),
     (2, "2 workers"), (1234567, "1234567 workers")],
)  # fmt: skip
def test_plural(count: float, text: str) -> None:
    assert plural(count, "worker") == text


def test_plural_of_other_words() -> None:
    assert plural(1, "process", "processes") == "1 process"
    assert plural(2, "process", "processes") == "2 processes"
