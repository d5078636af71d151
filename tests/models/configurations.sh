#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The reference's bytes must come out of every configuration of the NPU and of
# every order in which its units may run: compiles the demo model and the five
# small published models for each target, with its own SRAM and with 64 KiB,
# and runs them in kestrel-sim, in order and under random schedules with all
# checks on.
#
# usage: tests/models/configurations.sh [--bin DIRECTORY] [--schedules N]
#                                       [--targets "NAME..."] [MODEL_DIRECTORY]
#
# MODEL_DIRECTORY as of check.sh. N: random schedules of each (default
# $KESTREL_SCHEDULES, else 8).
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
bin=$top/build/bin
models=${KESTREL_MODELS:-$top/../shared/models}
schedules=${KESTREL_SCHEDULES:-8}
targets="kestrel-64 kestrel-128 kestrel-256 kestrel-512 kestrel-1024 kestrel-2048
kestrel-256-u55like"

while [ $# -gt 0 ]; do
	case $1 in
	--bin) bin=$2; shift 2 ;;
	--schedules) schedules=$2; shift 2 ;;
	--targets) targets=$2; shift 2 ;;
	--help) sed -n '4,14s/^# \{0,1\}//p' "$0"; exit 0 ;;
	-*) echo "configurations.sh: unknown option $1" >&2; exit 2 ;;
	*) models=$1; shift ;;
	esac
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
echo "# $schedules random schedules of each"

run() { # VECTORS SETTINGS
	rm -f "$work/output.bin"
	error=$("$bin/kestrel-sim" "$work/graph.npu" --target "$target" ${2:+--set "$2"} \
		--input "$1/input_0.bin" --output "$work/output.bin" 2>&1) &&
	error=$(cmp "$1/output_0.bin" "$work/output.bin" 2>&1)
}

check() { # NAME MODEL_DIRECTORY VECTORS
	local sram settings seed
	for target in $targets; do
		for sram in '' sram=65536; do
			if ! error=$("$bin/npuc" "$2/model.tflite" -o "$work/graph.npu" \
					--target "$target" ${sram:+--set "$sram"} 2>&1); then
				seed=compilation
			else
				seed=
				run "$3" "$sram" || seed=order
				for ((i = 1; i <= schedules; i++)); do
					[ -n "$seed" ] && break
					settings=${sram:+$sram,}checked=on,schedule=random:$i
					run "$3" "$settings" || seed="schedule $i"
				done
			fi
			if [ -z "$seed" ]; then
				echo "ok - $1 on $target${sram:+, $sram}"
			else
				echo "not ok - $1 on $target${sram:+, $sram} ($seed)"
				printf '%s\n' "$error" | sed 's/^/# /'
				failed=1
			fi
		done
	done
}

device_bytes() { # GRAPH
	"$bin/npu-info" --device sim --target kestrel-256 --json "$1" |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["model"]["device_bytes"])'
}

# What a device holds of a graph with another configuration's commands and constants
# beside its own is what it holds of one without.
check_memory() { # NAME MODEL_DIRECTORY
	local one both
	if error=$("$bin/npuc" "$2/model.tflite" -o "$work/one.npu" --target kestrel-256 2>&1 &&
		"$bin/npuc" "$2/model.tflite" -o "$work/both.npu" \
			--target kestrel-256,kestrel-512 2>&1) &&
	   one=$(device_bytes "$work/one.npu") && both=$(device_bytes "$work/both.npu") &&
	   [ "$one" = "$both" ]; then
		echo "ok - $1: another configuration's constants stay out of the device"
	else
		printf '%s\n' "$error" "${one-} bytes, ${both-} with another stream" | sed 's/^/# /'
		echo "not ok - $1: another configuration's constants stay out of the device"
		failed=1
	fi
}

check demo "$top/tests/demo" "$top/tests/demo/samples"
if [ -d "$models" ]; then
	for name in mlperf_kws_dscnn_int8 mlperf_ic_resnet8_int8 mlperf_vww_mobilenetv1_int8 \
		    mlperf_ad_autoencoder_int8 tflm_micro_speech_int8; do
		check "$name" "$models/$name" "$models/$name"
	done
	check_memory coral_mobilenet_v2_ptq_int8 "$models/coral_mobilenet_v2_ptq_int8"
else
	echo "ok - published models # SKIP no directory $models"
fi
exit $failed
