#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Random quantised ONNX models against ONNX Runtime, as tests/onnx/check.py, which
# takes the same arguments. Prints TAP lines; skips all where neither the cache
# nor the network has ONNX Runtime.
set -u
cd "$(dirname "$0")/../.."

if ! python=$(tests/demo/make-venv.sh onnxruntime); then
	echo "ok - random ONNX models # SKIP no ONNX Runtime: tests/demo/make-venv.sh onnxruntime fails"
	exit 0
fi
make -s programs && exec "$python" tests/onnx/check.py "$@"
