#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Train the demo model, quantise it to int8, and write everything in this directory.

Data: the UCI handwritten digits that scikit-learn contains. 70 % of the images of
each digit train the network; the others are held out: no weight and no
quantisation range depends on them, and the number of epochs is fixed.

Everything is seeded and runs in one thread with TensorFlow's deterministic
kernels, so that the same machine writes the same bytes again. Another processor
may round the training's float sums differently and end with other weights; then
all files here change together.

Exit code: 0 written, 1 the quantised model is too bad or too large, 2 bad usage.
"""

import argparse
import json
import os
import random
import struct
import sys
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import reference  # noqa: E402  (found through the line above)

SEED = 20240229
EPOCHS = 60
BATCH = 32
COPIES = 6
# Without it nearly every answer is one class at 255/256: a poor test of the bytes.
SMOOTHING = 0.1
SIDE = 16
CLASSES = 10
HELD_OUT_SHARE = 0.3
ACCURACY_MIN = 0.97
FILE_BYTES_MAX = 200 * 1024
LAYER_VECTORS = (0, 1, 2, 3)
STRESS_VECTORS = 8


def image_enlarge(images):
    """Turn N x 8 x 8 counts of 0 to 16 into N x 16 x 16 grey pixels of 0 to 255."""
    import numpy
    pixels = (images.astype(numpy.int64) * 255 + 8) // 16
    return pixels.repeat(2, axis=1).repeat(2, axis=2).astype(numpy.uint8)


def data_split():
    """Return (train pixels, train labels, held-out pixels, held-out labels)."""
    import numpy
    from sklearn.datasets import load_digits
    digits = load_digits()
    pixels, labels = image_enlarge(digits.images), digits.target.astype(numpy.uint8)
    order = numpy.random.default_rng(SEED).permutation(len(labels))
    held_out = numpy.zeros(len(labels), bool)
    for digit in range(CLASSES):
        members = order[labels[order] == digit]
        held_out[members[:round(len(members) * HELD_OUT_SHARE)]] = True
    return pixels[~held_out], labels[~held_out], pixels[held_out], labels[held_out]


def data_augment(pixels, labels):
    """Return float images in 0 to 1: each image, and COPIES slightly moved and turned ones."""
    import numpy
    from scipy.ndimage import affine_transform
    rng = numpy.random.default_rng(SEED + 1)
    images, classes = [pixels / 255.0], [labels]
    centre = numpy.array([SIDE - 1, SIDE - 1]) / 2
    for _ in range(COPIES):
        moved = numpy.empty(pixels.shape)
        for index, image in enumerate(pixels):
            angle = rng.uniform(-0.2, 0.2)
            cosine, sine = numpy.cos(angle), numpy.sin(angle)
            matrix = numpy.array([[cosine, -sine], [sine, cosine]]) / rng.uniform(0.9, 1.1)
            shift = centre - matrix @ centre + rng.uniform(-1.5, 1.5, 2)
            moved[index] = affine_transform(image / 255.0, matrix, shift, order=1)
        images.append(moved)
        classes.append(labels)
    return (numpy.concatenate(images).astype(numpy.float32)[..., None],
            numpy.concatenate(classes))


def network_make(tf):
    """Return the float network; the softmax belongs to it."""
    layers = tf.keras.layers

    def convolution(x, channels, size):
        x = layers.Conv2D(channels, size, padding="same", use_bias=False)(x)
        return layers.ReLU()(layers.BatchNormalization()(x))

    def depthwise(x, stride):
        x = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(x)
        return layers.ReLU()(layers.BatchNormalization()(x))

    image = tf.keras.Input((SIDE, SIDE, 1), batch_size=1, name="image")
    x = convolution(image, 16, 3)
    x = convolution(depthwise(x, 2), 24, 1)
    x = convolution(depthwise(x, 1), 48, 1)
    x = convolution(depthwise(x, 2), 64, 1)
    x = layers.AveragePooling2D(SIDE // 4)(x)
    x = layers.Reshape((64,))(x)
    x = layers.Dropout(0.2)(x)
    x = layers.Dense(CLASSES)(x)
    return tf.keras.Model(image, layers.Softmax(name="probability")(x), name="digits")


def network_train(tf, images, labels):
    """Train and return a network whose batch size is 1."""
    model = network_make(tf)
    trained = tf.keras.models.clone_model(
        model, input_tensors=tf.keras.Input((SIDE, SIDE, 1), name="images"))
    steps = EPOCHS * -(-len(labels) // BATCH)
    rate = tf.keras.optimizers.schedules.CosineDecay(3e-3, steps)
    trained.compile(tf.keras.optimizers.Adam(rate),
                    tf.keras.losses.CategoricalCrossentropy(label_smoothing=SMOOTHING),
                    ["accuracy"])
    trained.fit(images, tf.one_hot(labels, CLASSES), batch_size=BATCH, epochs=EPOCHS, verbose=2)
    model.set_weights(trained.get_weights())
    return model


def network_quantise(tf, model, images):
    """Return the .tflite file: int8 in and out, weights per channel, ranges from images."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image[None]] for image in images)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return converter.convert()


def png_encode(pixels):
    """Return an 8-bit grey PNG without interlace or ancillary chunks."""
    def chunk(kind, body):
        return (struct.pack(">I", len(body)) + kind + body
                + struct.pack(">I", zlib.crc32(kind + body)))

    height, width = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    return (b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def pixels_bytes(pixels):
    """Return the model's input bytes: int8 = pixel - 128."""
    import numpy
    return (pixels.astype(numpy.int16) - 128).astype(numpy.int8).tobytes()


def file_write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def json_write(path, value):
    file_write(path, (json.dumps(value, indent=1) + "\n").encode())


def stress_vectors():
    """Return input bytes that no scanned digit gives: extremes, patterns and noise."""
    rng = random.Random(SEED + 2)
    size = SIDE * SIDE
    vectors = [bytes([128]) * size, bytes([127]) * size, bytes([0]) * size, bytes(range(256))]
    vectors += [bytes(rng.choice((127, 128)) for _ in range(size)) for _ in range(2)]
    vectors += [rng.randbytes(size) for _ in range(STRESS_VECTORS - len(vectors))]
    return b"".join(vectors)


def samples_write(directory, pixels, labels, answers):
    """Write PNGs: of each digit the first that is read rightly, and the first misread image."""
    import numpy
    right = answers.argmax(1) == labels
    chosen = [(f"digit_{digit}.png", int(numpy.flatnonzero(right & (labels == digit))[0]))
              for digit in range(CLASSES)]
    chosen += [(f"misread_{labels[vector]}.png", int(vector))
               for vector in numpy.flatnonzero(~right)[:1]]
    vectors = [vector for _, vector in chosen]
    for file, vector in chosen:
        file_write(os.path.join(directory, file), png_encode(pixels[vector]))
    file_write(os.path.join(directory, "input_0.bin"), pixels_bytes(pixels[vectors]))
    file_write(os.path.join(directory, "output_0.bin"), answers[vectors].tobytes())
    file_write(os.path.join(directory, "labels.bin"), labels[vectors].tobytes())
    json_write(os.path.join(directory, "samples.json"), [
        {"file": file, "label": int(labels[vector]), "held_out_vector": vector}
        for file, vector in chosen])


def directory_fill(directory, data, pixels, labels):
    """Write the model, held-out batch, samples, stress set and the reference's answers."""
    import numpy

    def path(*parts):
        return os.path.join(directory, *parts)

    file_write(path("model.tflite"), data)
    file_write(path("labels.txt"), "".join(f"{digit}\n" for digit in range(CLASSES)).encode())
    file_write(path("input_0.bin"), pixels_bytes(pixels))
    file_write(path("labels.bin"), labels.tobytes())
    file_write(path("stress", "input_0.bin"), stress_vectors())

    answers = {}
    for name, watched in (("", LAYER_VECTORS), ("stress", range(STRESS_VECTORS))):
        record = reference.LayerRecord(watched)
        outputs, = reference.model_run(data, path("model.tflite"), [path(name, "input_0.bin")],
                                       watched, on_operator=record.add)
        file_write(path(name, "output_0.bin"), outputs)
        reference.layers_write(record.layers(), path(name, "layers.json"))
        answers[name] = numpy.frombuffer(outputs, numpy.int8).reshape(-1, CLASSES)
    samples_write(path("samples"), pixels, labels, answers[""])

    correct = int((answers[""].argmax(1) == labels).sum())
    json_write(path("model.json"), {
        "name": "kestrel_demo_digits_int8",
        "task": "digit classification (10 classes), depthwise separable CNN",
        "format": "tflite",
        "origin": {"path": "tests/demo/train.py"},
        "licence": "MIT (network); CC-BY-4.0 (data: UCI Optical Recognition of Handwritten Digits)",
        **reference.model_describe(path("model.tflite")),
        "vectors": len(labels),
        "vector_descriptions": ["held-out images, in the order of the data set; labels.bin has "
                                "the digit of each"],
        "held_out_correct": correct,
        "stateful": False,
        "distinct_outputs": len({row.tobytes() for row in answers[""]}),
        "reference": f"TensorFlow Lite {reference.REFERENCE_VERSION} reference kernels",
    })
    return correct


def main():
    parser = argparse.ArgumentParser(
        description="Train the demo model and write it with samples and reference outputs.")
    parser.add_argument("--output", metavar="DIR", default=HERE,
                        help="the directory to write (default: this one)")
    arguments = parser.parse_args()
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
    reference.venv_enter()
    tf = reference.tensorflow_load()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()

    train_pixels, train_labels, pixels, labels = data_split()
    images, classes = data_augment(train_pixels, train_labels)
    model = network_train(tf, images, classes)
    data = network_quantise(tf, model, images[:len(train_labels)])
    correct = directory_fill(arguments.output, data, pixels, labels)
    print(f"{len(data)} bytes; {correct} of {len(labels)} held-out images right "
          f"({100 * correct / len(labels):.2f} %)")
    if len(data) >= FILE_BYTES_MAX or correct < ACCURACY_MIN * len(labels):
        print(f"train: need fewer than {FILE_BYTES_MAX} bytes and at least "
              f"{100 * ACCURACY_MIN:.0f} % right", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (reference.RunError, OSError) as failure:
        print(f"train: {failure}", file=sys.stderr)
        sys.exit(2)
