#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Every test. Installs what it needs, builds, runs each group, prints failures
# and at last `N passed, N failed, N skipped`.
#
# usage: tests/check.sh [GROUP]...       only these groups; --list names them
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tests/harness.sh
. tests/harness.sh

jobs=$(nproc)
models=${KESTREL_MODELS:-../shared/models}

unit_tests() { # BUILD SANITIZE
	local test status=0
	make -s -j"$jobs" BUILD="$1" SANITIZE="$2" programs unit-tests || return 1
	for test in $(make -s BUILD="$1" print-unit-tests); do
		echo "# $test"
		"$test" || { echo "not ok - $test exited with $?"; status=1; }
	done
	return $status
}

groups=(source-rules contract-headers clang-tidy unit unit-sanitized models-cpu models-sim
	configurations random-graphs bad-input fuzz module dt-schema packaging guest-debian guest-debug
	power-debian power-debug guest-amd64 guest-pci firmware-messages)

run_group() {
	case $1 in
	source-rules) group "$1" tests/static/source-rules.sh ;;
	contract-headers) group "$1" tests/static/headers.sh ;;
	clang-tidy) group "$1" tests/static/tidy.sh ;;
	unit) group "$1" unit_tests build "" ;;
	unit-sanitized) group "$1" unit_tests build/sanitized address,undefined ;;
	models-cpu) group "$1" tests/models/check.sh --device cpu "$models" ;;
	models-sim) group "$1" tests/models/check.sh --device sim "$models" ;;
	configurations) group "$1" tests/models/configurations.sh "$models" ;;
	random-graphs) group "$1" tests/random-graphs/check.sh ;;
	bad-input) group "$1" tests/bad-input/check.sh ;;
	fuzz) group "$1" tests/fuzz/check.sh ;;
	module) group "$1" tests/static/module.sh ;;
	dt-schema) group "$1" tests/static/dt-schema.sh ;;
	packaging) group "$1" tests/static/packaging.sh ;;
	guest-debian) group "$1" tests/guest/check.sh debian "$models" ;;
	guest-debug) group "$1" tests/guest/check.sh debug "$models" ;;
	power-debian) group "$1" tests/power/check.sh debian ;;
	power-debug) group "$1" tests/power/check.sh debug ;;
	guest-amd64) group "$1" tests/vm/kernel-matrix.sh amd64 ;;
	guest-pci) group "$1" tests/vm/check-pci.sh ;;
	firmware-messages) group "$1" tests/fuzz/firmware-messages.sh debug 20 ;;
	*) echo "check.sh: no group $1; groups: ${groups[*]}" >&2; exit 2 ;;
	esac
}

case ${1-} in
--list) printf '%s\n' "${groups[@]}"; exit 0 ;;
--help) sed -n '3,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac

tests/setup.sh check
echo "building the host programs"
make -s -j"$jobs" programs
harness_start build/check
if [ $# -gt 0 ]; then
	for name; do run_group "$name"; done
else
	for name in "${groups[@]}"; do run_group "$name"; done
fi
harness_finish
