#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build the kernel module without leaving anything in the source tree.
#
# usage: driver/build-module.sh KDIR OUTPUT [MAKE-ARGUMENT...]
#
#   KDIR    build tree or headers of a kernel
#   OUTPUT  directory for a copy of the sources, and the modules; kept between
#           calls, so that only what changed is built again
#
# Further arguments go to make, for example ARCH=arm64
# CROSS_COMPILE=aarch64-linux-gnu- W=1 C=1. Prints nothing but the build's own
# output; OUTPUT/kestrel.ko is the result.

set -euo pipefail

case ${1-} in
--help) sed -n '3,15s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
if [ $# -lt 2 ]; then
	echo "build-module.sh: KDIR and OUTPUT are needed; see --help" >&2
	exit 2
fi

top=$(cd "$(dirname "$0")/.." && pwd)
kdir=$1
output=$2
shift 2

if [ ! -e "$kdir/Makefile" ]; then
	echo "build-module.sh: $kdir is not a kernel build tree" >&2
	exit 2
fi

mkdir -p "$output/driver" "$output/uapi"
output=$(cd "$output" && pwd)

# Copies only what differs: equal times keep make from building it again.
copy_changed()
{
	local source=$1 target=$2 file

	(cd "$source" && find . -type f \( -name '*.[ch]' -o -name '*.sh' -o -name Kbuild \)) |
	while read -r file; do
		cmp -s "$source/$file" "$target/$file" ||
			install -D -p "$source/$file" "$target/$file"
	done
	# And nothing that is no longer there.
	(cd "$target" && find . -type f \( -name '*.[ch]' -o -name '*.sh' \) \
		! -name '*.mod.c' ! -name kestrel_compat_config.h) |
	while read -r file; do
		[ -e "$source/$file" ] || rm -f "$target/$file"
	done
}

copy_changed "$top/driver" "$output/driver"
copy_changed "$top/uapi" "$output/uapi"
cmp -s "$top/Kbuild" "$output/Kbuild" || cp -p "$top/Kbuild" "$output/Kbuild"

exec make -C "$kdir" M="$output" "$@" modules
