#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Make the base initramfs of the test guest: busybox, the C library and libdrm,
# and the modules of tests/vm/guest-modules with their dependencies.
#
# usage: tests/vm/initramfs.sh LINUX_DIRECTORY [arm64|amd64]
#
# LINUX_DIRECTORY is what linux-debian.sh or linux-debug.sh printed, a kernel of
# that architecture (default arm64). Prints the path of a cpio archive NAME.cpio;
# beside it NAME.modules holds the module tree that is in it. A run adds its own
# files in a second archive behind it.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=emulator/qemu/debian.sh
. "$here/../../emulator/qemu/debian.sh"

case ${1-} in
--help) sed -n '3,13s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
linux=${1:?usage: initramfs.sh LINUX_DIRECTORY [arm64|amd64]}
release=$(cat "$linux/release")
arch=${2:-arm64}
sysroot=$("$here/sysroot.sh" "$arch")
case $arch in
arm64) triplet=aarch64-linux-gnu loader=lib/ld-linux-aarch64.so.1 ;;
amd64) triplet=x86_64-linux-gnu loader=lib64/ld-linux-x86-64.so.2 ;;
esac

base=$KESTREL_CACHE/guest/base-$(hash_of "$linux" "$sysroot" "$0" "$here/guest-modules")
mkdir -p "${base%/*}"
lock_held "guest-${base##*/}"
if [ -e "$base.cpio" ]; then
	printf '%s\n' "$base.cpio"
	exit 0
fi

debian_install cpio kmod xz-utils
work=$(mktemp -d "$KESTREL_CACHE/initramfs.XXXXXX")
trap 'rm -rf "$work"' EXIT
export PATH=$PATH:/sbin:/usr/sbin
say "making the guest's base file system for Linux $release"

root=$work/root
libraries=usr/lib/$triplet
mkdir -p "$root"/{bin,lib,tmp,proc,sys,dev} "$root/$libraries"
cp "$sysroot/bin/busybox" "$root/bin/busybox"
for name in "${loader##*/}" libc.so.6 libm.so.6 libpthread.so.0 libdl.so.2 librt.so.1 \
	libgcc_s.so.1 libdrm.so.2; do
	library=$(find "$sysroot"/lib* "$sysroot/usr/lib" -path "*/$triplet/$name" | head -n 1)
	[ -n "$library" ] || die "$name is not in the sysroot"
	cp -L "$library" "$root/$libraries/$name"
done
ln -s "../$libraries" "$root/lib/$triplet"
mkdir -p "$root/${loader%/*}"
ln -s "../$libraries/${loader##*/}" "$root/$loader"

# All modules once, unpacked, to resolve dependencies; then those we need.
all=$work/all/lib/modules/$release
mine=$root/lib/modules/$release
mkdir -p "$all" "$mine"
cp -r "$linux/modules/." "$all/"
rm -f "$all"/{build,source}
depmod -b "$work/all" "$release"
sed 's/#.*//' "$here/guest-modules" | while read -r module; do
	[ -n "$module" ] || continue
	modprobe -d "$work/all" -S "$release" --show-depends "${module%\?}" ||
		case $module in
		*\?) ;;
		*) die "Linux $release has no module $module" ;;
		esac
done | awk '$1 == "insmod" { print $2 }' | sort -u | while read -r file; do
	mkdir -p "$mine/$(dirname "${file#"$all"/}")"
	case $file in
	*.xz) xz -dc "$file" >"$mine/$(basename "${file#"$all"/}" .xz)" ;;
	*) cp "$file" "$mine/" ;;
	esac
done
find "$mine" -mindepth 1 -type d -empty -delete
cp "$all"/modules.{builtin,order} "$mine/"
[ ! -e "$all/modules.builtin.modinfo" ] || cp "$all/modules.builtin.modinfo" "$mine/"
depmod -b "$root" "$release"

cp -r "$mine" "$base.modules.new"
rm -rf "$base.modules"
mv "$base.modules.new" "$base.modules"
(cd "$root" && find . -mindepth 1 | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet) >"$base.new"
mv "$base.new" "$base.cpio"
printf '%s\n' "$base.cpio"
