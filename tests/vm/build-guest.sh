#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Build what runs in the guest: libnpu with its programs, cross compiled for
# arm64, the firmware image, and a directory tree to lay over the guest's root.
#
# usage: tests/vm/build-guest.sh DIRECTORY [arm64|amd64 [PROGRAM]...]
#
# PROGRAM names more of them by their place below build/arm64, as does
# tests/models/interface_test. DIRECTORY, made anew, then holds usr/bin/npu-*, the libraries they need that
# the base of the guest lacks, and lib/firmware/kestrel/. The guest's programs
# are built into build/arm64 or, those of amd64, into build/amd64.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck source=emulator/qemu/debian.sh
. "$here/../../emulator/qemu/debian.sh"

out=$(realpath -m "${1:?usage: build-guest.sh DIRECTORY [arm64|amd64]}")
arch=${2:-arm64}
case $arch in
arm64) triplet=aarch64-linux-gnu packages=(pkg-config gcc-aarch64-linux-gnu) ;;
amd64) triplet=x86_64-linux-gnu packages=(pkg-config gcc) ;;
*) die "unknown architecture $arch" ;;
esac
programs=("${@:3}")
programs=("${programs[@]/#/build/$arch/}")
sysroot=$("$here/sysroot.sh" "$arch")
cross=(CC="$triplet-gcc --sysroot=$sysroot" AR="$triplet-ar"
	PKG_CONFIG="env PKG_CONFIG_SYSROOT_DIR=$sysroot PKG_CONFIG_LIBDIR=$sysroot/usr/lib/$triplet/pkgconfig pkg-config")

cd "$top"
debian_install "${packages[@]}"
make -s -j"$(nproc)" programs >&2
make -s -j"$(nproc)" BUILD="build/$arch" "${cross[@]}" guest-programs \
	"build/$arch/bin/npu-classify" "${programs[@]}" >&2

rm -rf "$out"
mkdir -p "$out/usr/bin" "$out/usr/lib" "$out/lib/firmware/kestrel/arch1.0"
for program in "build/$arch"/bin/* "${programs[@]}"; do
	case $program in
	*.so*) cp -P "$program" "$out/usr/lib/" ;;
	*) cp "$program" "$out/usr/bin/" ;;
	esac
done
for library in libpng16.so.16 libz.so.1; do
	cp -L "$(find "$sysroot/usr/lib" "$sysroot/lib" -path "*/$triplet/$library" | head -n 1)" "$out/usr/lib/$library"
done
cp build/firmware/kestrel_fw.bin "$out/lib/firmware/kestrel/arch1.0/"
