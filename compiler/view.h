/* SPDX-License-Identifier: MIT */
/*
 * Views: elements of memory in an order, as slices, transpositions and parts of a
 * larger tensor have them. A view is a list of dimensions, outermost first, each
 * with a stride; a tensor's shape is one way to group them.
 */
#ifndef COMPILER_VIEW_H
#define COMPILER_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#define VIEW_DIMENSIONS 10

struct view_dimension {
	int32_t size;
	/* Bytes; negative where the order runs down. */
	int64_t stride;
};

struct view {
	/* Bytes to the first element. */
	int64_t offset;
	unsigned int count;
	struct view_dimension dimensions[VIEW_DIMENSIONS];
};

/* A dense tensor, whole. */
struct view view_dense(const int32_t *shape, unsigned int rank, unsigned int element_bytes);

/*
 * Splits dimensions so that entries [first[d], first[d + 1]) of the view are those of
 * dimension d of `shape`; `first` has rank + 1 elements. Returns false, with the view
 * undefined, when there is no such split.
 */
bool view_group(struct view *view, const int32_t *shape, unsigned int rank,
		unsigned int *first);

/* Takes count elements from `begin` on, each `step` on, of dimension d of `shape`. */
bool view_slice(struct view *view, const int32_t *shape, unsigned int rank, unsigned int d,
		int32_t begin, int32_t step, int32_t count);

/* Dimension d of the result is dimension permutation[d] of `shape`. */
bool view_permute(struct view *view, const int32_t *shape, unsigned int rank,
		  const uint32_t *permutation);

/*
 * The dimensions of `shape` again and again, each a whole number of times, as `repeated`
 * has them: TILE all of them, BROADCAST_TO those of size 1. `repeated` has at least as many
 * dimensions. False where that takes more dimensions than a view has.
 */
bool view_repeat(struct view *view, const int32_t *shape, unsigned int rank,
		 const int32_t *repeated, unsigned int repeated_rank);

/* Joins neighbours that make one dimension and drops those of size 1. */
void view_merge(struct view *view);

/* Whether two merged views are the same. */
bool view_equals(const struct view *a, const struct view *b);

/* Whether it is `bytes` bytes one behind the other, from offset 0. */
bool view_is_dense(const struct view *view, unsigned int element_bytes, uint64_t bytes);

/* The bytes [*from, *to) that the view lies within. */
void view_extent(const struct view *view, unsigned int element_bytes, int64_t *from,
		 int64_t *to);

#endif
