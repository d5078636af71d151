#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Single operators of every type against TensorFlow Lite's reference kernels, and
# with --numerics tflite against its optimised ones, and on the simulated NPU:
# tests/operators/check.py, which takes the same arguments. Prints TAP lines.
#
# $KESTREL_OPERATORS: cases of each operator and type (default 4); half of them again for
# each of the other two, and a quarter of them of the optimised kernels simulated.
set -u
cd "$(dirname "$0")/../.."

if [ ! -x "${KESTREL_CACHE:-$HOME/.cache/kestrel}/tensorflow-2.14.1/bin/python" ]; then
	echo "ok - single operators # SKIP no TensorFlow: run tests/demo/make-venv.sh"
	exit 0
fi
make -s programs || exit 1
# Has the only right kernels of some types; without it they are skipped.
tests/demo/make-venv.sh tflite_micro >/dev/null || true
failed=0
count=${KESTREL_OPERATORS:-4}
echo "# $count cases of each, $(((count + 1) / 2)) of the optimised kernels and on the simulated NPU," \
	"$(((count + 3) / 4)) of the optimised kernels on it"
tests/operators/check.py --count "$count" "$@" || failed=1
tests/operators/check.py --numerics tflite --count $(((count + 1) / 2)) || failed=1
tests/operators/check.py --device sim --count $(((count + 1) / 2)) || failed=1
tests/operators/check.py --numerics tflite --device sim --count $(((count + 3) / 4)) || failed=1
exit $failed
