#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What docs/packaging/ stages is a library that README's program can be built with
# and run, and a source that DKMS builds; the module names itself to the kernel as
# it should. Prints TAP lines.
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
[ "$(grep -c "kestrel/$version" docs/packaging/README.md)" = 1 ]
result "docs/packaging/README.md names the version that is staged" $?

# As somebody builds and runs it who has nothing but what is staged.
sed -n '/^```c$/,/^```$/{/^```/!p}' README.md >"$out/program.c"
library=$out/stage/usr/lib/x86_64-linux-gnu
flags=$(PKG_CONFIG_SYSROOT_DIR=$out/stage PKG_CONFIG_PATH=$library/pkgconfig \
	pkg-config --cflags --libs libnpu 2>"$out/program.log") &&
	# shellcheck disable=SC2086
	cc -std=c11 -Wall -Wextra -Werror -o "$out/program" "$out/program.c" $flags 2>>"$out/program.log"
result "README's program is built with pkg-config" $? "$out/program.log"
export LD_LIBRARY_PATH=$library KESTREL_FIRMWARE=$out/stage/usr/lib/firmware/kestrel/arch1.0/kestrel_fw.bin
"$out/stage/usr/bin/npuc" tests/demo/model.tflite -o "$out/digits.npu" >"$out/program.log" 2>&1 &&
	(cd "$out" && NPU_DEVICE=cpu ./program >cpu.txt && NPU_DEVICE=sim ./program >sim.txt) \
		2>>"$out/program.log" &&
	[ "$(wc -l <"$out/cpu.txt")" = 10 ] && cmp "$out/cpu.txt" "$out/sim.txt" >>"$out/program.log" 2>&1
result "it runs with the libraries, compiler, simulator and firmware that are staged" $? "$out/program.log"
for header in "$out"/stage/usr/include/kestrel/*.h "$out"/stage/usr/include/npu.h; do
	echo "#include \"$header\""
done >"$out/headers.c"
cc -std=c11 -Wall -Wextra -Werror -fsyntax-only -I"$out/stage/usr/include" "$out/headers.c" 2>"$out/program.log"
result "the headers that are staged are complete" $? "$out/program.log"
unset LD_LIBRARY_PATH KESTREL_FIRMWARE

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
