#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Compiles each model of list, case-list, processor-list and onnx-list, runs its vectors
# on a device and compares the outputs byte for byte with the reference's. Where they
# differ on the processor, names the first operator that does. Models with
# state run a second time with the state cleared before each vector. ONNX models
# may differ where ONNX Runtime does, see compare-float.py.
#
# usage: tests/models/check.sh [--device cpu|sim|npu|PATH] [--target TARGET]
#                              [--bin DIRECTORY] [MODEL_DIRECTORY]
#
# MODEL_DIRECTORY holds the published models (default: $KESTREL_MODELS, else
# ../shared/models); without it only the demo model is checked. A device other
# than cpu must have run at least one NPU job for each model of list and onnx-list and
# each case of case-list but those named there.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
device=cpu
target=
bin=$top/build/bin
models=${KESTREL_MODELS:-$top/../shared/models}

while [ $# -gt 0 ]; do
	case $1 in
	--device) device=$2; shift 2 ;;
	--target) target=$2; shift 2 ;;
	--bin) bin=$2; shift 2 ;;
	--help) sed -n '4,16s/^# \{0,1\}//p' "$0"; exit 0 ;;
	-*) echo "check.sh: unknown option $1" >&2; exit 2 ;;
	*) models=$1; shift ;;
	esac
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
# Of the model, not empty: it may run without an NPU job; outputs are float32 and
# equal within a tolerance; it is an ONNX model; so many percent of its
# multiply-accumulates must be on the NPU.
any_place=
tolerance=
onnx=
share=95

not_ok() { # NAME REASON
	echo "not ok - $1"
	printf '%s\n' "$2" | sed 's/^/# /'
	failed=1
}

# Files FILE_0.bin, FILE_1.bin... of a directory, in order, into the array `files`.
numbered() { # PREFIX
	files=()
	while [ -e "$1_${#files[@]}.bin" ]; do
		files+=("$1_${#files[@]}.bin")
	done
}

same() { # REFERENCE FILE OUTPUT
	if [ "$onnx" ]; then
		"$here/compare-float.py" "$1" "$2" "$(dirname "$1")/model.json" "$3"
	elif [ "$tolerance" ]; then
		"$here/compare-float.py" "$1" "$2"
	else
		cmp -s "$1" "$2"
	fi
}

check() { # NAME DIRECTORY VECTORS_DIRECTORY
	local name=$1 model=$2/model.tflite vectors=$3 error differences
	local graph=$work/graph.npu inputs outputs expected i
	local -a dump=()

	[ "$onnx" ] && model=$2/model.onnx
	if ! error=$("$bin/npuc" "$model" -o "$graph" --report "$work/report.json" \
			${target:+--target "$target"} 2>&1); then
		not_ok "$name" "$error"
		return
	fi
	if [ "$share" ] && ! error=$("$here/share.py" "$work/report.json" "$share"); then
		not_ok "$name" "$error"
		return
	fi
	numbered "$vectors/input"; inputs=("${files[@]}")
	numbered "$vectors/output"; expected=("${files[@]}")
	if [ ${#expected[@]} -eq 0 ]; then
		not_ok "$name" "$vectors has no output_0.bin"
		return
	fi
	outputs=()
	for i in "${!expected[@]}"; do
		outputs+=("$work/output_$i.bin")
	done
	rm -f "${outputs[@]}"
	[ "$device" = cpu ] && dump=(--dump-layers "$work/layers.json")
	if ! error=$("$bin/npu-run" "$graph" --device "$device" --json \
			${target:+--target "$target"} --input "${inputs[@]}" \
			--output "${outputs[@]}" ${dump[@]+"${dump[@]}"} 2>&1); then
		not_ok "$name" "$error"
		return
	fi
	for i in "${!expected[@]}"; do
		if ! differences=$(same "${expected[$i]}" "${outputs[$i]}" "$i"); then
			not_ok "$name" "$error
$differences
output $i differs: $(cmp "${expected[$i]}" "${outputs[$i]}" 2>&1 | tail -n 1)
$([ "$device" = cpu ] && "$here/first-difference.py" "$vectors/layers.json" "$work/layers.json" 2>&1)"
			return
		fi
	done
	if [ "$device" = cpu ] && [ ! "$tolerance" ] && [ -e "$vectors/layers.json" ] &&
	   ! error=$("$here/first-difference.py" "$vectors/layers.json" "$work/layers.json" 2>&1); then
		not_ok "$name" "$error"
		return
	fi
	if [ "$device" != cpu ] && [ ! "$any_place" ] && ! printf '%s' "$error" |
	   grep -q '"npu_jobs": [1-9]'; then
		not_ok "$name" "no NPU job was run: $error"
		return
	fi
	echo "ok - $name"
	[ -e "$vectors/output_0.reset.bin" ] || return
	rm -f "${outputs[@]}"
	if ! error=$("$bin/npu-run" "$graph" --device "$device" --reset-state \
			${target:+--target "$target"} --input "${inputs[@]}" \
			--output "${outputs[@]}" 2>&1); then
		not_ok "$name, state reset" "$error"
		return
	fi
	for i in "${!expected[@]}"; do
		if ! same "${expected[$i]%.bin}.reset.bin" "${outputs[$i]}"; then
			not_ok "$name, state reset" "output $i differs: $(
				cmp "${expected[$i]%.bin}.reset.bin" "${outputs[$i]}" 2>&1)"
			return
		fi
	done
	echo "ok - $name, state reset"
}

while read -r name; do
	case $name in '#'* | '') continue ;; esac
	if [ "$name" = demo ]; then
		check "demo" "$top/tests/demo" "$top/tests/demo"
		check "demo, stress vectors" "$top/tests/demo" "$top/tests/demo/stress"
	elif [ -d "$models" ]; then
		check "$name" "$models/$name" "$models/$name"
	fi
done <"$here/list"

while read -r name processor_cases; do
	case $name in '#'* | '') continue ;; esac
	[ -d "$models" ] || continue
	for directory in "$models/$name"/*/; do
		directory=${directory%/}
		any_place=
		case " $processor_cases " in *" ${directory##*/} "*) any_place=1 ;; esac
		check "$name ${directory##*/}" "$directory" "$directory"
	done
done <"$here/case-list"

any_place=1
share=
while read -r name tolerance; do
	case $name in '#'* | '') continue ;; esac
	[ ! -d "$models" ] || check "$name" "$models/$name" "$models/$name"
done <"$here/processor-list"

any_place=
tolerance=
onnx=1
while read -r name share; do
	case $name in '#'* | '') continue ;; esac
	[ ! -d "$models" ] || check "$name" "$models/$name" "$models/$name"
done <"$here/onnx-list"
onnx=
share=
[ -d "$models" ] || echo "ok - published models # SKIP no directory $models"

# What else the library promises of an NPU: interface.c.
if [ "$device" != cpu ]; then
	if error=$("$bin/npuc" "$top/tests/demo/model.tflite" -o "$work/graph.npu" \
			${target:+--target "$target"} 2>&1); then
		"$bin/../tests/models/interface_test" "$work/graph.npu" \
			"$top/tests/demo/samples/input_0.bin" \
			"$top/tests/demo/samples/output_0.bin" "$device" || failed=1
	else
		not_ok "interface" "$error"
	fi
fi
exit $failed
