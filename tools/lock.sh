#!/usr/bin/env bash
# Pins every package by version and by the hashes of its files, for every Python and
# machine at once: each requirements*.txt from the .in file beside it.
# What is pinned stays; --upgrade takes the newest that the .in files allow.
set -euo pipefail
cd "$(dirname "$0")/.."
export UV_CUSTOM_COMPILE_COMMAND="make lock"

pin() { # NAME ARGUMENT...: NAME.txt from NAME.in
    "${UV:-uv}" pip compile --quiet --universal --python-version 3.11 \
        --generate-hashes "${@:2}" "$1.in" --output-file "$1.txt"
}

pin requirements "$@"
for each in install demo camera data docs; do
    pin "requirements-$each" --constraint requirements.txt "$@"
done
pin requirements-dev --constraint requirements.txt --constraint requirements-docs.txt "$@"
# Images take less than their packages ask for, in the versions above.
for each in deploy/requirements-{worker,models,page,placement} deploy/node-agent/requirements; do
    pin "$each" --no-deps
done
