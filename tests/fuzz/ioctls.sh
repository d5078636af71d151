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

# Several of them may run side by side.
out=build/fuzz-ioctls/$kernel-$seed
title="ioctl fuzzer, $kernel"
# shellcheck source=tests/vm/guest-group.sh
. tests/vm/guest-group.sh
guest_prepare "$kernel"
must tests/fuzz/build-guest.sh "$overlay/usr/bin"
echo "calls=$calls seed=$seed parameters='$busy_parameters'" >"$overlay/tests/settings"

# Where allocations fail, those of the kernel's own debugging do, too.
status=0
tests/vm/run-guest.sh --kernel "$kernel" --script tests/fuzz/ioctls-script --overlay "$overlay" \
	--module "$module" --log "$out/console.log" --timeout $((900 + calls / 20)) --quiet \
	--allow 'DMA-API: cacheline tracking ENOMEM|kmemleak: Cannot allocate a scan area' >"$out/run.log" 2>&1 </dev/null || status=$?
grep -aE '^(ok|not ok) - |^# ' "$out/console.log" | grep -v ' calls to go$'
case $status in
0) echo "ok - ioctl fuzzer, seed $seed: the kernel complains of nothing and leaks nothing" ;;
*)
	sed 's/^/# /' "$out/run.log" | tail -n 60
	echo "not ok - ioctl fuzzer, seed $seed: guest ran to its end without a complaint (status $status)"
	;;
esac
