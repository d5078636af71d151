/* SPDX-License-Identifier: MIT */
/*
 * What compiling for one configuration yields, before it becomes sections of
 * the graph file: segments, command bytes, constants, where operators went.
 */
#ifndef COMPILER_STREAM_H
#define COMPILER_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "buffer.h"
#include "pool.h"
#include <kestrel/graph.h>
#include <kestrel/isa.h>

struct target;

struct stream_base {
	enum kestrel_graph_base_kind kind;
	uint32_t flags;
	/* IR index for KESTREL_GRAPH_BASE_TENSOR and _ROW. */
	int tensor;
	uint64_t offset;
	uint64_t size;
	/* Of kind ROW, as in struct kestrel_graph_row_base; the tensor as an IR index. */
	int position_tensor;
	uint32_t position_element, position_count, row_bytes;
};

/* A command, with cycles from the start of its job as predicted. */
struct stream_event {
	enum kestrel_unit unit;
	/* The operator of the IR that it works for. */
	unsigned int operator_index;
	/* A preemption point stands before it. */
	bool preempt_before;
	uint64_t start, finish;
	/* That a transfer moves to or from memory. */
	uint64_t bytes;
};

/* SRAM that something has to itself for some time. */
struct stream_room {
	uint64_t address, bytes;
	uint64_t start, finish;
	/* What lies there, in words. */
	const char *content;
	/* Of a feature map's tensor, or the type of a constant's operator. */
	const char *name;
};

/* The offset of a tensor that no NPU segment shares with anyone. */
#define STREAM_NOT_SHARED UINT64_MAX

struct stream_segment {
	bool npu;
	/* Range of operators of the IR, in its order; may hold removed ones. */
	unsigned int first_operator, operator_count;
	/* Slot i is the stream's base index i. */
	struct stream_base bases[KESTREL_ISA_BASES];
	unsigned int base_count;
	/*
	 * By tensor of the IR, where it lies in the memory of a job, and the whole of that;
	 * NULL: unknown. All segments have the same.
	 */
	const uint64_t *tensor_offsets;
	uint64_t tensor_bytes;
	/* Where its commands begin behind those of the segments before. */
	uint64_t commands_offset;
	struct buffer commands;
	uint64_t predicted_cycles;
	/* The order in which its operators are computed, in words; of how many tried. */
	const char *order;
	unsigned int order_count;
	/* In the order of the stream. */
	struct stream_event *events;
	unsigned int event_count;
	struct stream_room *rooms;
	unsigned int room_count;
};

/* How the NPU computes an operator: each way is slower than the one before and needs less SRAM. */
enum stream_step {
	/* With all of its inputs and output in SRAM. */
	STREAM_FASTEST,
	/* Some rows, columns or parts of its sums at a time. */
	STREAM_TILES,
	/* Values go to memory and come back. */
	STREAM_SPILL,
};

struct stream_place {
	enum kestrel_graph_place place;
	/* Why; "" for the NPU. */
	const char *reason;
	uint64_t predicted_cycles;
	/* On the NPU; why not the step before, NULL for the first one. */
	enum stream_step step;
	const char *step_reason;
};

struct stream {
	const struct target *target;
	unsigned int segment_count;
	struct stream_segment *segments;
	/* One an operator of the IR. */
	struct stream_place *places;
	/* What the commands read, of all streams; and of it this stream's, also as raw bytes. */
	struct pool *constants;
	uint64_t constant_bytes, raw_constant_bytes;
	/* Weights and decode tables among them. */
	uint64_t weight_bytes;
	uint64_t scratch_size;
	uint64_t predicted_cycles;
	uint64_t preemption_interval;
	/* How far the SRAM is used, and what lies there at once without fetching ahead. */
	uint64_t sram_peak_bytes, sram_bound_bytes;
	/* What NPU segments put in memory between operators and fetch again, both ways. */
	uint64_t spill_bytes;
	/* Of the operators that the NPU computes, as the model states them. */
	uint64_t macs;
	/* Channels left out because they count for nothing. */
	uint64_t dead_channels;
};

/*
 * The base whose memory a base is a part of: of kind ROW, that of its tensor, else itself.
 * Behind what an access names there, *reach bytes more may be meant.
 */
unsigned int stream_base_memory(const struct stream_segment *segment, unsigned int base,
				uint64_t *reach);

/* Releases the buffers; the rest belongs to the arena, the constants to the caller. */
void stream_release(struct stream *stream);

#endif
