#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Failures of device, firmware and clients, injected one after the other into a
# guest: right errors, guilty and innocent, fault records, dumps, and exactly the
# step of recovery that each asks for. Prints TAP lines.
#
# usage: tests/recovery/check.sh debian|debug
#
# KESTREL_HANGS: how many hangs of the engine in a row (default 20).
set -u
cd "$(dirname "$0")/../.." || exit

kernel=${1-}
# Deadlines of a driver that is to find failures out soon.
case $kernel in
debian) parameters='' ;;
debug) parameters='boot_timeout_ms=8000 request_timeout_ms=2000 invalidate_timeout_ms=20000 heartbeat_timeout_ms=6000' ;;
*) sed -n '4,11s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

out=build/recovery/$kernel
overlay=$out/root
rm -rf "$out"
mkdir -p "$overlay/tests" "$overlay/lib/firmware/kestrel/arch1.0" "$out/result"

must() {
	if ! "$@" >"$out/prepare.log" 2>&1 </dev/null; then
		sed 's/^/# /' "$out/prepare.log" | tail -n 40
		echo "not ok - recovery, $kernel: $1"
		exit 1
	fi
}

[ -n "${KESTREL_QEMU-}" ] || must emulator/qemu/build.sh
must tests/vm/build-module.sh "$kernel"
module=$(tail -n 1 "$out/prepare.log")/kestrel.ko
must tests/kselftest/build.sh "$overlay/usr/lib/kestrel-tests" tests/recovery/recovery_test.c
must make -s build/firmware/kestrel_fw.bin
cp build/firmware/kestrel_fw.bin "$overlay/lib/firmware/kestrel/arch1.0/"
echo "$parameters coredump_interval_ms=0" >"$overlay/tests/parameters"
echo "${KESTREL_HANGS:-20}" >"$overlay/tests/hangs"

status=0
tests/vm/run-guest.sh --kernel "$kernel" --script tests/recovery/recovery-script --inject \
	--overlay "$overlay" --module "$module" --out "$out/result" --log "$out/console.log" \
	--timeout 7200 --quiet >"$out/run.log" 2>&1 </dev/null || status=$?
grep -aE '^(ok|not ok) - |^# ' "$out/console.log"
sed 's/^/# /' "$out/run.log"
make -s build/bin/npu-coredump >>"$out/run.log" 2>&1
python3 tests/recovery/dumps.py build/bin/npu-coredump "$out/result/coredump"
if [ $status = 120 ]; then
	echo "not ok - the kernel complains of nothing and leaks nothing"
elif [ $status != 0 ]; then
	echo "not ok - guest ran to its end (status $status)"
else
	echo "ok - the kernel complains of nothing and leaks nothing"
fi
