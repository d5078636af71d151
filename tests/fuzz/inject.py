#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Switches an injected fault of the emulated NPU on and off, over QMP.

usage: inject.py SOCKET PROPERTY SECONDS [SEED]

The property gets one seed after the other, SEED first, for a second each with
two of rest, and is 0 after SECONDS. Waits for SOCKET to appear. Prints each seed.
"""
import json
import os
import socket
import sys
import time

NPU = "/machine/npu"
ON_SECONDS = 1
OFF_SECONDS = 2


class Machine:
    def __init__(self, path):
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.connect(path)
        self.lines = self.connection.makefile("r")
        self.lines.readline()
        self.call("qmp_capabilities")

    def call(self, command, **arguments):
        request = {"execute": command, "arguments": arguments}
        self.connection.sendall(json.dumps(request).encode())
        while True:
            line = self.lines.readline()
            if not line:
                raise EOFError("the machine is gone")
            answer = json.loads(line)
            if "error" in answer:
                raise RuntimeError(answer["error"]["desc"])
            if "return" in answer:
                return answer["return"]


def main():
    path, name, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    while not os.path.exists(path):
        time.sleep(0.1)
    machine = Machine(path)
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            print(f"# {name} {seed}", flush=True)
            machine.call("qom-set", path=NPU, property=name, value=seed)
            time.sleep(ON_SECONDS)
            machine.call("qom-set", path=NPU, property=name, value=0)
            time.sleep(OFF_SECONDS)
            seed += 1
    except EOFError:
        return 1
    return 0


sys.exit(main())
