#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Two NPUs in one arm64 guest, the board's and one on PCI: both give the demo
# model's bytes; the one on PCI is unbound, bound, removed and found again while
# the other works. Prints TAP lines.
#
# usage: tests/vm/check-pci.sh [debian|debug]     (default debian)
set -u
cd "$(dirname "$0")/../.." || exit

kernel=${1-debian}
case $kernel in
debian) parameters='' ;;
# Deadlines of the driver, 20 times their defaults.
debug)
	parameters='boot_timeout_ms=40000 request_timeout_ms=2000 invalidate_timeout_ms=20000 heartbeat_timeout_ms=20000'
	;;
*) sed -n '4,8s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

out=build/check-pci/$kernel
mkdir -p "$out"
echo "$parameters" >"$out/parameters"
# KESTREL_QEMU names another QEMU, as for run-guest.sh.
{
	{ [ -n "${KESTREL_QEMU-}" ] || emulator/qemu/build.sh; } &&
		tests/vm/build-guest.sh "$out/root" &&
		build/bin/npuc tests/demo/model.tflite -o "$out/model.npu" --target kestrel-256 &&
		module=$(tests/vm/build-module.sh "$kernel")
} >"$out/prepare.log" 2>&1 </dev/null || {
	tail -n 40 "$out/prepare.log" | sed 's/^/# /'
	echo "not ok - two NPUs in one guest are prepared"
	exit 1
}
if tests/vm/run-guest.sh --kernel "$kernel" --script tests/vm/pci-script \
	--overlay "$out/root" --module "$(tail -n 1 <<<"$module")/kestrel.ko" \
	--qemu-args "-device kestrel-npu-pci,id=npu" --log "$out/console.log" --timeout 600 \
	--add "$out/model.npu=/demo/model.npu" --add "$out/parameters=/demo/parameters" \
	--add tests/demo/input_0.bin=/demo/input_0.bin \
	--add tests/demo/output_0.bin=/demo/output_0.bin >"$out/run.log" 2>&1 </dev/null; then
	echo "ok - an NPU on PCI comes and goes under load beside the board's ($kernel)"
else
	sed 's/^/# /' "$out/run.log" | tail -n 40
	echo "not ok - an NPU on PCI comes and goes under load beside the board's ($kernel)"
fi
