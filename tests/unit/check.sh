#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs every unit test of a build; each prints its TAP lines.
#
# usage: tests/unit/check.sh build|build/sanitized
set -u
cd "$(dirname "$0")/../.." || exit

build=${1-}
case $build in
build) sanitize='' ;;
build/sanitized) sanitize=address,undefined ;;
*) sed -n '4,6s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

status=0
make -s -j"$(nproc)" BUILD="$build" SANITIZE="$sanitize" programs unit-tests || exit 1
for test in $(make -s BUILD="$build" print-unit-tests); do
	echo "# $test"
	"$test" || { echo "not ok - $test exited with $?"; status=1; }
done
exit $status
