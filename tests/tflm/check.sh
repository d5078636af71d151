#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The numerics profile tflm against TensorFlow Lite Micro: single operators of every type
# that it has a kernel for, on the processor and on the simulated NPU, and the published
# models. Prints TAP lines; skips all where neither the cache nor the network has it, or
# no TensorFlow is there to make the cases.
#
# usage: tests/tflm/check.sh [MODEL_DIRECTORY]
#
# $KESTREL_TFLM: cases of each operator and type (default 4); a quarter of them again simulated.
set -u
cd "$(dirname "$0")/../.."
models=${1:-${KESTREL_MODELS:-../shared/models}}
count=${KESTREL_TFLM:-4}

if [ ! -x "${KESTREL_CACHE:-$HOME/.cache/kestrel}/tensorflow-2.14.1/bin/python" ]; then
	echo "ok - profile tflm # SKIP no TensorFlow: run tests/demo/make-venv.sh"
	exit 0
fi
if ! tests/demo/make-venv.sh tflite_micro >/dev/null; then
	echo "ok - profile tflm # SKIP no TensorFlow Lite Micro: tests/demo/make-venv.sh tflite_micro fails"
	exit 0
fi
make -s programs || exit 1
failed=0
tests/operators/check.py --numerics tflm --count "$count" || failed=1
tests/operators/check.py --numerics tflm --device sim --count $(((count + 3) / 4)) || failed=1
if [ -d "$models" ]; then
	tests/tflm/check.py "$models" || failed=1
else
	echo "ok - published models, Micro # SKIP no directory $models"
fi
exit $failed
