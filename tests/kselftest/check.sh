#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The ioctl tests in a guest of their own, without models. Prints TAP lines.
#
# usage: tests/kselftest/check.sh debian|debug [NAME]...
#
# NAME_test.c is what is run (default: each of them). Counts such as KESTREL_NOOP_JOBS
# reach the tests from the environment. A kernel that the archive does not hold is a skip.
set -u
cd "$(dirname "$0")/../.." || exit

kernel=${1-} arch=arm64 name=${1-} compiler=aarch64-linux-gnu-gcc
[ $# = 0 ] || shift
case $kernel in
debian|debug|6.12-oldest|7.2|7.2-16k) ;;
amd64) arch=amd64 name=debian compiler=gcc ;;
*) sed -n '4,11s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

sources=("${@/#/tests/kselftest/}")
sources=("${sources[@]/%/_test.c}")
out=build/kselftest/$kernel${1:+-$1}
title="ioctl tests, $kernel"
# shellcheck source=tests/vm/guest-group.sh
. tests/vm/guest-group.sh
guest_prepare "$kernel"
must env CC=$compiler tests/kselftest/build.sh "$overlay/usr/lib/kestrel-tests" "${sources[@]}"
cp tests/kselftest/guest-lib "$overlay/tests/"
echo "$busy_parameters" >"$overlay/tests/parameters"
env | sed -n 's/^KESTREL_NOOP_JOBS=/export &/p' >"$overlay/tests/environment"

status=0
tests/vm/run-guest.sh --arch $arch --kernel "$name" --script tests/kselftest/guest-script \
	--overlay "$overlay" --module "$module" --log "$out/console.log" --timeout $((3600 + ${KESTREL_NOOP_JOBS:-0} / 10)) \
	--quiet >"$out/run.log" 2>&1 </dev/null || status=$?
grep -aE '^(ok|not ok) - |^# ' "$out/console.log"
case $status in
125) grep -q 'archive has no image' "$out/run.log" && {
	echo "ok - ioctl tests, $kernel # SKIP the archive has no image"
	exit 0
	} ;;
esac
case $status in
0) echo "ok - ioctl tests, $kernel: the kernel complains of nothing and leaks nothing" ;;
*)
	sed 's/^/# /' "$out/run.log" | tail -n 60
	echo "not ok - ioctl tests, $kernel: guest ran to its end without a complaint (status $status)"
	;;
esac
