#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What the host programs and libraries say to damaged models, graphs, firmware
# images and command streams: a refusal that names what is wrong and where, in
# seconds, and never a crash. Prints TAP lines.
#
# usage: tests/bad-input/check.sh
set -u
cd "$(dirname "$0")/../.."

jobs=$(nproc)
make -s -j"$jobs" programs bad-input-programs || exit 1
make -s -j"$jobs" BUILD=build/sanitized SANITIZE=address,undefined programs bad-input-programs || exit 1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Nothing of what follows may take longer.
limit=60
model=tests/demo/model.tflite
graph=$work/model.npu
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=0
export UBSAN_OPTIONS=print_stacktrace=1

# result NAME STATUS: one TAP line; the log is the explanation.
result() {
	if [ "$2" = 0 ]; then
		echo "ok - $1"
	else
		sed 's/^/# /' "$work/log"
		echo "not ok - $1"
	fi
}

# refused NAME WORDS COMMAND...: the command must end with status 1 and say WORDS.
refused() {
	local name=$1 words=$2 status=0
	shift 2
	timeout "$limit" "$@" >"$work/log" 2>&1 </dev/null || status=$?
	echo "exit status $status, expected 1 and: $words" >>"$work/log"
	[ "$status" = 1 ] && head -n -1 "$work/log" | grep -qF -- "$words"
	result "$name" $?
}

# accepted NAME COMMAND...
accepted() {
	local name=$1 status=0
	shift
	timeout "$limit" "$@" >"$work/log" 2>&1 </dev/null || status=$?
	echo "exit status $status, expected 0" >>"$work/log"
	result "$name" $status
}

# in_process BUILD PROGRAM ARGUMENT...: a program that prints results itself;
# it must have ended by itself, having found what it said.
in_process() {
	local build=$1 program=$2 status=0
	shift 2
	timeout $((limit * 10)) "$build/tests/bad-input/$program" "$@" 2>"$work/log" </dev/null |
		sed "s|^\(ok\|not ok\) - |&$build, |"
	status=${PIPESTATUS[0]}
	echo "exit status $status" >>"$work/log"
	result "$build, $program ran to its end" "$status"
}

build/bin/npuc "$model" -o "$graph" || exit 1
build/bin/npuc tests/transformer/decoder-rows/model.tflite -o "$work/rows.npu" || exit 1
head -c 9000 "$model" >"$work/half.tflite"
head -c 9000 "$graph" >"$work/half.npu"
cp "$graph" "$work/bit.npu"
printf '\001' | dd of="$work/bit.npu" bs=1 seek=5000 conv=notrunc status=none
cmp -s "$graph" "$work/bit.npu" && printf '\002' | dd of="$work/bit.npu" bs=1 seek=5000 conv=notrunc status=none
: >"$work/empty"
input=tests/demo/samples/input_0.bin

for build in build build/sanitized; do
	rm -f "$work/out"
	bin=$build/bin
	# A sanitizer's dlopen() does not know the run path of the library that calls it.
	export LD_LIBRARY_PATH=$PWD/$bin
	refused "$build, npuc: half a model" "outside the file" "$bin/npuc" "$work/half.tflite" -o "$work/out"
	refused "$build, npuc: empty file" "0 bytes" "$bin/npuc" "$work/empty" -o "$work/out"
	refused "$build, npuc: no such file" "No such file" "$bin/npuc" "$work/none" -o "$work/out"
	refused "$build, npuc: a graph is no model" "compiled graph" "$bin/npuc" "$graph" -o "$work/out"
	refused "$build, npuc: unknown target" "kestrel-77" "$bin/npuc" "$model" -o "$work/out" --target kestrel-77
	refused "$build, npuc: unknown setting" "colour" "$bin/npuc" "$model" -o "$work/out" --set colour=blue
	refused "$build, npuc: SRAM of 1 byte" "sram" "$bin/npuc" "$model" -o "$work/out" --set sram=1
	[ ! -e "$work/out" ] || ls -l "$work/out" >"$work/log"
	[ ! -e "$work/out" ]
	result "$build, npuc leaves no output behind after an error" $?
	for device in cpu sim; do
		run=(--device $device --input "$input" --output "$work/out")
		refused "$build, npu-run, $device: half a graph" "truncated" "$bin/npu-run" "$work/half.npu" "${run[@]}"
		refused "$build, npu-run, $device: a bit of the graph differs" "SHA-256" "$bin/npu-run" "$work/bit.npu" "${run[@]}"
		refused "$build, npu-run, $device: half a model" "outside the file" "$bin/npu-run" "$work/half.tflite" "${run[@]}"
		refused "$build, npu-run, $device: empty file" "few" "$bin/npu-run" "$work/empty" "${run[@]}"
	done
	refused "$build, npu-run: input of another size" "not whole tensors" \
		"$bin/npu-run" "$graph" --device cpu --input tests/demo/labels.txt --output "$work/out"
	refused "$build, npu-run: no such device" "/dev/none" \
		"$bin/npu-run" "$graph" --device /dev/none --input "$input" --output "$work/out"

	in_process $build tflite_fields "$model"
	in_process $build graph_fields "$graph" "$work/rows.npu"
	in_process $build command_streams "$bin/libkestrel-simulator.so" build/firmware/kestrel_fw.bin

	mkdir -p "$work/firmware"
	accepted "$build, kestrel-fw check: the image itself" "$bin/kestrel-fw" check build/firmware/kestrel_fw.bin
	"$build/tests/bad-input/firmware_images" build/firmware/kestrel_fw.bin "$work/firmware"
	result "$build, firmware images written" $?
	while IFS='|' read -r name tool_words boot_words _; do
		case $name in '#'*) continue ;; esac
		image=$work/firmware/$name.bin
		refused "$build, kestrel-fw check: $name" "$tool_words" "$bin/kestrel-fw" check "$image"
		simulate=("$bin/kestrel-sim" "$graph" --firmware "$image" --input "$input" --output "$work/out")
		if [ "$boot_words" = - ]; then
			accepted "$build, kestrel-sim boots: $name" "${simulate[@]}"
		else
			refused "$build, kestrel-sim: $name" "$boot_words" "${simulate[@]}"
		fi
	done <tests/bad-input/firmware-defects
done
unset LD_LIBRARY_PATH

in_process build corruption "$graph" "$input"
