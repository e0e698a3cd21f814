"""A decided setting: its value, why it has it, and who says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

Value = None | bool | int | float | str | tuple[str, ...] | Mapping[str, str]
T = TypeVar("T")


@dataclass(frozen=True)
class Source:
    """Where a rule comes from: a page that a reader can open."""

    name: str
    url: str


@dataclass(frozen=True)
class Setting:
    """One setting of one program, spelled as that program spells it.

    ``value`` is in the program's own unit (seconds for timeouts, bytes for sizes).
    ``overridden`` is the value that the plan would have chosen, where the description
    says another one; None otherwise.
    """

    name: str
    value: Value
    reason: str
    source: Source
    overridden: Value = None

    @property
    def number(self) -> int:
        """The value of a setting that is a whole number."""
        if not isinstance(self.value, int):
            raise TypeError(f"{self.name} is no whole number: {self.value!r}")
        return self.value

    @property
    def text(self) -> str:
        """The value of a setting that is a text."""
        if not isinstance(self.value, str):
            raise TypeError(f"{self.name} is no text: {self.value!r}")
        return self.value


# The settings of one program, by name, in the order in which a reader wants them.
Settings = Mapping[str, Setting]


def by_name(*settings: Setting | None) -> dict[str, Setting]:
    """The given settings by name; None stands for one that does not apply here."""
    return {setting.name: setting for setting in settings if setting is not None}
