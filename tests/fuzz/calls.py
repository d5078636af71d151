#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Finds the calls of the ioctl fuzzer in the memory of a machine, which may have died:
the pages that ioctl_fuzz.c describes at LOG_MAGIC. Writes those of the last run: a byte
0xff for each run that has begun, then the number of each call's thread, in order.

usage: calls.py MEMORY LOG
"""
import mmap
import struct
import sys

MAGIC = b"kestrel calls  1"
PAGE_BYTES = 4096
HEADER = struct.Struct("<16sII")
NONE = 0xFE
BEGIN = 0xFF


def pages_read(path):
    """The threads in each page, by run and number of the page."""
    runs = {}
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as memory:
        at = memory.find(MAGIC)
        while at >= 0:
            if at % PAGE_BYTES == 0:
                _, run, page = HEADER.unpack_from(memory, at)
                threads = memory[at + HEADER.size:at + PAGE_BYTES].replace(bytes([NONE]), b"")
                pages = runs.setdefault(run, {})
                # The kernel may have moved it, and the longest is the last.
                pages[page] = max(pages.get(page, b""), threads, key=len)
            at = memory.find(MAGIC, at + 1)
    return runs


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    runs = pages_read(sys.argv[1])
    if not runs:
        sys.exit(f"calls.py: {sys.argv[1]}: no run of the fuzzer has left a log")
    last = max(runs)
    if sorted(runs[last]) != list(range(len(runs[last]))):
        sys.exit(f"calls.py: {sys.argv[1]}: run {last} lacks pages of its log")
    with open(sys.argv[2], "wb") as log:
        log.write(bytes([BEGIN] * last))
        log.writelines(runs[last][page] for page in sorted(runs[last]))


if __name__ == "__main__":
    main()
