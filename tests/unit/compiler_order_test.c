// SPDX-License-Identifier: MIT
/* Orders of branches: sound, and none of small graphs needs less room than the best. */
#include <string.h>

#include "compiler_test.h"
#include "order.h"

#define OPERATORS 8
#define INPUTS 3

struct network {
	struct arena arena;
	struct ir_graph graph;
	/* Tensor o is written by operator o; the last is an input. */
	struct ir_tensor tensors[OPERATORS + 1];
	struct ir_operator operators[OPERATORS];
	int inputs[OPERATORS][INPUTS], outputs[OPERATORS][1];
};

static void network_make(struct network *network, uint64_t *seed, bool views)
{
	*network = (struct network){
		.graph = {
			.arena = &network->arena, .operators = network->operators,
			.operator_count = OPERATORS, .tensors = network->tensors,
			.tensor_count = OPERATORS + 1,
		},
	};
	network->tensors[OPERATORS] = (struct ir_tensor){ .producer = -1, .bytes = 1 };
	for (int o = 0; o < OPERATORS; o++) {
		struct ir_operator *op = &network->operators[o];

		*op = (struct ir_operator){
			.kind = IR_ADD, .inputs = network->inputs[o], .input_count = INPUTS,
			.outputs = network->outputs[o], .output_count = 1,
		};
		for (int i = 0; i < INPUTS; i++)
			network->inputs[o][i] = test_random(seed) % 2 || !o ? -1 :
				(int)(test_random(seed) % (unsigned int)o);
		if (views && test_random(seed) % 3 == 0)
			op->kind = test_random(seed) % 2 ? IR_CONCATENATION : IR_SPLIT;
		network->outputs[o][0] = o;
		network->tensors[o] = (struct ir_tensor){
			.producer = o, .bytes = 1 + test_random(seed) % 100,
		};
	}
}

static bool reads(const struct network *network, unsigned int o, unsigned int tensor)
{
	for (int i = 0; i < INPUTS; i++)
		if (network->inputs[o][i] == (int)tensor)
			return true;
	return false;
}

/* Whether the operators are each there once, behind what they read. */
static bool is_sound(const struct network *network, const unsigned int *operators)
{
	bool met[OPERATORS] = { false };

	for (unsigned int i = 0; i < OPERATORS; i++) {
		unsigned int o = operators[i];

		if (o >= OPERATORS || met[o])
			return false;
		for (unsigned int from = 0; from < OPERATORS; from++)
			if (reads(network, o, from) && !met[from])
				return false;
		met[o] = true;
	}
	return true;
}

/* What lies there while operator o of a network without views is computed, behind `done`. */
static uint64_t bytes_alive(const struct network *network, unsigned int done, unsigned int o)
{
	uint64_t bytes = network->tensors[o].bytes;

	for (unsigned int t = 0; t < OPERATORS; t++) {
		bool needed = false;

		for (unsigned int r = 0; r < OPERATORS; r++)
			needed |= !(done >> r & 1) && reads(network, r, t);
		if (done >> t & 1 && needed)
			bytes += network->tensors[t].bytes;
	}
	return bytes;
}

static uint64_t peak_of(const struct network *network, const unsigned int *operators)
{
	uint64_t peak = 0;
	unsigned int done = 0;

	for (unsigned int i = 0; i < OPERATORS; i++) {
		uint64_t bytes = bytes_alive(network, done, operators[i]);

		peak = bytes > peak ? bytes : peak;
		done |= 1u << operators[i];
	}
	return peak;
}

/* The least peak of all orders, by what has been done. */
static uint64_t least_peak(const struct network *network)
{
	uint64_t least[1 << OPERATORS];

	memset(least, 0xff, sizeof(least));
	least[0] = 0;
	for (unsigned int done = 0; done < 1 << OPERATORS; done++)
		for (unsigned int o = 0; o < OPERATORS && least[done] != UINT64_MAX; o++) {
			uint64_t bytes = bytes_alive(network, done, o);
			bool ready = !(done >> o & 1);

			for (unsigned int from = 0; from < OPERATORS; from++)
				ready &= !reads(network, o, from) || done >> from & 1;
			bytes = bytes > least[done] ? bytes : least[done];
			if (ready && bytes < least[done | 1u << o])
				least[done | 1u << o] = bytes;
		}
	return least[(1 << OPERATORS) - 1];
}

static void check_list(struct test *test, const struct network *network,
		       const struct order_list *list)
{
	for (unsigned int o = 0; o < list->order_count; o++) {
		CHECK(test, list->orders[o].reason);
		CHECK(test, is_sound(network, list->orders[o].operators));
		for (unsigned int other = 0; other < o; other++)
			CHECK(test, memcmp(list->orders[o].operators,
					   list->orders[other].operators,
					   OPERATORS * sizeof(unsigned int)));
	}
}

int main(void)
{
	struct test test = { 0 };
	uint64_t seed = 7;
	unsigned int several = 0, smaller = 0;
	struct network network;
	struct order_list list;

	for (unsigned int i = 0; i < 300; i++) {
		uint64_t least, best = UINT64_MAX;

		network_make(&network, &seed, false);
		CHECK(&test, !order_find(&list, &network.graph, 0, OPERATORS, 150));
		CHECK(&test, list.exact && list.order_count);
		least = least_peak(&network);
		for (unsigned int o = 0; o < list.order_count; o++) {
			uint64_t peak = peak_of(&network, list.orders[o].operators);

			best = peak < best ? peak : best;
		}
		CHECK(&test, best == least);
		smaller += best < peak_of(&network, list.orders[0].operators);
		check_list(&test, &network, &list);
		arena_release(&network.arena);
	}
	CHECK(&test, smaller > 50);
	test_end(&test, "an order of a small graph has the fewest bytes alive");
	for (unsigned int i = 0; i < 300; i++) {
		network_make(&network, &seed, true);
		CHECK(&test, !order_find(&list, &network.graph, 0, OPERATORS, 150));
		CHECK(&test, order_random(&list, i) >= 0);
		for (unsigned int n = 0; order_neighbour(&list, 0, n) >= 0; n++)
			CHECK(&test, n < 2 * OPERATORS);
		check_list(&test, &network, &list);
		several += list.order_count > 3;
		arena_release(&network.arena);
	}
	CHECK(&test, several > 50);
	test_end(&test, "orders with views, neighbours and random ones are sound");
	network_make(&network, &seed, false);
	network.tensors[OPERATORS].is_state = true;
	network.inputs[0][0] = OPERATORS;
	CHECK(&test, !order_find(&list, &network.graph, 0, OPERATORS, 150));
	CHECK(&test, list.order_count == 1 && order_neighbour(&list, 0, 0) == -1);
	CHECK(&test, order_random(&list, 1) == 0);
	arena_release(&network.arena);
	test_end(&test, "states keep the graph's order");
	return test.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
