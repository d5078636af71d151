#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Run a command in a Debian 13 with compilers, the build root of kernel modules
# whose headers want newer tools than Debian 12 has.
#
# usage: tests/vm/build-root.sh DIRECTORY COMMAND [ARGUMENT]...
#
# DIRECTORY, the command's working directory, and the cache are seen in the root
# under their own names; nothing else of the machine is. The root is made once
# and cached (3 minutes). Needs root. Exit status: the command's.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=emulator/qemu/debian.sh
. "$here/../../emulator/qemu/debian.sh"

case ${1-} in
--help) sed -n '3,12s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
[ $# -ge 2 ] || die "usage: build-root.sh DIRECTORY COMMAND [ARGUMENT]..."
[ "$(id -u)" = 0 ] || die "needs root"
directory=$(cd "$1" && pwd)
shift

packages=make,gcc,gcc-14,gcc-14-aarch64-linux-gnu,libc6-dev,libelf1t64,pahole,kmod,sparse
main=$(debian_mirror main)
root=$KESTREL_CACHE/debootstrap/trixie-$(hash_of "$main" "$packages" "$0")
if [ ! -e "$root/complete" ]; then
	lock_held build-root
fi
if [ ! -e "$root/complete" ]; then
	debian_install debootstrap
	say "making a Debian 13 to build in"
	rm -rf "$root" "$root.new"
	mkdir -p "$root.new"
	run_logged "$KESTREL_CACHE/debootstrap/trixie.log" \
		debootstrap --variant=minbase --include="$packages" trixie "$root.new" "$main"
	rm -rf "$root.new/var/cache/apt/archives" "$root.new/var/lib/apt/lists"
	touch "$root.new/complete"
	mv "$root.new" "$root"
fi

# Mounts live in a name space of their own and end with the command.
# shellcheck disable=SC2016 # expanded by the inner shell
exec unshare --mount --pid --fork --kill-child bash -euc '
	root=$1 cache=$2 directory=$3
	shift 3
	mount -t tmpfs tmpfs "$root/tmp"
	mount -t proc proc "$root/proc"
	mount --bind /dev/null "$root/dev/null"
	for place in "$cache" "$directory"; do
		mkdir -p "$root$place"
		mount --rbind "$place" "$root$place"
	done
	exec chroot "$root" env -i HOME=/root TERM=dumb LANG=C.UTF-8 \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		sh -c "cd \"\$0\" && exec \"\$@\"" "$directory" "$@"
' bash "$root" "$KESTREL_CACHE" "$directory" "$@"
