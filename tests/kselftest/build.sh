#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Build the ioctl tests for the arm64 guest, static.
#
# usage: tests/kselftest/build.sh DIRECTORY [FILE_test.c|FILE.c]...
#
# FILE_test.c: a test that is not one of tests/kselftest (default: all those); the
# sources with a header beside it belong to it.
#
# The kernel's own kselftest harness and DRM headers come from linux-source-6.12,
# which tests/vm/linux-debug.sh keeps in the cache. DIRECTORY then holds one
# program a test file, or kestrel-FILE of each file named. CC, KSELFTEST_CFLAGS may
# be set for another machine.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
out=${1:?usage: build.sh DIRECTORY [FILE_test.c]...}
shift
[ $# -gt 0 ] || set -- "$here"/*_test.c
source=$("$top/tests/vm/linux-debug.sh")/source
CC=${CC:-aarch64-linux-gnu-gcc}

mkdir -p "$out"
# The harness is not ours to make free of warnings.
flags=(-I"$here" -std=gnu11 -O2 -g -static -pthread -Wall -Wextra -Werror -D_GNU_SOURCE -D__user=
	-I"$top/uapi" -isystem "$source/include/uapi/drm"
	-isystem "$source/tools/testing/selftests")
helpers() {
	local file
	case $1 in *_test.c) ;; *) return ;; esac
	[ ! "$(dirname "$1")" -ef "$here" ] || return 0
	for file in "$(dirname "$1")"/*.h; do
		[ ! -e "$file" ] || echo "${file%.h}.c"
	done
}
for test; do
	name=${test##*/}
	# shellcheck disable=SC2046,SC2086 # words
	"$CC" "${flags[@]}" ${KSELFTEST_CFLAGS-} -o "$out/kestrel-${name%.c}" \
		"$test" "$here/kestrel.c" $(helpers "$test")
done
