#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks what npu-coredump says of the dumps of recovery_test.c.

usage: dumps.py NPU_COREDUMP DIRECTORY

Prints TAP lines.
"""
import errno
import json
import os
import subprocess
import sys

# Of each dump: its reason, and of the job to blame, where there is one for sure,
# the error, how the firmware ended it, and the fault.
EXPECTED = {
    "bad_stream": ("job", (errno.EINVAL, "fault", "illegal-opcode")),
    "endless_stream": ("job", (errno.ETIMEDOUT, "timeout", "none")),
    "hung_engine": ("job", (errno.ETIMEDOUT, "timeout", "none")),
    "hung_engine_kill": ("job", (errno.ETIMEDOUT, "timeout", "none")),
    "memory_error": ("job", (errno.EIO, "fault", "ecc")),
    "crash": ("mcu-reset", None),
    "dead_mcu": ("mcu-reset", None),
    "lying_firmware": ("mcu-reset", None),
    "log_level": ("mcu-reset", None),
    "full_reset": ("device-reset", None),
    "hung_invalidation": ("device-reset", None),
    "wedged": ("wedged", None),
    "all_ones": ("wedged", None),
    "endless_reset": ("wedged", None),
    "hung_invalidation_and_reset": ("wedged", None),
    "injected_mcu_reset": ("mcu-reset", None),
    "injected_device_reset": ("device-reset", None),
    "injected_wedge": ("wedged", None),
}
# The first commands of the streams that the tests write.
COPY = ["dma_in.base = 0", "dma_in.offset = 0", "dma_in.count0 = 4096", "dma_in execute"]
STREAMS = {
    "bad_stream": ["dma_in.base = 0", "0xff: no such record"],
    "endless_stream": ["dma_in wait 0", "end"],
    "hung_engine": COPY,
    "hung_engine_kill": COPY,
    "memory_error": ["dma_in wait 0", "end"],
}
# Where tests/kselftest/kestrel.h maps the client's stream and data.
MAPPINGS = [(0x2000000, 0x10000, "--x"), (0x3000000, 0x10000, "rw-")]


def wrong(name, dump):
    """What is not as it should be, or nothing."""
    reason, job = EXPECTED[name]
    if dump["dump"]["reason"] != reason:
        return f"reason is {dump['dump']['reason']}"
    if name != "all_ones" and not any(entry["name"] == "ID" and entry["value"] == 0x55504e4b
                                      for entry in dump["registers"]):
        return "no register that names the device"
    if not dump["queues"] or not dump["device"]["firmware_build"]:
        return "queues or versions are missing"
    if job:
        found = dump["job"]
        if (found["error"], found["event"], found["fault"]) != job:
            return f"job is {found}"
        if [command["text"] for command in dump["commands"]][:len(STREAMS[name])] != STREAMS[name]:
            return f"commands are {dump['commands']}"
        # The firmware was told to say such things.
        stop = f"queue {found['queue']} stops: event "
        if not any(record["text"].startswith(stop) for record in dump["log"]):
            return f"log does not say \"{stop}...\": {dump['log']}"
        mapped = [(m["address"], m["size"], m["permissions"]) for m in dump["mappings"]]
        if mapped != MAPPINGS:
            return f"mappings are {mapped}"
    if name == "crash":
        if dump["mcu"]["status"] != "halted" or dump["mcu"]["state"] != "crashed":
            return f"core is {dump['mcu']}"
        if not any(word for word in dump["crash"]["registers"]):
            return "crash record has no registers"
        if not any("crash" in record["text"] for record in dump["log"]):
            return f"log is {dump['log']}"
    return None


def main():
    program, directory = sys.argv[1], sys.argv[2]
    for name in EXPECTED:
        path = os.path.join(directory, name)
        ended = subprocess.run([program, "--json", "--all", path], capture_output=True,
                               check=False, text=True)
        if ended.returncode:
            print(f"# {ended.stderr.strip()}")
        problem = "npu-coredump fails" if ended.returncode else wrong(
            name, json.loads(ended.stdout))
        if problem:
            print(f"# {problem}")
        print(f"{'not ok' if problem else 'ok'} - dump of {name} tells what happened")


main()
