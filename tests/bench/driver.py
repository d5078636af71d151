#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Figures of driver and firmware, measured in a guest with Debian's kernel.

Prints a table and writes build/bench/driver.json. Instructions are counted by a
plugin of QEMU (instruction_counter.c), all that the guest's one processor executes
between submission and the waiter's return: they do not depend on the host.
Times are the guest's, of a device that takes its modelled time (timing=on), and
do. Exit code: 0, also where a target is not met (--strict: 1 then).
"""
import argparse
import bisect
import collections
import json
import os
import re
import shutil
import statistics
import struct
import subprocess
import sys

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


# Instructions of a no-op job, at most: times the trivial module's; of our module.
NOOP_RATIO = 2
MODULE_INSTRUCTIONS = 4000
FIRMWARE_BYTES = 32 * 1024
# Cost at the most beside cost at the least, for "flat".
FLAT_RATIO = 1.25
CLIENTS = (1, 2, 4, 8, 16, 32, 64)
RATE_CLIENTS = (1, 8, 64)
BUFFERS = (1, 10, 100, 1000, 10000)
RUNTIME_STATUS = "/sys/bus/platform/devices/b000000.npu/power/runtime_status"
# The ioctl tests run on each of them, as tests/kselftest/check.sh knows them.
SUITE_KERNELS = ("debian", "6.12-oldest", "7.2", "7.2-16k", "amd64", "debug")
# As driver-script sets it.
BOOT_TIMEOUT_MS = 500
# User space of the guest lies below.
KERNEL_BASE = 1 << 48


class Failure(Exception):
    """A measurement that could not be made."""


def run(command, **options):
    """Run a command quietly; return what it printed."""
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, **options)
    if done.returncode:
        raise Failure(f"{command[0]} exited with {done.returncode}:\n"
                      f"{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


class Guest:
    """What the measurements run in: programs, modules, the plugin."""

    def __init__(self, directory):
        self.directory = directory
        self.qemu = os.environ.get("KESTREL_QEMU")
        if not self.qemu:
            self.qemu = run(["emulator/qemu/build.sh"]).splitlines()[-1]
        self.module = run(["tests/vm/build-module.sh", "debian"]).splitlines()[-1]
        linux = run(["tests/vm/linux-debian.sh", "arm64"]).strip()
        self.overlay = os.path.join(directory, "root")
        self.trivial = os.path.join(directory, "trivial")
        shutil.rmtree(self.overlay, ignore_errors=True)
        for path in ("usr/bin", "bench", "lib/firmware/kestrel/arch1.0"):
            os.makedirs(os.path.join(self.overlay, path))
        run(["tests/kselftest/build.sh", self.overlay + "/usr/bin", "tests/bench/driver.c"],
            env={**os.environ, "KSELFTEST_CFLAGS": "tests/recovery/machine.c"})
        shutil.copy(os.path.join(TOP, "build/firmware/kestrel_fw.bin"),
                    self.overlay + "/lib/firmware/kestrel/arch1.0/")
        shutil.copytree(os.path.join(TOP, "tests/bench/trivial"), self.trivial,
                        dirs_exist_ok=True)
        run(["make", "-s", "-C", linux + "/kdir", "M=" + self.trivial, "ARCH=arm64",
             "CROSS_COMPILE=aarch64-linux-gnu-", "KESTREL_DRIVER=" + self.module + "/driver",
             "modules"])
        self.plugin = self.build_plugin()

    def build_plugin(self):
        """The plugin, built against the header of the QEMU that will load it."""
        header = os.path.join(os.path.dirname(self.qemu), "qemu-plugin.h")
        if not os.path.exists(header):
            raise Failure(f"no {header}: run emulator/qemu/build.sh")
        plugin = os.path.join(self.directory, "instruction_counter.so")
        glib = run(["pkg-config", "--cflags", "glib-2.0"]).split()
        run(["gcc", "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-fPIC",
             "-shared", *glib, "-isystem", os.path.dirname(header), "-o", plugin,
             "tests/bench/instruction_counter.c"])
        return plugin

    def measure(self, name, steps, options=()):
        """Run the steps in a guest; return the directory of what it left."""
        out = os.path.join(self.directory, name)
        shutil.rmtree(out, ignore_errors=True)
        os.makedirs(out)
        with open(self.overlay + "/bench/steps", "w", encoding="utf-8") as file:
            file.write("".join(step + "\n" for step in steps))
        log = os.path.join(out, "console.log")
        command = ["tests/vm/run-guest.sh", "--quiet", "--script", "tests/bench/driver-script",
                   "--overlay", self.overlay, "--module", self.module + "/kestrel.ko",
                   "--module", self.trivial + "/trivial.ko", "--out", out, "--log", log,
                   "--timeout", "1800", *options]
        run(command)
        return out


def read_regions(directory):
    """The guest's own notes of its regions, in order."""
    regions = []
    with open(os.path.join(directory, "regions"), encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if words and words[0] == "region":
                value, jobs, slept, nanoseconds = (int(word) for word in words[2:])
                regions.append({"name": words[1], "value": value, "jobs": jobs, "slept": slept,
                                "us": nanoseconds / 1000})
    return regions


def read_counts(path):
    """The plugin's records: instructions by address, a dictionary for each region."""
    with open(path, "rb") as file:
        data = file.read()
    at, counts = 0, []
    while at < len(data):
        entries, = struct.unpack_from("<Q", data, at)
        words = struct.unpack_from(f"<{2 * entries}Q", data, at + 8)
        counts.append(dict(zip(words[::2], words[1::2])))
        at += 8 + 16 * entries
    return counts


class Addresses:
    """What lies at the guest's addresses."""

    def __init__(self, directory):
        self.modules, symbols = {}, []
        with open(os.path.join(directory, "modules"), encoding="utf-8") as file:
            for words in map(str.split, file):
                self.modules[words[0]] = (int(words[5], 16), int(words[1]))
        with open(os.path.join(directory, "kallsyms"), encoding="utf-8") as file:
            for words in map(str.split, file):
                if words[1] in "tTwW":
                    symbols.append((int(words[0], 16), " ".join(words[2:])))
        symbols.sort()
        self.starts = [start for start, _ in symbols]
        self.names = [name for _, name in symbols]

    def inside(self, counts, module):
        """Instructions of a region inside a module."""
        start, size = self.modules[module]
        return sum(n for at, n in counts.items() if start <= at < start + size)

    def function(self, at):
        """Name of the function at an address."""
        if at < KERNEL_BASE:
            return "(user space)"
        index = bisect.bisect_right(self.starts, at) - 1
        return self.names[index] if index >= 0 else "(unknown)"


def median(values):
    return round(statistics.median(values))


def counted(regions, name, value=0, asleep=False):
    """Regions of a name, all of them or those in which the waiter slept."""
    found = [region for region in regions if region["name"] == name and
             region["value"] == value and (region["slept"] or not asleep)]
    if not found:
        raise Failure(f"nothing measured of {name} {value}")
    return found


def per_job(found):
    return median([region["instructions"] / region["jobs"] for region in found])


def measure_instructions(guest, rounds):
    """All that is told in instructions."""
    records = os.path.join(guest.directory, "regions.bin")
    steps = [f"trivial {rounds}", f"noop {rounds}",
             *(f"clients {count} {max(8 * count, 64)} 3" for count in CLIENTS), "buffers 16 5"]
    plugin = f"-plugin {guest.plugin},out={records}"
    out = guest.measure("instructions", steps, ["--smp", "1", "--qemu-args", plugin])
    regions, counts = read_regions(out), read_counts(records)
    os.unlink(records)
    if len(regions) != len(counts):
        raise Failure(f"{len(regions)} regions of the guest, {len(counts)} of the plugin")
    addresses = Addresses(out)
    for region, count in zip(regions, counts):
        region["counts"] = count
        region["instructions"] = sum(count.values())
    noop = counted(regions, "noop", asleep=True)
    trivial = counted(regions, "trivial", asleep=True)
    figures = {
        "rounds": len(noop),
        "noop_instructions": per_job(noop),
        "trivial_instructions": per_job(trivial),
        "module_instructions": median([addresses.inside(region["counts"], "kestrel")
                                       for region in noop]),
        "scheduler_instructions": median([addresses.inside(region["counts"], "gpu_sched")
                                          for region in noop]),
        "instructions_by_clients": {count: per_job(counted(regions, "clients", count))
                                    for count in CLIENTS},
        "instructions_by_buffers": {count: per_job(counted(regions, "buffers", count))
                                    for count in BUFFERS},
        "bind_instructions_by_buffers": {count: per_job(counted(regions, "bind", count))
                                         for count in BUFFERS},
        "prep_instructions_by_buffers": {count: per_job(counted(regions, "prep", count))
                                         for count in BUFFERS},
    }
    middle = sorted(noop, key=lambda region: region["instructions"])[len(noop) // 2]
    profile = collections.Counter()
    for at, number in middle["counts"].items():
        profile[addresses.function(at)] += number
    return figures, profile


def times_of(regions, name):
    """Median of the times of a name in microseconds; None where there is none."""
    found = [region["us"] for region in regions if region["name"] == name]
    return round(statistics.median(found), 1) if found else None


def reset_times(directory):
    """Durations in microseconds that the function tracer saw: of resets of the management
    core, and of those that waited for it in vain and reset the whole device then."""
    with open(os.path.join(directory, "trace"), encoding="utf-8") as file:
        found = [float(match) for match in re.findall(
            r"([0-9.]+) us\s+\|\s+(?:kestrel_reset_work|\})", file.read())]
    core = [us for us in found if us < BOOT_TIMEOUT_MS * 1000]
    device = [us for us in found if us >= BOOT_TIMEOUT_MS * 1000]
    if not core or not device:
        raise Failure(f"{len(core)} and {len(device)} resets in the trace")
    return round(statistics.median(core)), round(statistics.median(device))


def measure_rates(guest):
    """Jobs a second; of the host, since the device works as fast as that can."""
    out = guest.measure("rates", [f"clients {count} {64 * 8} 3" for count in RATE_CLIENTS])
    regions = read_regions(out)
    return {"jobs_per_second": {count: median([region["jobs"] * 1e6 / region["us"] for region in
                                               counted(regions, "clients", count)])
                                for count in RATE_CLIENTS}}


def measure_times(guest):
    """All that is told in the guest's time, of a device that takes its own."""
    steps = ["preempt 40", f"wake 5 {RUNTIME_STATUS}", "reset 10"]
    out = guest.measure("times", steps, ["--inject", "--qemu-args",
                                         "-global kestrel-npu.timing=on"])
    core_reset, device_reset = reset_times(out)
    regions = read_regions(out)
    return {
        "round_trip_us": times_of(regions, "idle"),
        "preempted_round_trip_us": times_of(regions, "preempt"),
        "awake_round_trip_us": times_of(regions, "awake"),
        "wake_round_trip_us": times_of(regions, "wake"),
        # The driver's work; a reset of the whole device begins with that of the core
        # alone, which is given up after the boot timeout.
        "mcu_reset_us": core_reset,
        "device_reset_us": device_reset,
        "boot_timeout_us": BOOT_TIMEOUT_MS * 1000,
        # From the submission to a dead core to the end of another client's job,
        # with a heartbeat that is missed after 200 ms.
        "mcu_reset_service_us": times_of(regions, "mcu-reset"),
        "device_reset_service_us": times_of(regions, "device-reset"),
    }


def measure_suite():
    """Seconds of the ioctl tests in a guest, boot left out; None without such a kernel."""
    seconds = {}
    for kernel in SUITE_KERNELS:
        output = run(["tests/kselftest/check.sh", kernel])
        if re.search("^not ok", output, re.MULTILINE):
            raise Failure(f"the ioctl tests fail on {kernel}:\n{output[-3000:]}")
        found = re.search(r"^# the suite took (\d+) s", output, re.MULTILINE)
        seconds[kernel] = int(found.group(1)) if found else None
    return {"suite_seconds": seconds}


def measure_firmware(build):
    """Bytes of the image, cycles of the management core a job."""
    figures = json.loads(run([os.path.join(build, "tests/bench/firmware")]))
    image = os.path.join(build, "firmware/kestrel_fw.bin")
    return {"firmware_bytes": os.path.getsize(image),
            **{f"firmware_{key}": value for key, value in figures.items()}}


def flatness(costs):
    return round(max(costs.values()) / min(costs.values()), 3)


def judge(figures):
    """Pairs of a target's sentence and whether it is met."""
    noop, trivial = figures["noop_instructions"], figures["trivial_instructions"]
    yield (f"a no-op job takes {noop / trivial:.2f} times the trivial module's instructions, "
           f"at most {NOOP_RATIO}", noop <= NOOP_RATIO * trivial)
    yield (f"{figures['module_instructions']} of them in kestrel.ko, at most "
           f"{MODULE_INSTRUCTIONS}", figures["module_instructions"] <= MODULE_INSTRUCTIONS)
    for key, what in (("instructions_by_clients", "1 to 64 clients"),
                      ("instructions_by_buffers", "1 to 10,000 mapped buffers"),
                      ("prep_instructions_by_buffers", "1 to 10,000 mapped buffers, BO_PREP")):
        ratio = flatness(figures[key])
        yield f"cost a job is flat from {what}: {ratio:.2f}, at most {FLAT_RATIO}", \
            ratio <= FLAT_RATIO
    yield (f"the firmware image has {figures['firmware_bytes']} bytes, below {FIRMWARE_BYTES}",
           figures["firmware_bytes"] < FIRMWARE_BYTES)


def show(figures):
    for key, value in figures.items():
        if isinstance(value, dict):
            for inner, number in value.items():
                print(f"{key + ' ' + str(inner):48} {'-' if number is None else number:>12}")
        else:
            print(f"{key:48} {'-' if value is None else value:>12}")


def arguments_parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=os.path.join(TOP, "build"), metavar="DIR")
    parser.add_argument("--output", default=os.path.join(TOP, "build/bench/driver.json"),
                        metavar="FILE")
    parser.add_argument("--rounds", type=int, default=100, help="rounds asleep of a no-op job")
    parser.add_argument("--profile", type=int, default=0, metavar="N",
                        help="also print the N functions that take most of a no-op job")
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a target is missed")
    return parser.parse_args()


def main():
    arguments = arguments_parse()
    directory = os.path.abspath(os.path.join(arguments.build, "bench", "driver"))
    os.makedirs(directory, exist_ok=True)
    guest = Guest(directory)
    figures, profile = measure_instructions(guest, arguments.rounds)
    figures.update(measure_rates(guest))
    figures.update(measure_times(guest))
    figures.update(measure_suite())
    figures.update(measure_firmware(arguments.build))
    show(figures)
    for name, number in profile.most_common(arguments.profile):
        print(f"{number:8} {name}")
    missed = [sentence for sentence, met in judge(figures) if not met]
    for sentence, met in judge(figures):
        print(("target met: " if met else "target missed: ") + sentence)
    with open(arguments.output, "w", encoding="utf-8") as file:
        json.dump({**figures, "missed": missed}, file, indent=1)
        file.write("\n")
    return 1 if missed and arguments.strict else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failure, OSError) as failure:
        print(f"driver.py: {failure}", file=sys.stderr)
        sys.exit(1)
