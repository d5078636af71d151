#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Every kernel that the module is for: it builds against the headers at W=1 (and
# under sparse, where the headers allow it) without a warning, and the demo model
# gives the reference's bytes in a guest with that kernel. With pages of 16 KiB the
# ioctls that are about memory are tested, too. Prints TAP lines.
#
# usage: tests/vm/kernel-matrix.sh [KERNEL]...
#
# KERNEL is a name that build-module.sh knows, except debug (default: all of
# them). Logs stay in build/kernel-matrix. The first run fetches a gigabyte of
# packages and takes 15 minutes, a warm one 1 minute a kernel.
set -u
cd "$(dirname "$0")/../.." || exit

case ${1-} in
--help) sed -n '4,13s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
kernels=("$@")
[ $# -gt 0 ] || kernels=(debian 6.12-oldest 7.2 7.3 7.2-16k 7.3-16k
	amd64 amd64-6.12-oldest amd64-7.2 amd64-7.3)

out=build/kernel-matrix
mkdir -p "$out"

# must NAME COMMAND...: preparation without which nothing can be tested.
must() {
	local name=$1
	shift
	if ! "$@" >"$out/prepare.log" 2>&1 </dev/null; then
		sed 's/^/# /' "$out/prepare.log" | tail -n 40
		echo "not ok - $name"
		exit 1
	fi
}

[ -n "${KESTREL_QEMU-}" ] || must "QEMU builds" emulator/qemu/build.sh
must "host programs build" make -s programs
for arch in $(printf '%s\n' "${kernels[@]}" | sed 's/^amd64.*/amd64/; t; s/.*/arm64/' | sort -u); do
	must "guest programs build for $arch" tests/vm/build-guest.sh "$out/$arch" "$arch"
done
case " ${kernels[*]} " in
*-16k\ *) must "ioctl tests build" tests/kselftest/build.sh "$out/tests/usr/lib/kestrel-tests" ;;
esac
must "the demo model compiles" build/bin/npuc tests/demo/model.tflite -o "$out/model.npu" \
	--target kestrel-256

kernel_test() {
	local kernel=$1 arch=arm64 name=${1#amd64-} log=$out/$1.log linux module release
	local what='runs the demo model'
	local -a debian=() tests=()

	case $kernel in amd64*) arch=amd64 ;; esac
	case $name in
	debian|amd64) name=debian ;;
	*) debian=("$name") ;;
	esac
	case $name in
	*-16k) tests=(--overlay "$out/tests") what="$what and passes the ioctl tests" ;;
	esac
	linux=$(tests/vm/linux-debian.sh $arch ${debian[@]+"${debian[@]}"} 2>"$log")
	if [ -z "$linux" ]; then
		sed 's/^/# /' "$log"
		echo "not ok - $kernel is in the archive"
		return
	fi
	release=$(cat "$linux/release")
	echo "# $kernel is $release"
	module=$(tests/vm/build-module.sh --check "$kernel" 2>>"$log")
	grep -E '^(ok|not ok) ' <<<"$module"
	module=$(tail -n 1 <<<"$module")/kestrel.ko
	if [ ! -e "$module" ]; then
		tail -n 20 "$log" | sed 's/^/# /'
		return
	fi
	if [ ! -e "$linux/vmlinuz" ]; then
		echo "ok - $kernel $what # SKIP the archive has no image of $release"
		return
	fi
	if grep -q '^CONFIG_DRM_ACCEL=y' "$linux/kdir/.config"; then
		echo accel >"$out/node"
	else
		echo render >"$out/node"
	fi
	if tests/vm/run-guest.sh --arch $arch --kernel "$name" --script tests/vm/matrix-script \
		--overlay "$out/$arch" ${tests[@]+"${tests[@]}"} --module "$module" \
		--log "$out/$kernel.console.log" --timeout 1200 \
		--add "$out/model.npu=/demo/model.npu" --add "$out/node=/demo/node" \
		--add tests/demo/input_0.bin=/demo/input_0.bin \
		--add tests/demo/output_0.bin=/demo/output_0.bin >>"$log" 2>&1 </dev/null; then
		echo "ok - $kernel $what"
	else
		tail -n 40 "$log" | sed 's/^/# /'
		echo "not ok - $kernel $what"
	fi
}

for kernel in "${kernels[@]}"; do
	kernel_test "$kernel"
done
