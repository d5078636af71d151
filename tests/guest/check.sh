#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs the driver, the library and the emulated NPU together in a guest: models
# through the ioctls, several clients, the kselftests, unit tests of the kernel,
# reloading, firmware images that must be refused. Prints TAP lines.
#
# usage: tests/guest/check.sh debian|debug|amd64 [MODEL_DIRECTORY]
#
#   debian  Debian's own arm64 kernel    debug  KASAN, lockdep, kmemleak and so on
#   amd64   Debian's own amd64 kernel, the NPU on PCI, some of the models
#
# MODEL_DIRECTORY holds the published models (default: $KESTREL_MODELS, else
# ../shared/models); without it only the demo model is run. Debian's kernel runs many
# of them, the others a few, unless KESTREL_GUEST_MODELS is "all".
set -u
cd "$(dirname "$0")/../.."

kernel=${1-} arch=arm64 guest_kernel=${1-} only='' compiler=aarch64-linux-gnu-gcc
models=${2-${KESTREL_MODELS:-../shared/models}}
# One of each kind; what takes minutes in an emulator runs in models-sim.
few='demo mlperf_kws_dscnn_int8 mlperf_ic_resnet8_int8 mlperf_vww_mobilenetv1_int8 tflm_micro_speech_int8
	tflm_keyword_svdf_int8 tflm_mnist_lstm_int8 coral_mobilenet_v1_025_128_uint8'
# With these the ones that have streams of another kind and are not large.
many="$few emza_ssd_slim_int8 mlperf_ad_autoencoder_int8 mlperf_sww_int8 mww_vad_int8 st_miniresnetv2_int8
	silabs_magic_wand_int8 tflm_hello_world_int8 tinyengine_mnist_lenet_int8"
case $kernel in
debian) timeout=3600 parameters= only=$many ;;
amd64)
	timeout=3600 parameters= arch=amd64 guest_kernel=debian
	only=$few
	compiler=x86_64-linux-gnu-gcc
	;;
# Deadlines of the driver, 20 times their defaults.
debug)
	timeout=5400 only=$few
	parameters='boot_timeout_ms=40000 request_timeout_ms=2000 invalidate_timeout_ms=2000 heartbeat_timeout_ms=20000'
	;;
*) sed -n '4,17s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

[ "${KESTREL_GUEST_MODELS-}" != all ] || only=''
out=build/guest-check/$kernel
overlay=$out/root
rm -rf "$out"
mkdir -p "$overlay" "$out/result"

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

# KESTREL_QEMU names another QEMU, as for run-guest.sh.
[ -n "${KESTREL_QEMU-}" ] || must "QEMU builds" emulator/qemu/build.sh
must "module builds" tests/vm/build-module.sh "$kernel"
module_directory=$(tail -n 1 "$out/prepare.log")
must "guest programs build" tests/vm/build-guest.sh "$overlay" $arch \
	tests/models/interface_test
must "ioctl tests build" env CC=$compiler tests/kselftest/build.sh "$overlay/usr/lib/kestrel-tests"
must "ioctl fuzzer builds" env CC=$compiler tests/fuzz/build-guest.sh "$overlay/usr/bin"
must "bad firmware images build" make -s build/tests/bad-input/firmware_images

mkdir -p "$overlay/tests/models" "$overlay/tests/firmware"
echo "$kernel" >"$overlay/tests/kernel"
echo "$parameters" >"$overlay/tests/parameters"
# Some thousand; KESTREL_FUZZ_CALLS asks for more.
echo "${KESTREL_FUZZ_CALLS:-5000}" >"$overlay/tests/fuzz-calls"
# Counts that the tests in the guest ask for; the guest may take so much longer.
env | sed -n 's/^KESTREL_NOOP_JOBS=/export &/p' >"$overlay/tests/environment"
timeout=$((timeout + ${KESTREL_FUZZ_CALLS:-0} / 50 + ${KESTREL_NOOP_JOBS:-0} / 10))
awk '/define KESTREL_ISA_M(AJOR|INOR)/ { print $3 }' uapi/kestrel/isa.h | paste -sd. >"$overlay/tests/isa"
cp tests/bad-input/firmware-defects tests/guest/observe-lib tests/guest/platform-lib \
	tests/kselftest/guest-lib "$overlay/tests/"
# The host's udev with its libraries, but for the C library, and no rule but ours.
if [ "$kernel" = amd64 ] && [ "$(uname -m)" = x86_64 ] && udevadm=$(command -v udevadm); then
	mkdir -p "$overlay/usr/lib/udev" "$overlay/etc/udev/rules.d"
	cp -L "$udevadm" "$overlay/usr/bin/"
	ln -s ../../bin/udevadm "$overlay/usr/lib/udev/systemd-udevd"
	ldd "$udevadm" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | grep -v '/libc\.so' |
		xargs cp -Lt "$overlay/usr/lib/"
	cp docs/packaging/60-kestrel.rules "$overlay/etc/udev/rules.d/"
	printf 'root:x:0:\nrender:x:106:\nnogroup:x:65534:\n' >"$overlay/etc/group"
fi
must "bad firmware images" build/tests/bad-input/firmware_images build/firmware/kestrel_fw.bin \
	"$overlay/tests/firmware"

# model_add NAME DIRECTORY VECTORS: compiled, with inputs and expected outputs;
# the simulator's cycles for the same runs are what the guest's are compared to.
model_add() {
	local to=$overlay/tests/models/$1 file
	local -a inputs=() outputs=()
	mkdir -p "$to" "$out/simulated"
	must "$1 compiles" build/bin/npuc "$2/model.tflite" -o "$to/model.npu" --target kestrel-256
	for file in "$3"/input_?.bin; do
		cp "$file" "$to/"
		inputs+=("$file")
	done
	for file in "$3"/output_?.bin; do
		cp "$file" "$to/"
		outputs+=("$out/simulated/${file##*/}")
	done
	must "$1 runs on kestrel-sim" build/bin/kestrel-sim "$to/model.npu" --json \
		--input "${inputs[@]}" --output "${outputs[@]}"
	cp "$out/prepare.log" "$out/simulated/$1.json"
	# A model without a single NPU operator has no job to run there.
	grep -q '"ops_npu": 0,' "$out/prepare.log" || touch "$to/uses-npu"
}

while read -r name; do
	# In a list, with a blank around every word.
	[ -z "$only" ] || case " $(xargs <<<"$only") " in *" $name "*) ;; *) continue ;; esac
	case $name in
	'#'* | '') ;;
	demo)
		model_add demo tests/demo tests/demo
		model_add demo-stress tests/demo tests/demo/stress
		;;
	*) [ ! -d "$models" ] || model_add "$name" "$models/$name" "$models/$name" ;;
	esac
done <tests/models/list
echo "# models: $(find "$overlay/tests/models" -mindepth 1 -maxdepth 1 | wc -l)"
[ -d "$models" ] || echo "ok - published models # SKIP models are not beside the tree"

modules=(--module "$module_directory/kestrel.ko")
if [ -e "$module_directory/kestrel-kunit.ko" ]; then
	modules+=(--module "$module_directory/kestrel-kunit.ko")
	touch "$overlay/tests/kunit"
elif [ "$kernel" = debug ]; then
	echo "not ok - unit tests of the kernel were built"
fi

status=0
tests/vm/run-guest.sh --arch $arch --kernel "$guest_kernel" --script tests/guest/guest-script \
	--overlay "$overlay" "${modules[@]}" --out "$out/result" --log "$out/console.log" \
	--allow 'DMA-API: cacheline tracking ENOMEM' \
	--timeout "$timeout" --append kunit.enable=1 --quiet >"$out/run.log" 2>&1 </dev/null || status=$?
if [ -e "$out/result/results" ]; then
	cat "$out/result/results"
else
	# It died: what it said on the console until then.
	grep -aE '^(ok|not ok) - |^# ' "$out/console.log"
fi
sed 's/^/# /' "$out/run.log"
case $status in
0) echo "ok - the kernel complains of nothing and leaks nothing" ;;
120) echo "not ok - the kernel complains of nothing and leaks nothing" ;;
*) echo "not ok - guest ran to its end (status $status)" ;;
esac

if [ -e "$out/result/timeline.json" ]; then
	python3 -m json.tool "$out/result/timeline.json" /dev/null 2>&1 | sed 's/^/# /'
	[ "${PIPESTATUS[0]}" = 0 ] || printf 'not '
	echo "ok - the timeline is JSON"
fi

python3 tests/guest/cycles.py "$out/simulated" "$out/result"
