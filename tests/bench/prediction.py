#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whether npuc predicts the cycles that kestrel-sim then counts, within 5 %.

usage: prediction.py [--all] [--only NAME] [MODELS]

Compiles models as `make bench-compiler` does and runs one vector of each: some of the
collection, of tests/transformer and of tests/onnx, for three configurations; with --all
(or KESTREL_PREDICTION=all) every model for every configuration. Prints a TAP line for
each model; what has no operator for the NPU, or what npuc does not take, is told.
MODELS is the collection's directory (default $KESTREL_MODELS, else ../shared/models).
"""
import argparse
import os
import sys
import tempfile

import compiler

ALL_TARGETS = (*compiler.SWEEP_TARGETS, "kestrel-256-u55like")
SAMPLE = (
    "coral_mobilenet_v2_ptq_int8", "mlperf_ad_autoencoder_int8", "mlperf_ic_resnet8_int8", "mlperf_kws_dscnn_int8",
    "mlperf_vww_mobilenetv1_int8", "mlperf_sww_int8", "tflm_keyword_svdf_int8",
    "tflm_mnist_lstm_int8", "silabs_kws_on_off_int8", "mnist_cntk_qdq",
    "ort_qdq_mobilenet_edgetpu_excerpt", "onnx/network", "onnx/blocks",
)


def problems_of(arguments, name, directory, targets, work):
    """What is wrong with a model's predictions, and on how many configurations it ran."""
    problems, ran = [], 0
    for target in targets:
        try:
            row = compiler.measure(arguments, name, directory, target, work)
        except compiler.Failure as failure:
            problems.append(f"{target}: {failure}")
            continue
        if isinstance(row, str):
            print(f"# {name} on {target}: {row}")
            break
        ran += 1
        if "prediction" in row.get("missed", []):
            problems.append(f"{target}: {row['predicted_cycles']} cycles predicted, "
                            f"{row['cycles_total']} counted")
    return problems, ran


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true",
                        default=os.environ.get("KESTREL_PREDICTION") == "all")
    parser.add_argument("--only", default="", metavar="NAME")
    parser.add_argument("models", nargs="?", metavar="MODELS", default=os.environ.get(
        "KESTREL_MODELS", os.path.join(compiler.TOP, "../shared/models")))
    arguments = parser.parse_args()
    arguments.bin = os.path.join(compiler.TOP, "build", "bin")
    targets, failed = ALL_TARGETS if arguments.all else compiler.TARGETS, False
    if not os.path.isdir(arguments.models):
        print(f"ok - published models # SKIP no directory {arguments.models}")
    with tempfile.TemporaryDirectory() as work:
        models = compiler.find_models(arguments.models) + compiler.find_more(work)
        if not any(name.startswith("onnx/") for name, _ in models):
            print("ok - cases of tests/onnx # SKIP no ONNX Runtime: "
                  "tests/demo/make-venv.sh onnxruntime fails")
        for name, directory in models:
            if arguments.only not in name or not (
                    arguments.all or name in SAMPLE or name.startswith("transformer/")):
                continue
            problems, ran = problems_of(arguments, name, directory, targets, work)
            for problem in problems:
                print(f"# {problem}")
            failed |= bool(problems)
            if ran or problems:
                print(f"{'not ok' if problems else 'ok'} - {name}: cycles predicted within 5 % "
                      f"on {ran} configurations", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
