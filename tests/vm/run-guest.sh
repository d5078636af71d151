#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Boot the test guest, run a script in it as root, report how it went.
#
# usage: tests/vm/run-guest.sh --script FILE [OPTION]...
#
#   --script FILE       shell script or program to run in the guest (required)
#   --arch ARCH         arm64 (default): kestrel-virt with the NPU on the board;
#                       amd64: q35 with the NPU as a PCI endpoint
#   --kernel NAME       debian (default): Debian's 6.12; debug: the debug kernel
#                       (arm64); or another of linux-debian.sh: 6.12-oldest, 7.2...
#   --machine NAME      QEMU machine (default kestrel-virt or q35)
#   --overlay DIR       copy DIR's tree over the guest's root; repeatable
#   --add FILE=PATH     put one file at PATH in the guest; repeatable
#   --module FILE.ko    install a module for modprobe and autoload; repeatable
#   --out DIR           receive what the script leaves in /out of the guest
#   --log FILE          console log (default build/vm/ARCH-KERNEL-PID/console.log)
#   --timeout S         give up after S seconds of host time (default 300)
#   --allow REGEX       a console line that matches is no splat; repeatable
#   --no-leak-check     skip the kmemleak scan (debug kernel; it takes seconds)
#   --cpu MODEL         QEMU processor (default max, on arm64 with pauth-impdef=on)
#   --smp N, --memory M processors (default 2), memory (default 1G)
#   --qemu-args ARGS    more arguments for QEMU, split at blanks; repeatable
#   --append ARGS       more kernel arguments
#   --inject            let the guest inject faults into the NPU: tests/vm/injector.py
#                       serves the port kestrel.inject (/dev/vport*; amd64: not)
#   --stream            show the console while it runs
#   --quiet             print nothing unless the run fails
#
# In the guest $KESTREL_OUT names /out. Exit status: the script's own (a script
# that ends in 120 to 127 is reported as 119), or
#   120  the kernel complained: splat in the log, taint, or a memory leak
#   121  the guest died before the script's end: panic, Oops, reset
#   124  timeout
#   125  the guest could not be started, or usage

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
# shellcheck source=emulator/qemu/debian.sh
. "$here/../../emulator/qemu/debian.sh"

fail()
{
	printf 'run-guest: %s\n' "$2" >&2
	exit "$1"
}

script='' arch=arm64 kernel=debian machine='' timeout=300 log='' out='' cpu=''
smp=2 memory=1G append='' stream=0 quiet=0 leaks=1 inject=0
overlays=() additions=() modules=() allowed=() qemu_args=()
while [ $# -gt 0 ]; do
	case $1 in
	--stream) stream=1; shift; continue ;;
	--quiet) quiet=1; shift; continue ;;
	--no-leak-check) leaks=0; shift; continue ;;
	--inject) inject=1; shift; continue ;;
	--help) sed -n '3,39s/^# \{0,1\}//p' "$0"; exit 0 ;;
	esac
	[ $# -ge 2 ] || fail 125 "option $1 needs a value or does not exist (--help)"
	case $1 in
	--script) script=$2 ;;
	--arch) arch=$2 ;;
	--kernel) kernel=$2 ;;
	--machine) machine=$2 ;;
	--overlay) overlays+=("$2") ;;
	--add) additions+=("$2") ;;
	--module) modules+=("$2") ;;
	--out) out=$2 ;;
	--log) log=$2 ;;
	--timeout) timeout=$2 ;;
	--allow) allowed+=("$2") ;;
	--cpu) cpu=$2 ;;
	--smp) smp=$2 ;;
	--memory) memory=$2 ;;
	--qemu-args) read -r -a words <<<"$2"; qemu_args+=("${words[@]}") ;;
	--append) append=$2 ;;
	*) fail 125 "unknown option $1 (--help)" ;;
	esac
	shift 2
done
[ -f "$script" ] || fail 125 "--script: no such file: '$script'"
case $arch in
arm64)
	machine=${machine:-kestrel-virt} cpu=${cpu:-max,pauth-impdef=on}
	program=qemu-system-aarch64 console=ttyAMA0 result=ttyAMA1 devices=() ;;
amd64)
	# The firmware image of vapic is for guests older than any of ours.
	machine=${machine:-q35} cpu=${cpu:-max}
	program=qemu-system-x86_64 console=ttyS0 result=ttyS1
	devices=(-global apic-common.vapic=off -device "kestrel-npu-pci,id=npu") ;;
*) fail 125 "--arch: arm64 or amd64, not '$arch'" ;;
esac
case $arch-$kernel in
*-debian) linux=$("$here/linux-debian.sh" "$arch") || exit 125 ;;
arm64-debug) linux=$("$here/linux-debug.sh") || exit 125 ;;
*-6.12-oldest|*-7.[0-9]*) linux=$("$here/linux-debian.sh" "$arch" "$kernel") || exit 125 ;;
*) fail 125 "--kernel: no $arch kernel '$kernel'" ;;
esac
[ -e "$linux/vmlinuz" ] || fail 125 "the archive has no image of $(cat "$linux/release")"
base=$("$here/initramfs.sh" "$linux" "$arch") || exit 125
qemu=${KESTREL_QEMU:-$top/build/qemu/$program}
[ -x "$qemu" ] || qemu=$(dirname "$("$top/emulator/qemu/build.sh")")/$program || exit 125

work=$(mktemp -d)
qemu_pid='' stream_pid='' injector_pid=''
cleanup()
{
	[ -z "$qemu_pid" ] || kill -9 "$qemu_pid" 2>/dev/null || true
	[ -z "$stream_pid" ] || kill "$stream_pid" 2>/dev/null || true
	[ -z "$injector_pid" ] || kill "$injector_pid" 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT
log=${log:-$top/build/vm/$arch-$kernel-$$/console.log}
mkdir -p "${log%/*}" "$work/root/kestrel" "$work/result"
: >"$log"

# The overlay: this run's files, loaded after the base.
install -m 755 "$here/guest-init" "$work/root/init"
install -m 755 "$script" "$work/root/kestrel/script"
for overlay in ${overlays[@]+"${overlays[@]}"}; do
	[ -d "$overlay" ] || fail 125 "--overlay: no such directory: $overlay"
	cp -rL --preserve=mode "$overlay/." "$work/root/"
done
for addition in ${additions[@]+"${additions[@]}"}; do
	[ -f "${addition%%=*}" ] || fail 125 "--add: no such file: ${addition%%=*}"
	install -D "${addition%%=*}" "$work/root/${addition#*=}"
done
if [ ${#modules[@]} -gt 0 ]; then
	release=$(cat "$linux/release")
	mkdir -p "$work/modules/lib/modules" "$work/root/lib/modules/$release/extra"
	cp -r "${base%.cpio}.modules" "$work/modules/lib/modules/$release"
	mkdir -p "$work/modules/lib/modules/$release/extra"
	for module in "${modules[@]}"; do
		[ -f "$module" ] || fail 125 "--module: no such file: $module"
		cp "$module" "$work/modules/lib/modules/$release/extra/"
	done
	PATH=$PATH:/sbin depmod -b "$work/modules" "$release"
	cp "$work/modules/lib/modules/$release"/extra/*.ko "$work/root/lib/modules/$release/extra/"
	cp "$work/modules/lib/modules/$release"/modules.* "$work/root/lib/modules/$release/"
fi
(cd "$work/root" && find . -mindepth 1 | cpio -o -H newc -R 0:0 --quiet) >"$work/overlay.cpio"
cat "$base" "$work/overlay.cpio" >"$work/initramfs"

if [ $inject = 1 ]; then
	qemu_args+=(-qmp "unix:$work/qmp,server=on,wait=off" -device virtio-serial-pci
		-chardev "socket,id=inject,path=$work/inject,server=on,wait=off"
		-device "virtserialport,chardev=inject,name=kestrel.inject")
	python3 "$here/injector.py" "$work/qmp" "$work/inject" 2>"$work/injector.err" &
	injector_pid=$!
fi

started=$SECONDS
"$qemu" -M "$machine" -cpu "$cpu" -accel tcg,thread=multi -smp "$smp" -m "$memory" \
	-nodefaults -display none -no-reboot \
	-serial "file:$log" -serial "file:$work/result.tar" \
	-kernel "$linux/vmlinuz" -initrd "$work/initramfs" \
	-append "console=$console loglevel=5 panic=-1 oops=panic softlockup_panic=1 kasan_multi_shot guest_leaks=$leaks guest_result=$result $append" \
	${devices[@]+"${devices[@]}"} ${qemu_args[@]+"${qemu_args[@]}"} </dev/null 2>"$work/qemu.err" &
qemu_pid=$!
if [ $stream = 1 ]; then
	tail -n +1 -f --pid=$qemu_pid "$log" 2>/dev/null &
	stream_pid=$!
fi
timed_out=0
(
	# Ends with QEMU, so that no sleep outlives the run.
	while [ $((SECONDS - started)) -lt "$timeout" ] && kill -0 $qemu_pid 2>/dev/null; do
		sleep 0.2
	done
	kill -0 $qemu_pid 2>/dev/null && touch "$work/timeout" && kill -9 $qemu_pid
	true
) &
watchdog=$!
qemu_status=0
wait $qemu_pid || qemu_status=$?
qemu_pid=''
wait $watchdog
[ -z "$stream_pid" ] || wait "$stream_pid" || true
stream_pid=''
[ ! -e "$work/timeout" ] || timed_out=1
sed -i 's/\r//g' "$log"

show_end()
{
	[ $stream = 1 ] || { echo "run-guest: end of the console:"; tail -n 25 "$log" | sed 's/^/    /'; } >&2
	[ ! -s "$work/qemu.err" ] || sed 's/^/    qemu: /' "$work/qemu.err" >&2
	[ ! -s "$work/injector.err" ] || sed 's/^/    injector: /' "$work/injector.err" >&2
	echo "run-guest: the console log is $log" >&2
}

status=''
if tar -xf "$work/result.tar" -C "$work/result" 2>/dev/null; then
	status=$(cat "$work/result/run/result/status" 2>/dev/null || true)
	if [ -n "$out" ]; then
		mkdir -p "$out"
		cp -r "$work/result/out/." "$out/"
	fi
	cp "$work/result/run/result/dmesg" "${log%.log}.dmesg" 2>/dev/null || true
fi

# Complaints of the kernel, known from user space's output by their time stamp.
# Two readings because either can miss something: the console shows what came
# before a crash, the kernel's buffer what the console's level hid.
splat='BUG:|WARNING:|KASAN|UBSAN|ODEBUG:|DMA-API: .*(device driver|cacheline|out of memory)|DEBUG_LOCKS_WARN_ON|Oops|Call [Tt]race:|INFO: (task|rcu|lockdep|trying|possible)|rcu:.*(stall|self-detected)|unreferenced object|kmemleak: [1-9][0-9]* new|kmemleak: .*(disabled|Cannot|unknown)|possible (circular|recursive|irq|deadlock)|suspicious RCU|inconsistent lock state|held lock freed|bad unlock balance|turning off the locking|Unable to handle kernel|Internal error|Kernel panic|refcount_t:|(list_add|list_del).*corruption|soft lockup|hard LOCKUP|blocked for more than|sleeping function called|scheduling while atomic|Bad page|page allocation failure|cut here|workqueue lockup|general protection|irq [0-9]+: nobody cared|\*\*\*.*(DEADLOCK|bug)'
stamp='\[ *[0-9]+\.[0-9]{6}\](\[[^]]*\])? '
# Not of them: lockdep_assert_RT_in_threaded_ctx() of 6.12 asks in preemptible code
# whether its processor is in an interrupt, and a task that moves to another one
# between address and load reads the other's answer.
alarms=$({ cat "$log" "${log%.log}.dmesg" 2>/dev/null || true; } | grep -aoE "$stamp.*" | awk '
	/ cut here / { printf "%s", block; block = ""; inside = 1; false_alarm = 0 }
	!inside { print; next }
	{ block = block $0 "\n" }
	/Not in threaded context on PREEMPT_RT as expected/ { false_alarm = 1 }
	/ end trace / { if (!false_alarm) printf "%s", block; block = ""; inside = 0 }
	END { printf "%s", block }' || true)
complaints=$(grep -aE "$splat" <<<"$alarms" || true)
for pattern in ${allowed[@]+"${allowed[@]}"}; do
	complaints=$(grep -avE -- "$pattern" <<<"$complaints" || true)
done
complaints=$(sed '/^$/d' <<<"$complaints" | awk '!seen[$0]++' | head -n 40)
if [ -s "$work/result/run/result/kmemleak" ]; then
	complaints+=${complaints:+$'\n'}$(head -n 60 "$work/result/run/result/kmemleak")
fi
# Taint bits that only a fault sets: machine check, bad page, Oops, WARN, lockup.
tainted=$(cat "$work/result/run/result/tainted" 2>/dev/null || echo 0)
# What a warning that is none has set; the others were seen above.
! grep -aqs 'Not in threaded context on PREEMPT_RT as expected' "$log" "${log%.log}.dmesg" ||
	tainted=$((tainted & ~(1 << 9)))
if [ ${#allowed[@]} -eq 0 ] && [ $((tainted & (1 << 4 | 1 << 5 | 1 << 7 | 1 << 9 | 1 << 14))) != 0 ]; then
	complaints+=${complaints:+$'\n'}"kernel tainted: $tainted"
fi
if [ -n "$complaints" ]; then
	echo "run-guest: the kernel complained:" >&2
	printf '%s\n' "$complaints" | sed 's/^/    /' >&2
fi

if [ $timed_out = 1 ]; then
	show_end
	fail 124 "no end after $timeout s, guest killed"
elif [ -z "$status" ]; then
	show_end
	[ -s "$log" ] || fail 125 "QEMU ended with status $qemu_status before the guest said anything"
	fail 121 "the guest died before the script's end"
elif [ "$status" != 0 ]; then
	show_end
	[ "$status" -lt 120 ] || [ "$status" -gt 127 ] || status=119
	fail "$status" "the script failed with status $status"
elif [ -n "$complaints" ]; then
	echo "run-guest: the console log is $log" >&2
	fail 120 "the script passed, but the kernel complained"
fi
[ $quiet = 1 ] || say "guest ($arch, $kernel) passed in $((SECONDS - started)) s, log $log"
