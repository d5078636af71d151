#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare two files of float32: equal within 1e-4 of the reference's range.

usage: compare-float.py REFERENCE FILE

Prints the largest difference and exits 1 where they differ more, or in length,
or where one has a NaN.
"""
import array
import sys

TOLERANCE = 1e-4


def read(path):
    values = array.array("f")
    with open(path, "rb") as file:
        values.frombytes(file.read())
    return values


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    reference, found = read(sys.argv[1]), read(sys.argv[2])
    if len(reference) != len(found):
        print(f"{len(found)} values instead of {len(reference)}")
        return 1
    span = max(reference) - min(reference)
    for i, (a, b) in enumerate(zip(reference, found)):
        # Written so that a NaN fails.
        if not abs(a - b) <= TOLERANCE * span:
            print(f"value {i}: {b} instead of {a}, the range is {span}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
