#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Build the kernel module against one kernel, in a copy below build/, so that
# several kernels can have theirs from one checkout.
#
# usage: tests/vm/build-module.sh [--check] KERNEL
#
#   debian       Debian's arm64 6.12, cross built    debug  the arm64 debug kernel
#   6.12-oldest, 7.2, 7.3, 7.2-16k, 7.3-16k
#                Debian's other arm64 kernels, see linux-debian.sh
#   amd64, amd64-6.12-oldest, amd64-7.2, amd64-7.3
#                the same of amd64
#   --check also W=1 and sparse (C=2), as TAP lines; a warning is a failure; in a
#           copy of its own
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
kernel=${1-}
case $kernel in
amd64|amd64-*) arch=x86_64 cross='' debian=amd64 ;;
*) arch=arm64 cross=aarch64-linux-gnu- debian=arm64 ;;
esac
case $kernel in
debug) linux=$("$here/linux-debug.sh") ;;
debian|amd64) linux=$("$here/linux-debian.sh" $debian) ;;
6.12-oldest|7.[0-9]*|amd64-*) linux=$("$here/linux-debian.sh" $debian "${kernel#amd64-}") ;;
*) sed -n '4,19s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

work=$top/build/module/$kernel
# Its own copy: somebody may be loading what the other one holds.
[ $check = 0 ] || work+=-check
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
flags=() how='at W=1'
if [ $check = 1 ]; then
	find "$work" -name '*.o' -delete
	flags=(W=1)
	# The 7.x headers of Debian lack what the kernel's build calls sparse with.
	if [ -e "$linux/kdir/scripts/checker-valid.sh" ] ||
	   ! grep -q checker-valid.sh "$linux"/root/usr/src/linux-headers-*-common/Makefile; then
		flags+=(C=2 "CHECK=sparse") how='at W=1 and under sparse'
	fi
fi
in_root=()
[ ! -e "$linux/build-root" ] || in_root=("$here/build-root.sh" "$work")
if ! "${in_root[@]}" make -s -j"$(nproc)" -C "$linux/kdir" M="$work" ARCH=$arch CROSS_COMPILE=$cross \
	"${flags[@]}" modules >"$log" 2>&1; then
	cat "$log" >&2
	[ $check = 0 ] || echo "not ok - module builds against $kernel"
	exit 1
fi
if [ $check = 1 ]; then
	if grep -E 'warning:|error:|WARNING' "$log" | grep -v 'the compiler differs from the one used to build the kernel'; then
		echo "not ok - module builds against $kernel $how without a warning"
	else
		echo "ok - module builds against $kernel $how without a warning"
	fi
fi
echo "$work"
