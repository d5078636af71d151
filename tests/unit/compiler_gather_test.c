// SPDX-License-Identifier: MIT
/* Orders in which the NPU works in few jobs: sound, and no other has fewer. */
#include <string.h>

#include "compiler_test.h"
#include "gather.h"

#define OPERATORS 8

struct network {
	struct arena arena;
	struct ir_graph graph;
	/* Tensor o is written by operator o; the last is a state, two behind it inputs. */
	struct ir_tensor tensors[OPERATORS + 2];
	struct ir_operator operators[OPERATORS];
	int inputs[OPERATORS][2], outputs[OPERATORS][2];
	bool is_npu[OPERATORS];
};

static void network_make(struct network *network, uint64_t *seed)
{
	*network = (struct network){
		.graph = {
			.arena = &network->arena, .operators = network->operators,
			.operator_count = OPERATORS, .tensors = network->tensors,
			.tensor_count = OPERATORS + 2,
		},
	};
	network->tensors[OPERATORS].is_state = true;
	network->tensors[OPERATORS + 1].producer = -1;
	network->tensors[OPERATORS].producer = -1;
	for (int o = 0; o < OPERATORS; o++) {
		struct ir_operator *op = &network->operators[o];
		bool state = test_random(seed) % 5 == 0;

		*op = (struct ir_operator){
			.source = (unsigned int)o, .inputs = network->inputs[o],
			.input_count = 2, .outputs = network->outputs[o], .output_count = 1 + state,
		};
		for (int i = 0; i < 2; i++) {
			int from = (int)(test_random(seed) % (unsigned int)(o + 2)) - 2;

			network->inputs[o][i] = from < 0 ? OPERATORS + 2 + from : from;
			if (test_random(seed) % 3 == 0)
				network->inputs[o][i] = -1;
		}
		network->outputs[o][0] = o;
		network->outputs[o][1] = OPERATORS;
		network->tensors[o].producer = o;
		network->is_npu[o] = test_random(seed) % 2;
		if (test_random(seed) % 8 == 0)
			op->removed_reason = "it is not there";
	}
	/* Nothing reads what is not written. */
	for (int o = 0; o < OPERATORS; o++)
		for (int i = 0; i < 2; i++)
			if (network->inputs[o][i] >= 0 && network->inputs[o][i] < OPERATORS &&
			    network->operators[network->inputs[o][i]].removed_reason)
				network->inputs[o][i] = -1;
}

static bool touches_state(const struct ir_operator *op)
{
	return op->inputs[0] == OPERATORS || op->inputs[1] == OPERATORS || op->output_count == 2;
}

/* Whether operator `to` must come behind operator `from`, by their numbers in the model. */
static bool depends(const struct ir_operator *to, const struct ir_operator *from)
{
	return to->inputs[0] == (int)from->source || to->inputs[1] == (int)from->source ||
	       (touches_state(to) && touches_state(from) && from->source < to->source);
}

/* Whether operator o can come next when those of `done` have been. */
static bool can_come(const struct network *network, unsigned int done, unsigned int o)
{
	const struct ir_operator *op = &network->operators[o];

	if (done >> o & 1 || op->removed_reason)
		return false;
	for (unsigned int f = 0; f < OPERATORS; f++)
		if (f != o && !(done >> f & 1) && !network->operators[f].removed_reason &&
		    depends(op, &network->operators[f]))
			return false;
	return true;
}

/* The fewest jobs of any order, by what has been done and where the last of it was. */
static unsigned int fewest(const struct network *network)
{
	unsigned int jobs[1 << OPERATORS][2], end = 0;

	memset(jobs, 0xff, sizeof(jobs));
	jobs[0][false] = 0;
	for (unsigned int done = 0; done < 1 << OPERATORS; done++)
		for (unsigned int o = 0; o < OPERATORS; o++) {
			bool npu = network->is_npu[o];

			if (!can_come(network, done, o))
				continue;
			for (int last = 0; last < 2; last++) {
				unsigned int *to = &jobs[done | 1u << o][npu];

				if (jobs[done][last] == ~0u)
					continue;
				if (jobs[done][last] + (npu && !last) < *to)
					*to = jobs[done][last] + (npu && !last);
			}
		}
	for (unsigned int o = 0; o < OPERATORS; o++)
		end |= network->operators[o].removed_reason ? 0 : 1u << o;
	return jobs[end][0] < jobs[end][1] ? jobs[end][0] : jobs[end][1];
}

static unsigned int count_jobs(const struct network *network)
{
	unsigned int jobs = 0;
	bool npu = false;

	for (unsigned int o = 0; o < OPERATORS; o++) {
		const struct ir_operator *op = &network->operators[o];

		if (op->removed_reason)
			continue;
		jobs += network->is_npu[op->source] && !npu;
		npu = network->is_npu[op->source];
	}
	return jobs;
}

static void check_order(struct test *test, const struct network *network)
{
	bool met[OPERATORS] = { false };

	for (unsigned int o = 0; o < OPERATORS; o++) {
		const struct ir_operator *op = &network->operators[o];

		CHECK(test, op->source < OPERATORS && !met[op->source]);
		met[op->source] = true;
		CHECK(test, network->tensors[op->source].producer == (int)o);
		for (unsigned int later = o + 1; later < OPERATORS; later++)
			CHECK(test, op->removed_reason ||
				    network->operators[later].removed_reason ||
				    !depends(op, &network->operators[later]));
	}
}

int main(void)
{
	struct test test = { 0 };
	uint64_t seed = 1;
	unsigned int merged = 0;

	for (unsigned int i = 0; i < 300; i++) {
		struct network network;
		struct ir_operator before[OPERATORS];
		unsigned int jobs, best;

		network_make(&network, &seed);
		jobs = count_jobs(&network);
		best = fewest(&network);
		memcpy(before, network.operators, sizeof(before));
		CHECK(&test, !gather_jobs(&network.graph, network.is_npu));
		check_order(&test, &network);
		CHECK(&test, count_jobs(&network) == best);
		CHECK(&test, network.graph.merged_jobs == jobs - best);
		/* Nothing to win: nothing is moved. */
		for (unsigned int o = 0; o < OPERATORS && jobs == best; o++)
			CHECK(&test, before[o].source == network.operators[o].source);
		merged += jobs > best;
		arena_release(&network.arena);
	}
	CHECK(&test, merged > 50);
	test_end(&test, "the NPU works in as few jobs as any order allows");
	return test.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
