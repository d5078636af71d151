#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Copies of a TensorFlow Lite model whose weights are clustered, pruned or random.

    variants.py MODEL.tflite VARIANT OUTPUT.tflite

VARIANT is clusters-N (each weight tensor has at most N values, by Lloyd's method),
pruned-P (the P percent of a tensor's weights that are closest to zero become zero),
random (every weight is drawn from all 256 values) or int4 (tensors of type INT4 with
the upper four bits, rounded). Shapes stay what they were, and scales but in int4,
where those of weights and biases are 16 times as large. Prints, as JSON, the
number of tensors, the weights' bytes and their order-0 entropy in bytes.
"""
import json
import math
import os
import random
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import bound  # noqa: E402  (found by the line above)

INT4, INT8, INT32 = 17, 9, 2
KINDS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
# What makes each of the variants that the test and the benchmark look at.
VARIANTS = ("clusters-16", "clusters-32", "pruned-50", "pruned-75", "pruned-90", "random",
            "int4")


def find_tensors(data):
    """Tensor table, and offset and bytes of each int8 weight tensor and its bias, once."""
    model = bound.Table(data, struct.unpack_from("<I", data, 0)[0])
    codes = [max(code.scalar(0, "b"), code.scalar(3, "i")) for code in model.tables(1)]
    buffers = model.tables(4)
    graph = model.tables(2)[0]
    tensors = graph.tables(0)
    found = {}
    for operator in graph.tables(3):
        if bound.OPERATOR_NAMES.get(codes[operator.scalar(0, "I")]) not in KINDS:
            continue
        for index in operator.vector(1, "i")[1:3]:
            tensor = tensors[index]
            at = buffers[tensor.scalar(2, "I")].indirect(0) if index >= 0 else 0
            if at and tensor.scalar(1, "b") in (INT8, INT32):
                found[at + 4] = (tensor, struct.unpack_from("<I", data, at)[0])
    return [(tensor, at, count) for at, (tensor, count) in found.items()]


def find_weights(data):
    """Offset and bytes of each int8 weight tensor, once."""
    return [(at, count) for tensor, at, count in find_tensors(data)
            if tensor.scalar(1, "b") == INT8]


def scale_by(data, tensor, factor):
    """Multiply the scales of a tensor."""
    at = tensor.table(4).indirect(2)
    count = struct.unpack_from("<I", data, at)[0]
    scales = struct.unpack_from(f"<{count}f", data, at + 4)
    struct.pack_into(f"<{count}f", data, at + 4, *(scale * factor for scale in scales))


def make_int4(data, facts):
    """Weights become four bits, in place; their buffers end earlier."""
    for tensor, at, count in find_tensors(data):
        scale_by(data, tensor, 16)
        if tensor.scalar(1, "b") == INT32:
            values = struct.unpack_from(f"<{count // 4}i", data, at)
            struct.pack_into(f"<{count // 4}i", data, at, *(round(v / 16) for v in values))
            continue
        values = [max(-8, min(7, round(v / 16)))
                  for v in struct.unpack_from(f"<{count}b", data, at)]
        facts["tensors"] += 1
        facts["weights"] += count
        facts["entropy"] += bound.entropy_bytes(values)
        pairs = [low & 15 | (high & 15) << 4
                 for low, high in zip(values[::2], values[1::2] + [0] * (count % 2))]
        data[at:at + len(pairs)] = bytes(pairs)
        struct.pack_into("<I", data, at - 4, len(pairs))
        data[tensor.offset(1)] = INT4


def clustered(values, count):
    """The values moved to at most `count` centres; 0 stays what it is."""
    histogram = [0] * 256
    for value in values:
        histogram[value + 128] += 1
    present = [v - 128 for v in range(256) if histogram[v]]
    if len(present) <= count:
        return list(values)
    low, high = present[0], present[-1]
    centres = sorted({round(low + (high - low) * i / (count - 1)) for i in range(count)})
    for _ in range(30):
        sums = {centre: [0, 0] for centre in centres}
        for value in present:
            nearest = min(centres, key=lambda centre: abs(centre - value))
            sums[nearest][0] += histogram[value + 128] * value
            sums[nearest][1] += histogram[value + 128]
        moved = sorted({round(total / number) for total, number in sums.values() if number})
        if moved == centres:
            break
        centres = moved
    nearest = {value: min(centres, key=lambda centre: abs(centre - value)) for value in present}
    return [nearest[value] for value in values]


def pruned(values, percent):
    """Zeros instead of that many of the values closest to zero."""
    order = sorted(range(len(values)), key=lambda i: abs(values[i]))
    result = list(values)
    for i in order[:len(values) * percent // 100]:
        result[i] = 0
    return result


def change(values, variant, generator):
    """One tensor's weights as the variant has them."""
    kind, _, number = variant.partition("-")
    if kind == "clusters":
        return clustered(values, int(number))
    if kind == "pruned":
        return pruned(values, int(number))
    if kind == "random":
        return [generator.randrange(-128, 128) for _ in values]
    raise SystemExit(f"variants.py: no variant {variant}")


def make(model, variant, output):
    """Write the variant of a model; return what its weights hold."""
    with open(model, "rb") as file:
        data = bytearray(file.read())
    generator = random.Random(1)
    facts = {"tensors": 0, "weights": 0, "entropy": 0.0}
    if variant == "int4":
        make_int4(data, facts)
    for at, count in find_weights(data) if variant != "int4" else ():
        values = change(struct.unpack_from(f"<{count}b", data, at), variant, generator)
        struct.pack_into(f"<{count}b", data, at, *values)
        facts["weights"] += count
        facts["entropy"] += bound.entropy_bytes(data[at:at + count])
        facts["tensors"] += 1
    if not facts["weights"]:
        raise SystemExit(f"variants.py: {model}: no int8 weights")
    with open(output, "wb") as file:
        file.write(data)
    facts["entropy"] = math.ceil(facts["entropy"])
    return facts


def main():
    if len(sys.argv) != 4:
        raise SystemExit("usage: variants.py MODEL.tflite VARIANT OUTPUT.tflite")
    print(json.dumps(make(*sys.argv[1:])))


if __name__ == "__main__":
    main()
