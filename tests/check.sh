#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Every test. Installs what it needs, builds, runs the groups of tests/groups in
# two lanes side by side, prints failures and at last `N passed, N failed, N skipped`.
#
# usage: tests/check.sh [GROUP]...       only these groups, one after the other;
#                                        --list names them
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tests/harness.sh
. tests/harness.sh

export KESTREL_MODELS=${KESTREL_MODELS:-../shared/models}
table=tests/groups

case ${1-} in
--list) groups_names $table; exit 0 ;;
--help) sed -n '4,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
for name; do
	groups_names $table | grep -qxF -- "$name" || {
		echo "check.sh: no group $name; groups: $(groups_names $table | xargs)" >&2
		exit 2
	}
done

tests/setup.sh check
# The same sources are compiled for several groups, and in many a checkout.
export PATH="/usr/lib/ccache:$PATH" CCACHE_NOHASHDIR=1 CCACHE_BASEDIR="$PWD" CCACHE_MAXSIZE=2G
export CCACHE_DIR="${CCACHE_DIR:-${KESTREL_CACHE:-$HOME/.cache/kestrel}/ccache}"
harness_start build/check
if [ $# -eq 0 ]; then
	group build tests/build.sh
	groups_run $table guest host
else
	echo "building the host programs"
	make -s -j"$(nproc)" programs
	for name; do
		awk -v name="$name" '!/^#/ && $2 == name' $table >>build/check/.table
	done
	groups_run build/check/.table all
fi
harness_finish
