#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Random networks: what compiler, simulator and processor make of them must be
# the same in every byte, for random configurations and schedules, and take the
# cycles that were predicted, within 5 %, most of them to the cycle; a sixth as many more
# for other rounding profiles (--profiles); and, where the reference's Python environment
# exists or --reference asks for it, the same as
# TensorFlow Lite's reference kernels give.
# Prints TAP lines.
#
# usage: tests/random-graphs/check.sh [--count N] [--first SEED] [--seconds N]
#                                     [--reference N]
#
# N seeds (default $KESTREL_RANDOM_GRAPHS, else 600, half a minute), begun within --seconds (default no
# limit); the first --reference of them are also run by the reference (default
# $KESTREL_RANDOM_REFERENCE, else 25 if tests/demo/make-venv.sh has been run, else none).
set -u
cd "$(dirname "$0")/../.."
count=${KESTREL_RANDOM_GRAPHS:-600}
first=1
seconds=0
reference=${KESTREL_RANDOM_REFERENCE-}
while [ $# -gt 0 ]; do
	case $1 in
	--count) count=$2; shift 2 ;;
	--first) first=$2; shift 2 ;;
	--seconds) seconds=$2; shift 2 ;;
	--reference) reference=$2; shift 2 ;;
	--help) sed -n '4,17s/^# \{0,1\}//p' "$0"; exit 0 ;;
	*) echo "check.sh: unknown option $1" >&2; exit 2 ;;
	esac
done

make -s random-graphs || exit 1
program=build/tests/random-graphs/random_graphs
failed=0
"$program" --first "$first" --count "$count" --seconds "$seconds" || failed=1
"$program" --first $((first + count)) --count $(((count + 5) / 6)) --profiles || failed=1
# Each has found a fault once: rows of padding that a cascade made before any input, and
# loads that get ahead of what waits for them by more than a semaphore counts; tensors on
# other pages than predicted, in one job and in the second of two; bursts of commands that
# delayed transfers at other times than predicted; constants of a second job; a map that came to a cascade in
# stripes, of which a padding took the whole.
for seed in 50442 60566 40168 6141 30117 1879 4487 4516 6358 20406; do
	"$program" --first $seed --count 1 || failed=1
done

venv=${KESTREL_CACHE:-$HOME/.cache/kestrel}/tensorflow-2.14.1/bin/python
if [ -z "$reference" ]; then
	reference=0
	[ -x "$venv" ] && reference=25
elif [ ! -x "$venv" ]; then
	tests/demo/make-venv.sh >/dev/null || exit 1
fi
if [ "$reference" -gt 0 ]; then
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	"$program" --first "$first" --count "$reference" --write "$work" >/dev/null
	tests/random-graphs/reference.py "$work" || failed=1
fi
exit $failed
