#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Every test with its full counts, and the kernel matrix: the groups of
# tests/groups, where tests/long-groups does not say it otherwise, and those of
# tests/long-groups. Takes hours; what has passed is kept in the cache by commit
# and group, and a second call goes on behind it. Writes build/check-long.json.
# A kernel, tool or processor feature that is missing is a skip, named there.
#
# usage: tests/check-long.sh [--list | --report] [GROUP]...
#
#   GROUP      only these, one after the other
#   --list     names the groups; with what is kept of this commit
#   --report   runs nothing, writes build/check-long.json from what is kept
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tests/harness.sh
. tests/harness.sh

export KESTREL_MODELS=${KESTREL_MODELS:-../shared/models}
only_report=0 list=0
case ${1-} in
--help) sed -n '4,15s/^# \{0,1\}//p' "$0"; exit 0 ;;
--list) list=1; shift ;;
--report) only_report=1; shift ;;
esac

# What is not committed is part of what is tested, too.
commit=$(git rev-parse HEAD)
changes=$(git diff HEAD; git ls-files --others --exclude-standard | while read -r file; do
	cat -- "$file"
done)
key=$commit
[ -z "$changes" ] || key+=-$(sha256sum <<<"$changes" | cut -c1-12)
kept=${KESTREL_CACHE:-$HOME/.cache/kestrel}/check-long/$key
mkdir -p "$kept"

# The groups of both tables, a name of the second instead of one of the first.
table=$kept/.table
awk '!/^#/ && NF { name[$2] || order[++count] = $2; name[$2] = $0 }
	END { for (i = 1; i <= count; i++) print name[order[i]] }' tests/groups tests/long-groups >"$table"
for name; do
	grep -qE "^[a-z]+ $name " "$table" || { echo "check-long.sh: no group $name" >&2; exit 2; }
done
chosen=$kept/.chosen
awk -v names=" $* " 'names == "  " || index(names, " " $2 " ")' "$table" >"$chosen"
# shellcheck disable=SC2034 # of harness.sh
harness_logs=$kept harness_begin=$SECONDS harness_any_skip=1
# Only what passed is kept; a group that was cut off has no result.
for name in $(groups_names "$chosen"); do
	if [ $list = 1 ]; then
		echo "$name $(cat "$kept/$name.result" 2>/dev/null || echo "not yet")"
	elif [ $only_report = 0 ] && ! grep -qE '^[0-9]+ 0 ' "$kept/$name.result" 2>/dev/null; then
		rm -rf "$kept/$name.result" "$kept/.taken/$name"
	fi
done
[ $list = 0 ] || exit 0

if [ $only_report = 0 ]; then
	tests/setup.sh check
	if [ $# -eq 0 ]; then
		group build tests/build.sh
		groups_run "$chosen" guest host
	else
		echo "building the host programs"
		make -s -j"$(nproc)" programs
		groups_run "$chosen" all
	fi
fi
mkdir -p build
python3 tests/check_long_report.py "$kept" "$commit" "$([ -z "$changes" ] || echo changed)" \
	"$table" >build/check-long.json
echo "wrote build/check-long.json"
harness_finish
