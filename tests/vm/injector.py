#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Injects faults into the emulated NPU for a guest that asks for them.

usage: injector.py QMP_SOCKET CHANNEL_SOCKET

The guest writes lines "PROPERTY VALUE" to its end of the channel and gets one
line back for each: "ok", or "error: " and why. Properties are those of the
device (emulator/qemu/kestrel_npu.h), such as hung-engine. Ends with the machine.
"""
import sys

from machine import NPU, Machine, connect


def answer(machine, line):
    try:
        name, value = line.split()
        machine.call("qom-set", path=NPU, property=name, value=int(value))
        return "ok"
    except (ValueError, RuntimeError) as error:
        return f"error: {error}"


def main():
    machine = Machine(sys.argv[1])
    channel = connect(sys.argv[2])
    try:
        for line in channel.makefile("r"):
            channel.sendall((answer(machine, line) + "\n").encode())
    except (EOFError, OSError):
        pass
    return 0


sys.exit(main())
