#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The ioctl fuzzer in a guest of its own: many calls, and a tenth as many again while
# allocations fail where the kernel can let them (debug). Prints TAP lines.
#
# usage: tests/fuzz/ioctls.sh debian|debug [LOG]
#
# KESTREL_FUZZ_CALLS: how many calls (default 5000); KESTREL_SEED: default 1.
# A quarter of the calls comes from one thread, and repeats exactly; the others from
# four, in an order that is found in the machine's memory afterwards, also of one that
# died: calls.log beside the console's log. With such a LOG and the seed of its run, one thread makes the calls of
# the last run that it tells of again, in that order.
set -u
cd "$(dirname "$0")/../.." || exit

kernel=${1-}
calls=${KESTREL_FUZZ_CALLS:-5000} seed=${KESTREL_SEED:-1}
case $kernel in
debian|debug) ;;
*) sed -n '4,14s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

# Several of them may run side by side.
out=build/fuzz-ioctls/$kernel-$seed${2:+-again}
title="ioctl fuzzer, $kernel"
# shellcheck source=tests/vm/guest-group.sh
. tests/vm/guest-group.sh
guest_prepare "$kernel"
must tests/fuzz/build-guest.sh "$overlay/usr/bin"
again=0
if [ -n "${2-}" ]; then
	must cp "$2" "$overlay/tests/log"
	# Each run begins with this byte.
	again=$(tr -dc '\377' <"$2" | wc -c)
fi
echo "again=$again calls=$calls seed=$seed parameters='$busy_parameters'" >"$overlay/tests/settings"

# Where allocations fail, those of the kernel's own debugging do, too.
status=0
tests/vm/run-guest.sh --kernel "$kernel" --script tests/fuzz/ioctls-script --overlay "$overlay" \
	--module "$module" --log "$out/console.log" --timeout $((900 + calls / 20)) --quiet \
	--qemu-args "-object memory-backend-file,id=memory,size=1G,mem-path=$out/memory,share=on -machine memory-backend=memory" \
	--allow 'DMA-API: cacheline tracking ENOMEM|kmemleak: Cannot allocate a scan area' >"$out/run.log" 2>&1 </dev/null || status=$?
grep -aE '^(ok|not ok) - |^# ' "$out/console.log" | grep -v ' calls to go$'
must python3 tests/fuzz/calls.py "$out/memory" "$out/calls.log"
rm -f "$out/memory"
case $status in
0) echo "ok - ioctl fuzzer, seed $seed: the kernel complains of nothing and leaks nothing" ;;
*)
	sed 's/^/# /' "$out/run.log" | tail -n 60
	echo "# the calls once more: KESTREL_SEED=$seed tests/fuzz/ioctls.sh $kernel $out/calls.log"
	echo "not ok - ioctl fuzzer, seed $seed: guest ran to its end without a complaint (status $status)"
	;;
esac
