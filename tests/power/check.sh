#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Power management in the guest, on the emulated time of the device: the NPU is
# off when idle, queued work survives the system's sleep, jobs take as long as the
# clock says, heat throttles it. Prints TAP lines.
#
# usage: tests/power/check.sh debian|debug
set -u
cd "$(dirname "$0")/../.." || exit

kernel=${1-}
case $kernel in
debian) parameters='' ;;
# Deadlines of the driver, 20 times their defaults.
debug)
	parameters='boot_timeout_ms=40000 request_timeout_ms=2000 invalidate_timeout_ms=20000 heartbeat_timeout_ms=20000 suspend_timeout_ms=100000'
	;;
*) sed -n '4,8s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

out=build/power/$kernel
overlay=$out/root
rm -rf "$out"
mkdir -p "$out"
# KESTREL_QEMU names another QEMU, as for run-guest.sh.
{
	{ [ -n "${KESTREL_QEMU-}" ] || emulator/qemu/build.sh; } &&
		tests/vm/build-guest.sh "$overlay" &&
		tests/kselftest/build.sh "$overlay/usr/bin" tests/power/load.c \
			tests/power/deadline_test.c &&
		mkdir -p "$overlay/power" &&
		build/bin/npuc tests/demo/model.tflite -o "$overlay/power/model.npu" \
			--target kestrel-256 &&
		cp tests/demo/input_0.bin tests/demo/output_0.bin tests/power/guest-lib \
			"$overlay/power/" &&
		module=$(tests/vm/build-module.sh "$kernel")
} >"$out/prepare.log" 2>&1 </dev/null || {
	tail -n 40 "$out/prepare.log" | sed 's/^/# /'
	echo "not ok - the power tests are prepared"
	exit 1
}
echo "$parameters" >"$overlay/power/parameters"

# guest NAME QEMU-ARGUMENTS: runs NAME-script; what it said is TAP already.
guest() {
	local status=0
	tests/vm/run-guest.sh --kernel "$kernel" --script "tests/power/$1-script" \
		--overlay "$overlay" --module "$(tail -n 1 <<<"$module")/kestrel.ko" \
		--log "$out/$1.console.log" --timeout 600 --quiet \
		--qemu-args "$2" >"$out/$1.run.log" 2>&1 </dev/null || status=$?
	grep -aE '^(ok|not ok) - |^# ' "$out/$1.console.log"
	case $status in
	0) echo "ok - $1: the kernel complains of nothing and leaks nothing" ;;
	*)
		sed 's/^/# /' "$out/$1.run.log" | tail -n 40
		echo "not ok - $1: guest ran to its end without a complaint (status $status)"
		;;
	esac
}

# The slow port makes long jobs of few bytes, so that an emulator on a slow host keeps
# up with the device's time.
device='-global kestrel-npu.timing=on -global kestrel-npu.port0_rate=0.0625'
guest power "$device"
guest hot "$device -global kestrel-npu.ambient=82000"
