#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The fuzzers that run on the host, built with sanitizers: hostile host memory
# against the firmware, hostile machines around the emulated device, damaged
# command streams on the engine. Prints TAP lines; a finding comes with the command
# that repeats it. Those of the readers of files are in tests/fuzz/readers.
#
# usage: tests/fuzz/check.sh [--times N] [--seed S]
#
#   --times N   N times the usual number of cases (default $KESTREL_FUZZ_TIMES, else 1)
#   --seed S    first seed (default $KESTREL_SEED, else 1)
set -u
cd "$(dirname "$0")/../.."

times=${KESTREL_FUZZ_TIMES:-1} seed=${KESTREL_SEED:-1}
while [ $# -gt 1 ]; do
	case $1 in
	--times) times=$2 ;;
	--seed) seed=$2 ;;
	*) break ;;
	esac
	shift 2
done
if [ $# -gt 0 ]; then
	sed -n '4,12s/^# \{0,1\}//p' "$0" >&2
	exit 2
fi

build=build/sanitized
make -s -j"$(nproc)" programs || exit 1
make -s -j"$(nproc)" BUILD=$build SANITIZE=address,undefined fuzzers \
	$build/firmware/kestrel_fw_without_engine_scrub.bin || exit 1
graph=$build/tests/fuzz/demo.npu
build/bin/npuc tests/demo/model.tflite -o $graph --target kestrel-256 || exit 1
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=0
export UBSAN_OPTIONS=print_stacktrace=1

# cases NUMBER: as many as --times wants.
cases() {
	echo $(($1 * times))
}

fuzz=$build/tests/fuzz
$fuzz/firmware_fuzz --seed "$seed" --count "$(cases 1000)"
$fuzz/device_fuzz --seed "$seed" --count "$(cases 500)"
$fuzz/stream_fuzz --seed "$seed" --count "$(cases 1000)" $graph

# What finds nothing in a firmware that never scrubs would find nothing anywhere.
if $fuzz/firmware_fuzz --target firmware-rings --seed "$seed" --count 50 \
	kestrel_fw_without_engine_scrub.bin >$fuzz/log; then
	sed 's/^/# /' $fuzz/log
	echo "not ok - a firmware without scrubbing is found out"
else
	echo "ok - a firmware without scrubbing is found out"
fi
