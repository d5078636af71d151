#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The device-tree binding: a valid schema by dt-schema, which its own examples,
# the example overlay and the emulated board's tree satisfy and broken nodes do
# not. Prints TAP lines.
#
# usage: tests/static/dt-schema.sh
set -u
cd "$(dirname "$0")/../.." || exit
# shellcheck source=emulator/qemu/debian.sh
. emulator/qemu/debian.sh

release=2025.12
out=build/dt-schema
binding=dt-bindings/npu/kestrel,npu.yaml
rm -rf "$out"
mkdir -p "$out"

# result NAME STATUS [LOG]: one TAP line, with what was said when it failed.
result() {
	if [ "$2" = 0 ]; then
		echo "ok - $1"
	else
		[ -z "${3-}" ] || sed 's/^/# /' "$3" | head -n 40
		echo "not ok - $1"
	fi
}

# From PyPI: Debian 12's own is older than the bindings of Linux 6.12 want.
tools=$KESTREL_CACHE/dt-schema-$release
if [ ! -e "$tools/complete" ]; then
	debian_install python3-venv device-tree-compiler gcc libc6-dev
	(
		lock_held dt-schema
		rm -rf "$tools"
		python3 -m venv "$tools" &&
			"$tools/bin/pip" install -q "dtschema==$release" && touch "$tools/complete"
	) >"$out/install.log" 2>&1
	if [ ! -e "$tools/complete" ]; then
		result "dt-schema $release installs" 1 "$out/install.log"
		exit 1
	fi
fi
PATH=$tools/bin:$PATH
source=$(tests/vm/linux-debug.sh)/source

# compile INPUT OUTPUT [FLAG]...: as the kernel's build does it.
compile() {
	local input=$1 output=$2
	shift 2
	cpp -nostdinc -undef -D__DTS__ -x assembler-with-cpp -I "$source/include" "$input" |
		dtc -q -I dts -O dtb -o "$output" "$@" -
}

# dt-validate exits 0 whatever it finds; what it says is what it found.
validate() {
	dt-validate -s "$out/schema.json" -l npu "$1" >"$out/validate.log" 2>&1 &&
		[ ! -s "$out/validate.log" ]
}

dt-doc-validate "$binding" >"$out/doc.log" 2>&1 && [ ! -s "$out/doc.log" ]
result "the binding is a valid schema" $? "$out/doc.log"
dt-mk-schema -j dt-bindings/npu >"$out/schema.json" 2>"$out/mk.log"
result "the schemas are processed" $? "$out/mk.log"

dt-extract-example "$binding" >"$out/example.dts" 2>"$out/extract.log" &&
	compile "$out/example.dts" "$out/example.dtb" >"$out/extract.log" 2>&1
result "the binding's examples compile" $? "$out/extract.log"
validate "$out/example.dtb"
result "the binding's examples satisfy it" $? "$out/validate.log"

# The emulated board's own tree, as it is given to the guest.
qemu=${KESTREL_QEMU:-build/qemu/qemu-system-aarch64}
[ -x "$qemu" ] || qemu=$(emulator/qemu/build.sh)
"$qemu" -M "kestrel-virt,dumpdtb=$out/board.dtb" -cpu max -display none >"$out/dump.log" 2>&1 &&
	[ "$(fdtget "$out/board.dtb" /npu@b000000 compatible)" = kestrel,npu-v1 ]
result "the emulated board's tree has an NPU" $? "$out/dump.log"
validate "$out/board.dtb"
result "the emulated board's NPU satisfies the binding" $? "$out/validate.log"

"$qemu" -M "virt-10.0,dumpdtb=$out/base.dtb" -cpu max -display none >"$out/overlay.log" 2>&1 &&
	compile dt-bindings/examples/kestrel-npu-board.dtso "$out/overlay.dtbo" -@ \
		>>"$out/overlay.log" 2>&1 &&
	fdtoverlay -i "$out/base.dtb" -o "$out/merged.dtb" "$out/overlay.dtbo" \
		>>"$out/overlay.log" 2>&1 &&
	[ "$(fdtget "$out/merged.dtb" /npu@b000000 compatible)" = kestrel,npu-v1 ]
result "the example overlay applies to a board" $? "$out/overlay.log"
validate "$out/merged.dtb"
result "the example overlay satisfies the binding" $? "$out/validate.log"

# What must be refused, so that the lines above mean something.
refused() {
	local name=$1
	shift
	cp "$out/board.dtb" "$out/broken.dtb"
	"$@" && ! validate "$out/broken.dtb" && grep -q npu "$out/validate.log"
	result "an NPU node $name is refused" $? "$out/validate.log"
}
refused "without interrupts" fdtput -d "$out/broken.dtb" /npu@b000000 interrupts
refused "without registers" fdtput -d "$out/broken.dtb" /npu@b000000 reg
refused "with an unknown property" fdtput -t x "$out/broken.dtb" /npu@b000000 kestrel,colour 1
refused "with a supply and operating points without voltages" fdtput -t x "$out/broken.dtb" \
	/npu@b000000 npu-supply 8000
refused "with two interrupts" fdtput -t x "$out/broken.dtb" /npu@b000000 interrupts \
	0 c0 4 0 c1 4
