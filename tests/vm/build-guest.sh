#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Build what runs in the arm64 guest: libnpu with its programs, cross compiled,
# the kselftests where they exist, the firmware image, and a directory tree to
# lay over the guest's root.
#
# usage: tests/vm/build-guest.sh DIRECTORY
#
# DIRECTORY, made anew, then holds usr/bin/npu-*, the libraries they need that
# the base of the guest lacks, and lib/firmware/kestrel/. The guest's programs
# are built into build/arm64.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck source=emulator/qemu/debian.sh
. "$here/../../emulator/qemu/debian.sh"

out=$(realpath -m "${1:?usage: build-guest.sh DIRECTORY}")
sysroot=$("$here/sysroot.sh")
cross=(CC="aarch64-linux-gnu-gcc --sysroot=$sysroot" AR=aarch64-linux-gnu-ar
	PKG_CONFIG="env PKG_CONFIG_SYSROOT_DIR=$sysroot PKG_CONFIG_LIBDIR=$sysroot/usr/lib/aarch64-linux-gnu/pkgconfig pkg-config")

cd "$top"
debian_install pkg-config gcc-aarch64-linux-gnu
make -s -j"$(nproc)" programs >&2
make -s -j"$(nproc)" BUILD=build/arm64 "${cross[@]}" guest-programs build/arm64/bin/npu-classify >&2

rm -rf "$out"
mkdir -p "$out/usr/bin" "$out/usr/lib" "$out/lib/firmware/kestrel/arch1.0"
for program in build/arm64/bin/*; do
	case $program in
	*.so*) cp -P "$program" "$out/usr/lib/" ;;
	*) cp "$program" "$out/usr/bin/" ;;
	esac
done
for library in libpng16.so.16 libz.so.1; do
	cp -L "$(find "$sysroot/usr/lib" "$sysroot/lib" -name "$library" | head -n 1)" "$out/usr/lib/$library"
done
cp build/firmware/kestrel_fw.bin "$out/lib/firmware/kestrel/arch1.0/"
