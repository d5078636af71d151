#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Switches an injected fault of the emulated NPU on and off, over QMP.

usage: inject.py SOCKET PROPERTY SECONDS [SEED]

The property gets one seed after the other, SEED first, for a second each with
two of rest, and is 0 after SECONDS. Waits for SOCKET to appear. Prints each seed.
"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "vm"))
from machine import NPU, Machine  # noqa: E402

ON_SECONDS = 1
OFF_SECONDS = 2


def main():
    path, name, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 1
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
