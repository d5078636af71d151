// SPDX-License-Identifier: MIT
/* One way to lower the demo model: what it counts as work, and what it leaves behind. */
#include <string.h>

#include "compiler_test.h"
#include "error.h"
#include "expand.h"
#include "resolve.h"
#include "search.h"
#include "target.h"
#include "tflite.h"

static const struct program_settings settings = {
	.chunk_bytes = 4096, .stripe_bytes = 65536, .first_pieces = 1,
	.cascade = { .limit_bytes = 0, .rows = 2, .split_bytes = UINT64_MAX },
};

/* Work counts all constants that a try makes, whoever has put some before. */
static void check_work(struct test *test, struct ir_graph *graph, const struct target *target)
{
	const struct stream_segment place = { .operator_count = graph->operator_count, .npu = true };
	uint64_t made[2];

	for (unsigned int before = 0; before < 2; before++) {
		struct stream_segment out = place;
		struct pool constants = { 0 };
		struct coding_cache cache = { 0 };
		struct candidate candidate = { .cache = &cache, .constants = &constants };
		size_t bytes;

		pool_begin(&constants);
		if (before)
			pool_put(&constants, "of another segment", 18, 18);
		bytes = constants.bytes.bytes;
		CHECK(test, !candidate_build(&candidate, graph, target, &place, &out, &settings));
		CHECK(test, constants.bytes.bytes == bytes && constants.used_bytes == bytes);
		made[before] = candidate.made_bytes;
		CHECK(test, !candidate_keep(&candidate));
		CHECK(test, made[before] >= constants.bytes.bytes - bytes);
		candidate_release(&candidate);
		pool_release(&constants);
	}
	CHECK(test, made[0] > 0 && made[0] == made[1]);
	test_end(test, "a try counts the constants that it makes, and keeps none");
}

int main(void)
{
	struct buffer model = test_file(DEMO_MODEL);
	struct test test = { 0 };
	struct arena arena = { 0 };
	struct error error = { "" };
	struct ir_graph expanded, graph = { .arena = &arena, .error = &error };
	struct target target;
	unsigned int *origin;

	CHECK(&test, !target_set(&target, "kestrel-256", NULL, &error));
	CHECK(&test, !tflite_read(&graph, model.data, model.bytes));
	CHECK(&test, !resolve_graph(&graph, NULL));
	CHECK(&test, !expand_graph(&graph, &expanded, &origin));
	test_end(&test, "the demo model is read");
	if (!test.failed)
		check_work(&test, &expanded, &target);
	arena_release(&arena);
	buffer_release(&model);
	return test.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
