// SPDX-License-Identifier: MIT
#include <string.h>

#include "error.h"
#include "prune.h"
#include "quantise.h"

struct pruner {
	struct segment *segment;
	/* By value: whether each channel is dead; whether it may lose channels. */
	bool **dead;
	bool *prunable;
	/* By value: the first value of those that must keep the same channels. */
	unsigned int *group;
};

static bool is_pool(const struct segment_node *node)
{
	return node->op->kind == IR_AVERAGE_POOL || node->op->kind == IR_MAX_POOL;
}

/* What a node does with the channels of its input. */
enum node_class { NODE_SUMS, NODE_PASSES, NODE_OTHER };

static enum node_class class_of(const struct segment *segment, const struct segment_node *node)
{
	if (node->store || node->copy || node->reordered || node->rearrangement.active)
		return NODE_OTHER;
	switch (node->op->kind) {
	case IR_CONVOLUTION:
		return node->weights.group_outputs ? NODE_OTHER : NODE_SUMS;
	case IR_FULLY_CONNECTED:
		return NODE_SUMS;
	case IR_DEPTHWISE:
		if (!node->depthwise)
			return NODE_SUMS;
		return segment->values[node->inputs[0]].channels ==
		       segment->values[node->output].channels ? NODE_PASSES : NODE_OTHER;
	case IR_AVERAGE_POOL:
	case IR_MAX_POOL:
	case IR_MEAN:
		return NODE_PASSES;
	default:
		return NODE_OTHER;
	}
}

/* The zero point that a value was written with. */
static int32_t zero_point_of(const struct pruner *pruner, int value)
{
	const struct segment *segment = pruner->segment;
	const struct segment_node *node = &segment->nodes[segment->values[value].producer];

	while (is_pool(node)) {
		int producer = segment->values[node->inputs[0]].producer;

		if (producer < 0)
			break;
		node = &segment->nodes[producer];
	}
	return node->op->output_zero_point;
}

/* Whether what a node reads has the zero point that it was written with: a reshape can change it. */
static bool reads_zero_as_written(const struct pruner *pruner, const struct segment_node *node)
{
	return pruner->segment->values[node->inputs[0]].producer >= 0 &&
	       zero_point_of(pruner, node->inputs[0]) == node->op->input_zero_point;
}

/* Whether all weights of an output channel that meet a live input are zero. */
static bool weights_are_zero(const struct pruner *pruner, const struct segment_node *node,
			     int32_t output)
{
	const struct weights *weights = &node->weights;
	const bool *dead = pruner->dead[node->inputs[0]];
	bool same_zero = reads_zero_as_written(pruner, node);

	for (int32_t tap = 0; tap < weights->rows.count * weights->columns.count; tap++)
		for (int32_t c = 0; c < weights->channels; c++) {
			if (same_zero && dead[node->depthwise ? output : c])
				continue;
			if (weights_at(weights, output, tap, c) !=
			    (uint8_t)node->op->weight_zero_point)
				return false;
		}
	return true;
}

/* Whether an accumulator of nothing but the bias gives the output's zero point. */
static bool bias_gives_zero(const struct segment_node *node, int32_t channel)
{
	const struct ir_operator *op = node->op;
	int32_t bias = node->bias ? node->bias[channel] : 0;
	int32_t value = 0;

	if (bias && op->rounding != IR_ROUNDING_DOUBLE)
		return false;
	if (bias)
		value = quantise_rescale(bias, op->scales[channel]);
	value += op->output_zero_point;
	if (value < op->clamp_low)
		value = op->clamp_low;
	if (value > op->clamp_high)
		value = op->clamp_high;
	return value == op->output_zero_point;
}

/* Whether a zero point that a pool or mean passes on is left as it is by the clamp. */
static bool clamp_keeps_zero(const struct pruner *pruner, const struct segment_node *node)
{
	int32_t zero = zero_point_of(pruner, node->output);

	return zero >= node->op->clamp_low && zero <= node->op->clamp_high;
}

static void find_dead(struct pruner *pruner, const struct segment_node *node)
{
	const struct segment *segment = pruner->segment;
	bool *dead = pruner->dead[node->output];
	enum node_class class = class_of(segment, node);
	/* A mean subtracts the zero point, pools do not. */
	bool passes_zero = class == NODE_PASSES && !node->is_mac &&
			   (is_pool(node) || reads_zero_as_written(pruner, node));

	for (int32_t c = 0; c < segment->values[node->output].channels; c++) {
		if (node->is_mac && class != NODE_OTHER)
			dead[c] = bias_gives_zero(node, c) &&
				  weights_are_zero(pruner, node, c);
		else if (passes_zero)
			dead[c] = pruner->dead[node->inputs[0]][c] &&
				  clamp_keeps_zero(pruner, node);
	}
}

static unsigned int group_of(const struct pruner *pruner, unsigned int value)
{
	while (pruner->group[value] != value)
		value = pruner->group[value];
	return value;
}

/* Values that something else than a convolution or pool makes or reads stay whole. */
static void find_prunable(struct pruner *pruner)
{
	const struct segment *segment = pruner->segment;

	for (unsigned int v = 0; v < segment->value_count; v++) {
		pruner->group[v] = v;
		pruner->prunable[v] = segment->values[v].producer >= 0 &&
				      segment->values[v].whole < 0 &&
				      !segment->values[v].has_parts &&
				      !segment->values[v].stores;
	}
	for (unsigned int n = 0; n < segment->node_count; n++) {
		const struct segment_node *node = &segment->nodes[n];
		enum node_class class = class_of(segment, node);
		int input = node->inputs[0];

		if (class == NODE_OTHER) {
			pruner->prunable[node->output] = false;
			for (unsigned int i = 0; i < node->input_count; i++)
				pruner->prunable[node->inputs[i]] = false;
			continue;
		}
		if (!is_pool(node) && pruner->prunable[input] &&
		    !reads_zero_as_written(pruner, node))
			pruner->prunable[input] = false;
		if (class == NODE_PASSES)
			pruner->group[group_of(pruner, (unsigned int)node->output)] =
				group_of(pruner, (unsigned int)input);
	}
	/* One that must stay whole keeps its group whole. */
	for (unsigned int v = 0; v < segment->value_count; v++)
		if (!pruner->prunable[v])
			pruner->prunable[group_of(pruner, v)] = false;
}

/* Which channels a group keeps: those that live in any of its values. */
static int32_t *kept_channels(struct pruner *pruner, unsigned int group, int32_t *count)
{
	struct segment *segment = pruner->segment;
	int32_t channels = segment->values[group].channels;
	int32_t *kept = arena_alloc(segment->graph->arena, (size_t)channels, sizeof(*kept));

	*count = 0;
	for (int32_t c = 0; kept && c < channels; c++) {
		bool live = false;

		for (unsigned int v = 0; v < segment->value_count; v++)
			live |= group_of(pruner, v) == group && !pruner->dead[v][c];
		if (live)
			kept[(*count)++] = c;
	}
	/* A map needs a channel, even a dead one. */
	if (kept && !*count)
		kept[(*count)++] = 0;
	return kept;
}

static void set_channels(struct pruner *pruner, unsigned int group, const int32_t *kept,
			 int32_t count)
{
	struct segment *segment = pruner->segment;

	for (unsigned int v = 0; v < segment->value_count; v++) {
		if (group_of(pruner, v) != group)
			continue;
		segment->dead_channels += (uint32_t)(segment->values[v].channels - count);
		segment->values[v].channels = count;
	}
	for (unsigned int n = 0; n < segment->node_count; n++) {
		struct segment_node *node = &segment->nodes[n];

		if (!node->is_mac)
			continue;
		if (group_of(pruner, (unsigned int)node->output) == group) {
			node->weights.output_channels = count;
			node->weights.output_map = kept;
		}
		if (!node->depthwise && group_of(pruner, (unsigned int)node->inputs[0]) == group) {
			node->weights.channels = count;
			node->weights.channel_map = kept;
		}
	}
}

int prune_dead_channels(struct segment *segment)
{
	struct arena *arena = segment->graph->arena;
	struct pruner pruner = { .segment = segment };
	size_t values = segment->value_count;

	pruner.dead = arena_alloc(arena, values, sizeof(*pruner.dead));
	pruner.prunable = arena_alloc(arena, values, sizeof(*pruner.prunable));
	pruner.group = arena_alloc(arena, values, sizeof(*pruner.group));
	if (!pruner.dead || !pruner.prunable || !pruner.group)
		return error_memory(segment->graph->error);
	for (size_t v = 0; v < values; v++) {
		pruner.dead[v] = arena_alloc(arena, (size_t)segment->values[v].channels,
					     sizeof(bool));
		if (!pruner.dead[v])
			return error_memory(segment->graph->error);
	}
	for (unsigned int n = 0; n < segment->node_count; n++)
		find_dead(&pruner, &segment->nodes[n]);
	find_prunable(&pruner);
	for (unsigned int v = 0; v < segment->value_count; v++) {
		int32_t channels = segment->values[v].channels, count, *kept;

		if (group_of(&pruner, v) != v || !pruner.prunable[v])
			continue;
		kept = kept_channels(&pruner, v, &count);
		if (!kept)
			return error_memory(segment->graph->error);
		if (count < channels)
			set_channels(&pruner, v, kept, count);
	}
	return 0;
}
