# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Counts test results. Every group is a command that prints lines in the style
# of TAP: `ok - name`, `not ok - name`, `ok - name # SKIP reason`; everything
# else it prints is its log. A group that prints no result at all has failed, as
# has one that exits non-zero without a `not ok` line.
#
#   harness_start LOG_DIRECTORY
#   group NAME COMMAND [ARGUMENT]...
#   harness_finish            prints the summary; non-zero if anything failed

harness_start() {
	harness_logs=$1
	harness_passed=0
	harness_failed=0
	harness_skipped=0
	harness_problems=()
	harness_begin=$SECONDS
	rm -rf "$harness_logs"
	mkdir -p "$harness_logs"
}

# True when tests/allowed-skips names this skip: lines `GROUP: TEST NAME`.
skip_allowed() {
	grep -qxF -- "$1: $2" "${BASH_SOURCE[0]%/*}/allowed-skips"
}

group() {
	local name=$1 log begin=$SECONDS status=0 passed=0 failed=0 skipped=0 line test
	shift
	log=$harness_logs/$name.log
	printf '%-32s ' "$name"
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
				harness_problems+=("$name: skipped, not in tests/allowed-skips: $test (${line##*# SKIP })")
			fi
			;;
		'ok '*) passed=$((passed + 1)) ;;
		'not ok '*)
			failed=$((failed + 1))
			harness_problems+=("$name: ${line#not ok }")
			;;
		esac
	done <"$log"
	if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
		failed=1
		harness_problems+=("$name: exited with $status (see $log)")
	elif [ $((passed + failed + skipped)) -eq 0 ]; then
		failed=1
		harness_problems+=("$name: reported no result (see $log)")
	fi
	harness_passed=$((harness_passed + passed))
	harness_failed=$((harness_failed + failed))
	harness_skipped=$((harness_skipped + skipped))
	printf '%5d passed %3d failed %3d skipped %5d s\n' "$passed" "$failed" "$skipped" $((SECONDS - begin))
	if [ "$failed" -gt 0 ]; then
		tail -n 25 "$log" | sed 's/^/    | /'
	fi
}

harness_finish() {
	local problem
	printf '\n'
	for problem in ${harness_problems[@]+"${harness_problems[@]}"}; do
		printf 'FAILED %s\n' "$problem"
	done
	printf 'tests took %d s\n' $((SECONDS - harness_begin))
	printf '%d passed, %d failed, %d skipped\n' "$harness_passed" "$harness_failed" "$harness_skipped"
	[ "$harness_failed" -eq 0 ]
}
