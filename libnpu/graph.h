/* SPDX-License-Identifier: MIT */
/*
 * A validated view of a compiled-graph file: uapi/kestrel/graph.h. Tables of sections
 * that the file lacks have no records, and point into it nevertheless.
 */
#ifndef NPU_GRAPH_H
#define NPU_GRAPH_H

#include <stddef.h>
#include <stdint.h>

#include <kestrel/graph.h>

#include "message.h"

struct graph {
	const uint8_t *data;		/* the file; the caller's, must outlive the view */
	size_t size;
	const struct kestrel_graph_header *header;
	const struct kestrel_graph_info *info;
	const char *strings;
	size_t strings_size;
	const struct kestrel_graph_tensor *tensors;
	uint32_t tensor_count;
	const uint32_t *indices;
	uint32_t index_count;
	const struct kestrel_graph_operator *operators;
	uint32_t operator_count;
	const uint32_t *inputs;
	uint32_t input_count;
	const uint32_t *outputs;
	uint32_t output_count;
	const uint8_t *constants;
	size_t constants_size;
	const uint8_t *parameters;
	size_t parameters_size;
	const struct kestrel_graph_stream *streams;
	uint32_t stream_count;
	const struct kestrel_graph_segment *segments;
	uint32_t segment_count;
	const struct kestrel_graph_row_base *bases;
	uint32_t base_count;
	const uint8_t *commands;
	size_t commands_size;
	const uint8_t *stream_constants;
	size_t stream_constants_size;
	const struct kestrel_graph_placement *placements;
	uint32_t placement_count;
	/* Copies of tables whose records have another length than those known here. */
	void *copies[16];
	uint32_t copy_count;
};

/*
 * Checks the whole file and fills the view. data must be 64-byte aligned and
 * unchanged while the view is used. Returns 0, -EINVAL (damaged), -ENOTSUP
 * (another version, or needs something unknown) or -ENOMEM; the message names
 * section, record and field. After an error the view needs no release.
 */
int graph_open(struct graph *graph, const void *data, size_t size, struct message *message);

/* Frees what graph_open() allocated. */
void graph_close(struct graph *graph);

/* A string that graph_open() has checked. */
const char *graph_string(const struct graph *graph, uint32_t offset);

/* Input or output number i of an operator, or KESTREL_GRAPH_NONE where there are fewer. */
uint32_t graph_operator_input(const struct graph *graph,
			      const struct kestrel_graph_operator *operator, uint32_t i);
uint32_t graph_operator_output(const struct graph *graph,
			       const struct kestrel_graph_operator *operator, uint32_t i);

/* Whether a base is bytes of a tensor: of kind TENSOR or ROW. */
int graph_base_has_tensor(const struct kestrel_graph_row_base *base);

/* Bytes of an element, or 0 for an unknown type. */
size_t graph_type_size(uint32_t type);
const char *graph_type_name(uint32_t type);

/* Of the file's opcode, or NULL where this library does not know it. */
const char *graph_opcode_name(uint32_t opcode);

/*
 * graph_check.c: the records among each other; called by graph_open(). Every
 * index, count, range and reference is inside its table afterwards.
 */
int graph_check(const struct graph *graph, struct message *message);

/*
 * operator_check.c: the shapes, types, attributes and tables of one operator
 * suit its kernel. -EINVAL where they contradict each other, -ENOTSUP where
 * this library has no kernel for the combination.
 */
int operator_check(const struct graph *graph, uint32_t index, struct message *message);

#endif
