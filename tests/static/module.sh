#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The kernel module builds against every kernel of the tests without a warning
# at W=1 and under sparse, and passes checkpatch --strict. What has passed is kept in
# the cache by sources, kernel and tools, and not done again. Prints TAP lines.
set -u
cd "$(dirname "$0")/../.." || exit

cache=${KESTREL_CACHE:-$HOME/.cache/kestrel}/module
mkdir -p "$cache"
sources=$({ find Kbuild driver uapi -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
	cat tests/static/module.sh tests/vm/build-module.sh; } | sha256sum)

# once NAME KERNEL COMMAND...: the TAP lines that it prints, or has printed of the same.
once() {
	local name=$1 kept
	kept=$cache/$name-$({ echo "$sources $2"; aarch64-linux-gnu-gcc --version; gcc --version
		sparse --version; } 2>&1 | sha256sum | cut -c1-16)
	shift 2
	if [ -e "$kept" ]; then
		echo "# $name has been checked as it is"
		cat "$kept"
		return
	fi
	"$@" | tee "$kept.$$"
	if grep -q '^ok ' "$kept.$$" && ! grep -qv '^ok ' "$kept.$$"; then
		mv "$kept.$$" "$kept"
	else
		rm -f "$kept.$$"
	fi
}

module_check() {
	tests/vm/build-module.sh --check "$1" | grep -E '^(ok|not ok)|warning|error'
}

style_check() {
	local problems
	# The device-tree binding is in dt-bindings/, where checkpatch does not look.
	problems=$(git ls-files -- driver uapi/drm Kbuild | grep -vE '\.md$' | while read -r file; do
		"$1/scripts/checkpatch.pl" --strict --no-tree --terse --quiet \
			--max-line-length=100 --ignore UNDOCUMENTED_DT_STRING \
			--root="$1" --file "$file"
	done 2>&1 | grep -vE '^total:')
	if [ -z "$problems" ]; then
		echo "ok - checkpatch --strict has nothing to say"
	else
		printf '%s\n' "$problems" | sed 's/^/# /'
		echo "not ok - checkpatch --strict has nothing to say"
	fi
}

debug=$(tests/vm/linux-debug.sh)
once debian "$(tests/vm/linux-debian.sh arm64)" module_check debian
once debug "$debug" module_check debug
once amd64 "$(tests/vm/linux-debian.sh amd64)" module_check amd64
once checkpatch "$debug" style_check "$debug/source"
