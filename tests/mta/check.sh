#!/usr/bin/env bash
# Sends letters of `basement` through a real MTA (exim) and a scripted one (aiosmtpd), with a CA made by openssl.
#
#     tests/mta/check.sh target/release/basement
#
# Needs python3 with venv, openssl, exim4 (Debian: exim4-daemon-light; no service of it is used), and a package
# index for pip the first time; the venv is kept below target/.
set -euo pipefail

here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../.." && pwd)"
basement="${1:-$root/target/release/basement}"
venv="${BASEMENT_MTA_VENV:-${CARGO_TARGET_DIR:-$root/target}/mta-venv}"

if [ ! -x "$basement" ]; then
    echo "check.sh: \`$basement\` is not a program; hint: cargo build --release" >&2
    exit 1
fi
for tool in exim4 openssl; do
    if ! PATH="$PATH:/usr/sbin" command -v "$tool" >/dev/null; then
        echo "check.sh: there is no \`$tool\`; hint: apt-get install exim4-daemon-light openssl" >&2
        exit 1
    fi
done

# The wanted versions are the stamp: an edited requirements.txt makes the venv anew.
if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/requirements.txt"
fi

PATH="$PATH:/usr/sbin" exec "$venv/bin/python" -W ignore::DeprecationWarning "$here/check.py" "$basement"
