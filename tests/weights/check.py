#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whether clustered, pruned and int4 weights become small, and random ones no larger.

    check.py [--bin DIRECTORY] [MODEL_DIRECTORY]

Compiles variants of the demo model and of two published ones (variants.py) and
holds what their weights take in the stream against their order-0 entropy, of
which a tensor may take 3 % more and OVERHEAD bytes for its decode table and the
decoder's initial states; those of four bits take at most half a byte. Each is also
run on the simulated NPU and on the processor, and those of four bits on TensorFlow
Lite's reference kernels. Prints TAP lines. MODEL_DIRECTORY: default $KESTREL_MODELS, else
../shared/models.
"""
import argparse
import glob
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
REFERENCE = os.path.join(os.environ.get("KESTREL_CACHE") or
                         os.path.expanduser("~/.cache/kestrel"), "tensorflow-2.14.1", "bin",
                         "python")


def compile_variant(program, model, variant, work):
    """The variant's facts, what its weights take, and npuc's complaint if there is one."""
    path, report = os.path.join(work, "model.tflite"), os.path.join(work, "report.json")
    facts = variants.make(model, variant, path)
    done = subprocess.run([program, path, "-o", os.path.join(work, "graph.npu"), "--verify",
                           "--report", report], capture_output=True, text=True, check=False)
    if done.returncode:
        return facts, None, done.stderr.strip()
    with open(report, encoding="utf-8") as file:
        return facts, json.load(file)["weight_bytes"], None


def run(command):
    """Run a command; its complaint becomes a comment."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"# {done.stderr.strip()}")
    return not done.returncode


def check_reference(arguments, name, model, work):
    """The int4 variant's outputs on processor and NPU against the reference's."""
    inputs = sorted(glob.glob(os.path.join(os.path.dirname(model), "input_[0-9].bin")))
    variant, graph = os.path.join(work, "model.tflite"), os.path.join(work, "graph.npu")
    npu_run = [os.path.join(arguments.bin, "npu-run"), graph, "--device"]
    ways = {"reference": [sys.executable, os.path.join(TOP, "tests", "reference.py"), variant],
            "cpu": npu_run + ["cpu"], "sim": npu_run + ["sim"]}
    contents = set()
    variants.make(model, "int4", variant)
    good = run([os.path.join(arguments.bin, "npuc"), variant, "-o", graph])
    for way, command in ways.items():
        output = os.path.join(work, f"{way}.bin")
        good = good and run(command + ["--input", *inputs, "--output", output])
        if good:
            with open(output, "rb") as file:
                contents.add(file.read())
    good = good and len(contents) == 1 and contents != {b""}
    print(f"{'ok' if good else 'not ok'} - {name} with weights int4 equals the reference")
    return not good


def check_refusal(arguments, model, work):
    """An input of four bits is refused with words."""
    path = os.path.join(work, "model.tflite")
    with open(model, "rb") as file:
        data = bytearray(file.read())
    graph = variants.bound.Table(data, int.from_bytes(data[:4], "little")).tables(2)[0]
    data[graph.tables(0)[graph.vector(1, "i")[0]].offset(1)] = variants.INT4
    with open(path, "wb") as file:
        file.write(data)
    done = subprocess.run([os.path.join(arguments.bin, "npuc"), path, "-o", os.devnull],
                          capture_output=True, text=True, check=False)
    good = done.returncode == 1 and "int4 is supported for constant weights" in done.stderr
    if not good:
        print(f"# {done.stderr.strip()}")
    print(f"{'ok' if good else 'not ok'} - an input of int4 is refused")
    return not good


def check(arguments, name, model, work):
    """TAP lines of a model; the number of failures."""
    failed = 0
    for variant in variants.VARIANTS:
        facts, stored, complaint = compile_variant(os.path.join(arguments.bin, "npuc"), model,
                                                   variant, work)
        most = facts["weights"]
        if variant == "int4":
            most = facts["weights"] / 2 + facts["tensors"]
        elif variant != "random":
            most = min(most, FACTOR * facts["entropy"] + OVERHEAD * facts["tensors"])
        good = not complaint and stored <= most
        failed += not good
        if complaint:
            print(f"# {complaint}")
        else:
            print(f"# {facts['weights']} bytes, entropy {facts['entropy']}, stored {stored}: "
                  f"{stored / facts['entropy']:.3f} times")
        print(f"{'ok' if good else 'not ok'} - {name} with weights {variant}")
    return failed + (check_reference(arguments, name, model, work)
                     if os.path.exists(REFERENCE) else 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default=os.path.join(TOP, "build", "bin"), metavar="DIRECTORY")
    parser.add_argument("models", nargs="?", default=os.environ.get(
        "KESTREL_MODELS", os.path.join(TOP, "..", "shared", "models")))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        if not os.path.exists(REFERENCE):
            print("ok - int4 against the reference # SKIP no TensorFlow: run "
                  "tests/demo/make-venv.sh")
        demo = os.path.join(TOP, "tests", "demo", "model.tflite")
        failed = check(arguments, "demo", demo, work) + check_refusal(arguments, demo, work)
        if not os.path.isdir(arguments.models):
            print(f"ok - published models # SKIP no directory {arguments.models}")
        for name in PUBLISHED:
            model = os.path.join(arguments.models, name, "model.tflite")
            if os.path.exists(model):
                failed += check(arguments, name, model, work)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
