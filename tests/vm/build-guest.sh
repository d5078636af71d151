#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Build what runs in the arm64 guest: libnpu with its programs, cross compiled,
# the firmware image, and a directory tree to lay over the guest's root.
#
# usage: tests/vm/build-guest.sh DIRECTORY
#
# DIRECTORY then holds usr/bin/npu-*, usr/lib/libnpu.so* where programs need it,
# and lib/firmware/kestrel/. The guest's programs are built into build/arm64.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
out=${1:?usage: build-guest.sh DIRECTORY}
sysroot=$("$here/sysroot.sh")

cd "$top"
make -s programs >&2
make -s guest-programs BUILD=build/arm64 \
	CC="aarch64-linux-gnu-gcc --sysroot=$sysroot" AR=aarch64-linux-gnu-ar \
	PKG_CONFIG="env PKG_CONFIG_SYSROOT_DIR=$sysroot PKG_CONFIG_LIBDIR=$sysroot/usr/lib/aarch64-linux-gnu/pkgconfig pkg-config" >&2

mkdir -p "$out/usr/bin" "$out/usr/lib" "$out/lib/firmware/kestrel/arch1.0"
for program in build/arm64/bin/*; do
	case $program in
	*.so*) cp -P "$program" "$out/usr/lib/" ;;
	*) cp "$program" "$out/usr/bin/" ;;
	esac
done
cp build/firmware/kestrel_fw.bin "$out/lib/firmware/kestrel/arch1.0/"
