#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Fetch one of Debian's own kernels, unpacked into the cache and never installed.
#
# usage: tests/vm/linux-debian.sh [arm64|amd64] [KERNEL]
#
# KERNEL is one of
#   6.12         the newest 6.12 of Debian 12 (default)
#   6.12-oldest  the oldest 6.12 for which the archive holds image and headers
#   7.2          the newest 7.2 of Debian 13's backports
#   7.3          the same of 7.3
#   7.2-16k, 7.3-16k  those with pages of 16 KiB (arm64)
#
# Prints a directory that holds
#   vmlinuz      the kernel image to boot, unless the archive has only headers
#   modules      /lib/modules/RELEASE of the image package, likewise
#   kdir         headers to build modules against (make -C .../kdir M=...); those
#                of arm64 cross-build on amd64 with ARCH=arm64
#                CROSS_COMPILE=aarch64-linux-gnu-
#   release      a file with the kernel's release string
#   build-root   only where kdir needs the tools of tests/vm/build-root.sh

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=emulator/qemu/debian.sh
. "$here/../../emulator/qemu/debian.sh"

arch=arm64 kernel=6.12
for argument; do
	case $argument in
	arm64|amd64) arch=$argument ;;
	6.12|6.12-oldest|7.2|7.3|7.2-16k|7.3-16k) kernel=$argument ;;
	--help) sed -n '4,25s/^# \{0,1\}//p' "$0"; exit 0 ;;
	*) die "unknown argument $argument" ;;
	esac
done

# Releases of a version for which the suite has headers, oldest first. The image
# of a release may be missing.
releases()
{
	APT_CONFIG=$1 apt-cache pkgnames "linux-headers-$2." |
		sed -nE "s/^linux-headers-(.*\+deb[0-9.]+)-$flavour\$/\\1/p" | sort -V
}

# First of the packages that the suite has; nothing if none.
first_package()
{
	local suite=$1 package

	shift
	for package; do
		APT_CONFIG=$suite apt-cache pkgnames "$package" | grep -xF "$package" && break
	done
}

# What the image of a release is made of: since 7.x the kernel, its modules and
# their lists are packages of their own, and the signed kernel comes days after
# the other.
image_packages()
{
	local kernel

	kernel=$(first_package "$1" "linux-binary-$2" "linux-binary-unsigned-$2" "linux-image-$2")
	[ -n "$kernel" ] || return 0
	printf '%s\n' "$kernel" "$(first_package "$1" "linux-modules-$2")" \
		"$(first_package "$1" "linux-base-$2")"
}

# Header packages name their parts by absolute path. Point every such path,
# in links and in Makefiles, into the directory they were unpacked to.
headers_relocate()
{
	local root=$1 link target

	find "$root" -type l | while read -r link; do
		target=$(readlink "$link")
		case $target in
		/*) ln -sfn "$root$target" "$link" ;;
		esac
	done
	find "$root/usr/src" -maxdepth 2 -type f \( -name Makefile -o -name .kernelvariables \) \
		-exec sed -i "s:\\([ =]\\)/usr/\\(src\\|lib\\)/linux-:\\1$root/usr/\\2/linux-:g" {} +
}

if [ "$arch" = arm64 ]; then
	debian_install make gcc-12 gcc-aarch64-linux-gnu gcc-12-aarch64-linux-gnu kmod libelf1 pahole
else
	debian_install make gcc-12 kmod libelf1 pahole
fi

flavour=$arch version=${kernel%-*}
case $kernel in
6.12) name=bookworm-security ;;
6.12-oldest) name=trixie ;;
*-16k) name=trixie-backports flavour=$arch-16k ;;
*) name=trixie-backports ;;
esac
memo=linux-debian-$arch-$kernel-$(hash_of "$0")
debian_memo "$memo" "$name" "$arch" && exit 0

suite=$(debian_suite "$name" "$arch")
host_suite=$(debian_suite "$name" amd64)
# The oldest with an image, or the newest, preferably with an image.
abi='' images=''
for candidate in $(releases "$suite" "$version"); do
	found=$(image_packages "$suite" "$candidate-$flavour")
	[ -n "$found" ] || [ -z "$images" ] || continue
	abi=$candidate images=$found
	[ "$kernel" != 6.12-oldest ] || [ -z "$images" ] || break
done
[ -n "$abi" ] || die "no headers of Linux $version for $flavour in $name"
release=$abi-$flavour
packages=()
for package in "linux-headers-$release" "linux-headers-$abi-common" $images; do
	packages+=("$package=$(debian_candidate "$suite" "$package")")
done

directory=$KESTREL_CACHE/linux/debian-$arch-$kernel-$(hash_of "${packages[@]}" "$0")
lock_held "linux-debian-$arch-$kernel"
if [ ! -e "$directory/complete" ]; then
	rm -rf "$directory"
	mkdir -p "$directory"
	debian_unpack "$suite" "$directory/root" "${packages[@]}"
	debian_unpack "$host_suite" "$directory/root" \
		"linux-kbuild-$abi=$(debian_candidate "$host_suite" "linux-kbuild-$abi")"
	headers_relocate "$directory/root"
	ln -s "root/usr/src/linux-headers-$release" "$directory/kdir"
	if [ -n "$images" ]; then
		image=$(cd "$directory" && find root -name "vmlinuz*" | head -n 1)
		modules=$(cd "$directory" && find root -path "*/modules/$release/kernel" | head -n 1)
		if [ -z "$image" ] || [ -z "$modules" ]; then
			die "no kernel in the image of $release"
		fi
		ln -s "$image" "$directory/vmlinuz"
		ln -s "${modules%/kernel}" "$directory/modules"
	fi
	printf '%s\n' "$release" >"$directory/release"
	[ "$kernel" = 6.12 ] || touch "$directory/build-root"
	touch "$directory/complete"
	say "Debian's Linux $release ($arch) is in $directory"
fi
debian_memo_set "$memo" "$directory"
