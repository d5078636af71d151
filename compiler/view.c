// SPDX-License-Identifier: MIT
#include "view.h"

struct view view_dense(const int32_t *shape, unsigned int rank, unsigned int element_bytes)
{
	struct view view = { .count = rank };
	int64_t stride = element_bytes;

	for (unsigned int d = rank; d-- > 0;) {
		view.dimensions[d] = (struct view_dimension){ shape[d], stride };
		stride *= shape[d];
	}
	view_merge(&view);
	return view;
}

/* Puts an entry behind entry `at`. */
static bool insert(struct view *view, unsigned int at, struct view_dimension dimension)
{
	if (view->count == VIEW_DIMENSIONS)
		return false;
	for (unsigned int i = view->count++; i > at + 1; i--)
		view->dimensions[i] = view->dimensions[i - 1];
	view->dimensions[at + 1] = dimension;
	return true;
}

bool view_group(struct view *view, const int32_t *shape, unsigned int rank,
		unsigned int *first)
{
	unsigned int taken[VIEW_DIMENSIONS], next;
	int at;

	if (rank > VIEW_DIMENSIONS)
		return false;
	view_merge(view);
	at = (int)view->count - 1;
	for (unsigned int d = rank; d-- > 0;) {
		int32_t need = shape[d];

		taken[d] = 0;
		while (need > 1) {
			struct view_dimension *entry = &view->dimensions[at < 0 ? 0 : at];

			if (at < 0)
				return false;
			if (need % entry->size == 0) {
				need /= entry->size;
				at--;
			} else if (entry->size % need == 0) {
				struct view_dimension inner = { need, entry->stride };

				entry->size /= need;
				entry->stride *= need;
				if (!insert(view, (unsigned int)at, inner))
					return false;
				need = 1;
			} else {
				return false;
			}
			taken[d]++;
		}
	}
	next = 0;
	for (unsigned int d = 0; d < rank; d++) {
		first[d] = next;
		next += taken[d];
	}
	first[rank] = next;
	return next == view->count;
}

bool view_slice(struct view *view, const int32_t *shape, unsigned int rank, unsigned int d,
		int32_t begin, int32_t step, int32_t count)
{
	unsigned int first[VIEW_DIMENSIONS + 1];
	struct view_dimension *entry;

	/* One element has no stride, whichever way it is taken. */
	if (!begin && count == shape[d] && (step == 1 || count == 1))
		return true;
	if (!view_group(view, shape, rank, first) || first[d + 1] - first[d] != 1)
		return false;
	entry = &view->dimensions[first[d]];
	view->offset += begin * entry->stride;
	entry->stride *= step;
	entry->size = count;
	return true;
}

bool view_permute(struct view *view, const int32_t *shape, unsigned int rank,
		  const uint32_t *permutation)
{
	unsigned int first[VIEW_DIMENSIONS + 1];
	struct view from = *view;

	if (!view_group(&from, shape, rank, first))
		return false;
	view->count = 0;
	for (unsigned int d = 0; d < rank; d++)
		for (unsigned int i = first[permutation[d]]; i < first[permutation[d] + 1]; i++)
			view->dimensions[view->count++] = from.dimensions[i];
	return true;
}

bool view_repeat(struct view *view, const int32_t *shape, unsigned int rank,
		 const int32_t *repeated, unsigned int repeated_rank)
{
	unsigned int first[VIEW_DIMENSIONS + 1], more = repeated_rank - rank;
	struct view from = *view;

	if (!view_group(&from, shape, rank, first))
		return false;
	view->count = 0;
	for (unsigned int d = 0; d < repeated_rank; d++) {
		int32_t size = d < more ? 1 : shape[d - more];
		unsigned int entries = d < more ? 0 : first[d - more + 1] - first[d - more];

		if (view->count + entries + 1 > VIEW_DIMENSIONS)
			return false;
		view->dimensions[view->count++] = (struct view_dimension){ repeated[d] / size, 0 };
		for (unsigned int i = 0; i < entries; i++)
			view->dimensions[view->count++] = from.dimensions[first[d - more] + i];
	}
	return true;
}

void view_merge(struct view *view)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < view->count; i++) {
		struct view_dimension dimension = view->dimensions[i];

		if (dimension.size == 1)
			continue;
		if (count && view->dimensions[count - 1].stride ==
			     dimension.stride * dimension.size) {
			dimension.size *= view->dimensions[count - 1].size;
			count--;
		}
		view->dimensions[count++] = dimension;
	}
	view->count = count;
}

bool view_equals(const struct view *a, const struct view *b)
{
	if (a->offset != b->offset || a->count != b->count)
		return false;
	for (unsigned int i = 0; i < a->count; i++)
		if (a->dimensions[i].size != b->dimensions[i].size ||
		    a->dimensions[i].stride != b->dimensions[i].stride)
			return false;
	return true;
}

bool view_is_dense(const struct view *view, unsigned int element_bytes, uint64_t bytes)
{
	struct view merged = *view;

	view_merge(&merged);
	if (merged.offset)
		return false;
	if (!merged.count)
		return bytes == element_bytes;
	return merged.count == 1 && merged.dimensions[0].stride == element_bytes &&
	       (uint64_t)merged.dimensions[0].size * element_bytes == bytes;
}

void view_extent(const struct view *view, unsigned int element_bytes, int64_t *from, int64_t *to)
{
	*from = view->offset;
	*to = view->offset + element_bytes;
	for (unsigned int i = 0; i < view->count; i++) {
		int64_t span = (view->dimensions[i].size - 1) * view->dimensions[i].stride;

		*(span < 0 ? from : to) += span;
	}
}
