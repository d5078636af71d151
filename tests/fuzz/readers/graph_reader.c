// SPDX-License-Identifier: MIT
/* libnpu's reader of graph files, its checks, and the processor's preparation and run. */
#include <stdlib.h>
#include <string.h>

#include <kestrel/graph.h>

#include "fuzz.h"
#include "graph_file.h"
#include "reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kestrel_graph_header header;
	uint8_t *file;

	/* Of other files libnpu makes graphs by the compiler, whose readers have their own fuzzers. */
	if (size < sizeof(header))
		return 0;
	memcpy(&header, data, sizeof(header));
	if (header.magic != KESTREL_GRAPH_MAGIC)
		return 0;
	file = malloc(size);
	if (!file)
		return 0;
	memcpy(file, data, size);
	/* What a hash refuses is refused at once: nothing would be seen of the rest. */
	graph_file_rehash(file, size);
	reader_graph(file, size);
	free(file);
	return 0;
}

/* Damage in one of the sections mostly; the bytes between them are padding. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	struct fuzz_random random = fuzz_random_start(seed);
	const struct kestrel_graph_section *section;

	if (!size || fuzz_once_in(&random, 4))
		return LLVMFuzzerMutate(data, size, max_size);
	for (uint32_t i = 1 + fuzz_below(&random, 3); i > 0; i--) {
		section = graph_file_section(data, size, 1 + fuzz_below(&random, 16));
		if (section && section->size && section->offset < size &&
		    section->size <= size - section->offset)
			fuzz_damage(&random, data + section->offset, (uint32_t)section->size);
		else
			fuzz_damage(&random, data, (uint32_t)size);
	}
	return size;
}
