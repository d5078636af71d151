#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Unpack Debian 12's C library, libdrm and libpng for building guest programs, and
# what else the guest's base is made of.
#
# usage: tests/vm/sysroot.sh [arm64|amd64]
#
# Prints the sysroot's path. To build with that of arm64, the default:
#   aarch64-linux-gnu-gcc --sysroot=$SYSROOT -I$SYSROOT/usr/include/libdrm ... -ldrm
# or through pkg-config with PKG_CONFIG_SYSROOT_DIR=$SYSROOT and
# PKG_CONFIG_LIBDIR=$SYSROOT/usr/lib/aarch64-linux-gnu/pkgconfig.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=emulator/qemu/debian.sh
. "$here/../../emulator/qemu/debian.sh"

arch=${1:-arm64}
case $arch in
arm64|amd64) ;;
--help) sed -n '3,12s/^# \{0,1\}//p' "$0"; exit 0 ;;
*) die "unknown argument $1" ;;
esac

packages=(libc6 libc6-dev libcrypt-dev libcrypt1 linux-libc-dev libgcc-s1 libstdc++6 libasan8
	libubsan1 libdrm2 libdrm-dev libpng16-16 libpng-dev zlib1g zlib1g-dev busybox-static)

[ "$arch" = amd64 ] || debian_install gcc-aarch64-linux-gnu libc6-dev-arm64-cross

memo=sysroot-$arch-$(hash_of "$0")
debian_memo "$memo" bookworm "$arch" && exit 0

suite=$(debian_suite bookworm "$arch")
versions=()
for package in "${packages[@]}"; do
	versions+=("$package=$(debian_candidate "$suite" "$package")")
done
directory=$KESTREL_CACHE/sysroot/$arch-$(hash_of "${versions[@]}" "$0")
lock_held "sysroot-$arch"
if [ ! -e "$directory/.complete" ]; then
	rm -rf "$directory"
	debian_unpack "$suite" "$directory" "${versions[@]}"
	# Absolute links would lead out of the sysroot.
	find "$directory" -type l -lname '/*' | while read -r link; do
		ln -sfn "$(realpath -m --relative-to="${link%/*}" "$directory$(readlink "$link")")" "$link"
	done
	touch "$directory/.complete"
fi
debian_memo_set "$memo" "$directory"
