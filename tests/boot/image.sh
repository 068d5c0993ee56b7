#!/usr/bin/env bash
# Builds the machine that tests/boot/boot.sh boots: Debian 12 as a cloud's image, with every trap built in
# that has broken a first boot. Leaves root.img, vmlinuz and initrd.img in the folder.
#
#     tests/boot/image.sh FOLDER
#
# Needs root, mmdebstrap and e2fsprogs; about two minutes.
set -euo pipefail

folder="$1"
mirror="${BASEMENT_MIRROR:-http://deb.debian.org}"
mkdir -p "$folder"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
tree="$work/tree"

# Everything new but one library that every service has open: the first upgrade replaces it, and needrestart wakes.
cat > "$work/old" <<'PIN'
Package: libssl3 openssl
Pin: release n=bookworm
Pin-Priority: 1001
PIN

# Read by sshd after 00-, before the main file: what Ubuntu's cloud image says.
echo "PasswordAuthentication no" > "$work/cloudimg"

packages=(systemd-sysv dbus udev init ifupdown isc-dhcp-client iproute2 netbase ca-certificates curl python3 sudo kmod
    cloud-init openssh-server openssh-client needrestart linux-image-cloud-amd64 initramfs-tools apt-utils)
mmdebstrap --quiet --mode=root --variant=minbase --include="$(IFS=,; echo "${packages[*]}")" \
    --setup-hook='mkdir -p "$1/etc/apt/preferences.d"' \
    --setup-hook="upload $work/old /etc/apt/preferences.d/old" \
    --customize-hook='rm "$1/etc/apt/preferences.d/old"' \
    --customize-hook="upload $work/cloudimg /etc/ssh/sshd_config.d/60-cloudimg-settings.conf" \
    --customize-hook='rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/machine-id; : > "$1/etc/machine-id"' \
    --customize-hook='echo root:thevendors | chroot "$1" chpasswd; chroot "$1" chage -d 0 root' \
    --customize-hook='echo "/dev/vda / ext4 defaults 0 1" > "$1/etc/fstab"' \
    --customize-hook='echo cloud > "$1/etc/hostname"' \
    --customize-hook='rm -f "$1/etc/resolv.conf"' \
    bookworm "$tree" \
    "deb $mirror/debian bookworm main" \
    "deb $mirror/debian-security bookworm-security main"

cp "$tree"/boot/vmlinuz-* "$folder/vmlinuz"
cp "$tree"/boot/initrd.img-* "$folder/initrd.img"
truncate -s 5G "$folder/root.img.new"
mke2fs -q -F -t ext4 -d "$tree" "$folder/root.img.new"
mv "$folder/root.img.new" "$folder/root.img"
