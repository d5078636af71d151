#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare real values that stand for integers: so many steps apart, and few on average.

usage: steps.py REFERENCE FILE STEPS

Both files hold float32. The step is the smallest distance between two values of the
reference. Exits 1, with what differs, where an element is more than STEPS steps beside,
or the average element more than half a step, or where the lengths differ.
"""
import array
import sys

AVERAGE = 0.5


def read(path):
    values = array.array("f")
    with open(path, "rb") as file:
        values.frombytes(file.read())
    return values


def main():
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    reference, found, steps = read(sys.argv[1]), read(sys.argv[2]), float(sys.argv[3])
    if len(reference) != len(found):
        print(f"{len(found)} values instead of {len(reference)}")
        return 1
    grid = sorted(set(reference))
    step = min((b - a for a, b in zip(grid, grid[1:])), default=1.0)
    distances = [abs(a - b) / step for a, b in zip(reference, found)]
    # Written so that a NaN is too far.
    near = all(distance < steps + 0.5 for distance in distances)
    average = sum(distances) / len(distances)
    print(f"{max(distances):.2f} steps at most, {average:.3f} on average")
    return int(not (near and average <= AVERAGE))


if __name__ == "__main__":
    sys.exit(main())
