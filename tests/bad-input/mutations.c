// SPDX-License-Identifier: MIT
/*
 * Mutates good models and a good compiled graph at random, many times, and
 * takes each through compiler, libnpu and the processor: whatever happens must
 * be an answer or a refusal with a message, never a crash or a hang. Built with
 * sanitizers, so that a wrong access is a crash. The same seed gives the same
 * mutations.
 *
 * usage: mutations [--seed N] [--count N] [--only N] MODEL.tflite GRAPH.npu INPUT
 *
 * The ONNX model is that of tests/unit/onnx_model.c.
 */
#include <signal.h>
#include <unistd.h>

#include <npu.h>

#include "compile.h"
#include "error.h"
#include "graph_file.h"
#include "onnx_model.h"
#include "result.h"

/* What one mutation may take, in seconds; a sanitized build is slow. */
#define LIMIT_SECONDS 20
/* A graph that asks for more memory than this is sound but not worth a run. */
#define ARENA_BYTES_MAX (4u << 20)
/* Mutations may make an insertion each. */
#define INSERTION_BYTES_MAX 16

static struct results results = { .subject = "mutations" };

/* What is under way, for the message of a crash. */
static const char *volatile current_format = "";
static volatile unsigned int current_number;

static void current_tell(const char *what)
{
	char text[128];
	int length = snprintf(text, sizeof(text), "# %s in %s mutation %u (--only %u)\n", what,
			      current_format, current_number, current_number);

	if (write(STDERR_FILENO, text, (size_t)length) < 0)
		_exit(4);
}

static void hang_report(int number)
{
	(void)number;
	current_tell("hang");
	_exit(3);
}

#if defined(__SANITIZE_ADDRESS__)
void __sanitizer_set_death_callback(void (*callback)(void));

static void crash_report(void)
{
	current_tell("crash");
}

static void crash_handler_set(void)
{
	__sanitizer_set_death_callback(crash_report);
}
#else
static void crash_report(int number)
{
	current_tell("crash");
	signal(number, SIG_DFL);
	raise(number);
}

static void crash_handler_set(void)
{
	signal(SIGSEGV, crash_report);
	signal(SIGABRT, crash_report);
	signal(SIGFPE, crash_report);
	signal(SIGBUS, crash_report);
}
#endif

/* xorshift64*, seeded by seed and number so that any mutation can be had alone. */
static uint64_t random_state;

static void random_seed(uint64_t seed, uint64_t number)
{
	random_state = (seed + 1) * 0x9e3779b97f4a7c15ull ^ (number + 1) * 0xbf58476d1ce4e5b9ull;
	if (!random_state)
		random_state = 1;
}

static uint32_t random_below(uint64_t limit)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return limit ? (uint32_t)((random_state * 0x2545f4914f6cdd1dull >> 32) % limit) : 0;
}

static uint32_t random_value(void)
{
	static const uint32_t values[] = {
		0, 1, 2, 3, 7, 8, 15, 16, 63, 64, 127, 128, 255, 256, 4096, 65535, 65536, 0xffffff,
		0x3fffffff, 0x40000000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
	};

	return random_below(4) ? values[random_below(sizeof(values) / sizeof(values[0]))] :
	       random_below(0xffffffff);
}

/* Some damage in file[first .. first + span); never changes the size. */
static void bytes_mutate(uint8_t *file, size_t size, size_t first, size_t span)
{
	size_t at = first + random_below(span);
	uint32_t value = random_value();
	size_t bytes;

	switch (random_below(5)) {
	case 0:
		file[at] ^= (uint8_t)(1u << random_below(8));
		break;
	case 1:
		file[at] = (uint8_t)value;
		break;
	case 2:
		at &= ~(size_t)1;
		memcpy(file + at, &value, size - at < 2 ? size - at : 2);
		break;
	case 3:
		at &= ~(size_t)3;
		memcpy(file + at, &value, size - at < 4 ? size - at : 4);
		break;
	default:
		bytes = 1 + random_below(32);
		if (bytes > size - at)
			bytes = size - at;
		memmove(file + at, file + random_below(size - bytes + 1), bytes);
		break;
	}
}

/* Why libnpu refused the last graph that it did. */
static char refusal[512];

/* Loads a graph and, when it is small enough, runs it on the processor. */
static int graph_try(const uint8_t *graph, size_t size, const uint8_t *input, size_t input_bytes)
{
	struct npu_model_info info = { .size = sizeof(info) };
	struct npu_tensor tensor = { .size = sizeof(tensor) };
	struct npu_device *device;
	struct npu_model *model;
	int ret = npu_open("cpu", &device);

	if (ret)
		exit(2);
	ret = npu_model_load(device, graph, size, &model);
	if (ret) {
		if (!npu_errmsg(device)[0])
			current_tell("refusal without a message");
		snprintf(refusal, sizeof(refusal), "%s", npu_errmsg(device));
		ret = npu_errmsg(device)[0] ? 0 : -1;
		npu_close(device);
		return ret;
	}
	ret = npu_model_info(model, &info);
	if (!ret && info.arena_bytes < ARENA_BYTES_MAX && info.input_count == 1 &&
	    info.output_count == 1 && !npu_tensor(model, NPU_INPUT, 0, &tensor) &&
	    tensor.bytes <= input_bytes && !npu_tensor(model, NPU_OUTPUT, 0, &tensor)) {
		uint8_t *output = malloc(tensor.bytes);

		if (!output)
			exit(2);
		npu_run(model, (const void *const []){ input }, (void *const []){ output });
		free(output);
	}
	npu_model_free(model);
	npu_close(device);
	return 1;
}

struct subject {
	const char *format;
	const uint8_t *bytes;
	size_t size;
};

/* A mutated copy, in memory of exactly its size so that every byte beyond counts. */
static uint8_t *model_mutate(const struct subject *good, size_t *size)
{
	uint8_t *file = malloc(good->size + INSERTION_BYTES_MAX), *exact;
	uint32_t count = 1 + random_below(4);
	size_t at, bytes;

	if (!file)
		exit(2);
	memcpy(file, good->bytes, good->size);
	*size = good->size;
	/* Tables and vtables stand at both ends, weights in between. */
	for (uint32_t i = 0; i < count; i++)
		bytes_mutate(file, *size, random_below(2) ? *size - *size / 4 : 0,
			     random_below(2) ? *size / 4 : *size / 8);
	at = random_below(*size);
	bytes = 1 + random_below(INSERTION_BYTES_MAX);
	switch (random_below(16)) {
	case 0:
		*size = at;
		break;
	case 1:
		memmove(file + at + bytes, file + at, *size - at);
		*size += bytes;
		break;
	case 2:
		if (bytes > *size - at)
			bytes = *size - at;
		memmove(file + at, file + at + bytes, *size - at - bytes);
		*size -= bytes;
		break;
	}
	exact = malloc(*size ? *size : 1);
	if (!exact)
		exit(2);
	memcpy(exact, file, *size);
	free(file);
	return exact;
}

/* Mutations of the model end in a compiled graph or in a refusal. */
static int model_try(const struct subject *good, const uint8_t *input, size_t input_bytes)
{
	struct compile_request request = { .name = "mutated", .wants_report = true };
	struct compile_result compiled = { 0 };
	struct error error = { "" };
	uint8_t *file = model_mutate(good, &request.bytes);
	int ret;

	request.data = file;
	ret = compile(&request, &compiled, &error);
	if (ret) {
		if (!error.text[0])
			current_tell("refusal without a message");
		ret = error.text[0] ? 0 : -1;
	} else {
		ret = graph_try(compiled.graph.data, compiled.graph.bytes, input, input_bytes);
		if (!ret) {
			current_tell("libnpu refuses what the compiler wrote,");
			fprintf(stderr, "# %s\n", refusal);
			ret = -1;
		}
	}
	compile_release(&compiled);
	free(file);
	return ret;
}

/* Mutations of the graph lie in the records mostly, with hashes made good again. */
static int compiled_try(const struct subject *good, const uint8_t *input, size_t input_bytes)
{
	uint8_t *file = malloc(good->size);
	const struct kestrel_graph_section *section;
	uint32_t count = 1 + random_below(3);
	int ret;

	if (!file)
		exit(2);
	memcpy(file, good->bytes, good->size);
	for (uint32_t i = 0; i < count; i++) {
		section = graph_file_section(file, good->size, 1 + random_below(16));
		if (section && section->size && section->offset < good->size &&
		    section->size <= good->size - section->offset)
			bytes_mutate(file, good->size, section->offset, section->size);
		else
			bytes_mutate(file, good->size, 0, 2048);
	}
	graph_file_rehash(file, good->size);
	ret = graph_try(file, good->size, input, input_bytes);
	free(file);
	return ret;
}

typedef int try_fn(const struct subject *good, const uint8_t *input, size_t input_bytes);

static void mutations_run(const struct subject *good, try_fn *try, unsigned int seed,
			  unsigned int first, unsigned int count, const uint8_t *input,
			  size_t input_bytes)
{
	unsigned int accepted = 0, refused = 0, wrong = 0;
	char name[96], explanation[128];

	for (unsigned int i = first; i < first + count; i++) {
		int ret;

		current_format = good->format;
		current_number = i;
		random_seed(seed, i);
		alarm(LIMIT_SECONDS);
		ret = try(good, input, input_bytes);
		alarm(0);
		if (ret < 0)
			wrong++;
		else if (ret)
			accepted++;
		else
			refused++;
	}
	snprintf(name, sizeof(name), "%s: %u mutations, each an answer or a refusal", good->format,
		 count);
	snprintf(explanation, sizeof(explanation), "%u accepted, %u refused, %u wrong", accepted,
		 refused, wrong);
	printf("# %s: %s\n", good->format, explanation);
	result_add(&results, !wrong, name, explanation);
	if (count < 100)
		return;
	snprintf(name, sizeof(name), "%s: mutations reach both ends", good->format);
	result_add(&results, accepted > count / 100 && refused > count / 100, name, explanation);
}

int main(int argc, char **argv)
{
	unsigned int seed = 1, first = 0, count = 2000;
	struct subject model = { .format = "tflite" }, graph = { .format = "graph" };
	struct subject onnx = { .format = "onnx" };
	uint8_t *model_bytes, *graph_bytes, *onnx_bytes, *input;
	struct onnx_model sample;
	size_t input_bytes;
	int option = 1;

	for (; option + 1 < argc && !strncmp(argv[option], "--", 2); option += 2) {
		unsigned int value = (unsigned int)strtoul(argv[option + 1], NULL, 0);

		if (!strcmp(argv[option], "--seed")) {
			seed = value;
		} else if (!strcmp(argv[option], "--count")) {
			count = value;
		} else if (!strcmp(argv[option], "--only")) {
			first = value;
			count = 1;
		} else {
			break;
		}
	}
	if (argc - option != 3) {
		fprintf(stderr, "usage: mutations [--seed N] [--count N] [--only N] MODEL.tflite GRAPH.npu INPUT\n");
		return 2;
	}
	model_bytes = file_load(argv[option], &model.size);
	graph_bytes = file_load(argv[option + 1], &graph.size);
	input = file_load(argv[option + 2], &input_bytes);
	if (!model_bytes || !graph_bytes || !input)
		return 2;
	onnx_model_sample(&sample);
	onnx_bytes = onnx_model_pack(&sample, &onnx.size);
	onnx_model_release(&sample);
	onnx.bytes = onnx_bytes;
	model.bytes = model_bytes;
	graph.bytes = graph_bytes;
	signal(SIGALRM, hang_report);
	crash_handler_set();

	mutations_run(&model, model_try, seed, first, count, input, input_bytes);
	mutations_run(&onnx, model_try, seed, first, count, input, input_bytes);
	mutations_run(&graph, compiled_try, seed, first, count, input, input_bytes);
	free(model_bytes);
	free(graph_bytes);
	free(onnx_bytes);
	free(input);
	return result_code(&results);
}
