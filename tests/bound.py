#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lower bound of a model's NPU cycles, from its TFLite file alone.

bound = max(MACs / MACs per cycle, C / constant bytes per cycle)
C     = sum over weight tensors of min(raw bytes, order-0 entropy bytes)
        + 9 bytes an output channel (bias, multiplier, shift)

The encoder and the compiler take no part in it, so that a figure of ours can
be held against it.  usage: bound.py [--layers] [--json] MODEL.tflite...
"""
import argparse
import json
import math
import os
import struct
import sys

# schema.fbs of TensorFlow Lite: BuiltinOperator and the field slots used below
OPERATOR_NAMES = {0: "ADD", 1: "AVERAGE_POOL_2D", 2: "CONCATENATION", 3: "CONV_2D",
                  4: "DEPTHWISE_CONV_2D", 6: "DEQUANTIZE", 9: "FULLY_CONNECTED",
                  14: "LOGISTIC", 17: "MAX_POOL_2D", 18: "MUL", 22: "RESHAPE", 25: "SOFTMAX",
                  27: "SVDF",
                  34: "PAD", 39: "TRANSPOSE", 40: "MEAN", 67: "TRANSPOSE_CONV",
                  114: "QUANTIZE", 126: "BATCH_MATMUL"}
ITEM_BYTES = {0: 4, 1: 2, 2: 4, 3: 1, 4: 8, 7: 2, 9: 1}
# (MAC per cycle, constant bytes per cycle) of the reference configurations
CONFIGURATIONS = {"kestrel-256": (256, 1.0), "kestrel-512": (512, 3.75)}


class Table:
    """A flatbuffer table; slot numbers are those of the schema's field order."""

    def __init__(self, data, position):
        self.data = data
        self.position = position
        self.vtable = position - struct.unpack_from("<i", data, position)[0]
        self.vtable_bytes = struct.unpack_from("<H", data, self.vtable)[0]

    def offset(self, slot):
        at = 4 + 2 * slot
        if at >= self.vtable_bytes:
            return 0
        delta = struct.unpack_from("<H", self.data, self.vtable + at)[0]
        return self.position + delta if delta else 0

    def scalar(self, slot, form, default=0):
        at = self.offset(slot)
        return struct.unpack_from("<" + form, self.data, at)[0] if at else default

    def indirect(self, slot):
        at = self.offset(slot)
        return at + struct.unpack_from("<I", self.data, at)[0] if at else 0

    def table(self, slot):
        at = self.indirect(slot)
        return Table(self.data, at) if at else None

    def vector(self, slot, form):
        at = self.indirect(slot)
        if not at:
            return ()
        count = struct.unpack_from("<I", self.data, at)[0]
        return struct.unpack_from("<%d%s" % (count, form), self.data, at + 4)

    def tables(self, slot):
        at = self.indirect(slot)
        if not at:
            return []
        count = struct.unpack_from("<I", self.data, at)[0]
        out = []
        for i in range(count):
            item = at + 4 + 4 * i
            out.append(Table(self.data, item + struct.unpack_from("<I", self.data, item)[0]))
        return out

    def octets(self, slot):
        at = self.indirect(slot)
        if not at:
            return b""
        count = struct.unpack_from("<I", self.data, at)[0]
        return self.data[at + 4:at + 4 + count]


def entropy_bytes(values):
    """Order-0 entropy of a byte string, in bytes."""
    counts = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    total = len(values)
    bits = -sum(n * math.log2(n / total) for n in counts.values()) if total else 0.0
    return bits / 8


def read_operators(path):
    """Yield the operators of subgraph 0 with shapes, MACs and constant bytes."""
    with open(path, "rb") as stream:
        data = stream.read()
    model = Table(data, struct.unpack_from("<I", data, 0)[0])
    codes = []
    for code in model.tables(1):
        codes.append(max(code.scalar(0, "b"), code.scalar(3, "i")))
    buffers = model.tables(4)
    graph = model.tables(2)[0]
    tensors = graph.tables(0)

    def tensor(index):
        t = tensors[index]
        return t.vector(0, "i"), t.scalar(1, "b"), buffers[t.scalar(2, "I")].octets(0)

    for operator in graph.tables(3):
        kind = codes[operator.scalar(0, "I")]
        name = OPERATOR_NAMES.get(kind, str(kind))
        inputs = operator.vector(1, "i")
        outputs = operator.vector(2, "i")
        in_shape = tensor(inputs[0])[0] if inputs and inputs[0] >= 0 else ()
        out_shape = tensor(outputs[0])[0] if outputs else ()
        macs, weight_shape, constant = 0, (), 0.0
        options = {}
        if name == "SVDF":
            weights = [tensor(index)[2] for index in inputs[1:3]]
            macs = in_shape[0] * sum(map(math.prod, (tensor(i)[0] for i in inputs[1:3])))
            constant = sum(min(len(data), entropy_bytes(data)) for data in weights)
            constant += 9 * (out_shape[-1] + tensor(inputs[2])[0][0])
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"):
            weight_shape, kind_of_weight, weights = tensor(inputs[1])
            channels = out_shape[-1]
            out_elements = math.prod(out_shape)
            if name == "CONV_2D":
                macs = out_elements * math.prod(weight_shape[1:])
            elif name == "DEPTHWISE_CONV_2D":
                macs = out_elements * weight_shape[1] * weight_shape[2]
            elif name == "FULLY_CONNECTED":
                macs = math.prod(weight_shape) * (out_elements // weight_shape[0])
            else:
                in_shape = tensor(inputs[2])[0]
                macs = math.prod(in_shape) * weight_shape[0] * weight_shape[1] * weight_shape[2]
            constant = min(len(weights), entropy_bytes(weights)) + 9 * channels
            if operator.table(4) and name in ("CONV_2D", "DEPTHWISE_CONV_2D"):
                table = operator.table(4)
                options = {"stride": (table.scalar(2, "i"), table.scalar(1, "i")),
                           "padding": table.scalar(0, "b")}
        yield {"name": name, "ifm": in_shape, "ofm": out_shape, "weights": weight_shape,
               "macs": macs, "constant_bytes": constant, **options}


def bound_of(path):
    """The bound of a model as a dict: MACs, constant bytes, cycles per configuration."""
    operators = list(read_operators(path))
    macs = sum(op["macs"] for op in operators)
    constant = sum(op["constant_bytes"] for op in operators)
    cycles = {name: max(macs / rate, constant / port)
              for name, (rate, port) in CONFIGURATIONS.items()}
    return {"model": path, "macs": macs, "constant_bytes": round(constant),
            "bound_cycles": {name: round(value) for name, value in cycles.items()},
            "operators": operators}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", action="store_true", help="also print every operator")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("models", nargs="+")
    arguments = parser.parse_args()
    rows = []
    for path in arguments.models:
        row = bound_of(path)
        if not arguments.layers:
            del row["operators"]
        rows.append(row)
    if arguments.json:
        json.dump(rows, sys.stdout, indent=1)
        print()
        return
    for row in rows:
        label = os.path.basename(os.path.dirname(os.path.abspath(row["model"])))
        print("%-32s %11d MAC %9d constant bytes  " % (label, row["macs"], row["constant_bytes"]) +
              "  ".join("%s %d" % item for item in row["bound_cycles"].items()))
        for op in row.get("operators", ()):
            print("   %-18s ifm %-18s ofm %-18s weights %-16s %10d MAC %8d B %s" % (
                op["name"], "x".join(map(str, op["ifm"])), "x".join(map(str, op["ofm"])),
                "x".join(map(str, op["weights"])), op["macs"], op["constant_bytes"],
                op.get("stride", "")))


if __name__ == "__main__":
    main()
