// SPDX-License-Identifier: MIT
/*
 * Random networks, compiled for random configurations of the NPU, run in the
 * simulator in order and under a random schedule, all checks on, and on the
 * processor: every output byte must be the same, and the cycles those that the
 * compiler predicted, but for 5 %. See --help.
 *
 * Each seed runs in a process of its own, so that a crash is a result.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <kestrel/compiler.h>
#include <npu.h>

#include "network.h"
#include "random.h"

#define STREAM_CONFIGURATION 3000
/* How far predicted cycles may be from those counted, as a share. */
#define PREDICTION_ERROR 0.05
#define VECTORS 2
#define PROCESSES_MAX 16
#define MESSAGE_BYTES 800
#define CLASSES_MAX 64
#define SECONDS_MAX 120
/* Seeds that one result line stands for. */
#define BLOCK 50
/* Seeds of which some are computed in tiles. */
#define TILED_SEEDS 200

static const char help[] =
"usage: random_graphs [OPTION...]\n"
"Compiles random networks for random NPU configurations and compares what the\n"
"simulator and the processor make of them. One result a block of seeds, and one\n"
"for each seed that fails, with what reproduces it.\n"
"\n"
"  --first N      first seed (default 1)\n"
"  --count N      number of seeds (default 150)\n"
"  --seconds N    begin no further seed after N seconds\n"
"  --steps N      cut the networks off after N steps of their construction\n"
"  --jobs N       processes at once (default 2)\n"
"  --write DIR    write model.tflite, input_K.bin, the processor's output_K.bin and\n"
"                 configuration (npuc's options) of each seed to DIR/SEED\n"
"  --profiles     compile most of them for another rounding profile (--numerics)\n"
"  --help         this text\n";

enum verdict {
	VERDICT_NONE,
	VERDICT_EQUAL,
	/* The compiler refused, with a sentence. */
	VERDICT_REFUSED,
	VERDICT_FAILED,
};

struct result {
	enum verdict verdict;
	/* What the seed was compiled and run for. */
	char target[24];
	char settings[160];
	/* Not 0: not the fastest way of computing them, but one that this stands for. */
	unsigned int search_seed;
	/* Rounding profile, or "". */
	char numerics[16];
	char message[MESSAGE_BYTES];
	/* Reasons of operators that stayed on the processor, one a line. */
	char reasons[MESSAGE_BYTES];
	int operators_npu;
	int operators_cpu;
	/* Exact schedule, one run; 0 where no NPU job was run. */
	uint64_t predicted_cycles;
	uint64_t cycles;
	/* Some output has more than one value. */
	bool alive;
	/* Maps are made some columns at a time, and what tiles share again. */
	bool in_columns, recomputed;
};

struct options {
	uint64_t first;
	uint64_t count;
	long seconds;
	int steps;
	int jobs;
	const char *directory;
	bool profiles;
};

/* One seed being worked on. */
struct trial {
	uint64_t seed;
	struct network *network;
	struct result *result;
	uint8_t *model;
	size_t model_bytes;
	struct kestrel_compiler_result compiled;
	uint8_t *inputs[VECTORS][NETWORK_EDGES_MAX];
};

struct outputs {
	uint8_t *data[VECTORS][NETWORK_EDGES_MAX];
};

static bool fail(struct trial *trial, enum verdict verdict, const char *where,
		 const char *message)
{
	trial->result->verdict = verdict;
	snprintf(trial->result->message, MESSAGE_BYTES, "%s: %s", where, message);
	return false;
}

static void pick_configuration(struct trial *trial, bool profiles)
{
	static const char *const targets[] = {
		"kestrel-64", "kestrel-128", "kestrel-256", "kestrel-256", "kestrel-512",
		"kestrel-512", "kestrel-1024", "kestrel-2048", "kestrel-256-u55like",
	};
	struct random random = random_stream(trial->seed, STREAM_CONFIGURATION);
	struct result *result = trial->result;
	size_t used = 0;

	snprintf(result->target, sizeof(result->target), "%s",
		 targets[random_range(&random, 0, 8)]);
	if (random_chance(&random, 75))
		used += (size_t)snprintf(result->settings, sizeof(result->settings), ",sram=%d",
					 4096 * (int)random_logarithmic(&random, 4, 129));
	if (random_chance(&random, 25))
		used += (size_t)snprintf(result->settings + used,
					 sizeof(result->settings) - used, ",macs=%d",
					 64 << random_range(&random, 0, 5));
	if (random_chance(&random, 20))
		used += (size_t)snprintf(result->settings + used,
					 sizeof(result->settings) - used, ",page=2097152");
	if (random_chance(&random, 25))
		used += (size_t)snprintf(result->settings + used,
					 sizeof(result->settings) - used, ",spill=off");
	if (random_chance(&random, 15))
		used += (size_t)snprintf(result->settings + used,
					 sizeof(result->settings) - used, ",ports=%d",
					 random_range(&random, 1, 2));
	memmove(result->settings, result->settings + !!used, used + !used);
	if (random_chance(&random, 50))
		result->search_seed = (unsigned int)random_range(&random, 1, INT_MAX);
	if (profiles && random_chance(&random, 60))
		snprintf(result->numerics, sizeof(result->numerics), "%s",
			 random_chance(&random, 60) ? "tflite" : "tflm");
}

/* The reasons of CPU operators in a report. */
static void collect_reasons(struct result *result, const char *report)
{
	static const char mark[] = "\"place\": \"cpu\", \"reason\": \"";
	size_t used = 0;

	for (const char *at = report; (at = strstr(at, mark)); ) {
		size_t bytes;

		at += sizeof(mark) - 1;
		bytes = strcspn(at, "\"");
		if (used + bytes + 2 <= sizeof(result->reasons)) {
			memcpy(result->reasons + used, at, bytes);
			used += bytes;
			result->reasons[used++] = '\n';
		}
	}
}

static bool compile(struct trial *trial)
{
	const struct kestrel_compiler_functions *functions = kestrel_compiler_functions();
	struct kestrel_compiler_options options = {
		.size = sizeof(options), .target = trial->result->target,
		.settings = *trial->result->settings ? trial->result->settings : NULL,
		.numerics = *trial->result->numerics ? trial->result->numerics : NULL,
		.search_seed = trial->result->search_seed,
	};
	struct kestrel_compiler_result again, portable;
	char message[MESSAGE_BYTES - 32];
	bool same;
	int ret;

	ret = functions->compile_model(trial->model, trial->model_bytes, &options,
				       &trial->compiled, message, sizeof(message));
	if (ret)
		return fail(trial, ret == -ENOTSUP && *message ? VERDICT_REFUSED : VERDICT_FAILED,
			    "compiler", message);
	collect_reasons(trial->result, trial->compiled.report);
	trial->result->in_columns = strstr(trial->compiled.report, "drawn, not chosen");
	trial->result->recomputed = strstr(trial->compiled.report, "tiles share computed");
	ret = functions->compile_model(trial->model, trial->model_bytes, &options, &again,
				       message, sizeof(message));
	same = !ret && again.graph_bytes == trial->compiled.graph_bytes &&
	       !memcmp(again.graph, trial->compiled.graph, again.graph_bytes);
	functions->result_free(&again);
	if (!same)
		return fail(trial, VERDICT_FAILED, "compiler", "compiled twice, the files differ");
	if (trial->seed % 4)
		return true;
	/* By way of the portable graph, as libnpu does for another device. */
	options.flags = KESTREL_COMPILER_NO_STREAM;
	ret = functions->compile_model(trial->model, trial->model_bytes, &options, &portable,
				       message, sizeof(message));
	if (ret)
		return fail(trial, VERDICT_FAILED, "compiler without stream", message);
	functions->result_free(&trial->compiled);
	options.flags = 0;
	options.numerics = NULL;
	ret = functions->compile_graph(portable.graph, portable.graph_bytes, &options,
				       &trial->compiled, message, sizeof(message));
	functions->result_free(&portable);
	return ret ? fail(trial, VERDICT_FAILED, "compiler of graphs", message) : true;
}

static const struct network_tensor *edge(const struct trial *trial, bool output, int i)
{
	const struct network *network = trial->network;

	return &network->tensors[output ? network->outputs[i] : network->inputs[i]];
}

static bool run_vectors(struct trial *trial, struct npu_model *model, struct outputs *outputs,
			const char *where)
{
	const struct network *network = trial->network;
	struct npu_job_stats stats = { .size = sizeof(stats) };
	struct npu_job *job;
	int ret = 0;

	if (npu_job_new(model, &job))
		return fail(trial, VERDICT_FAILED, where, "no job can be made");
	for (int v = 0; v < VECTORS && !ret; v++) {
		for (int i = 0; i < network->input_count && !ret; i++)
			ret = npu_job_bind_memory(job, NPU_INPUT, (uint32_t)i,
						  trial->inputs[v][i]);
		for (int i = 0; i < network->output_count && !ret; i++) {
			size_t bytes = network_bytes(edge(trial, true, i));

			outputs->data[v][i] = malloc(bytes);
			memset(outputs->data[v][i], 0x5a, bytes);
			ret = npu_job_bind_memory(job, NPU_OUTPUT, (uint32_t)i,
						  outputs->data[v][i]);
		}
		if (!ret)
			ret = npu_job_run(job);
	}
	if (ret)
		fail(trial, VERDICT_FAILED, where, npu_job_errmsg(job));
	else if (!npu_job_stats(job, &stats) && !trial->result->cycles)
		trial->result->cycles = stats.npu_cycles;
	npu_job_free(job);
	return !ret;
}

static bool run(struct trial *trial, const char *device_name, const char *settings,
		struct outputs *outputs)
{
	struct npu_open_options options = {
		.size = sizeof(options),
		.target = trial->result->target,
		.settings = settings,
		.threads = (uint32_t)(1 + trial->seed % 3),
	};
	struct npu_model_info info = { .size = sizeof(info) };
	struct npu_device *device;
	struct npu_model *model = NULL;
	bool good = false;
	char where[200];

	snprintf(where, sizeof(where), "%s %s", device_name, settings ? settings : "");
	if (npu_open_with(device_name, &options, &device) ||
	    npu_model_load(device, trial->compiled.graph, trial->compiled.graph_bytes, &model)) {
		fail(trial, VERDICT_FAILED, where, npu_errmsg(device));
	} else {
		npu_model_info(model, &info);
		if (strcmp(device_name, "cpu") && !trial->result->predicted_cycles) {
			trial->result->predicted_cycles = info.predicted_cycles;
			trial->result->operators_npu = (int)info.operators_npu;
			trial->result->operators_cpu = (int)info.operators_cpu;
		}
		good = run_vectors(trial, model, outputs, where);
	}
	npu_model_free(model);
	npu_close(device);
	return good;
}

static bool compare(struct trial *trial, const struct outputs *expected,
		    const struct outputs *found, const char *where)
{
	char message[160];

	for (int v = 0; v < VECTORS; v++) {
		for (int i = 0; i < trial->network->output_count; i++) {
			size_t bytes = network_bytes(edge(trial, true, i)), different = 0;
			size_t first = 0;

			for (size_t b = bytes; b-- > 0;) {
				if (expected->data[v][i][b] == found->data[v][i][b])
					continue;
				different++;
				first = b;
			}
			if (!different)
				continue;
			snprintf(message, sizeof(message),
				 "output %d of vector %d: %zu of %zu bytes differ, first byte %zu is %d, on the processor %d",
				 i, v, different, bytes, first, (int8_t)found->data[v][i][first],
				 (int8_t)expected->data[v][i][first]);
			return fail(trial, VERDICT_FAILED, where, message);
		}
	}
	return true;
}

static bool write_file(struct trial *trial, const char *directory, const char *name,
		       const void *data, size_t bytes, const char *mode)
{
	char path[512];
	bool good;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%llu/%s", directory, (unsigned long long)trial->seed,
		 name);
	file = fopen(path, mode);
	good = file && fwrite(data, 1, bytes, file) == bytes;
	if (file && fclose(file))
		good = false;
	return good ? true : fail(trial, VERDICT_FAILED, path, strerror(errno));
}

static bool write_trial(struct trial *trial, const char *directory,
			const struct outputs *outputs)
{
	const struct network *network = trial->network;
	char path[512], name[320], seed[40];
	bool good;

	snprintf(path, sizeof(path), "%s/%llu", directory, (unsigned long long)trial->seed);
	if (mkdir(directory, 0777) && errno != EEXIST)
		return fail(trial, VERDICT_FAILED, directory, strerror(errno));
	if (mkdir(path, 0777) && errno != EEXIST)
		return fail(trial, VERDICT_FAILED, path, strerror(errno));
	snprintf(seed, sizeof(seed), " --search-seed %u", trial->result->search_seed);
	snprintf(name, sizeof(name), "--target %s%s%s%s%s%s\n", trial->result->target,
		 *trial->result->settings ? " --set " : "", trial->result->settings,
		 *trial->result->numerics ? " --numerics " : "", trial->result->numerics,
		 trial->result->search_seed ? seed : "");
	good = write_file(trial, directory, "configuration", name, strlen(name), "wb") &&
	       write_file(trial, directory, "model.tflite", trial->model, trial->model_bytes, "wb");
	for (int v = 0; v < VECTORS && good; v++) {
		for (int i = 0; i < network->input_count && good; i++) {
			snprintf(name, sizeof(name), "input_%d.bin", i);
			good = write_file(trial, directory, name, trial->inputs[v][i],
					  network_bytes(edge(trial, false, i)), v ? "ab" : "wb");
		}
		for (int i = 0; i < network->output_count && good && outputs; i++) {
			snprintf(name, sizeof(name), "output_%d.bin", i);
			good = write_file(trial, directory, name, outputs->data[v][i],
					  network_bytes(edge(trial, true, i)), v ? "ab" : "wb");
		}
	}
	return good;
}

static bool has_life(const struct trial *trial, const struct outputs *outputs)
{
	for (int i = 0; i < trial->network->output_count; i++) {
		size_t bytes = network_bytes(edge(trial, true, i));

		for (size_t b = 1; b < bytes; b++)
			if (outputs->data[0][i][b] != outputs->data[0][i][0])
				return true;
		if (memcmp(outputs->data[0][i], outputs->data[1][i], bytes))
			return true;
	}
	return false;
}

static double prediction_error(const struct result *result)
{
	return fabs((double)result->predicted_cycles / (double)result->cycles - 1);
}

static bool compare_cycles(struct trial *trial)
{
	const struct result *result = trial->result;
	char message[160];

	if (!result->cycles || !result->predicted_cycles ||
	    prediction_error(result) <= PREDICTION_ERROR)
		return true;
	snprintf(message, sizeof(message), "%llu cycles predicted, %llu counted",
		 (unsigned long long)result->predicted_cycles, (unsigned long long)result->cycles);
	return fail(trial, VERDICT_FAILED, "prediction", message);
}

/* Everything about one seed. The process ends afterwards: nothing is freed. */
static void work(uint64_t seed, const struct options *options, struct result *result)
{
	struct trial trial = { .seed = seed, .result = result };
	struct outputs processor, ordered, scheduled;
	const char *directory = options->directory;
	char settings[256];

	trial.network = network_new(seed, options->steps);
	if (trial.network)
		trial.model = network_write(trial.network, &trial.model_bytes);
	if (!trial.model) {
		fail(&trial, VERDICT_FAILED, "generator", "no network can be made");
		return;
	}
	for (int v = 0; v < VECTORS; v++) {
		for (int i = 0; i < trial.network->input_count; i++) {
			const struct network_tensor *tensor = edge(&trial, false, i);

			trial.inputs[v][i] = malloc(network_bytes(tensor));
			network_fill(tensor, seed * VECTORS * NETWORK_EDGES_MAX +
				     (uint64_t)(v * NETWORK_EDGES_MAX + i), trial.inputs[v][i]);
		}
	}
	pick_configuration(&trial, options->profiles);
	if (directory && !write_trial(&trial, directory, NULL))
		return;
	if (!compile(&trial))
		return;
	if (!run(&trial, "cpu", NULL, &processor))
		return;
	result->alive = has_life(&trial, &processor);
	if (directory && !write_trial(&trial, directory, &processor))
		return;
	snprintf(settings, sizeof(settings), "%s%schecked=on", result->settings,
		 *result->settings ? "," : "");
	if (!run(&trial, "sim", settings, &ordered) ||
	    !compare(&trial, &processor, &ordered, settings) || !compare_cycles(&trial))
		return;
	snprintf(settings, sizeof(settings), "%s%schecked=on,schedule=random:%llu",
		 result->settings, *result->settings ? "," : "", (unsigned long long)seed);
	if (!run(&trial, "sim", settings, &scheduled) ||
	    !compare(&trial, &processor, &scheduled, settings))
		return;
	result->verdict = VERDICT_EQUAL;
}

static pid_t start(uint64_t seed, const struct options *options, struct result *result)
{
	pid_t child;

	fflush(stdout);
	memset(result, 0, sizeof(*result));
	child = fork();
	if (!child) {
		alarm(SECONDS_MAX);
		work(seed, options, result);
		/* Not exit(): leak checking is for programs that end in order. */
		_exit(0);
	}
	return child;
}

static void judge(struct result *result, int status)
{
	if (WIFSIGNALED(status))
		snprintf(result->message, MESSAGE_BYTES, "%s", WTERMSIG(status) == SIGALRM ?
			 "took more than two minutes" : strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status))
		snprintf(result->message, MESSAGE_BYTES, "exited with %d", WEXITSTATUS(status));
	else if (result->verdict != VERDICT_NONE)
		return;
	result->verdict = VERDICT_FAILED;
}

/* The fewest steps of its construction that make the seed fail. */
static int minimise(uint64_t seed, const struct options *options, struct result *result)
{
	int steps = network_steps(seed);

	for (int limit = 1; limit < steps; limit++) {
		struct options shorter = *options;
		int status;

		shorter.steps = limit;
		shorter.directory = NULL;
		if (waitpid(start(seed, &shorter, result), &status, 0) < 0)
			break;
		judge(result, status);
		if (result->verdict == VERDICT_FAILED)
			return limit;
	}
	return -1;
}

static void report_failure(uint64_t seed, const struct options *options, struct result *result)
{
	struct result first = *result;
	struct network *network;
	int steps;

	printf("not ok - seed %llu: %s\n", (unsigned long long)seed, first.message);
	printf("# target %s, settings \"%s\", numerics \"%s\", search seed %u\n", first.target,
	       first.settings, first.numerics, first.search_seed);
	steps = options->steps < 0 ? minimise(seed, options, result) : options->steps;
	if (steps >= 0 && options->steps < 0)
		printf("# after %d steps already: %s\n", steps, result->message);
	network = network_new(seed, steps);
	if (network)
		network_print(network, "#   ");
	network_free(network);
	printf("# reproduce: build/tests/random-graphs/random_graphs --first %llu --count 1",
	       (unsigned long long)seed);
	if (steps >= 0)
		printf(" --steps %d", steps);
	printf("%s --write DIRECTORY\n", options->profiles ? " --profiles" : "");
	*result = first;
}

/* Messages counted by what they say, without the operator and the tensor. */
struct classes {
	struct {
		char text[MESSAGE_BYTES];
		unsigned int count;
		uint64_t seed;
	} entries[CLASSES_MAX];
	int count;
};

static void classes_count(struct classes *classes, const char *text, uint64_t seed)
{
	for (int i = 0; i < classes->count; i++) {
		if (!strcmp(classes->entries[i].text, text)) {
			classes->entries[i].count++;
			return;
		}
	}
	if (classes->count == CLASSES_MAX)
		return;
	snprintf(classes->entries[classes->count].text, MESSAGE_BYTES, "%s", text);
	classes->entries[classes->count].count = 1;
	classes->entries[classes->count++].seed = seed;
}

static void classes_print(const struct classes *classes, const char *what)
{
	for (int i = 0; i < classes->count; i++)
		printf("# %s, %u times, first with seed %llu: %s\n", what,
		       classes->entries[i].count, (unsigned long long)classes->entries[i].seed,
		       classes->entries[i].text);
}

struct summary {
	unsigned int equal, refused, failed, alive, in_columns, recomputed;
	unsigned int operators_npu, operators_cpu;
	unsigned int predicted, exact;
	double worst;
	uint64_t worst_seed;
	struct classes refusals;
	struct classes reasons;
};

static void count_refusal(struct summary *summary, const struct result *result, uint64_t seed)
{
	const char *kind = strstr(result->message, "operator "), *text;
	char class[MESSAGE_BYTES];
	int width;

	/* "compiler: operator 3 ADD, output \"t5\": what is wrong" */
	text = strrchr(result->message, ':');
	kind = kind ? strchr(kind + strlen("operator "), ' ') : NULL;
	width = kind ? (int)strcspn(kind + 1, " ,:(") : 0;
	snprintf(class, sizeof(class), "%.*s%s", width, kind ? kind + 1 : "",
		 text ? text : result->message);
	classes_count(&summary->refusals, class, seed);
}

static void summarise(struct summary *summary, uint64_t seed, struct result *result)
{
	double error;

	summary->refused += result->verdict == VERDICT_REFUSED;
	summary->failed += result->verdict == VERDICT_FAILED;
	if (result->verdict == VERDICT_REFUSED)
		count_refusal(summary, result, seed);
	if (result->verdict != VERDICT_EQUAL)
		return;
	summary->equal++;
	summary->alive += result->alive;
	summary->in_columns += result->in_columns;
	summary->recomputed += result->recomputed;
	summary->operators_npu += (unsigned int)result->operators_npu;
	summary->operators_cpu += (unsigned int)result->operators_cpu;
	for (char *line = strtok(result->reasons, "\n"); line; line = strtok(NULL, "\n"))
		classes_count(&summary->reasons, line, seed);
	if (!result->cycles || !result->predicted_cycles)
		return;
	error = prediction_error(result);
	summary->predicted++;
	summary->exact += result->predicted_cycles == result->cycles;
	if (error > summary->worst) {
		summary->worst = error;
		summary->worst_seed = seed;
	}
}

static int print_summary(const struct summary *summary)
{
	unsigned int total = summary->equal + summary->refused + summary->failed;
	bool tiled = summary->in_columns * 100 >= total && summary->recomputed * 100 >= total;
	bool enough = summary->equal * 10 >= total * 6, alive = summary->alive * 10 >=
								 summary->equal * 7;
	bool exact = summary->exact * 10 >= summary->predicted * 9;

	classes_print(&summary->refusals, "refused");
	classes_print(&summary->reasons, "on the processor");
	printf("# %u seeds: %u equal, %u refused, %u failed; %u operators on the NPU, %u on the processor\n",
	       total, summary->equal, summary->refused, summary->failed, summary->operators_npu,
	       summary->operators_cpu);
	printf("# cycles of %u predicted, of %u exactly, worst %.1f %% beside with seed %llu\n",
	       summary->predicted, summary->exact, 100 * summary->worst, (unsigned long long)summary->worst_seed);
	if (total < 50)
		return summary->failed != 0;
	printf("%s - the compiler takes most networks (%u of %u)\n", enough ? "ok" : "not ok",
	       summary->equal, total);
	printf("%s - most networks have outputs that vary (%u of %u)\n", alive ? "ok" : "not ok",
	       summary->alive, summary->equal);
	printf("%s - most networks take the cycles predicted, not one more or less (%u of %u)\n",
	       exact ? "ok" : "not ok", summary->exact, summary->predicted);
	if (total < TILED_SEEDS)
		return summary->failed || !enough || !alive || !exact;
	printf("%s - some go over maps in columns or without rings (%u), and compute again what tiles share (%u)\n",
	       tiled ? "ok" : "not ok", summary->in_columns, summary->recomputed);
	return summary->failed || !enough || !alive || !exact || !tiled;
}

struct slot {
	pid_t child;
	uint64_t seed;
};

static int wait_slot(struct slot *slots, int jobs, int *status)
{
	pid_t child = wait(status);

	for (int i = 0; i < jobs; i++)
		if (slots[i].child == child)
			return i;
	return -1;
}

static int run_seeds(const struct options *options)
{
	struct result *results = mmap(NULL, (PROCESSES_MAX + 1) * sizeof(*results),
				      PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct slot slots[PROCESSES_MAX] = { { 0 } };
	static struct summary summary;
	time_t begin = time(NULL);
	uint64_t next = options->first, end = options->first + options->count;
	uint64_t block = next;
	unsigned int failed = 0;
	int busy = 0;

	if (results == MAP_FAILED) {
		fprintf(stderr, "random_graphs: no shared memory\n");
		return 1;
	}
	while (busy || next < end) {
		int slot = -1, status = 0;

		if (options->seconds && time(NULL) - begin >= options->seconds) {
			end = next;
			if (!busy)
				break;
		}
		if (next < end && busy < options->jobs && next - block < BLOCK) {
			for (int i = 0; i < options->jobs && slot < 0; i++)
				if (!slots[i].child)
					slot = i;
			slots[slot].seed = next++;
			slots[slot].child = start(slots[slot].seed, options, &results[slot]);
			busy++;
			continue;
		}
		slot = wait_slot(slots, options->jobs, &status);
		if (slot < 0)
			continue;
		busy--;
		slots[slot].child = 0;
		judge(&results[slot], status);
		if (results[slot].verdict == VERDICT_FAILED) {
			results[PROCESSES_MAX] = results[slot];
			report_failure(slots[slot].seed, options, &results[PROCESSES_MAX]);
		}
		summarise(&summary, slots[slot].seed, &results[slot]);
		if ((next - block == BLOCK || next == end) && !busy) {
			if (summary.failed == failed)
				printf("ok - seeds %llu to %llu\n", (unsigned long long)block,
				       (unsigned long long)next - 1);
			failed = summary.failed;
			block = next;
		}
	}
	return print_summary(&summary);
}

static bool number(const char *text, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno;
}

int main(int argc, char **argv)
{
	static const struct option known[] = {
		{ "first", required_argument, NULL, 'f' }, { "count", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 's' }, { "steps", required_argument, NULL, 'n' },
		{ "jobs", required_argument, NULL, 'j' }, { "write", required_argument, NULL, 'w' },
		{ "profiles", no_argument, NULL, 'p' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	struct options options = { .first = 1, .count = 150, .steps = -1, .jobs = 2 };
	uint64_t value = 0;
	int letter;

	while ((letter = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (letter == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (letter == 'w') {
			options.directory = optarg;
			continue;
		}
		if (letter == 'p') {
			options.profiles = true;
			continue;
		}
		if (letter == '?' || !number(optarg, &value)) {
			fprintf(stderr, "random_graphs: bad usage, see --help\n");
			return 2;
		}
		if (letter == 'f')
			options.first = value;
		else if (letter == 'c')
			options.count = value;
		else if (letter == 's')
			options.seconds = (long)value;
		else if (letter == 'n')
			options.steps = (int)value;
		else
			options.jobs = value < 1 ? 1 : value > PROCESSES_MAX ? PROCESSES_MAX :
				       (int)value;
	}
	return run_seeds(&options);
}
