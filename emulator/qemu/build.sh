#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Build QEMU with the Kestrel board and NPU from Debian's QEMU source.
#
# usage: emulator/qemu/build.sh [--jobs N]
#
# The QEMU tree is unpacked, configured and built once under the cache, keyed
# by its version and everything that configures it; our sources are copied into
# it and ninja rebuilds what changed. The programs end in build/qemu/ of this
# tree. Prints the path of qemu-system-aarch64 as its last line; everything
# else goes to stderr.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck source=emulator/qemu/debian.sh
. "$here/debian.sh"

jobs=$(nproc)
while [ $# -gt 0 ]; do
	case $1 in
	--jobs) jobs=$2; shift 2 ;;
	--help) sed -n '3,13s/^# \{0,1\}//p' "$0"; exit 0 ;;
	*) die "unknown option $1" ;;
	esac
done

# shellcheck disable=SC2054 # a comma inside an option
configure_options=(
	--target-list=aarch64-softmmu,x86_64-softmmu
	--without-default-features
	--without-default-devices
	--with-devices-aarch64=kestrel
	--with-devices-x86_64=kestrel
	--enable-tcg
	--enable-fdt=system
	--enable-plugins
	--disable-install-blobs
	--disable-docs
	--disable-tools
	--disable-debug-info
	--python=/usr/bin/python3
)

# meson and PC firmware, unpacked rather than installed: bookworm's meson is too
# old for QEMU, and Debian's QEMU source carries no firmware images.
qemu_tools()
{
	local backports meson seabios

	backports=$(debian_suite bookworm-backports amd64)
	meson=$(debian_candidate "$backports" meson)
	seabios=$(debian_candidate "$suite" seabios)
	tools=$KESTREL_CACHE/qemu/tools-$(hash_of "$meson" "$seabios")
	if [ ! -e "$tools/complete" ]; then
		rm -rf "$tools"
		debian_unpack "$backports" "$tools" "meson=$meson"
		debian_unpack "$suite" "$tools" "seabios=$seabios"
		touch "$tools/complete"
	fi
	export PYTHONPATH=$tools/usr/lib/python3/dist-packages
}

qemu_unpack()
{
	local work=$tree.new

	rm -rf "$tree" "$work"
	mkdir -p "$work"
	say "downloading the source of QEMU $version"
	(
		cd "$work"
		APT_CONFIG=$suite run_logged "$logs/download.log" \
			apt-get -q source --download-only --only-source "qemu=$version"
	)
	say "unpacking it"
	run_logged "$logs/unpack.log" dpkg-source --no-check -x "$work"/qemu_*.dsc "$work/source"
	mv "$work/source" "$tree"
	rm -rf "$work"
}

# Lay our sources into the QEMU tree, touching only what differs.
qemu_add_sources()
{
	local stage list=$tree/hw/misc/kestrel.list

	stage=$(mktemp -d "$KESTREL_CACHE/stage.XXXXXX")
	mkdir -p "$stage/npu/emulator" "$stage/board" "$stage/include"
	cp "$here"/kestrel_npu*.c "$here/meson.build" "$stage/npu/"
	find "$top/emulator" -maxdepth 1 -name '*.[ch]' -exec cp -t "$stage/npu/emulator" {} +
	if [ -d "$top/uapi" ]; then
		cp -r "$top/uapi" "$stage/npu/uapi"
	else
		mkdir "$stage/npu/uapi"
	fi
	cp "$here/kestrel_virt.c" "$stage/board/"
	cp "$here"/kestrel_npu*.h "$stage/include/"

	rsync -rc --delete "$stage/npu/" "$tree/hw/misc/kestrel/"
	rsync -rc "$stage/board/" "$tree/hw/arm/"
	rsync -rc "$stage/include/" "$tree/include/hw/misc/"
	rm -rf "$stage"
	(cd "$tree/hw/misc/kestrel" && find . -name '*.c' | LC_ALL=C sort) >"$list.new"
	if ! cmp -s "$list" "$list.new"; then
		touch "$tree/hw/misc/kestrel/meson.build"
		mv "$list.new" "$list"
	fi
}

# The whole of what we change in QEMU: one line in each of two build lists.
qemu_add_build_lists()
{
	grep -q kestrel "$tree/hw/arm/meson.build" ||
		sed -i "0,/^arm_ss.add/s//arm_ss.add(files('kestrel_virt.c'))\n&/" "$tree/hw/arm/meson.build"
	grep -q kestrel "$tree/hw/misc/meson.build" ||
		sed -i "1i subdir('kestrel')" "$tree/hw/misc/meson.build"
	cp "$here/aarch64.mak" "$tree/configs/devices/aarch64-softmmu/kestrel.mak"
	cp "$here/x86_64.mak" "$tree/configs/devices/x86_64-softmmu/kestrel.mak"
}

# The option rom through which a PC boots -kernel, made directly: QEMU's
# configure makes it only where a whole 32-bit toolchain is installed.
qemu_option_rom()
{
	local rom=$tree/build/kestrel-optionrom

	[ -e "$rom/linuxboot_dma.bin" ] && return 0
	mkdir -p "$rom"
	printf 'TOPSRC_DIR=%s\n' "$tree" >"$rom/config.mak"
	run_logged "$logs/optionrom.log" make -C "$rom" -f "$tree/pc-bios/optionrom/Makefile" \
		CC='gcc -m32' LD=ld OBJCOPY=objcopy PYTHON=/usr/bin/python3 linuxboot_dma.bin
}

install_if_changed()
{
	cmp -s "$1" "$2" || { cp "$1" "$2.new" && mv "$2.new" "$2"; }
}

debian_install ca-certificates gcc g++ make ninja-build pkg-config python3 python3-venv \
	python3-setuptools dpkg-dev xz-utils patch rsync bison flex \
	libglib2.0-dev libfdt-dev libssl-dev zlib1g-dev

# Which tree: remembered as long as trixie's index is, since asking takes longer
# than a rebuild.
memo=qemu-$(hash_of "$0" "$here/aarch64.mak" "$here/x86_64.mak")
if ! tree=$(debian_memo "$memo" trixie amd64); then
	suite=$(debian_suite trixie amd64)
	version=$(APT_CONFIG=$suite apt-cache showsrc --only-source qemu |
		awk '$1 == "Version:" { print $2 }' | sort -V | tail -n 1)
	[ -n "$version" ] || die "no source package qemu in trixie"
	qemu_tools
	key=$(hash_of "$version" "${configure_options[@]}" "$here/aarch64.mak" "$here/x86_64.mak")
	tree=$KESTREL_CACHE/qemu/$key
fi
logs=$tree.logs
lock_held "${tree##*/}"

if [ ! -e "$tree/.configured" ]; then
	started=$SECONDS
	qemu_unpack
	qemu_add_build_lists
	qemu_add_sources
	say "configuring QEMU $version"
	mkdir "$tree/build"
	(cd "$tree/build" && run_logged "$logs/configure.log" ../configure "${configure_options[@]}")
	printf '%s\n' "$version" >"$tree/.version"
	printf '%s\n' "$tools" >"$tree/.tools"
	touch "$tree/.configured"
	say "configured in $((SECONDS - started)) s; the first build takes 3 to 4 minutes on two cores"
else
	qemu_add_sources
fi

version=$(cat "$tree/.version")
tools=$(cat "$tree/.tools")
export PYTHONPATH=$tools/usr/lib/python3/dist-packages
debian_memo_set "$memo" "$tree" >/dev/null

started=$SECONDS
nice ninja -C "$tree/build" -j "$jobs" qemu-system-aarch64 qemu-system-x86_64 >"$logs/build.log" 2>&1 &
ninja=$!
shown=
while kill -0 $ninja 2>/dev/null; do
	sleep 1
	step=$(tail -c 4096 "$logs/build.log" | grep -o '^\[[0-9]*/[0-9]*\]' | tail -n 1 || true)
	if [ $(((SECONDS - started) % 20)) = 19 ] && [ "$step" != "$shown" ]; then
		say "building QEMU $step"
		shown=$step
	fi
done
if ! wait $ninja; then
	grep -E -A12 'FAILED|error' "$logs/build.log" | head -n 60 >&2 || true
	die "QEMU did not build, the whole log is $logs/build.log"
fi
qemu_option_rom

# Compiler warnings in our own files are errors; they stay errors in a second
# run because the files are compiled again.
if grep -E '(hw/misc/kestrel|hw/arm/kestrel_virt|hw/misc/kestrel_npu).*warning:' "$logs/build.log" >&2; then
	find "$tree/hw/misc/kestrel" "$tree/hw/arm/kestrel_virt.c" -name '*.c' -exec touch {} +
	die "warnings in the Kestrel sources"
fi

out=$top/build/qemu
firmware=$out/qemu-bundle/usr/local/share/qemu
mkdir -p "$firmware"
install_if_changed "$tree/build/qemu-system-aarch64" "$out/qemu-system-aarch64"
install_if_changed "$tree/build/qemu-system-x86_64" "$out/qemu-system-x86_64"
install_if_changed "$tools/usr/share/seabios/bios-256k.bin" "$firmware/bios-256k.bin"
install_if_changed "$tree/build/kestrel-optionrom/linuxboot_dma.bin" "$firmware/linuxboot_dma.bin"
# Plugins are built against it: tests/bench.
install_if_changed "$tree/include/qemu/qemu-plugin.h" "$out/qemu-plugin.h"
say "QEMU $version with the Kestrel board, built in $((SECONDS - started)) s"
printf '%s\n' "$out/qemu-system-aarch64"
