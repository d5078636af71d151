#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare two files of float32: equal within 1e-4 of the reference's range.

usage: compare-float.py REFERENCE FILE [MODEL.json OUTPUT]

With the description of an ONNX model and the number of the output, as many values
may differ, and by as much, as those of ONNX Runtime with all its optimisations
do, which the description states.

Prints what differs and exits 1 where more does, or where the lengths differ, or
where one has a NaN.
"""
import array
import json
import sys

TOLERANCE = 1e-4


def read(path):
    values = array.array("f")
    with open(path, "rb") as file:
        values.frombytes(file.read())
    return values


def allowance(path, output):
    """How many values of the output may differ, and by how much."""
    with open(path, encoding="utf-8") as file:
        agreements = json.load(file)["agreement_with_reference"]
    runtime, = [name for name in agreements if name.startswith("onnxruntime")]
    return agreements[runtime]["outputs"][output]


def main():
    if len(sys.argv) not in (3, 5):
        print(__doc__, file=sys.stderr)
        return 2
    allowed = {"differing": 0, "max_abs": 0}
    if len(sys.argv) == 5:
        allowed = allowance(sys.argv[3], int(sys.argv[4]))
    reference, found = read(sys.argv[1]), read(sys.argv[2])
    if len(reference) != len(found):
        print(f"{len(found)} values instead of {len(reference)}")
        return 1
    slack = TOLERANCE * (max(reference) - min(reference))
    # Written so that a NaN differs.
    differing = [(abs(a - b), i) for i, (a, b) in enumerate(zip(reference, found))
                 if not abs(a - b) <= slack]
    if not differing:
        return 0
    worst, i = max(differing)
    print(f"{len(differing)} values differ, of {allowed['differing']} that may; "
          f"value {i}: {found[i]} instead of {reference[i]}")
    return int(len(differing) > allowed["differing"] or
               any(not distance <= allowed["max_abs"] + slack for distance, _ in differing))


if __name__ == "__main__":
    sys.exit(main())
