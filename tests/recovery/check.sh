#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Failures of device, firmware and clients, injected one after the other into a
# guest: right errors, guilty and innocent, fault records, dumps, and exactly the
# step of recovery that each asks for. Prints TAP lines.
#
# usage: tests/recovery/check.sh debian|debug [GUEST]...     (default: the first two)
#
#   recovery    the failures, each of them, and the hangs in a row
#   lifetime    device and module go while clients and fences are alive
#   allocation  the ioctl tests and those of recovery while allocations fail (debug
#               kernel)
#
# KESTREL_HANGS: how many hangs of the engine in a row (default 20).
# KESTREL_ALLOCATION_ROUNDS: how often the ioctl tests without memory (default 1).
set -u
cd "$(dirname "$0")/../.." || exit

kernel=${1-}
[ $# = 0 ] || shift
# Deadlines of a driver that is to find failures out soon, and no failure where the
# host was busy: the defaults are for hardware, and a request that is not answered in
# 100 ms costs the firmware a reset that no test expects.
case $kernel in
debian) parameters='boot_timeout_ms=4000 request_timeout_ms=1000 heartbeat_timeout_ms=3000' ;;
debug) parameters='boot_timeout_ms=8000 request_timeout_ms=2000 invalidate_timeout_ms=20000 heartbeat_timeout_ms=6000' ;;
*) sed -n '4,15s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

out=build/recovery/$kernel${1:+-$1}
title="recovery, $kernel"
# shellcheck source=tests/vm/guest-group.sh
. tests/vm/guest-group.sh
guest_prepare "$kernel"
mkdir -p "$out/result"
must tests/kselftest/build.sh "$overlay/usr/lib/kestrel-tests" tests/recovery/recovery_test.c \
	tests/recovery/holder.c
must tests/kselftest/build.sh "$overlay/usr/lib/kestrel-tests"
must make -s build/bin/npu-coredump
echo "$parameters coredump_interval_ms=0" >"$overlay/tests/parameters"
echo "${KESTREL_HANGS:-20}" >"$overlay/tests/hangs"
echo "${KESTREL_ALLOCATION_ROUNDS:-1}" >"$overlay/tests/rounds"

# guest NAME OPTION...: runs NAME-script; what it said is TAP already.
guest() {
	local name=$1 status=0
	shift
	tests/vm/run-guest.sh --kernel "$kernel" --script "tests/recovery/$name-script" \
		--overlay "$overlay" --module "$module" --out "$out/result" \
		--log "$out/$name.console.log" --timeout 14400 --quiet "$@" \
		>"$out/$name.run.log" 2>&1 </dev/null || status=$?
	grep -aE '^(ok|not ok) - |^# ' "$out/$name.console.log"
	case $status in
	0) echo "ok - $name: the kernel complains of nothing and leaks nothing" ;;
	*)
		sed 's/^/# /' "$out/$name.run.log" | tail -n 60
		echo "not ok - $name: guest ran to its end without a complaint (status $status)"
		;;
	esac
}

guests=("$@")
[ $# -gt 0 ] || guests=(recovery lifetime)
for name in "${guests[@]}"; do
	case $name in
	recovery)
		guest recovery --inject
		python3 tests/recovery/dumps.py build/bin/npu-coredump "$out/result/coredump"
		;;
	lifetime) guest lifetime ;;
	# Only that kernel lets allocations fail; its own debugging wants memory, too. One
	# that fails elsewhere in the kernel is told with a trace of calls; what is a fault
	# has a line of its own before its trace.
	allocation)
		[ "$kernel" != debug ] || guest allocation --inject \
			--allow 'DMA-API: (cacheline tracking ENOMEM|debugging out of memory)' \
			--allow 'kmemleak: Cannot allocate a scan area|^\[[^]]*\] Call trace:$'
		;;
	esac
done
