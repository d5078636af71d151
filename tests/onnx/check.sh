#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Random quantised ONNX models against ONNX Runtime, as tests/onnx/check.py, which
# takes the same arguments, and, without arguments, layer normalisation against the
# hardware page (tests/onnx/layer_norm.py). Prints TAP lines; skips all where neither
# the cache nor the network has ONNX Runtime.
set -u
cd "$(dirname "$0")/../.."

if ! python=$(tests/demo/make-venv.sh onnxruntime); then
	echo "ok - random ONNX models # SKIP no ONNX Runtime: tests/demo/make-venv.sh onnxruntime fails"
	exit 0
fi
make -s programs || exit 1
failed=0
"$python" tests/onnx/check.py "$@" || failed=1
if [ $# -eq 0 ]; then
	"$python" tests/onnx/layer_norm.py || failed=1
fi
exit $failed
