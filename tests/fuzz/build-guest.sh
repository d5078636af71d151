#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Build the ioctl fuzzer for the arm64 guest, static.
#
# usage: tests/fuzz/build-guest.sh DIRECTORY
#
# The DRM headers come from linux-source-6.12, which tests/vm/linux-debug.sh keeps
# in the cache. CC may be set for another machine.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
out=${1:?usage: build-guest.sh DIRECTORY}
source=$("$top/tests/vm/linux-debug.sh")/source
CC=${CC:-aarch64-linux-gnu-gcc}

mkdir -p "$out"
"$CC" -std=gnu11 -O2 -g -static -pthread -Wall -Wextra -Werror -D_GNU_SOURCE -D__user= \
	-I"$top/uapi" -isystem "$source/include/uapi/drm" -o "$out/kestrel-ioctl-fuzz" \
	"$here/ioctl_fuzz.c" "$here/ioctl_arguments.c" "$here/fuzz.c" "$here/../kselftest/kestrel.c"
