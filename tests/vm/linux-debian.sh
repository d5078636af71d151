#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Fetch Debian's own Linux 6.12, unpacked into the cache and never installed.
#
# usage: tests/vm/linux-debian.sh [arm64|amd64]
#
# Prints a directory that holds
#   vmlinuz   the kernel image to boot
#   modules   /lib/modules/RELEASE of the image package
#   kdir      headers to build modules against (make -C .../kdir M=...); those
#             of arm64 cross-build on amd64 with ARCH=arm64
#             CROSS_COMPILE=aarch64-linux-gnu-
#   release   a file with the kernel's release string

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=emulator/qemu/debian.sh
. "$here/../../emulator/qemu/debian.sh"

arch=arm64
for argument; do
	case $argument in
	arm64|amd64) arch=$argument ;;
	--help) sed -n '3,14s/^# \{0,1\}//p' "$0"; exit 0 ;;
	*) die "unknown argument $argument" ;;
	esac
done

# The package that a meta package stands for, as PACKAGE=VERSION.
resolve()
{
	local package

	package=$(APT_CONFIG=$1 apt-cache depends --no-recommends --no-suggests "$2" |
		awk '$1 == "Depends:" { print $2; exit }')
	[ -n "$package" ] || die "package $2 is not in ${1%/apt.conf}"
	printf '%s=%s\n' "$package" "$(debian_candidate "$1" "$package")"
}

# Header packages name their parts by absolute path. Point every such path,
# in links and in Makefiles, into the directory they were unpacked to.
headers_relocate()
{
	local root=$1 link target

	find "$root/usr/src" "$root/lib/modules" -type l | while read -r link; do
		target=$(readlink "$link")
		case $target in
		/*) ln -sfn "$root$target" "$link" ;;
		esac
	done
	find "$root/usr/src" -maxdepth 2 -type f \( -name Makefile -o -name .kernelvariables \) \
		-exec sed -i "s:\\([ =]\\)/usr/\\(src\\|lib\\)/linux-:\\1$root/usr/\\2/linux-:g" {} +
}

if [ "$arch" = arm64 ]; then
	debian_install make gcc-12 gcc-aarch64-linux-gnu gcc-12-aarch64-linux-gnu kmod libelf1 pahole
else
	debian_install make gcc-12 kmod libelf1 pahole
fi

memo=linux-debian-$arch-$(hash_of "$0")
debian_memo "$memo" bookworm-security "$arch" && exit 0

suite=$(debian_suite bookworm-security "$arch")
host_suite=$(debian_suite bookworm-security amd64)
image=$(resolve "$suite" "linux-image-6.12-$arch")
headers=$(resolve "$suite" "linux-headers-6.12-$arch")
release=${image%%=*}
release=${release#linux-image-}
abi=${release%-"$arch"}
[ "${headers%%=*}" = "linux-headers-$release" ] ||
	die "image ($image) and headers ($headers) of linux 6.12 differ in release"

directory=$KESTREL_CACHE/linux/debian-$arch-$(hash_of "$image" "$headers" "$0")
lock_held "linux-debian-$arch"
if [ ! -e "$directory/complete" ]; then
	rm -rf "$directory"
	mkdir -p "$directory"
	debian_unpack "$suite" "$directory/root" "$image" "$headers" \
		"linux-headers-$abi-common=${headers#*=}"
	debian_unpack "$host_suite" "$directory/root" \
		"linux-kbuild-$abi=$(debian_candidate "$host_suite" "linux-kbuild-$abi")"
	headers_relocate "$directory/root"
	ln -s "root/boot/vmlinuz-$release" "$directory/vmlinuz"
	ln -s "root/lib/modules/$release" "$directory/modules"
	ln -s "root/usr/src/linux-headers-$release" "$directory/kdir"
	printf '%s\n' "$release" >"$directory/release"
	touch "$directory/complete"
	say "Debian's Linux $release ($arch) is in $directory"
fi
debian_memo_set "$memo" "$directory"
