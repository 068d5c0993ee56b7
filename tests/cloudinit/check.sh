#!/usr/bin/env bash
# Lets cloud-init itself judge the user-data that droplets are made with, and three broken ones.
#
#     tests/cloudinit/check.sh [target/release/basement]
#
# Needs python3 with venv, a package index for pip, and apt of a Debian or Ubuntu, whose cloud-init package is
# unpacked below target/, not installed: on a machine of one's own it would run at the next boot.
set -euo pipefail

here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../.." && pwd)"
basement="${1:-$root/target/release/basement}"
home="${CARGO_TARGET_DIR:-$root/target}/cloudinit"

fail() {
    echo "check.sh: $1" >&2
    exit 1
}
[ -x "$basement" ] || fail "\`$basement\` is not a program; hint: cargo build --release"

fetch() {
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
        fail "cloud-init cannot be fetched without apt-get and dpkg-deb; hint: run this on Debian or Ubuntu"
    rm -rf "$home" && mkdir -p "$home/package"
    # Lists that are missing or old want root; the download itself does not.
    if ! (cd "$home" && apt-get download -q cloud-init); then
        if [ "$(id -u)" -eq 0 ]; then apt-get update -q; else sudo -n apt-get update -q; fi ||
            fail "apt's lists cannot be read anew; hint: run \`apt-get update\` as root first"
        (cd "$home" && apt-get download -q cloud-init) || fail "the package cloud-init cannot be downloaded"
    fi
    dpkg-deb -x "$home"/cloud-init_*.deb "$home/package"
    python3 -m venv "$home/venv"
    # What the package's schema command imports; netifaces is not among it.
    "$home/venv/bin/pip" install --quiet --disable-pip-version-check \
        configobj jinja2 jsonpatch "jsonschema<5" oauthlib pyyaml requests
    touch "$home/complete"
}
[ -e "$home/complete" ] || fetch

schema() {
    PYTHONPATH="$home/package/usr/lib/python3/dist-packages" "$home/venv/bin/python" -W ignore \
        -m cloudinit.cmd.main schema --config-file "$1"
}

# The schema does not look into the scripts that a template writes.
scripts() {
    "$home/venv/bin/python" - "$1" "$2" <<'PYTHON'
import pathlib, sys, yaml
for n, file in enumerate(yaml.safe_load(open(sys.argv[1]))["write_files"]):
    if file["content"].startswith("#!/bin/sh\n"):
        pathlib.Path(f"{sys.argv[2]}.{n}.sh").write_text(file["content"])
PYTHON
    [ "$(find "$(dirname "$2")" -name "$(basename "$2").*.sh" | wc -l)" -eq 2 ] || fail "$1 has not two scripts"
    for script in "$2".*.sh; do sh -n "$script" || fail "a script of $(basename "$1") is no shell"; done
}

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
python3 "$here/rendered.py" "$basement" "$scratch"

good=0
for file in "$scratch"/*.yaml; do
    said="$(schema "$file" 2>&1)" || fail "cloud-init refuses $(basename "$file"): $said"
    grep -q "^Valid " <<<"$said" || fail "cloud-init is not clear about $(basename "$file"): $said"
    scripts "$file" "$file"
    echo "valid    $(basename "$file"), $(wc -c < "$file") bytes"
    good=$((good + 1))
done
[ "$good" -ge 8 ] || fail "only $good templates were rendered"

bad=0
for file in "$here"/broken/*.yaml; do
    if said="$(schema "$file" 2>&1)"; then
        fail "cloud-init takes the broken $(basename "$file"): $said"
    fi
    grep -qE "Cloud config schema errors|not valid yaml" <<<"$said" || fail "that was no judgement: $said"
    echo "refused  $(basename "$file"): $(grep -oE "(Cloud config schema errors|[^ ]+: File .* is not valid).*" <<<"$said" | tail -n 1 | cut -c -150)"
    bad=$((bad + 1))
done
[ "$bad" -eq 3 ] || fail "$bad broken files instead of 3"
echo "$good valid, $bad refused by cloud-init $(basename "$home"/cloud-init_*.deb | cut -d_ -f2)"
