#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Firmware that tells nonsense, against the driver: clients work in the guest
# while the emulated device changes what its management core writes to memory
# (rings, events, replies, log, state). The kernel may reset the device and fail
# jobs, and must have found fault with a message and reset the core for one at least
# once; it must not complain, leak, hang or crash, and in the end, with true messages
# again, the device must work. Prints TAP lines.
#
# usage: tests/fuzz/firmware-messages.sh debian|debug [SECONDS [SEED]]
#
# SECONDS: default $KESTREL_MESSAGE_SECONDS, else 20; SEED: $KESTREL_SEED, else 1.
set -u
cd "$(dirname "$0")/../.." || exit

kernel=${1-}
seconds=${2-${KESTREL_MESSAGE_SECONDS:-20}}
seed=${3-${KESTREL_SEED:-1}}
case $kernel in
debian|debug) ;;
*) sed -n '4,14s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

out=build/fuzz-messages/$kernel
title="firmware messages, $kernel"
# shellcheck source=tests/vm/guest-group.sh
. tests/vm/guest-group.sh
guest_prepare "$kernel"
must tests/fuzz/build-guest.sh "$overlay/usr/bin"
must tests/kselftest/build.sh "$overlay/usr/bin" tests/power/load.c
echo "$seconds" >"$overlay/tests/seconds"

# A socket's path is short.
sockets=$(mktemp -d)
trap 'rm -rf "$sockets"' EXIT
status=0
tests/vm/run-guest.sh --kernel "$kernel" --script tests/fuzz/messages-script --overlay "$overlay" \
	--module "$module" --log "$out/console.log" --timeout $((seconds + 900)) --quiet \
	--qemu-args "-qmp unix:$sockets/qmp,server=on,wait=off" >"$out/run.log" 2>&1 </dev/null &
guest=$!
while kill -0 $guest 2>/dev/null && ! grep -qs 'ready for mutations' "$out/console.log"; do
	sleep 0.5
done
# inject SECONDS SEED: more seeds; the guest may be gone meanwhile.
inject() {
	timeout $(($1 + 60)) python3 tests/fuzz/inject.py "$sockets/qmp" mutating-firmware "$1" "$2" >>"$out/seeds.log" 2>&1
}
inject "$seconds" "$seed"
# The guest ends when the driver has seen a lie, or gives up.
next=$((seed + 100000))
while kill -0 $guest 2>/dev/null && ! grep -qs 'lies are seen' "$out/console.log" &&
	[ $next -lt $((seed + 100000 + 120)) ] && inject 3 $next; do
	next=$((next + 1))
done
wait $guest || status=$?

grep -a '^# ' "$out/console.log" | tail -n 60
sed 's/^/# /' "$out/run.log"
[ $status != 2 ] || echo "# the driver has not seen through one lie"
seeds=$(grep -c '^# mutating' "$out/seeds.log")
if [ $status = 0 ] && [ "$seeds" -gt 0 ]; then
	echo "ok - firmware messages, $kernel: $seeds seeds from $seed in $seconds s"
else
	tail -n 3 "$out/seeds.log"
	echo "not ok - firmware messages, $kernel: $seeds seeds from $seed, status $status ($out/console.log)"
fi
