#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# clang-tidy over all user code, with the checks of .clang-tidy. Results are kept
# in the cache by the preprocessed source, so that only what changed is looked at
# again. One TAP line a directory.
set -u
cd "$(dirname "$0")/../.."

flags=(-std=c11 -D_GNU_SOURCE -Iuapi -Wno-unknown-warning-option)
read -r -a packages <<<"$(pkg-config --cflags libdrm libpng)"
cache=${KESTREL_CACHE:-$HOME/.cache/kestrel}/tidy
mkdir -p "$cache"

# look FILE: prints findings; 0 when there are none.
look() {
	local file=$1 own=() key findings
	case $file in
	compiler/*) own=(-Icompiler) ;;
	libnpu/*) own=(-Ilibnpu/include) ;;
	emulator/*) own=(-Ilibnpu/include -Ilibnpu/tools) ;;
	esac
	key=$({ clang --version; cat .clang-tidy
		clang "${flags[@]}" "${own[@]}" "${packages[@]}" -E "$file"; } 2>/dev/null | sha256sum | cut -d' ' -f1)
	[ ! -e "$cache/$key" ] || return 0
	findings=$(clang-tidy --quiet "$file" -- "${flags[@]}" "${own[@]}" "${packages[@]}" 2>/dev/null |
		grep -E '(warning|error):')
	if [ -n "$findings" ]; then
		printf '%s\n' "$findings"
		return 1
	fi
	: >"$cache/$key"
}

check_directory() {
	local directory=$1 file problems
	problems=$(git ls-files -- "$directory/*.c" | grep -v -e '^emulator/qemu/' -e cpu_kernels | while read -r file; do
		look "$file"
	done)
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
