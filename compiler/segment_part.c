// SPDX-License-Identifier: MIT
/* Parts of a value that are read and written where they lie inside it in SRAM. */
#include "segment_builder.h"

bool segment_find_part(const struct view *view, const int32_t shape[3],
		       const struct ir_feature_map *whole, uint32_t element_bytes, int32_t at[3])
{
	int64_t pixel = (int64_t)whole->c * element_bytes, row = pixel * whole->w;
	const int64_t strides[3] = { row, pixel, element_bytes };
	const int32_t extents[3] = { whole->h, whole->w, whole->c };
	int32_t lanes = (int32_t)(KESTREL_ISA_BRICK_BYTES / element_bytes);
	struct view grouped = *view;
	unsigned int first[4];

	if (!view_group(&grouped, shape, 3, first))
		return false;
	for (unsigned int d = 0; d < 3; d++) {
		unsigned int entries = first[d + 1] - first[d];

		if (entries > 1 ||
		    (entries == 1 && grouped.dimensions[first[d]].stride != strides[d]))
			return false;
	}
	at[0] = (int32_t)(view->offset / row);
	at[1] = (int32_t)(view->offset % row / pixel);
	at[2] = (int32_t)(view->offset % pixel / element_bytes);
	for (unsigned int d = 0; d < 3; d++)
		if (at[d] + shape[d] > extents[d])
			return false;
	/* A map of few channels may be packed; then a column can lie where no command begins. */
	if (whole->c < lanes && at[1] * pixel % KESTREL_ISA_BRICK_BYTES)
		return false;
	/* Bricks are written whole, and packed pixels are. */
	return at[2] % lanes == 0 && (at[2] + shape[2] == whole->c || shape[2] % lanes == 0) &&
	       (whole->c >= lanes || shape[2] == whole->c);
}

int segment_read_part(struct segment_builder *builder, int tensor, int32_t height, int32_t width,
		      int32_t channels)
{
	struct segment *segment = builder->segment;
	const struct segment_tensor *of = &builder->tensors[tensor];
	const int32_t shape[3] = { height, width, channels };
	int written = builder->tensors[of->owner].written, index;
	struct segment_value *whole, *value;
	struct ir_feature_map map;
	int32_t at[3];

	if (!segment->placement || written < 0)
		return -1;
	whole = &segment->values[written];
	map = (struct ir_feature_map){ 1, whole->height, whole->width, whole->channels };
	if (!segment_find_part(&of->view, shape, &map, ir_type_bytes(whole->type), at))
		return -1;
	/* A part of a part is one of the whole. */
	if (whole->whole >= 0) {
		at[0] += whole->part_row;
		at[1] += whole->part_column;
		at[2] += whole->part_channel;
		written = whole->whole;
	}
	for (unsigned int v = 0; v < segment->value_count; v++) {
		value = &segment->values[v];
		if (value->is_slice && value->whole == written && value->height == height &&
		    value->width == width && value->channels == channels &&
		    value->part_row == at[0] && value->part_column == at[1] &&
		    value->part_channel == at[2])
			return (int)v;
	}
	index = segment_value_add(segment, of->owner, height, width, channels);
	value = &segment->values[index];
	value->producer = whole->producer;
	value->is_slice = true;
	value->whole = written;
	value->part_row = at[0];
	value->part_column = at[1];
	value->part_channel = at[2];
	segment->values[written].has_parts = true;
	segment->placed++;
	return index;
}
