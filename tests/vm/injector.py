#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Injects faults into the emulated NPU for a guest that asks for them.

usage: injector.py QMP_SOCKET CHANNEL_SOCKET

The guest writes lines to its end of the channel and gets one line back for each:
"ok", or "error: " and why.

    PROPERTY VALUE        of the board's NPU
    ID PROPERTY VALUE     of the device that was made with -device id=ID
    after SECONDS LINE    one of these, later: answered at once, failures are
                          this program's errors

Properties are those of the device (emulator/qemu/kestrel_npu.h), such as
hung-engine. Ends with the machine.
"""
import sys
import threading

from machine import NPU, Machine, connect


class Injector:
    """Sets properties, one at a time, whoever asks for it."""

    def __init__(self, machine):
        self.machine = machine
        self.lock = threading.Lock()

    def inject(self, words):
        *device, name, value = words
        if len(device) > 1:
            raise ValueError("too many words")
        path = f"/machine/peripheral/{device[0]}" if device else NPU
        with self.lock:
            self.machine.call("qom-set", path=path, property=name, value=int(value))

    def inject_late(self, words):
        try:
            self.inject(words)
        except (EOFError, OSError, ValueError, RuntimeError) as error:
            print(f"{' '.join(words)}: {error}", file=sys.stderr)

    def answer(self, line):
        try:
            words = line.split()
            if words[:1] == ["after"]:
                timer = threading.Timer(float(words[1]), self.inject_late, (words[2:],))
                timer.daemon = True
                timer.start()
            else:
                self.inject(words)
            return "ok"
        except (IndexError, ValueError, RuntimeError) as error:
            return f"error: {error}"


def main():
    injector = Injector(Machine(sys.argv[1]))
    channel = connect(sys.argv[2])
    try:
        for line in channel.makefile("r"):
            channel.sendall((injector.answer(line) + "\n").encode())
    except (EOFError, OSError):
        pass
    return 0


sys.exit(main())
