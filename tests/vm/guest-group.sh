# shellcheck shell=bash disable=SC2154 # out and title are of the caller
# SPDX-License-Identifier: MIT
#
# For groups that run a guest of their own: what each of them prepares. The caller sets
#
#   title      what its lines begin with, also when a preparation fails
#   out        directory for all that the run leaves; made anew
#
# and finds in overlay the files that the guest is to have, in module the driver.

# Deadlines of a driver in an emulator whose host is busy: the defaults are for
# hardware, and what is not answered in 100 ms costs the firmware a reset.
# shellcheck disable=SC2034 # of the caller
busy_parameters='boot_timeout_ms=40000 request_timeout_ms=2000 invalidate_timeout_ms=2000 heartbeat_timeout_ms=20000'

# must COMMAND...: ends the group with what the command said if it fails.
must() {
	if ! "$@" >"$out/prepare.log" 2>&1 </dev/null; then
		sed 's/^/# /' "$out/prepare.log" | tail -n 40
		echo "not ok - $title: $1"
		exit 1
	fi
}

# guest_prepare KERNEL: QEMU, driver and firmware, and an overlay with the latter.
guest_prepare() {
	overlay=$out/root
	rm -rf "$out"
	mkdir -p "$overlay/tests" "$overlay/lib/firmware/kestrel/arch1.0"
	[ -n "${KESTREL_QEMU-}" ] || must emulator/qemu/build.sh
	must tests/vm/build-module.sh "$1"
	# shellcheck disable=SC2034 # of the caller
	module=$(tail -n 1 "$out/prepare.log")/kestrel.ko
	must make -s build/firmware/kestrel_fw.bin
	cp build/firmware/kestrel_fw.bin "$overlay/lib/firmware/kestrel/arch1.0/"
}
