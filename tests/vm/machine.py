# SPDX-License-Identifier: MIT
"""QEMU's machine protocol: as much of it as the tests need."""
import json
import os
import socket
import time

# Where the emulated NPU is; its properties are the faults that can be injected.
NPU = "/machine/npu"


def connect(path):
    """A connected socket; waits for the path to appear."""
    connection = socket.socket(socket.AF_UNIX)
    while True:
        try:
            connection.connect(path)
            return connection
        except (FileNotFoundError, ConnectionRefusedError):
            time.sleep(0.05)


class Machine:
    """One connection. call() returns what the command does, or raises."""

    def __init__(self, path):
        self.connection = connect(path)
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
