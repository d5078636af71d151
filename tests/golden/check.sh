#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The contracts of uapi/ as they were when tests/golden was made: graphs, command
# streams and a firmware image of that day give the same bytes with the programs of
# today, and no constant, structure or field has changed. Prints TAP lines.
#
# usage: tests/golden/check.sh
#
# What is meant to change: tests/golden/regenerate.sh, and docs/testing.md.
set -u
cd "$(dirname "$0")/../.." || exit

make -s -j"$(nproc)" programs golden || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
golden=build/tests/golden/golden

# result NAME STATUS: the log is the explanation.
result() {
	if [ "$2" = 0 ]; then
		echo "ok - $1"
	else
		sed 's/^/# /' "$work/log"
		echo "not ok - $1"
	fi
}

# holds NAME COMMAND...
holds() {
	local name=$1
	shift
	"$@" >"$work/log" 2>&1 </dev/null
	result "$name" $?
}

# abi STATUS ARGUMENT...: abi.py ends with that status.
abi() {
	local expected=$1 status=0
	shift
	python3 tests/golden/abi.py --compare tests/golden/abi.txt "$@" || status=$?
	echo "exit status $status, expected $expected"
	[ $status = "$expected" ]
}

holds "the contracts are those of tests/golden/abi.txt" abi 0

# broken NAME FILE SCRIPT STATUS: a change of a header, by sed, is noticed.
broken() {
	rm -rf "$work/uapi"
	cp -r uapi "$work/uapi"
	sed -i "$3" "$work/uapi/$2"
	if cmp -s "uapi/$2" "$work/uapi/$2"; then
		echo "the script changes nothing" >"$work/log"
		result "$1" 1
	else
		holds "$1" abi "$4" --uapi "$work/uapi"
	fi
}
broken "another number in an enum is noticed" kestrel/graph.h \
	's/\(KESTREL_GRAPH_TYPE_INT16\t*= \)3/\13 + 30/' 1
broken "a field of another type is noticed" kestrel/graph.h \
	'/^struct kestrel_graph_scale {/,/^};/s/int32_t shift/uint32_t shift/' 1
broken "fields that changed places are noticed" kestrel/graph.h \
	'/^struct kestrel_graph_scale {/,/^};/{s/multiplier;/other;/;s/shift;/multiplier;/;s/other;/shift;/}' 1
broken "another register is noticed" kestrel/regs.h \
	's/\(define KESTREL_REG_MCU_START\t*\)0x200c/\10x2010/' 1
broken "a new constant is noticed" kestrel/isa.h \
	's/^#define KESTREL_ISA_END 0x80/&\n#define KESTREL_ISA_NEW 0x83/' 3

for graph in tests/golden/graphs/*.npu; do
	name=$(basename "$graph" .npu)
	output=tests/golden/outputs/${name%-kestrel-*}.bin
	holds "$name: outputs on the processor" $golden --check "$output" "$graph" cpu
	holds "$name: outputs of its stream" $golden --check "$output" "$graph" sim
	holds "$name: outputs of its stream under the firmware of that day" \
		env KESTREL_FIRMWARE=tests/golden/kestrel_fw.bin $golden --check "$output" "$graph" sim
done
[ -e "$graph" ] || result "there are golden graphs" 1
# A stream that is not the golden one gives other bytes, or none.
cp "$graph" "$work/other.npu"
head -c 1000 "$output" >"$work/other.bin"
holds "outputs that are cut short are noticed" \
	bash -c "! $golden --check '$work/other.bin' '$graph' cpu"
printf '\377' | cat - "$output" | head -c "$(stat -c %s "$output")" >"$work/other.bin"
holds "other bytes are noticed" bash -c "! $golden --check '$work/other.bin' '$graph' cpu"
holds "the firmware image of that day is whole" build/bin/kestrel-fw check tests/golden/kestrel_fw.bin
