#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Wide maps in a small SRAM: networks that need tiles of some columns, cascades in
# columns and cascades that compute again what their tiles share. Each must run on the
# NPU as a whole, with the processor's bytes and as many cycles as predicted but for
# 5 %. Prints TAP lines.
#
# usage: tests/tiles/check.sh
set -u
cd "$(dirname "$0")/../.."
make -s tiles-networks programs || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
build/tests/tiles/networks "$work" || exit 1
failed=0

result() {
	if [ "$1" = 0 ]; then
		echo "ok - $2"
	else
		echo "not ok - $2"
		failed=1
	fi
}

# The first number of that name in a JSON file.
number() {
	grep -o "\"$2\": *[0-9]*" "$1" | head -n 1 | grep -o '[0-9]*$'
}

# equal NAME GRAPH TARGET SETTINGS: simulator and processor give the same bytes.
equal() {
	build/bin/kestrel-sim "$2" --target "$3" --set "$4,checked=on" --json \
		--input "$work/$1.bin" --output "$work/sim" >"$work/sim.json" &&
		build/bin/npu-run "$2" --device cpu --input "$work/$1.bin" --output "$work/cpu" \
			>/dev/null && cmp "$work/sim" "$work/cpu"
}

# told NAME-TARGET-SRAM TEXT: some operator's reason has it.
told() {
	grep -q "$2" "$work/$1.json"
	result $? "$1: the report tells of \"$2\""
}

for name in line row rows residual deep upscale mask; do
	for configuration in kestrel-256:32768 kestrel-256:65536 kestrel-512:131072; do
		target=${configuration%:*} sram=${configuration#*:}
		build/bin/npuc "$work/$name.tflite" -o "$work/graph.npu" --target "$target" \
			--set "sram=$sram" --report "$work/$name-$target-$sram.json" &&
			[ "$(number "$work/$name-$target-$sram.json" ops_cpu)" = 0 ]
		result $? "$name, $target, $sram bytes: all on the NPU"
		equal "$name" "$work/graph.npu" "$target" "sram=$sram"
		result $? "$name, $target, $sram bytes: the processor's bytes"
		predicted=$(number "$work/$name-$target-$sram.json" predicted_cycles)
		cycles=$(number "$work/sim.json" cycles_total)
		[ $((100 * predicted)) -le $((105 * cycles)) ] &&
			[ $((100 * predicted)) -ge $((95 * cycles)) ]
		result $? "$name, $target, $sram bytes: $predicted cycles predicted, $cycles counted"
	done
	for seed in 1 2 3 4; do
		build/bin/npuc "$work/$name.tflite" -o "$work/graph.npu" --set sram=65536 \
			--search-seed $seed && equal "$name" "$work/graph.npu" kestrel-256 \
				"sram=65536,schedule=random:$seed"
		result $? "$name: any way of computing it, $seed"
	done
done
told row-kestrel-256-65536 "of 2048 columns at a time"
told row-kestrel-256-65536 "no way with whole rows and rings fits"
told residual-kestrel-256-65536 "tiles share computed again"
told deep-kestrel-256-65536 "cycles predicted for the job, [0-9]* with whole rows"
exit $failed
