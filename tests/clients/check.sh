#!/usr/bin/env bash
# Points the vendors' public Python clients at `basement sim`.
#
#     tests/clients/check.sh target/release/basement
#
# Needs python3 with venv, and a package index for pip the first time; the venv is kept below target/.
set -euo pipefail

here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../.." && pwd)"
basement="${1:-$root/target/release/basement}"
venv="${BASEMENT_CLIENTS_VENV:-${CARGO_TARGET_DIR:-$root/target}/clients-venv}"

if [ ! -x "$basement" ]; then
    echo "check.sh: \`$basement\` is not a program; hint: cargo build --release" >&2
    exit 1
fi

# The wanted versions are the stamp: an edited requirements.txt makes the venv anew.
if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/requirements.txt"
fi

exec "$venv/bin/python" "$here/check.py" "$basement"
