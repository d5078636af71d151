#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whether a network takes fewer NPU jobs and moves fewer bytes than another.

usage: cheaper.py REPORT.json OTHER.json

Both are reports of npuc. Prints jobs, and the bytes that they read and write, of both;
exits 1 where the first one does not have fewer of each.
"""
import json
import os
import sys


def cost(path):
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    operators = report["operators"]
    return (len(report["jobs"]), sum(one["memory_read_bytes"] for one in operators),
            sum(one["memory_write_bytes"] for one in operators))


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    costs = [cost(path) for path in sys.argv[1:]]
    for path, (jobs, read, written) in zip(sys.argv[1:], costs):
        print(f"{os.path.basename(path)}: {jobs} jobs, {read} bytes read, {written} written")
    return 0 if all(one < other for one, other in zip(*costs)) else 1


if __name__ == "__main__":
    sys.exit(main())
