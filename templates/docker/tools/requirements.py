{{ about | header }}
"""Prints what a pyproject.toml asks for: requirements.py FILE [EXTRA OR GROUP ...]."""

import sys
import tomllib


def listed(data, name):
    """The requirements of an extra, or of a dependency group with those that it includes."""
    extras = data.get("project", {}).get("optional-dependencies", {})
    if name in extras:
        return extras[name]
    found = []
    for each in data.get("dependency-groups", {}).get(name, []):
        found += [each] if isinstance(each, str) else listed(data, each["include-group"])
    return found


file, *names = sys.argv[1:]
with open(file, "rb") as opened:
    data = tomllib.load(opened)
for requirement in [
    *data.get("project", {}).get("dependencies", []),
    *(each for name in names for each in listed(data, name)),
]:
    print(requirement)
