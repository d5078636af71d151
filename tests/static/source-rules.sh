#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The rules of the house that a machine can check: licences, unowned marks,
# the top level, file sizes, links in documents. Prints TAP lines.
set -u
cd "$(dirname "$0")/../.."

# report NAME PROBLEMS: one result; the problems are its explanation.
report() {
	if [ -z "$2" ]; then
		echo "ok - $1"
	else
		printf '%s\n' "$2" | sed 's/^/# /'
		echo "not ok - $1"
	fi
}

licence_of() {
	case $1 in
	driver/*|Kbuild) echo GPL-2.0-only ;;
	emulator/qemu/debian.sh) echo MIT ;;
	emulator/qemu/*) echo GPL-2.0-or-later ;;
	uapi/*) echo 'Linux-syscall-note' ;;
	dt-bindings/*) echo 'GPL-2.0-only OR BSD-2-Clause' ;;
	*) echo MIT ;;
	esac
}

problems=$(git ls-files -z -- '*.c' '*.h' '*.S' '*.py' '*.sh' '*.yaml' '*.mk' Kbuild '*Makefile' .ci/run |
	while IFS= read -r -d '' file; do
		[ -e "$file" ] || continue
		line=$(head -n 3 "$file" | grep -m1 SPDX-License-Identifier) || { echo "$file: no SPDX line"; continue; }
		expected=$(licence_of "$file")
		case $line in
		*"$expected"*) ;;
		*) case $file in
		   tests/kselftest/*|driver/*) case $line in *GPL-2.0*) continue ;; esac ;;
		   esac
		   echo "$file: licence is not $expected" ;;
		esac
	done)
report "every source file names its licence" "$problems"

problems=$(git grep -nIE '\b(TODO|FIXME|XXX|HACK)\b' -- ':!docs' ':!*.md' ':!tests/static/source-rules.sh' ':!LICENSES')
report "no mark of unfinished work outside docs" "$problems"

# The contracts of uapi/ are one file each, however long, and mostly words.
problems=$(git ls-files -- '*.c' '*.h' ':!uapi' | while read -r file; do
	[ -e "$file" ] || continue
	lines=$(wc -l <"$file")
	[ "$lines" -le 900 ] || echo "$file: $lines lines, split by noun"
done)
report "no file outgrows its noun" "$problems"

allowed='^(Kbuild|Makefile|README.md|SECURITY.md|LICENSES|\.ci|\.gitignore|\.clang-format|\.clang-tidy|driver|uapi|firmware|libnpu|compiler|emulator|dt-bindings|tests|docs)$'
problems=$(git ls-files | cut -d/ -f1 | sort -u | grep -vE "$allowed")
report "the top level is the agreed one" "$problems"

problems=$(git ls-files -z | xargs -0 du -k 2>/dev/null | awk '$1 > 2048 {print $2 ": " $1 " KiB"}')
report "no large file" "$problems"

problems=$(git ls-files -- '*.md' | while read -r page; do
	grep -oE '\]\([^)#:]+' "$page" | sed 's/^](//' | while read -r target; do
		[ -e "$(dirname "$page")/$target" ] || echo "$page: no such file: $target"
	done
done)
report "links in documents lead somewhere" "$problems"
