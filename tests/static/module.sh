#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The kernel module builds against every kernel of the tests without a warning
# at W=1 and under sparse, and passes checkpatch --strict. Prints TAP lines.
set -u
cd "$(dirname "$0")/../.."

for kernel in debian debug amd64; do
	tests/vm/build-module.sh --check $kernel | grep -E '^(ok|not ok)|warning|error'
done

source=$(tests/vm/linux-debug.sh)/source
# The device-tree binding is in dt-bindings/, where checkpatch does not look.
problems=$(git ls-files -- driver uapi/drm Kbuild | grep -vE '\.md$' | while read -r file; do
	"$source/scripts/checkpatch.pl" --strict --no-tree --terse --quiet \
		--max-line-length=100 --ignore UNDOCUMENTED_DT_STRING \
		--root="$source" --file "$file"
done 2>&1 | grep -vE '^total:')
if [ -z "$problems" ]; then
	echo "ok - checkpatch --strict has nothing to say"
else
	printf '%s\n' "$problems" | sed 's/^/# /'
	echo "not ok - checkpatch --strict has nothing to say"
fi
