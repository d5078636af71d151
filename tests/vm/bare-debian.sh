#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Run a command in a fresh clone of this repository on a bare Debian 12: a
# debootstrap root that has git, make and ca-certificates and nothing else.
#
# usage: tests/vm/bare-debian.sh [OPTION]... COMMAND [ARGUMENT]...
#
#   --cache    let it begin with this machine's cache of downloads and kernels,
#              which it cannot change (default: its own, empty one, so that every
#              download and build really happens); QEMU is built anew, because
#              it depends on the libraries of the machine that it was built on
#   --keep     leave the root behind and print where it is
#   --models DIR   mount DIR beside the clone as shared/models, read only
#
# What is committed counts, not what lies in the work tree. Needs root,
# debootstrap and 15 GB of disk. Exit status: the command's.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck source=emulator/qemu/debian.sh
. "$here/../../emulator/qemu/debian.sh"

cache=0 keep=0 models=''
while [ $# -gt 0 ]; do
	case $1 in
	--cache) cache=1; shift ;;
	--keep) keep=1; shift ;;
	--models) models=$2; shift 2 ;;
	--help) sed -n '3,18s/^# \{0,1\}//p' "$0"; exit 0 ;;
	-*) die "unknown option $1 (--help)" ;;
	*) break ;;
	esac
done
[ $# -gt 0 ] || die "no command given (--help)"
[ "$(id -u)" = 0 ] || die "needs root"
debian_install debootstrap

# Where the machine gets its packages from, and what it was told about that way.
main=$(debian_mirror main)
security=$(debian_mirror security)
settings=$(apt-config dump | grep -E '^Acquire::(Check-|https?::Proxy|Retries)' || true)

base=$KESTREL_CACHE/debootstrap/bookworm-$(hash_of "$main" "$security" "$settings" "$0").tar
lock_held bare-debian
if [ ! -e "$base" ]; then
	say "making a bare Debian 12"
	mkdir -p "${base%/*}"
	root=$(mktemp -d "$KESTREL_CACHE/bare.XXXXXX")
	trap 'rm -rf "$root"' EXIT
	run_logged "$KESTREL_CACHE/debootstrap/debootstrap.log" \
		debootstrap --variant=minbase bookworm "$root" "$main"
	cat >"$root/etc/apt/sources.list" <<-EOS
	deb $main bookworm main
	deb $main bookworm-updates main
	deb $security bookworm-security main
	EOS
	printf '%s\n' "$settings" >"$root/etc/apt/apt.conf.d/90machine"
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	run_logged "$KESTREL_CACHE/debootstrap/update.log" chroot "$root" apt-get -q update
	run_logged "$KESTREL_CACHE/debootstrap/install.log" chroot "$root" \
		env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
		install git make ca-certificates
	chroot "$root" apt-get clean
	tar -C "$root" -cf "$base.new" .
	mv "$base.new" "$base"
	rm -rf "$root"
	trap - EXIT
fi

root=$(mktemp -d "$KESTREL_CACHE/bare.XXXXXX")
cleanup()
{
	if [ $keep = 1 ]; then
		say "the root is $root"
	else
		rm -rf --one-file-system "$root"
	fi
}
trap cleanup EXIT
tar -C "$root" -xf "$base"
cp /etc/resolv.conf "$root/etc/resolv.conf"
git clone -q --no-local "file://$top" "$root/root/kestrel"
say "running '$*' in a clone of $(git -C "$root/root/kestrel" rev-parse --short HEAD)"

# Mounts live in a name space of their own and end with the command.
status=0
# shellcheck disable=SC2016 # expanded by the inner shell
unshare --mount --pid --fork --kill-child bash -euc '
	root=$1 cache=$2 models=$3
	shift 3
	mount -t proc proc "$root/proc"
	mount --rbind /dev "$root/dev"
	mount -t sysfs -o ro sysfs "$root/sys"
	mount -t tmpfs tmpfs "$root/tmp"
	if [ -n "$cache" ]; then
		mkdir -p "$root/root/.cache/kestrel" "$root/overlay/upper" "$root/overlay/work"
		mount -t overlay -o "lowerdir=$cache,upperdir=$root/overlay/upper,workdir=$root/overlay/work" \
			overlay "$root/root/.cache/kestrel"
		rm -rf "$root/root/.cache/kestrel/qemu"
	fi
	if [ -n "$models" ]; then
		mkdir -p "$root/root/shared/models"
		mount --bind "$models" "$root/root/shared/models"
		mount -o remount,bind,ro "$root/root/shared/models"
	fi
	exec chroot "$root" env -i HOME=/root TERM=dumb LANG=C.UTF-8 \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		sh -c "cd /root/kestrel && exec \"\$@\"" sh "$@"
' bash "$root" "$([ $cache = 0 ] || echo "$KESTREL_CACHE")" "$models" "$@" || status=$?
exit $status
