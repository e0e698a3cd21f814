#!/bin/sh
# Makes a virtual environment and installs WHAT into it, pinned: this project (".", with extras),
# or a requirements file ("-r FILE").
# usage: environment.sh PYTHON FOLDER WHAT...
set -eu
python=$1 folder=$2
shift 2

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Python 3.11 or later is needed, and $python is $("$python" -V 2>&1)." >&2
    echo "Name another one: make PYTHON=python3.12 ..." >&2
    exit 1
}

site_packages() {
    "$folder/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'
}

# Debian and Ubuntu split the standard library: without python3-venv there is no ensurepip.
make_environment() {
    "$python" -m venv "$folder" >/dev/null 2>&1 && return
    rm -rf "$folder"
    if "$python" -m pip --version >/dev/null 2>&1; then
        "$python" -m venv --without-pip "$folder" &&
            "$python" -m pip install --quiet --disable-pip-version-check --no-warn-script-location \
                --target "$(site_packages)" pip && return
    fi
    rm -rf "$folder"
    scripts/as_root.sh sh -c 'apt-get update -qq &&
        apt-get install -y -qq --no-install-recommends python3-venv >/dev/null' &&
        "$python" -m venv "$folder"
}

"$folder/bin/python" -m pip --version >/dev/null 2>&1 || make_environment || {
    echo "No virtual environment can be made. On Debian and Ubuntu:" >&2
    echo "    sudo apt-get install python3-venv" >&2
    exit 1
}

echo "Installing into $folder ..."
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check \
    --constraint constraints.txt "$@"
