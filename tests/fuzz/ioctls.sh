#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The ioctl fuzzer in a guest of its own: many calls, and a tenth as many again while
# allocations fail where the kernel can let them (debug). Prints TAP lines.
#
# usage: tests/fuzz/ioctls.sh debian|debug
#
# KESTREL_FUZZ_CALLS: how many calls (default 5000); KESTREL_SEED: default 1.
set -u
cd "$(dirname "$0")/../.." || exit

kernel=${1-}
calls=${KESTREL_FUZZ_CALLS:-5000} seed=${KESTREL_SEED:-1}
case $kernel in
debian|debug) ;;
*) sed -n '4,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

# Deadlines of a driver in an emulator whose host is busy: the defaults are for
# hardware, and what is not answered in 100 ms costs the firmware a reset.
parameters='boot_timeout_ms=40000 request_timeout_ms=2000 invalidate_timeout_ms=2000 heartbeat_timeout_ms=20000'

# Several of them may run side by side.
out=build/fuzz-ioctls/$kernel-$seed
overlay=$out/root
rm -rf "$out"
mkdir -p "$overlay/tests" "$overlay/lib/firmware/kestrel/arch1.0"

must() {
	if ! "$@" >"$out/prepare.log" 2>&1 </dev/null; then
		sed 's/^/# /' "$out/prepare.log" | tail -n 40
		echo "not ok - ioctl fuzzer, $kernel: $1"
		exit 1
	fi
}

[ -n "${KESTREL_QEMU-}" ] || must emulator/qemu/build.sh
must tests/vm/build-module.sh "$kernel"
module=$(tail -n 1 "$out/prepare.log")/kestrel.ko
must tests/fuzz/build-guest.sh "$overlay/usr/bin"
must make -s build/firmware/kestrel_fw.bin
cp build/firmware/kestrel_fw.bin "$overlay/lib/firmware/kestrel/arch1.0/"
echo "calls=$calls seed=$seed parameters='$parameters'" >"$overlay/tests/settings"

status=0
tests/vm/run-guest.sh --kernel "$kernel" --script tests/fuzz/ioctls-script --overlay "$overlay" \
	--module "$module" --log "$out/console.log" --timeout $((900 + calls / 20)) --quiet \
	--allow 'DMA-API: cacheline tracking ENOMEM' >"$out/run.log" 2>&1 </dev/null || status=$?
grep -aE '^(ok|not ok) - |^# ' "$out/console.log" | grep -v ' calls to go$'
case $status in
0) echo "ok - ioctl fuzzer, seed $seed: the kernel complains of nothing and leaks nothing" ;;
*)
	sed 's/^/# /' "$out/run.log" | tail -n 60
	echo "not ok - ioctl fuzzer, seed $seed: guest ran to its end without a complaint (status $status)"
	;;
esac
