#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check that the files of the demo model fit together.

Needs nothing but Python 3; --reference, which computes the stored reference
outputs again, also needs the environment of make-venv.sh. Every check prints one
line, "ok" or "FAIL", with the figures it saw. Exit code: 0 all hold, 1 one does
not, 2 bad usage.
"""

import argparse
import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile
import zlib

FILE_BYTES_MAX = 200 * 1024
ACCURACY_MIN = 0.97
CLASSES = 10


class PngError(Exception):
    """The file is not a PNG of the form that README.md states."""


def png_unfilter(kind, row, above):
    """Undo one of PNG's five row filters for one-byte pixels."""
    result = bytearray()
    for index, value in enumerate(row):
        left = result[index - 1] if index else 0
        up = above[index]
        corner = above[index - 1] if index else 0
        if kind == 4:
            nearest = left + up - corner
            predicted = min((left, up, corner), key=lambda pixel: abs(nearest - pixel))
        else:
            predicted = (0, left, up, (left + up) // 2)[kind]
        result.append((value + predicted) & 255)
    return bytes(result)


def png_read(path):
    """Return (width, height, pixels) of an 8-bit grey PNG without interlace."""
    with open(path, "rb") as file:
        data = file.read()
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise PngError("no PNG signature")
    position, header, packed = 8, None, b""
    while position < len(data):
        if position + 12 > len(data):
            raise PngError(f"chunk at byte {position} is cut short")
        length, kind = struct.unpack_from(">I4s", data, position)
        body = data[position + 8:position + 8 + length]
        crc = data[position + 8 + length:position + 12 + length]
        if crc != struct.pack(">I", zlib.crc32(kind + body)):
            raise PngError(f"chunk {kind!r} at byte {position} has a wrong CRC")
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            packed += body
        position += 12 + length
    if header is None or header[2:] != (8, 0, 0, 0, 0):
        raise PngError(f"header {header} is not 8-bit grey without interlace")
    width, height = header[:2]
    try:
        rows = zlib.decompress(packed)
    except zlib.error as error:
        raise PngError(str(error)) from error
    if len(rows) != height * (width + 1):
        raise PngError(f"{len(rows)} bytes of rows, expected {height * (width + 1)}")
    pixels, above = b"", bytes(width)
    for start in range(0, len(rows), width + 1):
        if rows[start] > 4:
            raise PngError(f"row filter {rows[start]}")
        above = png_unfilter(rows[start], rows[start + 1:start + 1 + width], above)
        pixels += above
    return width, height, pixels


def answer_class(answer):
    """Return the first class with the largest int8 probability."""
    values = [byte - 256 if byte > 127 else byte for byte in answer]
    return values.index(max(values))


class Checker:
    """Reads the files of one directory and prints what holds."""

    def __init__(self, directory):
        self.directory = directory
        self.failed = 0

    def read(self, *parts):
        with open(os.path.join(self.directory, *parts), "rb") as file:
            return file.read()

    def report(self, good, text):
        self.failed += not good
        print(("ok   " if good else "FAIL ") + text)

    def check_model(self, model):
        data = self.read("model.tflite")
        self.report(data[4:8] == b"TFL3" and len(data) < FILE_BYTES_MAX,
                    f"model.tflite: {len(data)} bytes, fewer than {FILE_BYTES_MAX}")
        digest = hashlib.sha256(data).hexdigest()
        self.report(digest == model["sha256"] and len(data) == model["file_bytes"],
                    f"model.tflite: size and SHA-256 {digest[:16]}... as in model.json")
        types = {tensor["dtype"] for tensor in model["inputs"] + model["outputs"]}
        self.report(types == {"int8"}, f"input and output types: {', '.join(sorted(types))}")
        tensor = model["inputs"][0]
        self.report(abs(tensor["scale"] * 255 - 1) < 1e-6 and tensor["zero_point"] == -128,
                    f"input scale {tensor['scale']} and zero point {tensor['zero_point']}: "
                    "pixel - 128")
        names = self.read("labels.txt").decode().split()
        self.report(len(names) == CLASSES, f"labels.txt: {len(names)} classes")

    def check_set(self, model, name):
        """Check the sizes of one set of vectors; return its answers."""
        size = model["inputs"][0]["bytes_per_vector"]
        inputs, outputs = self.read(name, "input_0.bin"), self.read(name, "output_0.bin")
        count = len(inputs) // size
        self.report(count > 0 and len(inputs) == count * size and len(outputs) == count * CLASSES,
                    f"{name or 'held-out'}: {count} vectors in {len(inputs)} bytes, "
                    f"{len(outputs)} bytes of reference outputs")
        return [outputs[start:start + CLASSES] for start in range(0, len(outputs), CLASSES)]

    def check_layers(self, name, answers):
        """The last operator's output is the model's output, so their CRCs agree."""
        layers = json.loads(self.read(name, "layers.json"))
        last = layers["operators"][-1]["crc32"]
        good = layers["vectors"] and all(
            vector < len(answers) and last[str(vector)] == f"{zlib.crc32(answers[vector]):08x}"
            for vector in layers["vectors"])
        self.report(bool(good), f"{name or 'held-out'}: layers.json ends in the outputs of "
                    f"vectors {layers['vectors']}")

    def check_accuracy(self, model, answers):
        labels = self.read("labels.bin")
        if len(labels) != len(answers) or model["vectors"] != len(answers):
            self.report(False, f"{len(labels)} labels, {len(answers)} outputs, "
                        f"{model['vectors']} vectors in model.json")
            return
        correct = sum(answer_class(answer) == label for answer, label in zip(answers, labels))
        self.report(correct >= ACCURACY_MIN * len(labels) and correct == model["held_out_correct"],
                    f"accuracy: {correct} of {len(labels)} held-out images right "
                    f"({100 * correct / len(labels):.2f} %), at least {100 * ACCURACY_MIN:.0f} %")

    def check_samples(self, model, answers):
        """Each PNG gives its input bytes by the stated rule, and is the held-out image it says."""
        samples = json.loads(self.read("samples", "samples.json"))
        labels, held_out = self.read("samples", "labels.bin"), self.read("input_0.bin")
        inputs, outputs = self.read("samples", "input_0.bin"), self.read("samples", "output_0.bin")
        _, height, width, _ = model["inputs"][0]["shape"]
        size = width * height
        self.report(set(labels) == set(range(CLASSES)) and len(samples) == len(labels),
                    f"samples: {len(samples)}, at least one of each digit")
        for index, sample in enumerate(samples):
            vector = sample["held_out_vector"]
            found = png_read(os.path.join(self.directory, "samples", sample["file"]))
            tensor = bytes(pixel ^ 0x80 for pixel in found[2])
            good = (found[:2] == (width, height)
                    and tensor == inputs[index * size:(index + 1) * size]
                    and tensor == held_out[vector * size:(vector + 1) * size]
                    and outputs[index * CLASSES:(index + 1) * CLASSES] == answers[vector]
                    and sample["label"] == labels[index] == self.read("labels.bin")[vector]
                    and sample["file"].startswith("misread_")
                    == (answer_class(answers[vector]) != labels[index]))
            self.report(good, f"samples/{sample['file']}: pixels, input, output and label are "
                        f"those of held-out vector {vector}; answer "
                        f"{answer_class(answers[vector])}")

    def check_reference(self, name):
        """Compute the outputs and operator outputs of one set again."""
        def path(*parts):
            return os.path.join(self.directory, *parts)

        program = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                               "reference.py")
        with tempfile.NamedTemporaryFile() as output:
            command = [sys.executable, program, path("model.tflite"),
                       "--input", path(name, "input_0.bin"), "--output", output.name]
            if os.path.exists(path(name, "layers.json")):
                command += ["--check", path(name, "layers.json")]
            done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
            same = output.read() == self.read(name, "output_0.bin")
        self.report(done.returncode == 0 and same,
                    f"{name or 'held-out'}: the reference kernels give the stored bytes again")


def main():
    parser = argparse.ArgumentParser(description="Check that the demo model's files fit together.")
    parser.add_argument("directory", nargs="?", default=os.path.dirname(os.path.abspath(__file__)),
                        help="the directory to check (default: this one)")
    parser.add_argument("--reference", action="store_true",
                        help="also run the reference kernels again and compare")
    arguments = parser.parse_args()
    checker = Checker(arguments.directory)
    try:
        model = json.loads(checker.read("model.json"))
        checker.check_model(model)
        answers = checker.check_set(model, "")
        checker.check_layers("", answers)
        checker.check_accuracy(model, answers)
        checker.check_set(model, "samples")
        checker.check_samples(model, answers)
        checker.check_layers("stress", checker.check_set(model, "stress"))
        for name in ("", "samples", "stress") if arguments.reference else ():
            checker.check_reference(name)
    except (OSError, ValueError, KeyError, IndexError, TypeError, struct.error, PngError) as error:
        checker.report(False, f"{type(error).__name__}: {error}")
    return 1 if checker.failed else 0


if __name__ == "__main__":
    sys.exit(main())
