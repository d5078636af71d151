/* SPDX-License-Identifier: MIT */
/*
 * Orders of a segment's operators: of branches, which comes first. An operator comes
 * behind those whose results it reads; what stands between a value and its last reader
 * takes the room that the value needs until then.
 */
#ifndef COMPILER_ORDER_H
#define COMPILER_ORDER_H

#include "ir.h"

/* Orders that are known at once. */
#define ORDERS_MAX 24
/* Operators of a segment whose order is searched. */
#define ORDER_OPERATORS 512

/* One order, and how it came to be. */
struct order {
	/* Operators of the graph, all of the segment's. */
	unsigned int *operators;
	/* In words, for reports. */
	const char *reason;
};

struct order_list {
	const struct ir_graph *graph;
	unsigned int first, count;
	/* orders[0] is the graph's own. */
	struct order orders[ORDERS_MAX];
	unsigned int order_count;
	/* No order with shorter live ranges is left out. */
	bool exact;
	struct order_units *units;
};

/*
 * Finds orders of the operators [first, first + count): the graph's, the one with the
 * least bytes alive at once, the one with the least bytes beyond `sram_bytes` summed
 * over time, and one branch after the other. Each differs from those before it. A
 * segment that reaches states has the graph's alone. Returns 0 or -ENOMEM with a message.
 */
int order_find(struct order_list *list, const struct ir_graph *graph, unsigned int first,
	       unsigned int count, uint64_t sram_bytes);

/*
 * Adds neighbours of an order: in each one branch comes as early, or as late, as what it
 * depends on allows; `number` counts them. Returns the new order's index, 0 when it is
 * none or known already, -1 when there are no more, or -ENOMEM.
 */
int order_neighbour(struct order_list *list, unsigned int order, unsigned int number);

/* Adds any order, as a seed says. Returns its index (0: the graph's) or -ENOMEM. */
int order_random(struct order_list *list, uint64_t seed);

#endif
