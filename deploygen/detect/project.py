"""pyproject.toml: the start commands and settings that tools keep there."""

from __future__ import annotations

from typing import Any

from deploygen.detect.commands import Launch
from deploygen.detect.evidence import Source
from deploygen.detect.located import Text, get, load_toml, texts
from deploygen.detect.reader import Reader

# Where task runners keep their commands.
_TASKS = (
    ("tool", "poe", "tasks"),
    ("tool", "taskipy", "tasks"),
    ("tool", "pdm", "scripts"),
    ("tool", "rye", "scripts"),
    ("tool", "hatch", "envs", "default", "scripts"),
)


def read_pyproject(reader: Reader, origin: Source) -> None:
    """The ``[tool.fastapi]`` entrypoint and the commands of task runners."""
    project = load_toml(reader.tree.text(origin.path))
    entrypoint = get(project, "tool", "fastapi", "entrypoint")
    if isinstance(entrypoint, Text):
        launch = Launch("fastapi", str(entrypoint), "asgi", line=entrypoint.line)
        reader.launch(launch, origin)
    for keys in _TASKS:
        tasks = get(project, *keys)
        for task in tasks.values() if isinstance(tasks, dict) else ():
            for text in _commands(task):
                reader.shell(text, origin, text.line)


def _commands(task: Any) -> list[Text]:
    if isinstance(task, dict):
        return [text for key in ("cmd", "shell", "composite") for text in texts(task.get(key))]
    return texts(task)
