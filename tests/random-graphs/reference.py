#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run written random networks with TensorFlow Lite's reference kernels.

usage: reference.py DIRECTORY

DIRECTORY is what `random_graphs --write` made: one directory a seed, with
model.tflite, input_K.bin and the processor's output_K.bin. The reference's
outputs must be the same in every byte; where the compiler refused a network, or
rounded otherwise (--numerics), there is nothing to compare. Prints TAP lines. Needs the Python
environment of tests/demo/make-venv.sh.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import reference  # noqa: E402  (found by the line above)

# Networks that the reference's loader must take for the comparison to mean anything.
LEAST_COMPARED = 0.5


def numbered(directory, prefix):
    """Files PREFIX_0.bin, PREFIX_1.bin... of a directory, in order."""
    files = []
    while os.path.exists(path := os.path.join(directory, f"{prefix}_{len(files)}.bin")):
        files.append(path)
    return files


def differences(directory):
    """Say how each output differs, or None where there is nothing to compare."""
    expected = numbered(directory, "output")
    with open(os.path.join(directory, "configuration"), encoding="utf-8") as file:
        if not expected or "--numerics" in file.read():
            return None
    path = os.path.join(directory, "model.tflite")
    # To watch means that no operator works in place: the runtime sometimes lets an ADD
    # overwrite a tensor that is read again.
    found = reference.model_run(reference.model_load(path), path, numbered(directory, "input"),
                                watched=range(1), on_operator=lambda *_: None)
    lines = []
    if len(found) != len(expected):
        return [f"{len(found)} outputs, {len(expected)} files"]
    for k, (name, data) in enumerate(zip(expected, found)):
        with open(name, "rb") as file:
            ours = file.read()
        different = [i for i, pair in enumerate(zip(ours, data)) if pair[0] != pair[1]]
        if len(ours) != len(data):
            lines.append(f"output {k}: {len(ours)} bytes, the reference gives {len(data)}")
        elif different:
            at = different[0]
            lines.append(f"output {k}: {len(different)} of {len(data)} bytes differ, first "
                         f"byte {at} is {ours[at]}, the reference's {data[at]}")
    return lines


def main():
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    reference.venv_enter()
    failed, compared, refused, total = 0, 0, 0, 0
    for seed in sorted(filter(str.isdigit, os.listdir(sys.argv[1])), key=int):
        total += 1
        try:
            lines = differences(os.path.join(sys.argv[1], seed))
        except reference.RunError as error:
            refused += 1
            print(f"# seed {seed}: the reference does not run it: {error}")
            continue
        if lines is None:
            continue
        compared += 1
        if lines:
            failed += 1
            print(f"not ok - seed {seed} against the reference")
            print("\n".join(f"# {line}" for line in lines))
    print(f"# {total} networks: {compared} compared, {refused} refused by the reference")
    if compared < LEAST_COMPARED * total:
        print("not ok - the reference runs most random networks")
        return 1
    if not failed:
        print(f"ok - {compared} random networks give the reference's bytes")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
