// SPDX-License-Identifier: MIT
/* The reader of TensorFlow Lite files, and all that follows it. */
#include "fuzz.h"
#include "reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const profiles[] = { "tflite-ref", "tflite-ref", "tflite", "tflm" };

	reader_model(data, size, profiles, sizeof(profiles) / sizeof(profiles[0]));
	return 0;
}

/*
 * The file is full of offsets from one place to another, which bytes that come or go
 * spoil all at once: most mutations keep every place.
 */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	struct fuzz_random random = fuzz_random_start(seed);

	if (!size || fuzz_once_in(&random, 4))
		return LLVMFuzzerMutate(data, size, max_size);
	for (uint32_t i = 1 + fuzz_below(&random, 3); i > 0; i--)
		fuzz_damage(&random, data, (uint32_t)size);
	return size;
}
