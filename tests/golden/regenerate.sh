#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Makes what tests/golden/check.sh compares with, from the tree as it is: after a
# contract has been extended (abi, new), or another major version of one (all).
#
# usage: tests/golden/regenerate.sh abi | new | all
#
#   abi   abi.txt alone: constants, structures and fields of uapi/
#   new   and graphs and outputs of the models that have none; needs both environments
#         of tests/demo/make-venv.sh
#   all   and all graphs, all outputs and the firmware image
set -eu
cd "$(dirname "$0")/../.."

case ${1-} in
abi | new | all) ;;
*) sed -n '4,13s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
here=tests/golden
python3 $here/abi.py >$here/abi.new
mv $here/abi.new $here/abi.txt
[ "$1" != abi ] || exit 0

make -s -j"$(nproc)" programs golden
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$(tests/demo/make-venv.sh tensorflow)" $here/make_models.py tflite "$work"
"$(tests/demo/make-venv.sh onnxruntime)" $here/make_models.py onnx "$work"
if [ "$1" = all ]; then
	rm -rf $here/graphs $here/outputs
	mkdir $here/graphs $here/outputs
	cp build/firmware/kestrel_fw.bin $here/kestrel_fw.bin
fi
for model in "$work"/*.tflite "$work"/*.onnx; do
	name=$(basename "${model%.*}")
	[ ! -e "$here/outputs/$name.bin" ] || continue
	for target in kestrel-256 kestrel-512; do
		build/bin/npuc "$model" -o "$here/graphs/$name-$target.npu" --target $target
	done
	build/tests/golden/golden --write "$here/outputs/$name.bin" "$here/graphs/$name-kestrel-256.npu" cpu
done
