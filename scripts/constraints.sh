#!/bin/sh
# Writes constraints.txt: every installed package, pinned. A new release breaks nothing here
# until somebody runs this and the tests.
set -eu
{
    echo "# What development, tests and CI install. Written by: make constraints"
    pip freeze --exclude-editable | grep -v '^deploygen' | sort -f
} > constraints.txt.new
mv constraints.txt.new constraints.txt
