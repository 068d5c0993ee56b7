#!/usr/bin/env bash
# Boots a server's real user-data on a machine of our own, and looks at it from outside. Not part of .ci/run.
#
#     tests/boot/boot.sh [target/debug/basement [TEMPLATE]]
set -euo pipefail

here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../.." && pwd)"
basement="${1:-$root/target/debug/basement}"
cache="${BASEMENT_BOOT_CACHE:-${CARGO_TARGET_DIR:-$root/target}/boot}"

missing=()
for tool in mmdebstrap mke2fs qemu-system-x86_64 qemu-img genisoimage sshpass ssh-keyscan python3; do
    command -v "$tool" >/dev/null || missing+=("$tool")
done
if [ "${#missing[@]}" -gt 0 ]; then
    echo "boot.sh: missing: ${missing[*]}; hint: apt-get install mmdebstrap e2fsprogs qemu-system-x86 qemu-utils genisoimage sshpass openssh-client" >&2
    exit 1
fi
if [ ! -x "$basement" ]; then
    echo "boot.sh: \`$basement\` is not a program; hint: cargo build" >&2
    exit 1
fi

# The script that makes it is the stamp: an edited image.sh makes the image anew.
if ! cmp -s "$here/image.sh" "$cache/image.sh"; then
    "$here/image.sh" "$cache"
    cp "$here/image.sh" "$cache/image.sh"
fi

exec python3 "$here/boot.py" "$basement" "$cache" "${2:-base}"
