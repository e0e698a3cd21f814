#!/bin/sh
# Writes constraints.txt: every installed package, pinned. A new release breaks nothing here
# until somebody runs this and the tests.
set -eu
[ "$(command -v pip)" = "$PWD/.venv/bin/pip" ] || { echo "run: make constraints" >&2; exit 1; }
{
    echo "# What development, tests and CI install. Written by: make constraints"
    pip --disable-pip-version-check freeze --exclude-editable | grep -v '^deploygen' | sort -f
} > constraints.txt.new
mv constraints.txt.new constraints.txt
