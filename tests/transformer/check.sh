#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Compiles the small transformers of this directory for two configurations, runs them
# on the processor and on the simulated NPU and compares with the reference's outputs
# byte for byte; at least 95 % of the multiply-accumulates must be on the NPU, and the
# decoder that writes rows of its caches takes fewer jobs and bytes than the other. Of the
# ONNX model processor and simulator must agree byte for byte; the chain of its 17
# quantised operators may end 8 steps beside the definition. With TensorFlow, also:
# models and outputs are what make.py and the reference make; with ONNX Runtime: what
# make_onnx.py makes, and each operator is at most a step beside. Prints TAP lines.
set -u
cd "$(dirname "$0")/../.."

share=95
chain_steps=8
here=tests/transformer
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

result() { # NAME STATUS LOG
	if [ "$2" -eq 0 ]; then
		echo "ok - $1"
	else
		echo "not ok - $1"
		sed 's/^/# /' "$3"
		failed=1
	fi
}

# Whether the report counts the multiply-accumulates that the network has.
report_counts() { # NETWORK
	grep -q "^  \"macs\": $(cat "$here/$1/macs"),\$" "$work/report.json" && return
	echo "the network has $(cat "$here/$1/macs") multiply-accumulates, but the report:"
	grep '^  "macs"' "$work/report.json"
	return 1
}

# Prints why not; the outputs go to the work directory.
run() { # NETWORK TARGET DEVICE SUFFIX [OPTION]
	local network=$1 target=$2 device=$3 suffix=$4 i
	local -a inputs=("$here/$1"/input_*.bin) outputs=()

	shift 4
	while [ -e "$here/$network/output_${#outputs[@]}$suffix" ]; do
		outputs+=("$work/output_${#outputs[@]}.bin")
	done
	rm -f "${outputs[@]}"
	build/bin/npu-run "$work/graph.npu" --device "$device" --target "$target" --json \
		"$@" --input "${inputs[@]}" --output "${outputs[@]}" >"$work/run.json" || return
	if [ "$device" = sim ] && ! grep -q '"npu_jobs": [1-9]' "$work/run.json"; then
		echo "no NPU job was run: $(cat "$work/run.json")"
		return 1
	fi
	for i in "${!outputs[@]}"; do
		cmp "$here/$network/output_$i$suffix" "$work/output_$i.bin" || return
	done
}

make -s programs || exit 1
for model in "$here"/*/model.tflite; do
	name=${model%/*}
	name=${name##*/}
	for target in kestrel-256 kestrel-512; do
		build/bin/npuc "$model" -o "$work/graph.npu" --target $target \
			--report "$work/report.json" >"$work/log" 2>&1 &&
			tests/models/share.py "$work/report.json" $share >"$work/log" 2>&1 &&
			report_counts "$name" >"$work/log" 2>&1
		result "$name, $target: $share % of the MACs on the NPU" $? "$work/log"
		mv "$work/report.json" "$work/$name-$target.json"
		for device in cpu sim; do
			run "$name" $target $device .bin >"$work/log" 2>&1
			result "$name, $target: $device equals the reference" $? "$work/log"
			[ -e "$here/$name/output_0.reset.bin" ] || continue
			run "$name" $target $device .reset.bin --reset-state >"$work/log" 2>&1
			result "$name, $target: $device, state reset" $? "$work/log"
		done
	done
done
for target in kestrel-256 kestrel-512; do
	$here/cheaper.py "$work/decoder-rows-$target.json" "$work/decoder-$target.json" >"$work/log" 2>&1
	status=$?
	sed 's/^/# /' "$work/log"
	result "decoder-rows, $target: fewer jobs and bytes than with both caches written whole" \
		$status /dev/null
done
model=$here/encoder-onnx/model.onnx
for target in kestrel-256 kestrel-512; do
	build/bin/npuc "$model" -o "$work/graph.npu" --target $target \
		--report "$work/report.json" >"$work/log" 2>&1 &&
		tests/models/share.py "$work/report.json" $share >"$work/log" 2>&1 &&
		report_counts encoder-onnx >"$work/log" 2>&1
	result "encoder-onnx, $target: $share % of the MACs on the NPU" $? "$work/log"
	grep '"arena_bytes"' "$work/report.json" >"$work/log" &&
		grep -q '"arena_bytes": 0,' "$work/log"
	result "encoder-onnx, $target: heads change places in SRAM, not by way of memory" $? "$work/log"
	for device in cpu sim; do
		build/bin/npu-run "$work/graph.npu" --device $device --target $target --json \
			--input "${model%/*}/input_0.bin" --output "$work/$device.bin" \
			>"$work/run.json" 2>&1 || cat "$work/run.json"
	done >"$work/log" 2>&1
	grep -q '"npu_jobs": [1-9]' "$work/run.json" >>"$work/log" 2>&1 &&
		cmp "$work/cpu.bin" "$work/sim.bin" >>"$work/log" 2>&1 &&
		$here/steps.py "${model%/*}/output_0.bin" "$work/cpu.bin" $chain_steps \
			>>"$work/log" 2>&1
	result "encoder-onnx, $target: processor and NPU agree, near the definition" $? "$work/log"
	rm -f "$work/cpu.bin" "$work/sim.bin"
done
if python=$(tests/demo/make-venv.sh onnxruntime 2>"$work/log"); then
	"$python" $here/make_onnx.py --check >"$work/log" 2>&1
	result "encoder-onnx: what make_onnx.py makes" $? "$work/log"
	"$python" $here/check_onnx.py || failed=1
else
	echo "ok - encoder-onnx: each operator # SKIP no ONNX Runtime: tests/demo/make-venv.sh onnxruntime fails"
fi
if [ -x "${KESTREL_CACHE:-$HOME/.cache/kestrel}/tensorflow-2.14.1/bin/python" ]; then
	$here/make.py --check >"$work/log" 2>&1
	result "the reference's outputs" $? "$work/log"
else
	echo "ok - the reference's outputs # SKIP no TensorFlow: run tests/demo/make-venv.sh"
fi
exit $failed
