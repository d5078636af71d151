#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What docs/packaging/ stages is a source that DKMS builds, and the module names
# itself to the kernel as it should. Prints TAP lines.
#
# usage: tests/static/packaging.sh
set -u
cd "$(dirname "$0")/../.." || exit
# shellcheck source=emulator/qemu/debian.sh
. emulator/qemu/debian.sh

out=$PWD/build/packaging
rm -rf "$out"
mkdir -p "$out/dkms" "$out/modules"

# result NAME STATUS [LOG]: one TAP line, with what was said when it failed.
result() {
	if [ "$2" = 0 ]; then
		echo "ok - $1"
	else
		[ -z "${3-}" ] || sed 's/^/# /' "$3" | tail -n 40
		echo "not ok - $1"
	fi
}

make -s programs >"$out/make.log" 2>&1 &&
	docs/packaging/stage.sh "$out/stage" lib/x86_64-linux-gnu >"$out/stage.log" 2>&1
result "the package's files are staged" $? "$out/stage.log"
name=$(basename "$out"/stage/usr/src/kestrel-*)
version=${name#kestrel-}

# Unpacked rather than installed: DKMS would build for the machine's own kernels.
suite=$(debian_suite bookworm amd64)
dkms=$KESTREL_CACHE/dkms-$(debian_candidate "$suite" dkms)
[ -e "$dkms/usr/sbin/dkms" ] || debian_unpack "$suite" "$dkms" dkms
linux=$(tests/vm/linux-debian.sh amd64)
release=$(cat "$linux/release")
PATH=$PATH:/sbin:/usr/sbin "$dkms/usr/sbin/dkms" build -m kestrel -v "$version" \
	-k "$release" -a x86_64 --kernelsourcedir "$(readlink -f "$linux/kdir")" \
	--dkmstree "$out/dkms" --sourcetree "$out/stage/usr/src" --installtree "$out/modules" \
	>"$out/dkms.log" 2>&1 </dev/null
result "DKMS builds the module for $release" $? "$out/dkms.log"

module=$(find "$out/dkms" -name 'kestrel.ko*' | head -n 1)
PATH=$PATH:/sbin:/usr/sbin modinfo "${module:-$out/none}" >"$out/modinfo" 2>&1
for line in 'firmware: *kestrel/arch1.0/kestrel_fw.bin' 'license: *GPL' \
	'alias: *of:N\*T\*Ckestrel,npu-v1' 'alias: *pci:v00001234d00004B4E'; do
	grep -q "^$line" "$out/modinfo"
	result "the module says '$line'" $? "$out/modinfo"
done
