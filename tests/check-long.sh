#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Every test with its full counts, and the kernel matrix: the groups of
# tests/groups, where tests/long-groups does not say it otherwise, and those of
# tests/long-groups. Takes hours; what has passed is kept in the cache by group and
# its inputs (tests/inputs), and a second call goes on behind it. Writes
# build/check-long.json. A kernel, tool or processor feature that is missing is a
# skip, named there.
#
# usage: tests/check-long.sh [--list | --report | --jobs N] [GROUP]...
#
#   GROUP      only these, in this order
#   --jobs N   so many of them side by side (default 1)
#   --list     names the groups; with what is kept of these inputs
#   --report   runs nothing, writes build/check-long.json from what is kept
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tests/harness.sh
. tests/harness.sh

export KESTREL_MODELS=${KESTREL_MODELS:-../shared/models}
only_report=0 list=0 lanes=(all)
case ${1-} in
--help) sed -n '4,17s/^# \{0,1\}//p' "$0"; exit 0 ;;
--list) list=1; shift ;;
--report) only_report=1; shift ;;
--jobs)
	mapfile -t lanes < <(yes all | head -n "${2:?}")
	shift 2
	;;
esac

commit=$(git rev-parse HEAD)
kept=${KESTREL_CACHE:-$HOME/.cache/kestrel}/check-long
work=build/check-long
# What only tells must not disturb a call that is under way.
if [ $list = 1 ] || [ $only_report = 1 ]; then
	work=$(mktemp -d)
	trap 'rm -rf "$work" "$work".*' EXIT
fi
mkdir -p "$kept" build

# tree_now: what the tree holds, with what is not committed, as an object of git.
tree_now() {
	local index
	index=$(mktemp)
	cp "$(git rev-parse --git-path index)" "$index"
	GIT_INDEX_FILE=$index git add -A
	GIT_INDEX_FILE=$index git write-tree
	rm -f "$index"
}

# The published models are no part of the tree.
models_hash=none
[ ! -d "$KESTREL_MODELS" ] || models_hash=$(cd "$KESTREL_MODELS" && find . -type f -print0 |
	LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16)

# inputs_of NAME: the paths that tests/inputs names for a group; `.` is all.
inputs_of() {
	local kind name rest pattern
	local -A sets=()
	while read -r kind name rest; do
		case $kind in
		set) sets[$name]=$rest ;;
		group)
			pattern=$name
			# shellcheck disable=SC2254 # a pattern
			case $1 in $pattern) ;; *) continue ;; esac
			for name in $rest; do
				case $name in
				@*) echo "${sets[${name#@}]}" ;;
				*) echo "$name" ;;
				esac
			done
			return
			;;
		esac
	done <tests/inputs
	echo .
}

# settings: what of the environment the groups read.
settings() {
	env | grep -E '^KESTREL_' | grep -vE '^KESTREL_(MODELS|CACHE)=' | LC_ALL=C sort
}

# inputs_hash NAME TREE: of all that the group's result depends on: files, command,
# settings, and the models where the command names them.
inputs_hash() {
	local name=$1 command models='' path
	local -a paths=() without=(-e '^$')
	command=$(for path in groups long-groups; do git show "$2:tests/$path"; done |
		awk -v name="$name" '$2 == name' | tail -n 1)
	case $command in *KESTREL_MODELS*) models=$models_hash ;; esac
	for path in $(inputs_of "$name"); do
		case $path in
		!*) without+=(-e $'\t'"${path#!}") ;;
		*) paths+=("$path") ;;
		esac
	done
	{
		echo "$command $models"
		settings
		git ls-tree -r "$2" -- "${paths[@]}" | grep -v "${without[@]}"
	} | sha256sum | cut -c1-16
}

# kept_of NAME HASH: where a result of these inputs lies. Where tests/inputs has said
# otherwise of them it is one of a commit with the same inputs, as they are named now.
kept_of() {
	local directory ran
	[ ! -d "$kept/$1/$2" ] || { echo "$kept/$1/$2"; return; }
	for directory in "$kept/$1"/*/; do
		[ -e "$directory/$1.commit" ] || continue
		ran=$(head -n 1 "$directory/$1.commit")
		if [ "$(tail -n +2 "$directory/$1.commit")" = "$(settings)" ] &&
		   git cat-file -e "$ran" 2>/dev/null && [ "$(inputs_hash "$1" "$ran")" = "$2" ]; then
			echo "${directory%/}"
			return
		fi
	done
}

# The groups of both tables, a name of the second instead of one of the first.
table=$work.table
awk '!/^#/ && NF { name[$2] || order[++count] = $2; name[$2] = $0 }
	END { for (i = 1; i <= count; i++) print name[order[i]] }' tests/groups tests/long-groups >"$table"
for name; do
	grep -qE "^[a-z]+ $name " "$table" || { echo "check-long.sh: no group $name" >&2; exit 2; }
done

# Results of earlier calls; a group that was cut off has none.
# shellcheck disable=SC2034 # of harness.sh
harness_any_skip=1
harness_start "$work"
tree=$(tree_now)
for name in $(groups_names "$table"); do
	hash=$(inputs_hash "$name" "$tree")
	echo "$hash" >"$work/$name.inputs"
	from=$(kept_of "$name" "$hash")
	if [ -n "$from" ]; then
		cp "$from/$name".{result,log,problems,commit} "$work/"
	fi
	[ $list = 0 ] || echo "$name $hash $(cat "$work/$name.result" 2>/dev/null || echo "not yet")"
done
[ $list = 0 ] || exit 0

# group_begins NAME: the inputs that it sees are those of now.
group_begins() {
	inputs_hash "$1" "$(tree_now)" >"$work/$1.inputs"
	git rev-parse HEAD >"$work/$1.commit"
	if ! git diff --quiet HEAD || [ -n "$(git ls-files --others --exclude-standard)" ]; then
		echo changed >>"$work/$1.commit"
	fi
	settings >>"$work/$1.commit"
}

# group_ended NAME: kept, unless an input has changed under it.
group_ended() {
	local hash to
	hash=$(cat "$work/$1.inputs")
	if [ "$hash" != "$(inputs_hash "$1" "$(tree_now)")" ]; then
		echo "$1: its inputs changed meanwhile, the result is not kept"
		return
	fi
	to=$kept/$1/$hash
	rm -rf "$to.new"
	mkdir -p "$to.new"
	cp "$work/$1".{result,log,problems,commit} "$to.new/"
	rm -rf "$to"
	mv "$to.new" "$to"
}

if [ $only_report = 0 ]; then
	# Groups to run: of those asked for, or all, the ones that have not passed.
	chosen=$work.chosen
	cp "$table" "$chosen"
	[ $# -eq 0 ] || for name; do
		awk -v name="$name" '$2 == name' "$table"
	done >"$chosen"
	mkdir -p "$work/.taken"
	for name in $(groups_names "$chosen"); do
		if grep -qE '^[0-9]+ 0 ' "$work/$name.result" 2>/dev/null; then
			mkdir "$work/.taken/$name"
		else
			rm -f "$work/$name".{result,log,problems,commit}
		fi
	done
	tests/setup.sh long
	if [ $# -eq 0 ]; then
		tests/build.sh >"$work/.build.log" 2>&1 || true
		! grep '^not ok' "$work/.build.log" || exit 1
		groups_run "$chosen" guest host
	else
		echo "building the host programs"
		make -s -j"$(nproc)" programs
		groups_run "$chosen" "${lanes[@]}"
	fi
fi
python3 tests/check_long_report.py "$work" "$commit" \
	"$([ "$tree" = "$(git rev-parse 'HEAD^{tree}')" ] || echo changed)" "$table" >build/check-long.json
echo "wrote build/check-long.json"
harness_finish
