#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Builds what several groups of tests use, once and before them: two groups that
# run side by side must not build into one directory. Prints TAP lines.
set -u
cd "$(dirname "$0")/.." || exit

jobs=-j$(nproc)
programs=(programs unit-tests bad-input-programs fuzzers random-graphs tiles-networks)
log=build/build-tests.log
mkdir -p build

# built NAME COMMAND...
built() {
	local name=$1 begin=$SECONDS
	shift
	if "$@" >"$log" 2>&1 </dev/null; then
		echo "ok - $name"
		echo "# $((SECONDS - begin)) s"
	else
		tail -n 40 "$log" | sed 's/^/# /'
		echo "not ok - $name"
	fi
}

built "host programs build" make -s "$jobs" "${programs[@]}"
built "host programs build with sanitizers" make -s "$jobs" BUILD=build/sanitized \
	SANITIZE=address,undefined "${programs[@]}"
[ -n "${KESTREL_QEMU-}" ] || built "QEMU builds" emulator/qemu/build.sh
for arch in arm64 amd64; do
	built "guest programs build for $arch" tests/vm/build-guest.sh build/guest-programs/$arch \
		$arch tests/models/interface_test
done
