#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# clang-tidy over all user code, with the checks of .clang-tidy, several files at
# once. Results are kept in the cache by the preprocessed source, so that only what
# changed is looked at again. One TAP line a directory.
set -u
cd "$(dirname "$0")/../.."

flags="-std=c11 -D_GNU_SOURCE -Iuapi -Wno-unknown-warning-option $(pkg-config --cflags libdrm libpng)"
cache=${KESTREL_CACHE:-$HOME/.cache/kestrel}/tidy
how=$({ clang --version; cat .clang-tidy; } 2>/dev/null | sha256sum)
mkdir -p "$cache"
export flags cache how

# What sources include that is made: ONNX's messages.
make -s build/compiler/onnx.pb-c.h >&2 || exit 1

# look FILE: prints findings, in one piece; the result is kept when there are none.
look() {
	local file=$1 own='' key findings
	case $file in
	compiler/*) own='-Icompiler -Ibuild/compiler -Ilibnpu -Ilibnpu/include -Ilibnpu/tools' ;;
	libnpu/*) own=-Ilibnpu/include ;;
	emulator/*) own='-Ilibnpu/include -Ilibnpu/tools' ;;
	esac
	# shellcheck disable=SC2086 # flags are words
	key=$({ echo "$how"; clang $flags $own -E "$file"; } 2>/dev/null | sha256sum | cut -d' ' -f1)
	[ ! -e "$cache/$key" ] || return 0
	# shellcheck disable=SC2086
	findings=$(clang-tidy --quiet "$file" -- $flags $own 2>/dev/null | grep -E '(warning|error):')
	if [ -n "$findings" ]; then
		printf '%s\n' "$findings"
	else
		: >"$cache/$key"
	fi
}
export -f look

check_directory() {
	local directory=$1 problems
	problems=$(git ls-files -- "$directory/*.c" | grep -v -e '^emulator/qemu/' -e cpu_kernels |
		xargs -P "$(nproc)" -I{} bash -c 'look {}')
	if [ -z "$problems" ]; then
		echo "ok - clang-tidy has nothing to say of $directory"
	else
		printf '%s\n' "$problems" | sed 's/^/# /'
		echo "not ok - clang-tidy has nothing to say of $directory"
	fi
}

for directory in libnpu compiler emulator firmware/tools; do
	check_directory $directory
done
