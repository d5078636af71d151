#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Build the arm64 debug kernel from Debian's linux-source-6.12.
#
# usage: tests/vm/linux-debug.sh [--jobs N]
#
# The configuration is tests/vm/debug-kernel.config on top of allnoconfig. The
# result is cached by source version and configuration; 7 to 10 minutes on two
# cores the first time. Prints a directory that holds
#   vmlinuz   the kernel image to boot
#   vmlinux   the same with symbols
#   modules   /lib/modules/RELEASE of it, without links to the build tree
#   kdir      the build tree, to build modules against
#   source    the source tree (kselftest harness, checkpatch, sparse headers)
#   release   a file with the kernel's release string

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=emulator/qemu/debian.sh
. "$here/../../emulator/qemu/debian.sh"

jobs=$(nproc)
while [ $# -gt 0 ]; do
	case $1 in
	--jobs) jobs=$2; shift 2 ;;
	--help) sed -n '3,16s/^# \{0,1\}//p' "$0"; exit 0 ;;
	*) die "unknown option $1" ;;
	esac
done

fragment=$here/debug-kernel.config

# Kconfig drops what it cannot satisfy without a word: compare afterwards.
config_check()
{
	local line name lost=0

	while read -r line; do
		case $line in
		'# CONFIG_'*' is not set')
			name=${line#\# }
			grep -q "^${name%% *}=" "$1" || continue ;;
		CONFIG_*)
			grep -qxF "$line" "$1" && continue ;;
		*)
			continue ;;
		esac
		printf 'not in the kernel configuration: %s\n' "$line" >&2
		lost=1
	done <"$fragment"
	[ $lost = 0 ] || die "the kernel's configuration is not the one asked for"
}

kmake()
{
	nice make -C "$source" O="$directory/kdir" ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- "$@"
}

debian_install make gcc bison flex bc libc6-dev libelf-dev libssl-dev xz-utils cpio kmod rsync \
	gcc-aarch64-linux-gnu

memo=linux-debug-$(hash_of "$0" "$fragment")
debian_memo "$memo" bookworm-security amd64 && exit 0

suite=$(debian_suite bookworm-security amd64)
version=$(debian_candidate "$suite" linux-source-6.12)
directory=$KESTREL_CACHE/linux/debug-$(hash_of "$version" "$fragment")
source=$KESTREL_CACHE/linux/source-$(hash_of "$version")
logs=$directory.logs
lock_held linux-debug

if [ ! -e "$source/.complete" ]; then
	rm -rf "$source"
	mkdir -p "$source"
	debian_unpack "$suite" "$source.deb" "linux-source-6.12=$version"
	say "unpacking the source of Linux $version"
	tar -xJf "$source.deb/usr/src/linux-source-6.12.tar.xz" -C "$source" --strip-components=1
	rm -rf "$source.deb"
	touch "$source/.complete"
fi

if [ ! -e "$directory/complete" ]; then
	mkdir -p "$directory/kdir"
	say "configuring the debug kernel"
	run_logged "$logs/config.log" kmake KCONFIG_ALLCONFIG="$fragment" allnoconfig
	config_check "$directory/kdir/.config"
	say "building the debug kernel (7 to 10 minutes on two cores)"
	started=$SECONDS
	kmake -j "$jobs" Image modules >"$logs/build.log" 2>&1 </dev/null &
	build=$!
	while kill -0 $build 2>/dev/null; do
		sleep 1
		if [ $(((SECONDS - started) % 30)) = 29 ]; then
			say "building the debug kernel: $(wc -l <"$logs/build.log") files done," \
				"$((SECONDS - started)) s"
			sleep 1
		fi
	done
	wait $build || { tail -n 40 "$logs/build.log" >&2; die "see $logs/build.log"; }
	run_logged "$logs/modules.log" kmake INSTALL_MOD_PATH="$directory/root" modules_install
	release=$(cat "$directory/kdir/include/config/kernel.release")
	rm -f "$directory/root/lib/modules/$release"/{build,source}
	ln -sfn "root/lib/modules/$release" "$directory/modules"
	ln -sfn kdir/arch/arm64/boot/Image "$directory/vmlinuz"
	ln -sfn kdir/vmlinux "$directory/vmlinux"
	ln -sfn "../${source##*/}" "$directory/source"
	printf '%s\n' "$release" >"$directory/release"
	touch "$directory/complete"
	say "debug kernel built in $((SECONDS - started)) s"
fi
debian_memo_set "$memo" "$directory"
