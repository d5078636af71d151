#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# How queues share the engine of a device that takes its modelled time: shares of
# equal priorities, the sixteenth of each, the time of a preemption. Prints TAP lines
# and the figures.
#
# usage: tests/scheduling/check.sh [debian|debug]     (default debian)
set -u
cd "$(dirname "$0")/../.." || exit

kernel=${1-debian}
case $kernel in
debian) parameters='' ;;
# Deadlines of the driver, 20 times their defaults.
debug) parameters='boot_timeout_ms=40000 request_timeout_ms=2000 invalidate_timeout_ms=20000 heartbeat_timeout_ms=20000' ;;
*) sed -n '4,8s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

out=build/scheduling/$kernel
title="scheduling, $kernel"
# shellcheck source=tests/vm/guest-group.sh
. tests/vm/guest-group.sh
guest_prepare "$kernel"
must tests/kselftest/build.sh "$overlay/usr/lib/kestrel-tests" tests/scheduling/scheduling_test.c
echo "$parameters" >"$overlay/tests/parameters"
status=0
tests/vm/run-guest.sh --kernel "$kernel" --script tests/scheduling/scheduling-script \
	--overlay "$overlay" --module "$module" \
	--log "$out/console.log" --timeout 1200 --quiet \
	--qemu-args '-global kestrel-npu.timing=on' >"$out/run.log" 2>&1 </dev/null || status=$?
grep -aE '^(ok|not ok) - |^# ' "$out/console.log"
if [ $status = 0 ]; then
	echo "ok - scheduling: the kernel complains of nothing and leaks nothing"
else
	sed 's/^/# /' "$out/run.log" | tail -n 40
	echo "not ok - scheduling: guest ran to its end without a complaint (status $status)"
fi
