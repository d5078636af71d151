#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Build the kernel module against one kernel, in a copy below build/, so that
# several kernels can have theirs from one checkout.
#
# usage: tests/vm/build-module.sh [--check] debian|debug|amd64
#
#   debian  Debian's arm64 6.12, cross built     debug  the arm64 debug kernel
#   amd64   Debian's amd64 6.12
#   --check also W=1 and sparse (C=2), as TAP lines; a warning is a failure
#
# Prints the directory that holds kestrel.ko as its last line.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
check=0
if [ "${1-}" = --check ]; then
	check=1
	shift
fi
case ${1-} in
debian) linux=$("$here/linux-debian.sh" arm64) arch=arm64 cross=aarch64-linux-gnu- ;;
debug) linux=$("$here/linux-debug.sh") arch=arm64 cross=aarch64-linux-gnu- ;;
amd64) linux=$("$here/linux-debian.sh" amd64) arch=x86_64 cross= ;;
*) sed -n '4,14s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

work=$top/build/module/$1
mkdir -p "$work"
exec 9>"$work/.lock"
flock 9
for part in Kbuild driver uapi; do
	cp -ru "$top/$part" "$work/"
done
# A file that left the source must not stay in the copy.
(cd "$work" && find driver uapi -name '*.[chS]' ! -name '*.mod.c' | while read -r file; do
	case $file in *compat_config.h|*generated*) continue ;; esac
	[ -e "$top/$file" ] || rm -f "$file"
done)

log=$work/build.log
flags=()
if [ $check = 1 ]; then
	find "$work" -name '*.o' -delete
	flags=(W=1 C=2 "CHECK=sparse")
fi
if ! make -s -C "$linux/kdir" M="$work" ARCH=$arch CROSS_COMPILE=$cross \
	"${flags[@]}" modules >"$log" 2>&1; then
	cat "$log" >&2
	[ $check = 0 ] || echo "not ok - module builds against $1"
	exit 1
fi
if [ $check = 1 ]; then
	if grep -E 'warning:|error:|WARNING' "$log" | grep -v 'the compiler differs from the one used to build the kernel'; then
		echo "not ok - module builds against $1 at W=1 and under sparse without a warning"
	else
		echo "ok - module builds against $1 at W=1 and under sparse without a warning"
	fi
fi
echo "$work"
