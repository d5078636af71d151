/* SPDX-License-Identifier: MIT */
/*
 * A transposed convolution as plain ones. Output rows y with the same y mod stride
 * (a phase) meet the same kernel rows, `stride` of them apart, last one first, and
 * neighbouring rows of a phase neighbouring input rows: a convolution of stride 1
 * whose output rows lie `stride` rows apart. Columns likewise. Other operators have
 * one phase, which is all of them.
 */
#ifndef COMPILER_PHASES_H
#define COMPILER_PHASES_H

#include "codec.h"
#include "segment.h"

/* One dimension of a phase. */
struct phase_axis {
	struct weights_taps taps;
	/* Rows of the input that precede those of output row `phase`. */
	int32_t pad;
};

/* `pad` rows are cut off the full result's beginning. */
struct phase_axis phase_axis(int32_t kernel, int32_t stride, int32_t pad, int32_t phase);

/* The first row or column from `from` on that is of a phase. */
int32_t phases_first(int32_t from, int32_t stride, int32_t phase);

/* Phases of a node; those of a row of phases are neighbours. */
int32_t phases_count(const struct segment_node *node);

/* The part's weights in a phase. */
struct weights phases_weights(const struct segment_node *node, const struct weights_part *part,
			      int32_t phase);

/* Bytes of a part's weights before those of a phase; those of all: before the one behind. */
uint64_t phases_offset(const struct segment_node *node, const struct weights_part *part,
		       int32_t phase);

/*
 * Appends a part's weights, phase by phase, each at a multiple of 16, each brick as
 * symbols (codec_symbols() tells of form, value and table): any range of bricks has
 * the symbols of the whole.
 */
void phases_pack(const struct segment_node *node, const struct weights_part *part,
		 enum codec_form form, uint8_t value, const struct codec_table *table,
		 struct buffer *out);

#endif
