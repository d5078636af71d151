#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Find the first operator whose output differs from the reference's.

usage: first-difference.py REFERENCE_LAYERS.json DUMPED_LAYERS.json

REFERENCE_LAYERS.json is a model's layers.json; DUMPED_LAYERS.json comes from
npu-run --dump-layers over the same vectors. Prints the first difference in
execution order and exits 1, or exits 0 when every operator that both files
know agrees. Exits 2 when they have no operator in common.
"""
import json
import sys


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    with open(sys.argv[1], encoding="utf-8") as file:
        reference = json.load(file)
    with open(sys.argv[2], encoding="utf-8") as file:
        dumped = json.load(file)

    # Where one source operator became several, the last one's output counts.
    found = {}
    for layer in dumped:
        found[layer["vector"], layer["operator"], layer["output"]] = layer

    compared = 0
    for layer in reference["operators"]:
        for vector, crc in layer["crc32"].items():
            mine = found.get((int(vector), layer["operator"], layer["output"]))
            if mine is None:
                continue
            compared += 1
            if mine["crc32"] != crc:
                print(f"first difference: vector {vector}, operator {layer['operator']}"
                      f" ({layer['op']}), output {layer['output']}"
                      f" \"{mine['name']}\": {mine['crc32']}, reference {crc};"
                      f" {mine['bytes']} bytes of {mine['dtype']},"
                      f" reference {layer['bytes']} of {layer['dtype']}")
                return 1
    if not compared:
        print("no operator is in both files")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
