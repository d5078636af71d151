# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Counts test results. Every group is a command that prints lines in the style
# of TAP: `ok - name`, `not ok - name`, `ok - name # SKIP reason`; everything
# else it prints is its log. A group that prints no result at all has failed, as
# has one that exits non-zero without a `not ok` line.
#
#   harness_start DIRECTORY
#   group NAME COMMAND [ARGUMENT]...
#   harness_finish            prints the summary; non-zero if anything failed
#
# What a group did is kept in DIRECTORY: NAME.log is what it printed, NAME.result
# `PASSED FAILED SKIPPED SECONDS`, NAME.problems a line a failure. So groups may
# run in processes side by side, and their lines come out whole. Where there are
# functions group_begins and group_ended, they are called with a group's name.

harness_start() {
	harness_logs=$1
	harness_begin=$SECONDS
	harness_expected=()
	rm -rf "$harness_logs"
	mkdir -p "$harness_logs"
}

# True when tests/allowed-skips names this skip: lines `GROUP: TEST NAME`; every
# skip is where harness_any_skip is set.
skip_allowed() {
	[ -z "${harness_any_skip-}" ] || return 0
	grep -qxF -- "$1: $2" "${BASH_SOURCE[0]%/*}/allowed-skips"
}

group() {
	local name=$1 log begin=$SECONDS status=0 passed=0 failed=0 skipped=0 line test
	local -a problems=()
	shift
	log=$harness_logs/$name.log
	! declare -F group_begins >/dev/null || group_begins "$name"
	"$@" >"$log" 2>&1 </dev/null || status=$?
	while IFS= read -r line; do
		line=${line%$'\r'}
		case $line in
		'ok '*'# SKIP'*)
			test=${line#ok }
			test=${test#- }
			test=${test%% # SKIP*}
			if skip_allowed "$name" "$test"; then
				skipped=$((skipped + 1))
			else
				failed=$((failed + 1))
				problems+=("skipped, not in tests/allowed-skips: $test (${line##*# SKIP })")
			fi
			;;
		'ok '*) passed=$((passed + 1)) ;;
		'not ok '*)
			failed=$((failed + 1))
			line=${line#not ok }
			problems+=("${line#- }")
			;;
		esac
	done <"$log"
	if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
		failed=1
		problems+=("exited with $status (see $log)")
	elif [ $((passed + failed + skipped)) -eq 0 ]; then
		failed=1
		problems+=("reported no result (see $log)")
	fi
	printf '%s\n' ${problems[@]+"${problems[@]/#/$name: }"} >"$harness_logs/$name.problems"
	echo "$passed $failed $skipped $((SECONDS - begin))" >"$harness_logs/$name.result"
	# In one piece: another group may be printing, too.
	line=$(printf '%-32s %5d passed %3d failed %3d skipped %5d s' "$name" "$passed" "$failed" \
		"$skipped" $((SECONDS - begin)))
	if [ "$failed" -gt 0 ] && [ -s "$log" ]; then
		line+=$'\n'$(tail -n 25 "$log" | sed 's/^/    | /')
	fi
	printf '%s\n' "$line"
	! declare -F group_ended >/dev/null || group_ended "$name"
}

harness_finish() {
	local result passed=0 failed=0 skipped=0 p f s
	for result in "$harness_logs"/*.result; do
		[ -e "$result" ] || continue
		read -r p f s _ <"$result"
		passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	done
	printf '\n'
	for result in ${harness_expected[@]+"${harness_expected[@]}"}; do
		[ -e "$harness_logs/$result.result" ] && continue
		failed=$((failed + 1))
		echo "FAILED $result: has not come to its end"
	done
	sed -n 's/^./FAILED &/p' "$harness_logs"/*.problems 2>/dev/null || true
	printf 'tests took %d s\n' $((SECONDS - harness_begin))
	printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
	[ "$failed" -eq 0 ]
}

# groups_names TABLE: the names in a table of groups, lines `LANE NAME COMMAND`.
groups_names() {
	sed -e '/^#/d' -e '/^$/d' "$1" | awk '{ print $2 }'
}

# groups_lane TABLE LANE: the groups of a lane in order, then whatever the other
# lanes have left. A group belongs to whoever makes its directory first.
groups_lane() {
	local table=$1 lane=$2 pass of name command

	for pass in own other; do
		while read -r of name command; do
			case $of in '#'* | '') continue ;; esac
			[ $pass = other ] || [ "$of" = "$lane" ] || continue
			mkdir "$harness_logs/.taken/$name" 2>/dev/null || continue
			group "$name" bash -c "$command"
		done <"$table"
	done
}

# groups_run TABLE LANE...: all groups of the table, a process for each lane. An
# interrupt ends the lanes with all that they have begun.
groups_run() {
	local table=$1 lane
	local -a lanes=()

	shift
	mapfile -t harness_expected < <(groups_names "$table")
	mkdir -p "$harness_logs/.taken"
	set -m
	for lane; do
		groups_lane "$table" "$lane" </dev/null &
		lanes+=($!)
	done
	set +m
	# shellcheck disable=SC2064 # the lanes of now
	trap "kill -TERM ${lanes[*]/#/-} 2>/dev/null; exit 130" INT TERM
	wait "${lanes[@]}" || true
	trap - INT TERM
}
