#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Power management in the guest, on the emulated time of the device: the NPU is
# off when idle, queued work survives the system's sleep, jobs take as long as the
# clock says, heat throttles it. Prints TAP lines.
#
# usage: tests/power/check.sh debian|debug [GUEST]...     (default: all of them)
#
#   power     idle and asleep, operating points, deadlines, governors
#   supply    a board with a clock, a supply and a reset line of its own
#   voltless  the same board, with no voltages in its operating points
#   pulled    an NPU on PCI goes while the system sleeps
#   hot       sensors, and throttling
set -u
cd "$(dirname "$0")/../.." || exit

kernel=${1-}
[ $# = 0 ] || shift
case $kernel in
debian)
	parameters=''
	linux=$(tests/vm/linux-debian.sh arm64)
	;;
# Deadlines of the driver, 20 times their defaults.
debug)
	parameters='boot_timeout_ms=40000 request_timeout_ms=2000 invalidate_timeout_ms=20000 heartbeat_timeout_ms=20000 suspend_timeout_ms=100000'
	linux=$(tests/vm/linux-debug.sh)
	;;
*) sed -n '4,14s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

out=build/power/$kernel
overlay=$out/root
rm -rf "$out"
mkdir -p "$out"
# KESTREL_QEMU names another QEMU, as for run-guest.sh.
{
	{ [ -n "${KESTREL_QEMU-}" ] || emulator/qemu/build.sh; } &&
		tests/vm/build-guest.sh "$overlay" &&
		tests/kselftest/build.sh "$overlay/usr/bin" tests/power/load.c tests/power/sleep.c \
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
echo "$kernel" >"$overlay/power/kernel"

# The board's tree with a clock, a supply, a reset line and a voltage for each operating
# point, and the module that plays them. Processors, memory and serial ports are those
# of run-guest.sh. The other module takes a device from its PCI slot.
board=$out/board
tree=$out/supply.dtb voltless=$out/voltless.dtb
tree_make() {
	local npu=/npu@b000000 provider=/board-npu microvolts hz
	"${KESTREL_QEMU:-build/qemu/qemu-system-aarch64}" -M "kestrel-virt,dumpdtb=$tree" \
		-cpu max,pauth-impdef=on -smp 2 -m 1G -nodefaults -display none \
		-serial null -serial null &&
		fdtput -c "$tree" $provider &&
		fdtput -c "$tree" $provider/regulator &&
		fdtput -t s "$tree" $provider compatible kestrel,test-board &&
		fdtput -t i "$tree" $provider '#clock-cells' 0 &&
		fdtput -t i "$tree" $provider '#reset-cells' 1 &&
		fdtput -t x "$tree" $provider phandle 9001 &&
		fdtput -t s "$tree" $provider/regulator regulator-name npu &&
		fdtput -t i "$tree" $provider/regulator regulator-min-microvolt 600000 &&
		fdtput -t i "$tree" $provider/regulator regulator-max-microvolt 900000 &&
		fdtput -t x "$tree" $provider/regulator phandle 9002 &&
		fdtput -d "$tree" $npu '#clock-cells' &&
		fdtput -t x "$tree" $npu clocks 9001 &&
		fdtput -t x "$tree" $npu resets 9001 0 &&
		fdtput -t x "$tree" $npu npu-supply 9002 &&
		cp "$tree" "$voltless" || return
	for hz in 125000000 250000000 375000000 500000000; do
		microvolts=$((600000 + hz / 2000))
		fdtput -t i "$tree" "$npu/opp-table/opp-$hz" opp-microvolt $microvolts || return
	done
}
{
	cp -r tests/power/board "$board" &&
		make -s -C "$linux/kdir" M="$PWD/$board" ARCH=arm64 \
			CROSS_COMPILE=aarch64-linux-gnu- modules && tree_make
} >"$out/board.log" 2>&1 </dev/null || {
	tail -n 40 "$out/board.log" | sed 's/^/# /'
	echo "not ok - a board with a clock and a supply is prepared"
	exit 1
}

# guest NAME QEMU-ARGUMENTS [OPTION]...: runs NAME-script; what it said is TAP already.
guest() {
	local status=0
	tests/vm/run-guest.sh --kernel "$kernel" --script "tests/power/$1-script" \
		--overlay "$overlay" --module "$(tail -n 1 <<<"$module")/kestrel.ko" \
		--module "$board/kestrel-board.ko" --module "$board/kestrel-slot.ko" \
		--log "$out/$1.console.log" --timeout 1200 --quiet \
		--qemu-args "$2" "${@:3}" >"$out/$1.run.log" 2>&1 </dev/null || status=$?
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
guests=("$@")
[ $# -gt 0 ] || guests=(power supply voltless pulled hot)
for name in "${guests[@]}"; do
	case $name in
	power) guest power "$device" ;;
	supply) guest supply "$device -dtb $tree" --inject ;;
	voltless) guest voltless "$device -dtb $voltless" ;;
	pulled) guest pulled "-device kestrel-npu-pci,id=npu,timing=on,port0_rate=0.25" --inject ;;
	hot) guest hot "$device -global kestrel-npu.ambient=82000" ;;
	*) echo "not ok - there is no guest $name" ;;
	esac
done
