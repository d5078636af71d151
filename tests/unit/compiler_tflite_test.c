// SPDX-License-Identifier: MIT
/*
 * Damaged models: every truncation and thousands of random changes of the demo
 * model give either a graph or an error with a message, never anything else.
 */
#include <string.h>

#include "compile.h"
#include "compiler_test.h"

#define FLIPS 6000

static int try_compile(const uint8_t *data, size_t bytes, bool no_stream, struct error *error)
{
	/* A block of exactly this size: a read behind it is seen by the sanitizer. */
	uint8_t *copy = malloc(bytes ? bytes : 1);
	struct compile_request request = { .data = copy, .bytes = bytes, .no_stream = no_stream };
	struct compile_result result;
	int ret;

	memcpy(copy, data, bytes);
	error->text[0] = 0;
	ret = compile(&request, &result, error);
	compile_release(&result);
	free(copy);
	return ret;
}

static void check_truncations(struct test *test, const struct buffer *model)
{
	struct error error;

	for (size_t bytes = 0; bytes < model->bytes; bytes += bytes < 2048 ? 1 : 61) {
		int ret = try_compile(model->data, bytes, true, &error);

		CHECK(test, ret < 0 && error.text[0]);
	}
	test_end(test, "truncated files are refused with a message");
}

static void check_flips(struct test *test, const struct buffer *model)
{
	uint8_t *copy = malloc(model->bytes);
	unsigned int refused = 0;
	uint64_t random = 5;
	struct error error;

	for (int i = 0; i < FLIPS; i++) {
		unsigned int changes = 1 + test_random(&random) % 4;
		int ret;

		memcpy(copy, model->data, model->bytes);
		while (changes--) {
			size_t at = test_random(&random) % model->bytes;

			/* Most of a model is weights: aim at the tables, at both ends. */
			if (test_random(&random) % 4)
				at = test_random(&random) % 2 ? at % 1024 :
				     model->bytes - 1 - at % 8192 % model->bytes;
			copy[at] = (uint8_t)test_random(&random);
		}
		ret = try_compile(copy, model->bytes, i % 8, &error);
		CHECK(test, ret <= 0 && (!ret || error.text[0]));
		refused += ret < 0;
	}
	CHECK(test, refused > FLIPS / 20);
	free(copy);
	test_end(test, "changed files give a graph or a message");
}

static void check_messages(struct test *test)
{
	static const uint8_t other[16] = { 4, 0, 0, 0, 'N', 'O', 'P', 'E' };
	struct error error;

	CHECK(test, try_compile(other, sizeof(other), true, &error) < 0);
	CHECK(test, strstr(error.text, "TFL3") != NULL);
	CHECK(test, try_compile(other, 3, true, &error) < 0);
	CHECK(test, strstr(error.text, "3 bytes") != NULL);
	test_end(test, "messages name what is wrong");
}

int main(void)
{
	struct buffer model = test_file(DEMO_MODEL);
	struct test test = { 0 };

	CHECK(&test, model.bytes > 0);
	test_end(&test, "the demo model is there");
	if (model.bytes) {
		check_truncations(&test, &model);
		check_flips(&test, &model);
	}
	check_messages(&test);
	buffer_release(&model);
	return test.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
