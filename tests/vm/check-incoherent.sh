#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The ioctl tests that are about memory, on a board whose device tree says that the
# NPU does not snoop the processor's caches: the driver then maps write-combined
# memory as such, hands ranges over by cache maintenance, and lets no idle memory
# go. The emulator has no caches; what is seen is that all of it is called as the
# debugging of DMA wants it. Prints TAP lines.
#
# usage: tests/vm/check-incoherent.sh [debian|debug]     (default debug)
set -u
cd "$(dirname "$0")/../.." || exit
# shellcheck source=emulator/qemu/debian.sh
. emulator/qemu/debian.sh

kernel=${1-debug}
case $kernel in
debian) parameters='' ;;
# Deadlines of the driver, 20 times their defaults.
debug)
	parameters='boot_timeout_ms=40000 request_timeout_ms=2000 invalidate_timeout_ms=20000 heartbeat_timeout_ms=20000'
	;;
*) sed -n '4,11s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

out=build/check-incoherent/$kernel
title="a board without coherence, $kernel"
npu=/npu@b000000
# shellcheck source=tests/vm/guest-group.sh
. tests/vm/guest-group.sh
guest_prepare "$kernel"
echo "$parameters" >"$overlay/tests/parameters"

# The tree of the board that run-guest.sh starts, with as many ports and processors.
tree_make() {
	local qemu=${KESTREL_QEMU:-build/qemu/qemu-system-aarch64}
	[ -x "$qemu" ] || qemu=$(emulator/qemu/build.sh)
	debian_install device-tree-compiler
	"$qemu" -M "kestrel-virt,dumpdtb=$out/board.dtb" -cpu max,pauth-impdef=on -smp 2 -m 1G \
		-display none -serial null -serial null &&
		fdtput -d "$out/board.dtb" $npu dma-coherent &&
		fdtput "$out/board.dtb" $npu dma-noncoherent
}

must tree_make
must tests/kselftest/build.sh "$overlay/usr/lib/kestrel-tests" \
	tests/kselftest/{memory,object,share,user_memory,isolation}_test.c
status=0
tests/vm/run-guest.sh --kernel "$kernel" --script tests/vm/incoherent-script --overlay "$overlay" \
	--module "$module" --qemu-args "-dtb $out/board.dtb" \
	--allow 'DMA-API: cacheline tracking ENOMEM' --log "$out/console.log" --timeout 900 \
	--quiet >"$out/run.log" 2>&1 </dev/null || status=$?
tr -d '\r' <"$out/console.log" | grep -aE '^(ok|not ok) - |^# .*(Expected|SKIP)'
sed 's/^/# /' "$out/run.log" | tail -n 20
[ $status = 0 ] || printf 'not '
echo "ok - the kernel minds nothing of a device that is not coherent ($kernel)"
