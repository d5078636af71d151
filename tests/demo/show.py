#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Show what the guest of run.sh found out, and judge it.

usage: show.py RESULTS SAMPLES

RESULTS holds npu.json and cpu.json of npu-classify (an object a line), SAMPLES
the images with the reference runtime's outputs (samples.json, output_0.bin).
Exit code: 0 when all outputs are the reference's, 1 otherwise.
"""

import json
import os
import sys


def answers_read(path):
    with open(path, encoding="utf-8") as lines:
        answers = [json.loads(line) for line in lines if line.strip()]
    return {os.path.basename(answer["image"]): answer for answer in answers}


def reference_read(directory):
    """The label and the output bytes, as hexadecimal digits, of every sample."""
    with open(os.path.join(directory, "samples.json"), encoding="utf-8") as file:
        samples = json.load(file)
    with open(os.path.join(directory, "output_0.bin"), "rb") as file:
        outputs = file.read()
    size = len(outputs) // len(samples)
    return [(sample["file"], sample["label"], outputs[i * size:(i + 1) * size].hex())
            for i, sample in enumerate(samples)]


def text_read(directory, name):
    with open(os.path.join(directory, name), encoding="utf-8") as file:
        return file.read().strip()


def duration(microseconds):
    if microseconds < 1000:
        return f"{microseconds:.1f} us"
    return f"{microseconds / 1000:.2f} ms"


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    results, samples = sys.argv[1:]
    npu = answers_read(os.path.join(results, "npu.json"))
    cpu = answers_read(os.path.join(results, "cpu.json"))
    reference = reference_read(samples)

    print(f"guest: {text_read(results, 'kernel')}, Debian's own")
    for line in text_read(results, "dmesg").splitlines():
        print("      ", line.split("] ", 1)[-1])
    print()
    print("                     NPU                                                CPU")
    print("image          shows says  probability   cycles  at its clock  in guest  "
          "says  in guest  bytes")
    equal = right = 0
    for name, label, expected in reference:
        if name not in npu or name not in cpu:
            print(f"{name:14} no answer")
            continue
        n, c = npu[name], cpu[name]
        agree = n["output"] == c["output"] == expected
        equal += agree
        right += n["class"] == label
        verdict = ("equal" if agree else "CPU AND NPU DIFFER" if n["output"] != c["output"]
                   else "NOT THE REFERENCE'S")
        print(f"{name:14} {label:5} {n['label']:>4} {100 * n['probability']:10.1f} % "
              f"{n['npu_cycles']:8} {duration(1000 * n['npu_cycles'] / n['clock_khz']):>13} "
              f"{duration(n['latency_us']):>9} {c['label']:>5} {duration(c['latency_us']):>9}  "
              f"{verdict}")
    print()
    ran = all(answer["npu_cycles"] for answer in npu.values())
    print(f"{equal} of {len(reference)} images gave the same bytes on the NPU, on the CPU and in the "
          f"reference runtime;")
    print(f"{right} of {len(reference)} are read rightly (misread_5 is there because the network reads "
          "it wrongly).")
    print("Cycles are modelled; times in the guest are those of an emulated machine.")
    if not ran:
        print("FAILED: an answer of the NPU cost it no cycle")
    good = equal == len(reference) and ran
    print("PASSED" if good else "FAILED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
