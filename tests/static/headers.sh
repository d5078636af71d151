#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Every contract header compiles alone, as C and as C++, for 64-bit and 32-bit
# machines, little endian; static asserts in it then hold there. Prints TAP lines.
set -u
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# compile NAME HEADER COMPILER...
compile() {
	local name=$1 header=$2
	shift 2
	printf '#include <%s>\nint kestrel_header_test;\n' "${header#uapi/}" >"$work/header.$suffix"
	if "$@" -Wall -Wextra -Werror -Iuapi $drm -c -o "$work/header.o" "$work/header.$suffix" 2>"$work/log"; then
		echo "ok - ${header#uapi/} $name"
	else
		sed 's/^/# /' "$work/log"
		echo "not ok - ${header#uapi/} $name"
	fi
}

drm=$(pkg-config --cflags libdrm | sed "s/-I/-isystem /g")
for header in uapi/*/*.h; do
	suffix=c
	compile "C11, 64-bit" "$header" gcc -std=c11 -Wpadded
	compile "C11, 64-bit arm" "$header" aarch64-linux-gnu-gcc -std=c11
	compile "C11, 32-bit" "$header" clang --target=armv7-linux-gnueabihf -std=c11 \
		-isystem /usr/aarch64-linux-gnu/include -D__ARM_PCS_VFP
	suffix=cc
	compile "C++17" "$header" g++ -std=c++17
done
