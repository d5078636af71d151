#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Makes tests/fuzz/readers/corpus anew: small models of every operator, the graphs of
# them, and what long runs have found (${KESTREL_CACHE:-$HOME/.cache/kestrel}/fuzz),
# as few of them as reach the same code. Needs both environments of
# tests/demo/make-venv.sh and a build of the fuzzers (check.sh).
set -eu
cd "$(dirname "$0")/../../.."

# As tests/fuzz/readers/check.sh has it.
bytes_max=4096
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tflite" "$work/onnx" "$work/graph"
for kind in tflite onnx; do
	[ $kind = onnx ] && environment=onnxruntime || environment=tensorflow
	"$(tests/demo/make-venv.sh "$environment")" tests/fuzz/readers/make_seeds.py $kind "$work/$kind"
done
for model in "$work"/tflite/* "$work"/onnx/*; do
	build/bin/npuc "$model" -o "$work/graph/$(basename "$model").npu" --no-stream
done
# Their commands are data to the code that reads them: all of these stay, beside the least.
mkdir "$work/streams"
for model in "$work"/tflite/*int8.tflite; do
	graph=$work/streams/$(basename "$model").npu
	build/bin/npuc "$model" -o "$graph"
	[ "$(stat -c %s "$graph")" -le "$bytes_max" ] || rm "$graph"
done
for reader in tflite onnx graph; do
	found=${KESTREL_CACHE:-$HOME/.cache/kestrel}/fuzz/$reader
	mkdir -p "$work/least" "$found"
	# Without counters: as often as code is reached does not matter here.
	build/fuzzer/tests/fuzz/readers/${reader}_reader -merge=1 -use_counters=0 "$work/least" \
		"$work/$reader" "$found" -max_len=$bytes_max -timeout=60 >"$work/log" 2>&1 ||
		{ tail "$work/log" >&2; exit 1; }
	[ $reader != graph ] || cp "$work"/streams/* "$work/least"
	tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -C "$work/least" -c . |
		xz -9e >tests/fuzz/readers/corpus/$reader.tar.xz
	rm -r "$work/least"
done
