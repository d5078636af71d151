#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Check the guest machinery itself: both kernels boot on kestrel-virt and find
# the NPU, and every way in which a run can go wrong is reported as such.
#
# usage: tests/vm/check-infrastructure.sh [debian|debug]...
#
# Ends in "N passed, N failed, N skipped"; the exit status is 1 if any failed.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck source=emulator/qemu/debian.sh
. "$here/../../emulator/qemu/debian.sh"

case ${1-} in
--help) sed -n '3,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
kernels=("$@")
[ ${#kernels[@]} -gt 0 ] || kernels=(debian debug)

"$top/emulator/qemu/build.sh" >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
logs=$top/build/vm/infrastructure
passed=0 failed=0

# expect NAME KERNEL STATUS PATTERN SCRIPT_LINE [OPTION]...: run one line in the
# guest; the runner must end with STATUS and its report match PATTERN.
expect()
{
	local name=$1 kernel=$2 want=$3 pattern=$4 line=$5 got=0

	shift 5
	printf '#!/bin/sh\n%s\n' "$line" >"$work/script"
	"$here/run-guest.sh" --kernel "$kernel" --script "$work/script" \
		--log "$logs/$kernel-$name.log" --module "$work/$kernel/splat.ko" "$@" \
		>"$work/report" 2>&1 || got=$?
	if [ "$got" = "$want" ] && grep -qE -- "$pattern" "$work/report"; then
		passed=$((passed + 1))
		printf 'ok - %s: %s\n' "$kernel" "$name"
	else
		failed=$((failed + 1))
		printf 'not ok - %s: %s: status %s, expected %s and "%s"\n' \
			"$kernel" "$name" "$got" "$want" "$pattern"
		sed 's/^/     /' "$work/report"
	fi
}

check_clean()
{
	local kernel=$1

	cat >"$work/clean" <<-'EOS'
	#!/bin/sh
	set -e
	node=/proc/device-tree/npu@b000000
	test "$(tr '\0' '\n' <$node/compatible)" = kestrel,npu-v1
	test -e $node/dma-coherent
	test "$(hexdump -v -e '1/1 "%02x"' $node/reg)" = 000000000b0000000000000000010000
	test "$(hexdump -v -e '1/1 "%02x"' $node/interrupts)" = 00000000000000c000000004
	test -d /sys/bus/platform/devices/b000000.npu
	modprobe splat kind=none
	rmmod splat
	cmp /kestrel/data /kestrel/copy
	cp /kestrel/data $KESTREL_OUT/data
	echo "BUG: said by a program, which is none of the kernel's"
	EOS
	head -c 1000000 /dev/urandom >"$work/data"
	mkdir -p "$work/overlay/kestrel" "$work/out"
	cp "$work/data" "$work/overlay/kestrel/copy"
	rm -f "$work/out/data"
	if "$here/run-guest.sh" --kernel "$kernel" --script "$work/clean" --overlay "$work/overlay" \
		--add "$work/data=/kestrel/data" --module "$work/$kernel/splat.ko" --out "$work/out" \
		--log "$logs/$kernel-clean.log" >"$work/report" 2>&1 &&
	   cmp "$work/data" "$work/out/data" >>"$work/report" 2>&1; then
		passed=$((passed + 1))
		printf 'ok - %s: boots, finds the NPU, exchanges files\n' "$kernel"
	else
		failed=$((failed + 1))
		printf 'not ok - %s: boots, finds the NPU, exchanges files\n' "$kernel"
		sed 's/^/     /' "$work/report"
	fi
}

for kernel in "${kernels[@]}"; do
	case $kernel in
	debian) linux=$("$here/linux-debian.sh" arm64) ;;
	debug) linux=$("$here/linux-debug.sh") ;;
	*) die "unknown kernel $kernel" ;;
	esac
	mkdir -p "$work/$kernel"
	cp "$here"/splat/* "$work/$kernel/"
	run_logged "$logs/$kernel-module.log" make -C "$linux/kdir" M="$work/$kernel" ARCH=arm64 \
		CROSS_COMPILE=aarch64-linux-gnu- modules

	check_clean "$kernel"
	expect exit-status "$kernel" 7 'failed with status 7' 'exit 7' --no-leak-check
	expect reserved-status "$kernel" 119 'failed with status 1[12]' 'exit 124' --no-leak-check
	expect timeout "$kernel" 124 'no end after 40 s' 'sleep 1000' --timeout 40
	expect panic "$kernel" 121 'Kernel panic' 'echo c >/proc/sysrq-trigger; sleep 100'
	expect poweroff "$kernel" 121 'died before' 'poweroff -f; sleep 100'
	expect warning "$kernel" 120 'WARNING: ' 'modprobe splat kind=warn' --no-leak-check
	expect no-warning "$kernel" 0 'passed in' 'modprobe splat kind=moved' --no-leak-check
	expect other-warning "$kernel" 120 'WARNING: .*splat_init' \
		'modprobe splat kind=moved; rmmod splat; modprobe splat kind=warn' --no-leak-check
	expect oops "$kernel" 121 'Internal error: Oops' 'modprobe splat kind=oops'
	[ "$kernel" = debug ] || continue
	expect overflow "$kernel" 120 'KASAN: slab-out-of-bounds' 'modprobe splat kind=overflow' \
		--no-leak-check
	expect lock-order "$kernel" 120 'possible circular locking' 'modprobe splat kind=lock' \
		--no-leak-check
	expect leak "$kernel" 120 'unreferenced object' 'modprobe splat kind=leak; rmmod splat'
done

printf '%d passed, %d failed, 0 skipped\n' "$passed" "$failed"
[ "$failed" = 0 ]
