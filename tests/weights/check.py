#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whether clustered and pruned weights become small, and random ones no larger.

    check.py [--bin DIRECTORY] [MODEL_DIRECTORY]

Compiles variants of the demo model and of two published ones (variants.py) and
holds what their weights take in the stream against their order-0 entropy, of
which a tensor may take 3 % more and OVERHEAD bytes for its decode table and the
decoder's initial states. Each is also run on the simulated NPU and on the
processor. Prints TAP lines. MODEL_DIRECTORY: default $KESTREL_MODELS, else
../shared/models.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import variants

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PUBLISHED = ("mlperf_kws_dscnn_int8", "mlperf_ic_resnet8_int8")
FACTOR = 1.03
OVERHEAD = 120


def stored_bytes(report, facts):
    """What the weights and their tables take, without records and tables for VECTOR."""
    return report["constant_bytes"] - (report["raw_constant_bytes"] - facts["weights"])


def compile_variant(program, model, variant, work):
    """The variant's facts, what its weights take, and npuc's complaint if there is one."""
    path, report = os.path.join(work, "model.tflite"), os.path.join(work, "report.json")
    facts = variants.make(model, variant, path)
    done = subprocess.run([program, path, "-o", os.path.join(work, "graph.npu"), "--verify",
                           "--report", report], capture_output=True, text=True, check=False)
    if done.returncode:
        return facts, None, done.stderr.strip()
    with open(report, encoding="utf-8") as file:
        return facts, stored_bytes(json.load(file), facts), None


def check(arguments, name, model, work):
    """TAP lines of a model; the number of failures."""
    failed = 0
    for variant in variants.VARIANTS:
        facts, stored, complaint = compile_variant(os.path.join(arguments.bin, "npuc"), model,
                                                   variant, work)
        most = facts["weights"]
        if variant != "random":
            most = min(most, FACTOR * facts["entropy"] + OVERHEAD * facts["tensors"])
        good = not complaint and stored <= most
        failed += not good
        if complaint:
            print(f"# {complaint}")
        else:
            print(f"# {facts['weights']} bytes, entropy {facts['entropy']}, stored {stored}: "
                  f"{stored / facts['entropy']:.3f} times")
        print(f"{'ok' if good else 'not ok'} - {name} with weights {variant}")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default=os.path.join(TOP, "build", "bin"), metavar="DIRECTORY")
    parser.add_argument("models", nargs="?", default=os.environ.get(
        "KESTREL_MODELS", os.path.join(TOP, "..", "shared", "models")))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        failed = check(arguments, "demo", os.path.join(TOP, "tests", "demo", "model.tflite"), work)
        if not os.path.isdir(arguments.models):
            print(f"ok - published models # SKIP no directory {arguments.models}")
        for name in PUBLISHED:
            model = os.path.join(arguments.models, name, "model.tflite")
            if os.path.exists(model):
                failed += check(arguments, name, model, work)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
