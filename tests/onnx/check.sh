#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Random quantised ONNX models against ONNX Runtime, as tests/onnx/check.py, which
# takes the same arguments, and layer normalisation against the hardware page
# (tests/onnx/layer_norm.py). Prints TAP lines; skips all where neither the cache nor
# the network has ONNX Runtime.
#
# $KESTREL_ONNX: models of each family (default 2).
set -u
cd "$(dirname "$0")/../.."

if ! python=$(tests/demo/make-venv.sh onnxruntime); then
	echo "ok - random ONNX models # SKIP no ONNX Runtime: tests/demo/make-venv.sh onnxruntime fails"
	exit 0
fi
make -s programs || exit 1
failed=0
"$python" tests/onnx/check.py --count "${KESTREL_ONNX:-2}" "$@" || failed=1
"$python" tests/onnx/layer_norm.py || failed=1
exit $failed
