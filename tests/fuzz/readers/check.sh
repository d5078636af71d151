#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The readers of TensorFlow Lite, ONNX and graph files under libFuzzer, with address
# and undefined-behaviour sanitizers and limits of memory and time: what follows the
# reader (compiler, libnpu's checks, the processor) runs too. Prints a TAP line for
# each reader; a finding leaves its file in build/fuzz and tells how to repeat it.
#
# usage: tests/fuzz/readers/check.sh [--runs N] [--seed S] [READER]...
#
#   --runs N    runs of each reader (default $KESTREL_READER_RUNS, else 10000)
#   --seed S    of the mutations (default $KESTREL_SEED, else 1)
#   READER      tflite, onnx, graph (default all)
#
# Each begins with tests/fuzz/readers/corpus/READER.tar.xz and with what was wrong once,
# tests/fuzz/readers/findings/READER-*. Runs of 100000 and more also
# with what earlier ones have left in ${KESTREL_CACHE:-$HOME/.cache/kestrel}/fuzz/READER.
set -u
cd "$(dirname "$0")/../../.."

runs=${KESTREL_READER_RUNS:-10000} seed=${KESTREL_SEED:-1}
while [ $# -gt 1 ]; do
	case $1 in
	--runs) runs=$2 ;;
	--seed) seed=$2 ;;
	*) break ;;
	esac
	shift 2
done
readers=${*:-tflite onnx graph}
for reader in $readers; do
	case $reader in
	tflite | onnx | graph) ;;
	*) sed -n '4,18s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
	esac
done

build=build/fuzzer artifacts=build/fuzz
# gcc and clang-tidy judge the sources; clang has warnings that neither asks for.
make -s -j"$(nproc)" BUILD=$build CC=clang OPTIMISE=-O2 \
	CFLAGS="-w -fsanitize-coverage-ignorelist=tests/fuzz/readers/uninstrumented" \
	SANITIZE=address,undefined,fuzzer-no-link reader-fuzzers || exit 1
mkdir -p $artifacts
export ASAN_OPTIONS=detect_leaks=1:quarantine_size_mb=4:allocator_may_return_null=0
export UBSAN_OPTIONS=print_stacktrace=1

# No input is larger than 4 KiB, and no answer to one needs 64 MiB at once, or 512 in all.
limits=(-max_len=4096 -entropic=0 -timeout=120 -malloc_limit_mb=64 -rss_limit_mb=512)

for reader in $readers; do
	corpus=$artifacts/$reader-corpus found=$artifacts/$reader-found
	rm -rf "$corpus" "$found"
	[ "$runs" -lt 100000 ] || found=${KESTREL_CACHE:-$HOME/.cache/kestrel}/fuzz/$reader
	mkdir -p "$corpus" "$found"
	tar -xJf tests/fuzz/readers/corpus/"$reader".tar.xz -C "$corpus" || exit 1
	for finding in tests/fuzz/readers/findings/"$reader"-*; do
		[ ! -e "$finding" ] || cp "$finding" "$corpus"
	done
	log=$artifacts/$reader.log
	name="$reader reader: $runs runs from seed $seed"
	if $build/tests/fuzz/readers/"${reader}"_reader "$found" "$corpus" -runs="$runs" \
		-seed="$seed" "${limits[@]}" -artifact_prefix=$artifacts/"$reader"- \
		-print_final_stats=1 >"$log" 2>&1 </dev/null; then
		grep -a '^stat::\|^Done' "$log" | sed 's/^/# /'
		echo "ok - $name"
	else
		grep -av '^#[0-9]' "$log" | tail -n 40 | sed 's/^/# /'
		echo "# to repeat: $build/tests/fuzz/readers/${reader}_reader ${limits[*]} FILE"
		echo "not ok - $name"
	fi
done
