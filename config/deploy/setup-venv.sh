#!/usr/bin/env bash
# Make a virtual environment in $1 with $PYTHON, on a machine where Debian's Python may lack venv.
set -euo pipefail
venv=$1
python=${PYTHON:-python3}
say() { printf 'callpoint: %s\n' "$*" >&2; }

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    say "Python 3.11 or newer is needed; '$python' is not. Try: make PYTHON=python3.11 ..."
    exit 1
fi
[ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1 && exit 0
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    apt='apt-get install -y python3-venv'
    if [ "$(id -u)" = 0 ]; then
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive $apt -qq >/dev/null
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        sudo -n apt-get update -qq && sudo -n $apt -qq >/dev/null
    fi
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        say "Python's venv is missing. Run this once, then try again:  sudo $apt"
        exit 1
    fi
fi
rm -rf "$venv"
"$python" -m venv "$venv"
