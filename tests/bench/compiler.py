#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Figures of compiled graphs: our cycles against the bound and against Vela's.

Compiles every model that npuc takes of the collection, of tests/transformer and, where
there is ONNX Runtime to make them, of tests/onnx, for the reference configurations,
runs one vector in kestrel-sim, prints a table and writes build/bench/compiler.json. The bound is tests/bound.py's, computed from
the model file alone. Vela's figures are those of its 3.10's own estimator at
the same MACs and memory settings. Exit code: 0, also where a target is not met
(--strict: 1 then); 1 if a model fails that npuc took.
"""
import argparse
import glob
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(TOP, "tests"))
sys.path.insert(0, os.path.join(TOP, "tests", "weights"))
import bound  # noqa: E402  (found by the lines above)
import variants  # noqa: E402

TARGETS = ("kestrel-256", "kestrel-512", "kestrel-256-u55like")
SWEEP_MODEL = "coral_mobilenet_v2_ptq_int8"
SWEEP_TARGETS = ("kestrel-64", "kestrel-128", "kestrel-256", "kestrel-512", "kestrel-1024",
                 "kestrel-2048")
# MACs a cycle and constant bytes a cycle; bound.py has those of -256 and -512.
RATES = {"kestrel-64": (64, 1.0), "kestrel-128": (128, 1.0), "kestrel-1024": (1024, 7.5),
         "kestrel-2048": (2048, 15.0), "kestrel-256-u55like": (256, 1.0),
         **bound.CONFIGURATIONS}
# Vela 3.10: (cycles, constant bytes) for Ethos-U55-256 and Ethos-U65-512.
VELA = {
    "mlperf_kws_dscnn_int8": ((51430, 29888), (35172, 29936)),
    "mlperf_ic_resnet8_int8": ((141624, 78176), (72020, 78256)),
    "mlperf_vww_mobilenetv1_int8": ((158938, 73920), (203127, 74256)),
    "mlperf_ad_autoencoder_int8": ((201248, 201248), (61378, 201856)),
    "tflm_micro_speech_int8": ((37538, 19136), (16309, 22224)),
    "coral_mobilenet_v2_ptq_int8": ((5941000, 3455328), (3084000, 3457552)),
}
VELA_TARGETS = ("kestrel-256", "kestrel-512")
# Models whose weights are clustered and pruned.
VARIANT_MODELS = ("mlperf_ic_resnet8_int8", "mlperf_ad_autoencoder_int8")
# Microbenchmarks of the hardware: share of the array while the MAC unit works.
LAYERS = {"depthwise_3x3_stride_1": 0.50, "depthwise_3x3_stride_2": 0.40,
          "first_layer_3x3_stride_2": 0.50}
COMPILE_SECONDS = 2.0
GEOMETRIC_MEAN = 0.70
SPEEDUP = 2
BOUND_SHARE = 0.85
PREDICTION_ERROR = 0.05
MACS_NPU_SHARE = 0.95
# Whose convolutions are of floats: the NPU computes with integers.
FLOAT_MODELS = ("onnx/conv_float_weights", "onnx/conv_unframed")


class Failure(Exception):
    """A model that npuc took and that then went wrong."""


def run_one_core(command):
    """Run a command on one core; return its exit code, stderr and processor seconds."""
    if shutil.which("taskset"):
        core = str(min(os.sched_getaffinity(0)))
        command = ["taskset", "-c", core] + command
    with tempfile.TemporaryFile() as errors:
        begin = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        elapsed = time.monotonic() - begin
        errors.seek(0)
        text = errors.read().decode(errors="replace").strip()
    # The wall clock of a machine with other work says nothing about the compiler.
    return process.returncode, text, min(elapsed, usage.ru_utime + usage.ru_stime)


def input_bytes(directory):
    """Bytes of one vector of each input, as model.json tells; None if it does not."""
    try:
        with open(os.path.join(directory, "model.json"), encoding="utf-8") as file:
            return [entry["bytes_per_vector"] for entry in json.load(file)["inputs"]]
    except (OSError, KeyError, json.JSONDecodeError):
        return None


TYPE_BYTES = {"int8": 1, "uint8": 1, "bool": 1, "int16": 2, "int32": 4, "float32": 4, "int64": 8}


def graph_input_bytes(arguments, graph):
    """The same, as a compiled graph has its inputs."""
    done = subprocess.run([os.path.join(arguments.bin, "npu-info"), graph, "--device", "cpu",
                           "--json"], capture_output=True, text=True, check=True)
    return [math.prod(entry["shape"]) * TYPE_BYTES[entry["dtype"]]
            for entry in json.loads(done.stdout)["model"]["inputs"]]


def first_vectors(arguments, directory, graph, work):
    """Files with the first vector of each input."""
    sizes, files = input_bytes(directory) or graph_input_bytes(arguments, graph), []
    while os.path.exists(path := os.path.join(directory, f"input_{len(files)}.bin")):
        with open(path, "rb") as file:
            data = file.read(sizes[len(files)])
        files.append(os.path.join(work, f"input_{len(files)}.bin"))
        with open(files[-1], "wb") as file:
            file.write(data)
    return files


def model_path(directory):
    """The model of a directory: model.tflite or model.onnx."""
    tflite = os.path.join(directory, "model.tflite")
    return tflite if os.path.exists(tflite) else os.path.join(directory, "model.onnx")


def limits_of(directory, report=None):
    """MACs and bytes of constants that bound a model; an ONNX model's MACs are npuc's."""
    model = model_path(directory)
    if model.endswith(".tflite"):
        return bound.bound_of(model)
    if report:
        return {"macs": sum(op["macs"] for op in report["operators"])}
    try:
        with open(os.path.join(directory, "model.json"), encoding="utf-8") as file:
            return {"macs": json.load(file)["macs"]}
    except OSError:
        return {"macs": None}


def output_count(model):
    """Number of output tensors of a model; of an ONNX model by its reference's files."""
    if not model.endswith(".tflite"):
        return len(glob.glob(os.path.join(os.path.dirname(model), "output_[0-9].bin")))
    with open(model, "rb") as stream:
        data = stream.read()
    model = bound.Table(data, int.from_bytes(data[:4], "little"))
    return len(model.tables(2)[0].vector(2, "i"))


def simulate(program, graph, target, inputs, outputs):
    """Run a graph in kestrel-sim; return its statistics."""
    command = [program, graph, "--target", target, "--json", "--input", *inputs, "--output",
               *outputs]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(done.stderr.strip())
    return json.loads(done.stdout)


def bound_cycles(limits, target):
    """The bound on a target of a model whose limits are given; None where they are not."""
    rate, port = RATES[target]
    if "constant_bytes" not in limits:
        return None
    return max(limits["macs"] / rate, limits["constant_bytes"] / port)


def npu_macs(report):
    """MACs of the operators that an NPU command computes, dead channels included."""
    return sum(op["macs"] for op in report["operators"] if op["place"] != "cpu")


def npu_share(report):
    """Their share of all MACs; None for a model that has none."""
    total = sum(op["macs"] for op in report["operators"])
    return npu_macs(report) / total if total else None


def measure(arguments, name, directory, target, work):
    """Compile and run one model; a row of the table, or a sentence of npuc's refusal."""
    model = model_path(directory)
    graph, report_file = os.path.join(work, "graph.npu"), os.path.join(work, "report.json")
    code, text, seconds = run_one_core([os.path.join(arguments.bin, "npuc"), model, "-o", graph,
                                        "--target", target, "--report", report_file])
    if code == 1:
        return text.split(": ", 2)[-1]
    if code:
        raise Failure(f"npuc exited with {code}: {text}")
    with open(report_file, encoding="utf-8") as file:
        report = json.load(file)
    limits = limits_of(directory, report)
    least = bound_cycles(limits, target)
    row = {"model": name, "target": target, "macs": limits["macs"],
           "bound_cycles": None if least is None else round(least),
           "compile_s": round(seconds, 3), "ops_npu": report["ops_npu"],
           "ops_cpu": report["ops_cpu"], "ops_removed": report["ops_removed"]}
    if not report["ops_npu"]:
        return "no operator on the NPU: " + report["operators"][0]["reason"]
    outputs = [os.path.join(work, f"output_{i}.bin") for i in range(output_count(model))]
    inputs = first_vectors(arguments, directory, graph, work)
    statistics = simulate(os.path.join(arguments.bin, "kestrel-sim"), graph, target, inputs,
                          outputs)
    share = npu_share(report)
    row.update({
        "cycles_total": statistics["cycles_total"],
        "predicted_cycles": report["predicted_cycles"],
        "sram_peak_bytes": statistics["sram_peak_bytes"],
        "spill_bytes": report["spill_bytes"],
        "constants_bytes": report["constant_bytes"],
        "constants_raw_bytes": report["raw_constant_bytes"],
        "weights_stored_bytes": report["weight_bytes"],
        "command_bytes": report["command_bytes"],
        "macs_npu_share": None if share is None else round(share, 6),
        "mac_utilisation": round(npu_macs(report) / (statistics["cycles_total"] *
                                                     RATES[target][0]), 6),
        "mac_busy_cycles": statistics["cycles"]["mac"],
        "simulated_macs": statistics["macs"],
    })
    if name in VELA and target in VELA_TARGETS:
        compare_with_vela(row)
    if abs(row["predicted_cycles"] / row["cycles_total"] - 1) > PREDICTION_ERROR:
        row.setdefault("missed", []).append("prediction")
    if share is not None and share < MACS_NPU_SHARE and name not in FLOAT_MODELS:
        row.setdefault("missed", []).append("MACs on the NPU")
    return row


def compare_with_vela(row):
    """Add the peer's figures, the limits and whether they are kept."""
    cycles, constants = VELA[row["model"]][VELA_TARGETS.index(row["target"])]
    limit = min(cycles, max(cycles / SPEEDUP, row["bound_cycles"] / BOUND_SHARE))
    missed = []
    if row["cycles_total"] > limit:
        missed.append("cycles")
    if row["constants_bytes"] > constants:
        missed.append("constants")
    if row["compile_s"] > COMPILE_SECONDS:
        missed.append("compile time")
    if row["spill_bytes"]:
        missed.append("spill")
    row.update({"vela_cycles": cycles, "vela_constants_bytes": constants,
                "limit_cycles": round(limit), "missed": missed})


COLUMNS = (
    ("model", -30, lambda r: r["model"]),
    ("target", -20, lambda r: r["target"]),
    ("MMAC", 8, lambda r: "%.2f" % (r["macs"] / 1e6)),
    ("bound", 9, lambda r: "-" if r["bound_cycles"] is None else r["bound_cycles"]),
    ("cycles", 9, lambda r: r["cycles_total"]),
    ("predicted", 15, lambda r: "%d %+.1f%%" % (r["predicted_cycles"], 100 * (
        r["predicted_cycles"] / r["cycles_total"] - 1))),
    ("array", 6, lambda r: "%.1f%%" % (100 * r["mac_utilisation"])),
    ("bound/c.", 8, lambda r: "-" if r["bound_cycles"] is None else
     "%.1f%%" % (100 * r["bound_cycles"] / r["cycles_total"])),
    ("Vela", 8, lambda r: r.get("vela_cycles", "")),
    ("limit", 8, lambda r: r.get("limit_cycles", "")),
    ("SRAM", 7, lambda r: r["sram_peak_bytes"]),
    ("spill", 8, lambda r: r["spill_bytes"]),
    ("constants", 9, lambda r: r["constants_bytes"]),
    ("Vela's", 8, lambda r: r.get("vela_constants_bytes", "")),
    ("compile", 7, lambda r: "%.2fs" % r["compile_s"]),
    ("MACs NPU", 8, lambda r: "-" if r["macs_npu_share"] is None else
     "%.1f%%" % (100 * r["macs_npu_share"])),
    ("target met", -10, lambda r: "" if "missed" not in r else
     "no: " + ", ".join(r["missed"]) if r["missed"] else "yes"),
)


def print_rows(rows):
    """Print the table's lines."""
    for row in rows:
        print(" ".join("%*s" % (width, cell(row)) for _, width, cell in COLUMNS).rstrip())
    sys.stdout.flush()


def print_head(title):
    print(f"\n{title}")
    print(" ".join("%*s" % (width, name) for name, width, _ in COLUMNS).rstrip())


def find_models(directory):
    """Names and directories of the models, single-operator collections last."""
    found = sorted(glob.glob(os.path.join(directory, "*", "model.tflite")))
    found += sorted(glob.glob(os.path.join(directory, "*", "model.onnx")))
    found += sorted(glob.glob(os.path.join(directory, "*", "*", "model.tflite")))
    return [(os.path.relpath(os.path.dirname(path), directory), os.path.dirname(path))
            for path in found]


def find_more(work):
    """Names and directories of the models of this tree: transformers, cases of ONNX."""
    found = [("transformer/" + os.path.basename(os.path.dirname(path)), os.path.dirname(path))
             for path in sorted(glob.glob(os.path.join(TOP, "tests/transformer/*/model.*")))]
    venv = subprocess.run([os.path.join(TOP, "tests/demo/make-venv.sh"), "onnxruntime"],
                          capture_output=True, text=True, check=False)
    if venv.returncode:
        return found
    directory = os.path.join(work, "onnx")
    subprocess.run([venv.stdout.strip(), os.path.join(TOP, "tests/onnx/check.py"), "--write",
                    directory], check=True)
    return found + [("onnx/" + name, os.path.join(directory, name))
                    for name in sorted(os.listdir(directory))]


def measure_all(arguments, models, targets, work, refused):
    """Rows of all models on all targets, printed as they come."""
    rows = []
    for name, directory in models:
        for target in targets:
            row = measure(arguments, name, directory, target, work)
            if isinstance(row, str):
                refused[name] = row
                break
            rows.append(row)
            print_rows([row])
    return rows


def measure_layers(arguments, work):
    """The three layers whose share of the array the hardware promises."""
    directory = os.path.join(work, "layers")
    subprocess.run([arguments.layers, directory], check=True)
    rows = []
    print("\nShare of the array while the MAC unit works (microbenchmarks, kestrel-256 and -512)")
    for name, least in LAYERS.items():
        for target in VELA_TARGETS:
            row = measure(arguments, name, os.path.join(directory, name), target, work)
            if isinstance(row, str):
                raise Failure(f"{name}: {row}")
            share = row["simulated_macs"] / (row["mac_busy_cycles"] * RATES[target][0])
            row.update({"array_share": round(share, 4), "array_share_least": least,
                        "missed": [] if share >= least else ["array share"]})
            print("%-30s %-12s %6.1f%% of the array, at least %.0f%%: %s" % (
                name, target, 100 * share, 100 * least, "yes" if share >= least else "no"))
            rows.append(row)
    return rows


def measure_variants(arguments, models, work):
    """What clustered and pruned weights take, and what they make faster."""
    directory, rows = os.path.join(work, "variant"), []
    print("\nClustered and pruned weights: bytes, order-0 entropy, as they are stored")
    for name, path in models:
        if name not in VARIANT_MODELS:
            continue
        for variant in variants.VARIANTS:
            shutil.copytree(path, directory, dirs_exist_ok=True)
            facts = variants.make(os.path.join(path, "model.tflite"), variant,
                                  os.path.join(directory, "model.tflite"))
            for target in VELA_TARGETS:
                row = measure(arguments, f"{name}/{variant}", directory, target, work)
                if isinstance(row, str):
                    raise Failure(f"{name} with weights {variant}: {row}")
                stored = row["weights_stored_bytes"]
                row.update({"weights_bytes": facts["weights"],
                            "entropy_bytes": facts["entropy"],
                            "stored_per_entropy": round(stored / facts["entropy"], 4)})
                print("%-30s %-12s %-12s %8d %8d %8d %6.3f times the entropy, %8d cycles" % (
                    name, variant, target, facts["weights"], facts["entropy"], stored,
                    stored / facts["entropy"], row["cycles_total"]))
                rows.append(row)
            shutil.rmtree(directory)
    return rows


def judge_sizes(rows):
    """Add to what is missed where constants take more than they would uncompressed."""
    for row in rows:
        if row.get("constants_bytes", 0) > row.get("constants_raw_bytes", 0):
            row.setdefault("missed", []).append(
                f"constants {row['constants_bytes']} above raw {row['constants_raw_bytes']}")


def refused_rows(models, refused):
    """What there is to say of models that have no figures."""
    rows = []
    for name, directory in models:
        if name not in refused:
            continue
        macs = limits_of(directory)["macs"]
        rows += [{"model": name, "target": target, "macs": macs,
                  "macs_npu_share": 0.0 if macs else None, "refused": refused[name]}
                 for target in TARGETS]
    return rows


def print_refused(refused):
    """Print which models npuc does not take, together where the reason is the same."""
    groups = {}
    for name, reason in refused.items():
        operator = reason.split("(", 1)[1].split(")", 1)[0] if "(" in reason else ""
        groups.setdefault(f"{operator} {reason.rsplit(': ', 1)[-1]}".strip(), []).append(name)
    print()
    for reason, names in groups.items():
        more = f" and {len(names) - 4} more" if len(names) > 4 else ""
        print(f"no figures of {', '.join(names[:4])}{more}: {reason}")


def judge(rows):
    """Print the geometric mean over the six models' values; return what is missed."""
    values = [row for row in rows if "vela_cycles" in row]
    missed = [f"{row['model']} on {row['target']}: {', '.join(row['missed'])}"
              for row in rows if row.get("missed")]
    if values:
        mean = math.exp(sum(math.log(row["bound_cycles"] / row["cycles_total"])
                            for row in values) / len(values))
        speed = math.exp(sum(math.log(row["vela_cycles"] / row["cycles_total"])
                             for row in values) / len(values))
        print(f"\ngeometric mean of bound / cycles over {len(values)} values: {mean:.3f}, "
              f"target {GEOMETRIC_MEAN:.2f}; {speed:.2f} times as fast as Vela's estimate")
        if mean < GEOMETRIC_MEAN:
            missed.append(f"geometric mean {mean:.3f}")
    for line in missed:
        print(f"target missed: {line}")
    return missed


def arguments_parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default=os.environ.get(
        "KESTREL_MODELS", os.path.join(TOP, "..", "shared", "models")), metavar="DIR")
    parser.add_argument("--bin", default=os.path.join(TOP, "build", "bin"), metavar="DIR")
    parser.add_argument("--layers", default=os.path.join(TOP, "build/tests/bench/layers"),
                        metavar="PROGRAM", help="what makes the microbenchmarks' models")
    parser.add_argument("--output", default=os.path.join(TOP, "build/bench/compiler.json"),
                        metavar="FILE")
    parser.add_argument("--only", metavar="NAME", help="only models whose name has this in it")
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a target is missed")
    return parser.parse_args()


def main():
    arguments = arguments_parse()
    if not os.path.isdir(arguments.models):
        print(f"compiler.py: no directory {arguments.models}: set KESTREL_MODELS",
              file=sys.stderr)
        return 1
    refused = {}
    with tempfile.TemporaryDirectory() as work:
        models = find_models(arguments.models) + find_more(work)
        if not any(name.startswith("onnx/") for name, _ in models):
            print("no figures of the cases of tests/onnx: no ONNX Runtime")
        models = [(name, path) for name, path in models
                  if not arguments.only or arguments.only in name]
        print_head("Compiled graphs, one vector")
        rows = measure_all(arguments, models, TARGETS, work, refused)
        sweep = [(name, path) for name, path in models if name == SWEEP_MODEL]
        if sweep:
            print_head("Sweep over MACs a cycle")
            print_rows([row for row in rows if row["model"] == SWEEP_MODEL and
                        row["target"] in SWEEP_TARGETS])
            rows += measure_all(arguments, sweep, [target for target in SWEEP_TARGETS
                                                   if target not in TARGETS], work, refused)
            for row in rows:
                row["sweep"] = row["model"] == SWEEP_MODEL and row["target"] in SWEEP_TARGETS
        rows += measure_layers(arguments, work)
        rows += measure_variants(arguments, models, work)
        rows += refused_rows(models, refused)
    print_refused(refused)
    judge_sizes(rows)
    missed = judge(rows)
    os.makedirs(os.path.dirname(arguments.output), exist_ok=True)
    with open(arguments.output, "w", encoding="utf-8") as file:
        json.dump(rows, file, indent=1)
        file.write("\n")
    return 1 if missed and arguments.strict else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failure, subprocess.CalledProcessError, OSError) as failure:
        print(f"compiler.py: {failure}", file=sys.stderr)
        sys.exit(1)
