#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The ioctl tests in a guest of their own, without models. Prints TAP lines.
#
# usage: tests/kselftest/check.sh debian|debug|6.12-oldest|7.2|7.2-16k|amd64|i386 [NAME]...
#
# i386 is Debian's amd64 kernel with 32-bit programs: there a u64 is aligned to 4 bytes,
# pointers and long have 4, and calls come through .compat_ioctl.
# NAME_test.c is what is run (default: each of them). Counts such as KESTREL_NOOP_JOBS
# reach the tests from the environment. A kernel that the archive does not hold is a skip.
set -u
cd "$(dirname "$0")/../.." || exit

kernel=${1-} arch=arm64 name=${1-} driver=${1-} compiler=aarch64-linux-gnu-gcc flags=
[ $# = 0 ] || shift
case $kernel in
debian|debug|6.12-oldest|7.2|7.2-16k) ;;
amd64) arch=amd64 name=debian compiler=gcc ;;
i386)
	arch=amd64 name=debian driver=amd64 compiler=gcc
	# Debian keeps the headers of both in the directory of amd64.
	flags='-m32 -D_FILE_OFFSET_BITS=64 -isystem /usr/include/x86_64-linux-gnu'
	# shellcheck disable=SC2086 # words
	if ! gcc $flags -static -o /dev/null -x c - <<<'int main(void) { return 0; }' 2>/dev/null; then
		echo "ok - ioctl tests, i386 # SKIP gcc makes no 32-bit programs here: tests/setup.sh"
		exit 0
	fi
	;;
*) sed -n '4,13s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

sources=("${@/#/tests/kselftest/}")
sources=("${sources[@]/%/_test.c}")
out=build/kselftest/$kernel${1:+-$1}
title="ioctl tests, $kernel"
# shellcheck source=tests/vm/guest-group.sh
. tests/vm/guest-group.sh
guest_prepare "$driver"
must env CC=$compiler KSELFTEST_CFLAGS="$flags" tests/kselftest/build.sh "$overlay/usr/lib/kestrel-tests" "${sources[@]}"
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
