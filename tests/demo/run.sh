#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The demo behind `make run`: builds the whole stack, boots Debian's own arm64
# kernel in a virtual machine with the emulated NPU, loads the kernel module and
# classifies the sample images on the NPU and on the processor.
#
# usage: tests/demo/run.sh
#
# Exits 0 when every image gave the reference's bytes on both. Logs and results
# stay in build/demo.
set -euo pipefail
cd "$(dirname "$0")/../.."

case ${1-} in
'') ;;
--help) sed -n '4,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
*) echo "run.sh: unknown argument $1 (--help)" >&2; exit 2 ;;
esac

started=$SECONDS
step=0
steps=7
out=build/demo

# next TEXT: announces a step, with the time since the start.
next() {
	step=$((step + 1))
	printf '[%d/%d %4d s] %s\n' $step $steps $((SECONDS - started)) "$1"
}

next "packages of this machine"
tests/setup.sh run
mkdir -p "$out"

next "host programs: compiler, library, firmware, simulator"
make -s -j"$(nproc)" programs

next "compiling tests/demo/model.tflite for kestrel-256"
build/bin/npuc tests/demo/model.tflite -o "$out/model.npu" --target kestrel-256 \
	--report "$out/report.json"

next "QEMU with the NPU (the first time: 4 minutes on two cores)"
emulator/qemu/build.sh >/dev/null

next "Debian's arm64 kernel, and kestrel.ko for it"
module=$(tests/vm/build-module.sh debian | tail -n 1)/kestrel.ko

next "programs of the guest, cross compiled for arm64"
tests/vm/build-guest.sh "$out/root"

next "booting the guest and classifying"
samples=()
for image in tests/demo/samples/*.png; do
	samples+=(--add "$image=/demo/${image##*/}")
done
rm -rf "$out/result"
tests/vm/run-guest.sh --kernel debian --script tests/demo/guest-script \
	--overlay "$out/root" --module "$module" \
	--add "$out/model.npu=/demo/model.npu" --add tests/demo/labels.txt=/demo/labels.txt \
	"${samples[@]}" --out "$out/result" --log "$out/console.log" --quiet

echo
status=0
python3 tests/demo/show.py "$out/result" tests/demo/samples || status=$?
printf '\n%d s in all. Model and report: %s/model.npu, %s/report.json; console of the guest: %s/console.log\n' \
	$((SECONDS - started)) "$out" "$out" "$out"
exit $status
