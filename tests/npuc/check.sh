#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What npuc tells people and scripts: reports in three formats, --explain,
# --verify, --sweep, the list of operators, exit codes. Prints TAP lines.
#
# usage: tests/npuc/check.sh
set -u
cd "$(dirname "$0")/../.."

model=tests/demo/model.tflite
out=build/npuc-check
rm -rf "$out"
mkdir -p "$out"
failed=0

# check NAME COMMAND...: it succeeds.
check() {
	local name=$1
	shift
	if "$@" >"$out/log" 2>&1 </dev/null; then
		echo "ok - $name"
	else
		sed 's/^/# /' "$out/log" | tail -n 20
		echo "not ok - $name"
		failed=1
	fi
}

# exits STATUS COMMAND...
exits() {
	local expected=$1 status=0
	shift
	"$@" || status=$?
	[ "$status" = "$expected" ]
}

# Figures that must agree with each other, whatever they are.
report_is_sound() {
	python3 - "$1" <<-'EOF'
	import json, sys
	text = open(sys.argv[1], encoding="ascii").read()
	if sys.argv[1].endswith(".html"):
	    text = text.split('id="report">', 1)[1].split("</script>", 1)[0]
	report = json.loads(text)
	operators = report["operators"]
	places = [operator["place"] for operator in operators]
	assert report["ops_total"] == len(operators) > 3
	assert (report["ops_npu"], report["ops_cpu"], report["ops_removed"]) == \
	    (places.count("npu"), places.count("cpu"), places.count("removed"))
	assert report["macs"] == sum(operator["macs"] for operator in operators)
	assert sum(job["cycles"] for job in report["jobs"]) == report["predicted_cycles"] > 0
	peak = 0
	for job in report["jobs"]:
	    assert max(command[3] for command in job["commands"]) <= job["cycles"]
	    assert {command[0] for command in job["commands"]} <= {0, 1, 2, 3}
	    for address, bytes, start, finish, content, name in job["sram"]:
	        assert 0 <= start <= finish <= job["cycles"] and content and name
	        peak = max(peak, address + bytes)
	assert peak == report["sram_peak_bytes"] <= report["sram_bytes"]
	EOF
}

sweep_is_sound() {
	build/bin/npuc $model --sweep macs=64..256,bandwidth=1:4 --json >"$out/sweep.json" &&
	python3 - "$out/sweep.json" <<-'EOF'
	import json, sys
	rows = json.load(open(sys.argv[1]))
	cycles = {(row["macs"], row["bandwidth"]): row["predicted_cycles"] for row in rows}
	assert sorted(cycles) == [(m, b) for m in (64, 128, 256) for b in (1, 4)], cycles
	assert cycles[256, 4] < cycles[64, 4] and cycles[256, 4] < cycles[256, 1]
	assert any(row["best"] for row in rows)
	EOF
}

# Keys alone, as the issue has them: every combination of the ranges that --help names.
sweeps_all() {
	build/bin/npuc $model --sweep macs,sram,bandwidth --json >"$out/sweep.json" &&
	python3 - "$out/sweep.json" <<-'EOF'
	import json, sys
	rows = json.load(open(sys.argv[1]))
	seen = [(row["macs"], row["sram"], row["bandwidth"]) for row in rows]
	assert seen == [(m, s, b) for m in (64, 128, 256, 512, 1024, 2048)
	                for s in (131072, 262144, 524288) for b in (1, 2, 4, 8)], seen
	EOF
}

# What a person at a terminal sees, each line that replaces another on its own, and
# at the end of it nothing of that.
shows() { # PATTERN COMMAND...
	local pattern=$1
	shift
	script -qec "$*" /dev/null </dev/null | tr '\r' '\n' >"$out/terminal" &&
		grep -qE "^npuc: $pattern" "$out/terminal" && ! tail -n 1 "$out/terminal" | grep -q '^npuc: '
}

tells_no_script() { # COMMAND...: what is no terminal gets no progress.
	"$@" 2>"$out/notice" && [ ! -s "$out/notice" ]
}

explains() { # OPERATOR PATTERN
	build/bin/npuc $model --explain "$1" | grep -q "$2"
}

verifies() {
	build/bin/npuc $model --target kestrel-128 --verify --set sram=65536 | grep -q 'agree in every byte'
}

same_on() { # GRAPH DEVICE [TARGET]
	build/bin/npu-run "$1" --device "$2" ${3:+--target "$3"} --input tests/demo/input_0.bin \
		--output "$out/output.bin" && cmp "$out/output.bin" tests/demo/output_0.bin
}

# The stream of the file, not one compiled when it was loaded.
has_stream() { # GRAPH TARGET
	build/bin/npu-info --device sim --target "$2" "$1" | tee "$out/info" |
		grep -q "^stream  *$2 (stream \"$2\" suits"
}

# The operators of each stream are those of a graph that has only this one.
info_has_streams() { # BOTH SECOND
	build/bin/npu-info --device cpu --json "$1" >"$out/both-info.json" &&
		build/bin/npu-info --device sim --target kestrel-512 --json "$2" >"$out/two-info.json" &&
		python3 - "$out/both-info.json" "$out/two-info.json" <<-'EOF'
	import json, sys
	both, two = (json.load(open(path))["model"] for path in sys.argv[1:])
	assert [s["target"] for s in both["streams"]] == ["kestrel-256", "kestrel-512"], both
	assert [s["in_use"] for s in both["streams"]] == [False, False]
	assert two["streams"][0]["in_use"] and len(two["streams"]) == 1
	assert all(operator["place"] == "cpu" for operator in both["operators"])
	assert two["operators"] == two["streams"][0]["operators"] == both["streams"][1]["operators"]
	assert both["streams"][0]["predicted_cycles"] > both["streams"][1]["predicted_cycles"] > 0
	EOF
}

# The last of many: a stream for an SRAM of 64 KiB.
takes_long_settings() {
	local settings
	settings=$(printf 'page=4096,%.0s' {1..60})sram=65536
	build/bin/npu-info --device sim --set "$settings" $model |
		grep -q '^stream 0 .*, 65536 bytes of SRAM'
}

# Every step of the ladder, with its reason: an SRAM of 4 KiB leaves little for the first.
ladder_is_told() {
	build/bin/npuc $model -o "$out/small.npu" --set "$1" --report "$out/small.json" &&
		python3 - "$out/small.json" "$2" <<-'EOF'
	import json, sys
	report = json.load(open(sys.argv[1]))
	steps, words = {}, {"fastest": [""], "smaller tiles": ["at a time", "in parts"],
	                    "spill": ["bytes to memory"], "processor": ["does not fit"]}
	for operator in report["operators"]:
	    step, reason = operator["step"], operator["step_reason"]
	    assert (operator["place"] == "npu") == (step in ("fastest", "smaller tiles", "spill")), operator
	    assert (operator["place"] == "cpu") == (step == "processor"), operator
	    assert bool(reason) == (step in ("smaller tiles", "spill", "processor")), operator
	    assert step == "" or any(word in reason for word in words[step]), operator
	    steps[step] = steps.get(step, 0) + 1
	assert ("spill" in steps) == (report["spill_bytes"] > 0), (steps, report["spill_bytes"])
	missing = [step for step in sys.argv[2].split(",") if step not in steps]
	assert not missing, (missing, steps)
	EOF
}

is_smaller() { # FILE FILE BYTES: the first, by at least so many
	[ $(($(stat -c %s "$1") + $3)) -le "$(stat -c %s "$2")" ]
}

# Commands and placement take 1.5 KB, another copy of what they read would 9 KB.
shares() {
	is_smaller "$out/both.npu" "$out/one.npu" -2048 &&
		is_smaller "$out/both.npu" "$out/two.npu" -2048
}

# The processor refuses the graph, and says why.
refused_by_processor() {
	! build/bin/npu-run "$out/npu.npu" --device cpu --input tests/demo/input_0.bin \
		--output "$out/output.bin" 2>"$out/refusal" &&
		grep 'made for the NPU only' "$out/refusal"
}

# Without the compiler the model runs on the processor, and the reason is told.
falls_back() { # PROGRAM [ARGUMENT...]
	local program=$1
	shift
	"$out/bare/bin/$program" "$out/two.npu" --device sim --target kestrel-256 "$@" 2>"$out/notice" &&
		grep "^$program: .*two.npu runs on the processor: .*512 MACs a cycle, device has 256; not compiled anew: no compiler" \
			"$out/notice"
}

# Nothing is said of a model that runs where it was asked to.
is_quiet() { # GRAPH DEVICE TARGET
	build/bin/npu-bench "$1" --device "$2" --target "$3" --runs 1 2>"$out/notice" &&
		[ ! -s "$out/notice" ]
}

# One device for all: npuc once removed what it had failed to write.
not_written() { # STATUS COMMAND...
	exits "$@" 2>"$out/notice" && [ -c /dev/full ] && grep 'No space left on device' "$out/notice"
}

to_full_disk() { # COMMAND...: it prints to a full disk, and tells.
	not_written 1 sh -c '"$@" >/dev/full' sh "$@"
}

refuses() { # STATUS PATTERN COMMAND...
	local status=$1 pattern=$2
	shift 2
	exits "$status" "$@" 2>"$out/notice" && grep -e "$pattern" "$out/notice"
}

# The options of --help are those of the man page.
same_options() { # PROGRAM
	diff <(build/bin/"$1" --help | options) <(sed 's/\\-/-/g; s/\\f.//g' "docs/man/$1.1" | options)
}

options() {
	grep -oE -e '--[a-z][a-z-]*' | sort -u
}

# Bytes that are no text stay out of what has to be text.
is_json() { # COMMAND...
	"$@" >"$out/printed.json" && python3 -m json.tool "$out/printed.json"
}

# The rest of such a name is what it was.
names_oddly() { # KEY COMMAND...
	local key=$1
	shift
	"$@" >"$out/printed.json" && python3 - "$key" "$out/printed.json" <<-'EOF'
	import json, sys
	name = json.load(open(sys.argv[2], encoding="utf-8"))[sys.argv[1]]
	assert "caf\u00e9 \U0001f600 \ufffd\"." in name, name
	EOF
}

# Viewers drop slices of a row that overlap, unless one lies within the other. With
# an engine of any order commands overlap more than in the exact one.
trace_is_whole() { # SETTINGS
	rm -f "$out/trace.json"
	build/bin/npuc $model -o "$out/traced.npu" --report "$out/traced-report.json" &&
		build/bin/kestrel-sim "$out/traced.npu" --set "$1" --input tests/demo/input_0.bin \
			--output "$out/output.bin" --trace "$out/trace.json" --json >"$out/traced.json" &&
		python3 - "$out/trace.json" "$out/traced-report.json" "$out/traced.json" <<-'EOF'
	import collections, json, sys
	trace, report, figures = (json.load(open(path)) for path in sys.argv[1:])
	units = ["dma_in", "dma_out", "mac", "vector"]
	events = trace["traceEvents"]
	names = {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}
	rows, seen = collections.defaultdict(list), collections.Counter()
	for event in events:
	    if event["ph"] == "X":
	        assert names[event["tid"]].split()[0] == event["args"]["unit"]
	        rows[event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
	        seen[event["args"]["unit"]] += 1
	assert len(set(names.values())) == len(names) == len(rows) > len(seen), names
	for row in rows.values():
	    row.sort()
	    # A sum of two decimals is off by less than a picosecond.
	    assert all(a[1] <= b[0] + 1e-6 for a, b in zip(row, row[1:]))
	commands = collections.Counter()
	for job in report["jobs"]:
	    commands.update(units[command[0]] for command in job["commands"])
	assert figures["runs"] > 1 and sum(commands.values()) == figures["commands"]
	assert seen == {u: n * figures["runs"] for u, n in commands.items()}, (seen, commands)
	EOF
}

# What failed leaves no half timeline.
leaves_no_file() { # STATUS PATTERN FILE COMMAND...
	local file=$3
	refuses "$1" "$2" "${@:4}" && [ ! -e "$file" ]
}

# No file has room for more than a kibibyte, as on a disk that fills up.
little_room() ( # COMMAND...
	trap '' XFSZ
	ulimit -f 1
	"$@"
)

# Half a file is removed; a link to a file is not, nor is what it points to.
leaves_no_half() { # FILE COMMAND...
	local file=$1 pattern='File too large\|not all of it could be written'
	shift
	rm -f "$file"
	refuses 1 "$file: \($pattern\)" little_room "$@" && [ ! -e "$file" ] &&
		: >"$out/pointed-to" && ln -s pointed-to "$file" &&
		refuses 1 "$file: \($pattern\)" little_room "$@" && [ -L "$file" ] &&
		[ -s "$out/pointed-to" ] && rm "$file"
}

lists_streams() {
	python3 - "$1" <<-'EOF'
	import json, sys
	report = json.load(open(sys.argv[1]))
	streams = report["streams"]
	assert [s["target"] for s in streams] == ["kestrel-256", "kestrel-512"], streams
	assert streams[0]["predicted_cycles"] == report["predicted_cycles"] > 0
	assert streams[1]["predicted_cycles"] < report["predicted_cycles"]
	for stream in streams:
	    assert [o["index"] for o in stream["operators"]] == \
	        [o["index"] for o in report["operators"]]
	first = [{key: o[key] for key in streams[0]["operators"][i]}
	         for i, o in enumerate(report["operators"])]
	assert first == streams[0]["operators"] != streams[1]["operators"]
	assert streams[0]["constant_bytes"] == report["constant_bytes"] <= report["raw_constant_bytes"]
	EOF
}

check "report as JSON" build/bin/npuc $model -o "$out/demo.npu" --report "$out/report.json"
check "its figures agree" report_is_sound "$out/report.json"
check "report as a page" build/bin/npuc $model -o "$out/demo.npu" --report "$out/report.html"
check "its figures agree" report_is_sound "$out/report.html"
check "report as text" build/bin/npuc $model -o "$out/demo.npu" --report "$out/report.txt"
check "it names operators" grep -q '^ *0 CONV_2D  *npu ' "$out/report.txt"
check "an operator is explained by index" explains 0 'MAC  *[0-9]* commands'
check "an operator is explained by type" explains SOFTMAX 'place  *npu'
check "an operator that is not there" exits 1 build/bin/npuc $model --explain NOTHING
check "a type that several have" exits 1 build/bin/npuc $model --explain CONV_2D
check "steps and their reasons: all of it in SRAM" ladder_is_told sram=393216 fastest
check "steps and their reasons: little SRAM" ladder_is_told sram=4096 "fastest,smaller tiles,spill"
check "steps and their reasons: no spill" ladder_is_told sram=4096,spill=off processor
check "commands are verified against operators" verifies
check "a stream for one configuration" build/bin/npuc $model -o "$out/one.npu"
check "a stream for another" build/bin/npuc $model -o "$out/two.npu" --target kestrel-512
check "streams for two configurations" build/bin/npuc $model -o "$out/both.npu" \
	--target kestrel-256 --target kestrel-512 --report "$out/both.json"
check "the report tells of both" lists_streams "$out/both.json"
check "their weights are stored once" shares
build/bin/npuc $model -o "$out/list.npu" --target kestrel-256,kestrel-512
check "targets as a list" cmp "$out/both.npu" "$out/list.npu"
for target in kestrel-256 kestrel-512; do
	check "the stream of $target is found" has_stream "$out/both.npu" $target
	check "its bytes are the reference's" same_on "$out/both.npu" sim $target
done
check "npu-info tells of every stream" info_has_streams "$out/both.npu" "$out/two.npu"
check "settings of any length count" takes_long_settings
check "the processor's too" same_on "$out/both.npu" cpu
check "a configuration without a stream is compiled for" same_on "$out/both.npu" sim kestrel-128
mkdir -p "$out/bare/bin" "$out/bare/firmware"
cp build/bin/npu-run build/bin/npu-bench build/bin/libnpu.so.0 build/bin/libkestrel-simulator.so \
	"$out/bare/bin/"
cp build/firmware/kestrel_fw.bin "$out/bare/firmware/"
check "npu-bench tells why the NPU has nothing to do" falls_back npu-bench --runs 1
check "npu-run does, too" falls_back npu-run --input tests/demo/input_0.bin --output "$out/output.bin"
check "the bytes are the reference's" cmp "$out/output.bin" tests/demo/output_0.bin
check "where the NPU has something to do nothing is said" is_quiet "$out/two.npu" sim kestrel-512
check "nor of the processor where it was asked for" is_quiet "$out/two.npu" cpu kestrel-256
check "every stream is verified" build/bin/npuc $model --target kestrel-512,kestrel-64 --verify
check "two streams for one configuration" exits 1 build/bin/npuc $model -o "$out/x.npu" \
	--target kestrel-256,kestrel-256
check "an unknown configuration among others" exits 1 build/bin/npuc $model -o "$out/x.npu" \
	--target kestrel-256,,kestrel-512
check "a graph for the NPU only" build/bin/npuc $model -o "$out/npu.npu" --npu-only \
	--target kestrel-256,kestrel-512
check "it is smaller by the weights" is_smaller "$out/npu.npu" "$out/both.npu" 7000
for target in kestrel-256 kestrel-512; do
	check "it runs on $target" same_on "$out/npu.npu" sim $target
done
check "it tells what is in it" build/bin/npu-info "$out/npu.npu"
check "it does not run on the processor" refused_by_processor
check "nor on another configuration" exits 1 same_on "$out/npu.npu" sim kestrel-128
check "a graph for nobody" exits 1 build/bin/npuc $model -o "$out/x.npu" --npu-only --no-stream
check "weights to verify with" exits 2 build/bin/npuc $model --npu-only --verify
check "configurations are swept" sweep_is_sound
check "keys alone are swept over ranges" sweeps_all
for keys in macs=x macs= = "" depth macs,macs macs=64,macs macs=64: macs=64..32 macs=0 macs=1..4294967296 \
	sram,, sram=nan bandwidth=1..inf; do
	check "a sweep of nonsense: '$keys'" exits 2 build/bin/npuc $model --sweep "$keys"
done
check "a sweep tells which configuration it is at" shows 'configuration 2 of 2' \
	build/bin/npuc $model --sweep macs=64:128
check "--verify tells which run it is at" shows '--verify: kestrel-512, run 4 of 4' \
	build/bin/npuc $model --target kestrel-64,kestrel-512 --verify
every=kestrel-64,kestrel-128,kestrel-256,kestrel-512,kestrel-1024,kestrel-2048
check "a search tells what of and how far" \
	shows 'kestrel-2048 \(6 of 6\): .*operators.*, [0-9]+ ways' \
	build/bin/npuc tests/transformer/encoder/model.tflite -o "$out/x.npu" --set sram=65536 --target $every
check "scripts are told nothing of that" tells_no_script build/bin/npuc \
	tests/transformer/encoder/model.tflite -o "$out/x.npu" --set sram=65536
check "nothing to do" exits 2 build/bin/npuc $model
check "every condition of an NPU form has words" exits 1 grep -n '?' docs/operators.md
check "forms of ONNX operators say nothing of int16" exits 1 \
	grep -n int16 <(sed -n '/^## ONNX/,$p' docs/operators.md | grep '^|')
check "docs/operators.md is what npuc --list-ops=markdown prints" \
	diff -u docs/operators.md <(build/bin/npuc --list-ops=markdown)

check "a graph for a full disk" not_written 1 build/bin/npuc $model -o /dev/full
check "a report for a full disk" not_written 1 build/bin/npuc $model --report /dev/full
check "a graph on standard output" cmp "$out/one.npu" <(build/bin/npuc $model -o -)
for command in "npuc --help" "npuc --list-ops" "npuc $model --explain 0" "npuc $model --report -" \
	"npuc $model --sweep macs=64 --json" "npuc $model --verify" "npu-info --help" \
	"npu-info $out/one.npu" "npu-info --json" "npu-bench $out/one.npu --runs 1 --json" \
	"npu-run $out/one.npu --input tests/demo/input_0.bin --output $out/output.bin --json" \
	"npu-classify $out/one.npu --labels tests/demo/labels.txt --image tests/demo/samples/digit_0.png" \
	"kestrel-sim $out/one.npu --input tests/demo/input_0.bin --output $out/output.bin --json" \
	"npu-top --once" "npu-timeline --help" "npu-coredump --help" "kestrel-fw --help" \
	"kestrel-fw print build/firmware/kestrel_fw.bin --json"; do
	# shellcheck disable=SC2086
	check "$command, to a full disk" to_full_disk build/bin/$command
done
for command in npuc npu-run npu-bench npu-classify npu-info npu-top npu-timeline npu-coredump \
	kestrel-sim kestrel-fw; do
	check "the options of $command are those of its man page" same_options "$command"
done
check "a report on standard output" is_json build/bin/npuc $model --report -
odd=$out/$(printf 'caf\303\251 \360\237\230\200 \377"').npu
cp "$out/one.npu" "$odd"
for command in npu-info npu-bench; do
	check "$command --json of a file with an odd name" is_json build/bin/$command "$odd" --json
done
for command in npu-run kestrel-sim; do
	check "$command --json of a file with an odd name" names_oddly model build/bin/$command "$odd" --json \
		--input tests/demo/input_0.bin --output "$out/output.bin"
done
cp $model "$odd.tflite"
check "a report of a model with an odd name" names_oddly model build/bin/npuc "$odd.tflite" --report -
check "a directory is no model" refuses 1 'Is a directory' build/bin/npuc tests -o "$out/x.npu"
check "nor is a graph" refuses 1 'compiled graph' build/bin/npuc "$out/one.npu" -o "$out/x.npu"
check "nor is anything else" refuses 1 'neither an ONNX' build/bin/npuc README.md -o "$out/x.npu"
check "an unknown configuration: those that there are" refuses 1 'kestrel-2048' \
	build/bin/npuc $model -o "$out/x.npu" --target kestrel-999
check "a setting out of its range: the range" refuses 1 '4096..67108864' \
	build/bin/npuc $model -o "$out/x.npu" --set sram=1
check "a sweep makes no graph" exits 2 build/bin/npuc $model --sweep macs=64 -o "$out/x.npu"
check "two for one standard output" exits 2 build/bin/npuc $model --report - --verify
check "--json without --sweep" exits 2 build/bin/npuc $model --json -o "$out/x.npu"
check "layers for a full disk" not_written 1 build/bin/npu-run "$out/one.npu" --device cpu \
	--input tests/demo/input_0.bin --output "$out/output.bin" --dump-layers /dev/full
check "a picture that is not there" refuses 1 'No such file' build/bin/npu-classify "$out/one.npu" \
	--labels tests/demo/labels.txt --image "$out/none.png"
check "a directory is no trace" refuses 1 'Is a directory' build/bin/npu-timeline tests
check "a directory is no graph" refuses 1 'not a regular file' build/bin/npu-info tests
check "a node that is no DRM device" refuses 1 'not a DRM device' build/bin/npu-info --device /dev/null
check "every command is in the timeline, in rows without overlaps" trace_is_whole schedule=exact
check "with random delays, too" trace_is_whole schedule=random:7
simulate=(build/bin/kestrel-sim "$out/one.npu" --input tests/demo/input_0.bin --output "$out/output.bin")
check "a timeline that cannot be written: why" refuses 1 'Is a directory' "${simulate[@]}" --trace tests
check "a timeline for a full disk" not_written 1 "${simulate[@]}" --trace /dev/full
check "no half of a graph" leaves_no_half "$out/half" build/bin/npuc $model -o "$out/half"
check "no half of a report" leaves_no_half "$out/half" \
	build/bin/npuc $model --report "$out/half"
check "no half of an output" leaves_no_half "$out/half" \
	build/bin/npu-run "$out/one.npu" --device cpu --input tests/demo/input_0.bin --output "$out/half"
check "no half of a timeline" leaves_no_half "$out/half" \
	"${simulate[@]}" --trace "$out/half"
check "no half of the layers" leaves_no_half "$out/half" \
	build/bin/npu-run "$out/one.npu" --device cpu --input tests/demo/input_0.bin \
	--output /dev/null --dump-layers "$out/half"
check "no timeline of a run that fails" leaves_no_file 1 'No such file' "$out/failed.json" \
	build/bin/kestrel-sim "$out/none.npu" --input tests/demo/input_0.bin --output "$out/output.bin" \
	--trace "$out/failed.json"
check "a trace without events makes no timeline" leaves_no_file 1 'no event of the driver' \
	"$out/failed.json" build/bin/npu-timeline README.md --output "$out/failed.json"
check "a setting that there is not: those that there are" refuses 1 'no such key; there are macs .*ambient' \
	"${simulate[@]}" --set colour=blue
check "npuc names them, too" refuses 1 'setting "colour" is unknown; there are macs .*ambient' \
	build/bin/npuc $model -o "$out/x.npu" --set colour=blue
exit $failed
