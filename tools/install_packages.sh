#!/usr/bin/env bash
# Installs Python packages: `tools/install_packages.sh .venv -r requirements.txt`.
# uv does in seconds what takes pip minutes. Where pip has been given an index or a proxy
# of its own, which uv does not read, and wherever uv fails, pip does it.
set -euo pipefail

venv=$1
shift
pip=("$venv/bin/python" -m pip --disable-pip-version-check)
own_way='\.(index-url|extra-index-url|no-index|proxy|client-cert)='

if [ ! -x "$venv/bin/uv" ]; then
    "${pip[@]}" install --quiet --require-hashes -r requirements-install.txt || true
fi
pip_settings=$("${pip[@]}" config list)
if [ -x "$venv/bin/uv" ] && [[ ! $pip_settings =~ $own_way ]]; then
    "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" "$@" && exit
    echo "uv could not; pip tries it, which takes minutes ..." >&2
fi
"${pip[@]}" install --quiet "$@"
