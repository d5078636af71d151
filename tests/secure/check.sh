#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# A device that is fused secure, in a guest: it boots what its key has signed, and
# the driver tells why it refuses everything else. Prints TAP lines.
#
# usage: tests/secure/check.sh [debian|debug]     (default debian)
set -u
cd "$(dirname "$0")/../.." || exit

kernel=${1-debian}
case $kernel in
debian) parameters='' ;;
# Deadlines of the driver, 20 times their defaults.
debug)
	parameters='boot_timeout_ms=40000 request_timeout_ms=2000 invalidate_timeout_ms=20000 heartbeat_timeout_ms=20000'
	;;
*) sed -n '4,7s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

# The fuse of the device; images have this security version, or one below.
fuse=3
out=build/secure/$kernel
overlay=$out/root
tool=build/bin/kestrel-fw
rm -rf "$out"
mkdir -p "$out"

# pack SECURITY_VERSION IMAGE: the firmware, unsigned.
pack() {
	$tool pack build/firmware/kestrel_fw.elf -o "$2" --version 0.1.0 --build secure-test \
		--security-version "$1"
}

# KESTREL_QEMU names another QEMU, as for run-guest.sh.
prepare() {
	local images=$overlay/secure/images

	[ -n "${KESTREL_QEMU-}" ] || emulator/qemu/build.sh || return
	tests/vm/build-guest.sh "$overlay" || return
	mkdir -p "$images" &&
		build/bin/npuc tests/demo/model.tflite -o "$overlay/secure/model.npu" \
			--target kestrel-256 &&
		cp tests/demo/input_0.bin tests/demo/output_0.bin "$overlay/secure/" &&
		public_key=$($tool keygen -o "$out/key.pem") &&
		$tool keygen -o "$out/other.pem" &&
		pack $fuse "$images/unsigned" &&
		pack $((fuse - 1)) "$out/old" &&
		$tool sign "$images/unsigned" -o "$images/signed" --key "$out/key.pem" &&
		$tool sign "$images/unsigned" -o "$images/signed-by-another" --key "$out/other.pem" &&
		$tool sign "$out/old" -o "$images/rolled-back" --key "$out/key.pem" || return
	# A signature whose last byte differs.
	head -c -1 "$images/signed" >"$images/damaged-signature" &&
		tail -c 1 "$images/signed" | tr '\000-\377' '\001-\377\000' \
			>>"$images/damaged-signature" &&
		echo "$parameters" >"$overlay/secure/parameters" &&
		tests/vm/build-module.sh "$kernel" >"$out/module"
}

if ! prepare >"$out/prepare.log" 2>&1 </dev/null; then
	tail -n 40 "$out/prepare.log" | sed 's/^/# /'
	echo "not ok - the secure device is prepared"
	exit 1
fi

status=0
tests/vm/run-guest.sh --kernel "$kernel" --script tests/secure/guest-script --overlay "$overlay" \
	--module "$(tail -n 1 "$out/module")/kestrel.ko" --log "$out/console.log" --timeout 600 \
	--qemu-args "-global kestrel-npu.secure=on -global kestrel-npu.public_key=$public_key" \
	--qemu-args "-global kestrel-npu.security_version=$fuse" \
	--quiet >"$out/run.log" 2>&1 </dev/null || status=$?
grep -aE '^(ok|not ok) - |^# ' "$out/console.log"
if [ $status = 0 ]; then
	echo "ok - the kernel complains of nothing and leaks nothing"
else
	sed 's/^/# /' "$out/run.log" | tail -n 40
	echo "not ok - guest ran to its end without a complaint (status $status)"
fi
