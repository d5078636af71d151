// SPDX-License-Identifier: MIT
/* Steps that move elements: parts, orders and sizes of a tensor; and reductions of any dimensions. */
#include <string.h>

#include "builder.h"

#define ELEMENTS_MAX 65536

static const struct network_tensor *current_of(const struct builder *builder)
{
	return &builder->network->tensors[builder->current];
}

/* A tensor with the current one's quantisation. */
static int moved(struct builder *builder, int rank, const int32_t *shape)
{
	struct network_tensor from = *current_of(builder);
	int output = builder_tensor(builder, builder->type, rank, shape, (double)from.scales[0],
				    from.zero_point);

	builder->network->tensors[output].level = from.level;
	return output;
}

static bool movable(const struct builder *builder)
{
	const struct network_tensor *in = current_of(builder);

	return in->type == builder->type && in->scale_count == 1 && in->rank <= 4;
}

static struct network_operator *move(struct builder *builder, enum network_code code, int output)
{
	struct network_operator *op = builder_operator(builder, code, builder->current, output);

	builder->current = output;
	return op;
}

bool step_slice(struct builder *builder)
{
	struct random *random = &builder->random;
	const struct network_tensor *in = current_of(builder);
	bool strided = random_chance(random, 60);
	int32_t begin[4], end[4], step[4], shape[4];
	int rank = in->rank, output;
	struct network_operator *op;
	struct network_options options = { 0 };

	if (!movable(builder))
		return false;
	for (int d = 0; d < rank; d++) {
		int32_t size = in->shape[d], last;

		step[d] = 1;
		if (strided && random_chance(random, 30))
			step[d] = random_range(random, 0, 2) - 3 + (random_chance(random, 70) ? 4 : 0);
		if (!step[d])
			step[d] = -1;
		begin[d] = random_chance(random, 50) ? 0 : random_range(random, 0, size - 1);
		last = random_range(random, begin[d], size - 1);
		if (random_chance(random, 50))
			last = size - 1;
		shape[d] = (last - begin[d]) / (step[d] < 0 ? -step[d] : step[d]) + 1;
		if (step[d] < 0) {
			begin[d] += (shape[d] - 1) * -step[d];
			end[d] = begin[d] + (shape[d] - 1) * step[d] - 1;
			/* -1 would be the last element. */
			if (end[d] < 0)
				options.end_mask |= 1 << d;
		} else {
			end[d] = strided ? last + 1 : shape[d];
		}
	}
	output = moved(builder, rank, shape);
	op = move(builder, strided ? NETWORK_STRIDED_SLICE : NETWORK_SLICE, output);
	op->options = options;
	op->inputs[op->input_count++] = builder_integers(builder, begin, rank);
	op->inputs[op->input_count++] = builder_integers(builder, end, rank);
	if (strided)
		op->inputs[op->input_count++] = builder_integers(builder, step, rank);
	return !builder->failed;
}

/* SPLIT into equal parts or SPLIT_V; goes on from one of them, or from their sum. */
bool step_split(struct builder *builder)
{
	struct random *random = &builder->random;
	const struct network_tensor *in = current_of(builder);
	int parts = random_range(random, 2, 4), axis, input = builder->current, outputs[4], first;
	int32_t shape[4], sizes[4], left;
	struct network_operator *op;
	bool equal;

	if (!movable(builder))
		return false;
	axis = random_chance(random, 60) ? in->rank - 1 : random_range(random, 0, in->rank - 1);
	left = in->shape[axis];
	if (left < parts)
		return false;
	equal = left % parts == 0 && random_chance(random, 70);
	memcpy(shape, in->shape, sizeof(shape));
	for (int i = 0; i < parts; i++) {
		sizes[i] = equal ? in->shape[axis] / parts :
			   i + 1 == parts ? left : random_range(random, 1, left - (parts - 1 - i));
		left -= sizes[i];
		shape[axis] = sizes[i];
		outputs[i] = moved(builder, in->rank, shape);
		in = &builder->network->tensors[input];
	}
	if (equal) {
		int at = axis;

		first = builder_integers(builder, &at, 1);
		op = builder_operator(builder, NETWORK_SPLIT, first, outputs[0]);
		op->inputs[op->input_count++] = input;
	} else {
		int at = axis - in->rank;

		op = builder_operator(builder, NETWORK_SPLIT_V, input, outputs[0]);
		op->inputs[op->input_count++] = builder_integers(builder, sizes, parts);
		op->inputs[op->input_count++] = builder_integers(builder, &at, 1);
	}
	for (int i = 1; i < parts; i++)
		op->more_outputs[op->more_count++] = outputs[i];
	op->options.parts = parts;
	builder->current = outputs[random_range(random, 0, parts - 1)];
	return !builder->failed;
}

bool step_transpose(struct builder *builder)
{
	struct random *random = &builder->random;
	const struct network_tensor *in = current_of(builder);
	int32_t order[4] = { 0, 1, 2, 3 }, shape[4];
	struct network_operator *op;
	int rank = in->rank, output;

	if (!movable(builder) || rank < 2)
		return false;
	for (int d = rank - 1; d > 0; d--) {
		int other = random_range(random, 0, d);
		int32_t swapped = order[d];

		order[d] = order[other];
		order[other] = swapped;
	}
	for (int d = 0; d < rank; d++)
		shape[d] = in->shape[order[d]];
	output = moved(builder, rank, shape);
	op = move(builder, NETWORK_TRANSPOSE, output);
	op->inputs[op->input_count++] = builder_integers(builder, order, rank);
	return !builder->failed;
}

bool step_resize(struct builder *builder)
{
	struct random *random = &builder->random;
	const struct network_tensor *in = current_of(builder);
	bool bilinear = random_chance(random, 50) && builder->type != NETWORK_UINT8;
	int32_t size[2], shape[4];
	struct network_operator *op;
	int output;

	if (!movable(builder) || in->rank != 4)
		return false;
	memcpy(shape, in->shape, sizeof(shape));
	for (int d = 0; d < 2; d++) {
		int32_t from = in->shape[1 + d];

		size[d] = random_chance(random, 50) ? 2 * from : random_range(random, 1, 3 * from);
		shape[1 + d] = size[d];
	}
	if ((size_t)shape[0] * (size_t)shape[1] * (size_t)shape[2] * (size_t)shape[3] >
	    ELEMENTS_MAX)
		return false;
	output = moved(builder, 4, shape);
	op = move(builder, bilinear ? NETWORK_RESIZE_BILINEAR : NETWORK_RESIZE_NEAREST, output);
	op->inputs[op->input_count++] = builder_integers(builder, size, 2);
	switch (random_range(random, 0, 2)) {
	case 0:
		op->options.align_corners = true;
		break;
	case 1:
		op->options.half_pixel_centers = true;
		break;
	default:
		break;
	}
	return !builder->failed;
}

/* The current tensor and another of its shape on top of each other. */
bool step_pack(struct builder *builder)
{
	struct random *random = &builder->random;
	const struct network_tensor *in = current_of(builder);
	int count = random_range(random, 1, 3), axis, rank = in->rank, output;
	int32_t shape[4];
	struct network_operator *op;
	int first = builder->current;

	if (!movable(builder) || rank > 3 || in->elements * (size_t)count > ELEMENTS_MAX)
		return false;
	axis = random_range(random, 0, rank);
	for (int d = 0, from = 0; d <= rank; d++)
		shape[d] = d == axis ? count : in->shape[from++];
	output = moved(builder, rank + 1, shape);
	op = move(builder, NETWORK_PACK, output);
	for (int i = 1; i < count; i++)
		op->inputs[op->input_count++] = first;
	op->options.parts = count;
	op->options.axis = axis;
	return !builder->failed;
}

/* PADV2 of any dimension but the first. */
bool step_pad_value(struct builder *builder)
{
	struct random *random = &builder->random;
	const struct network_tensor *in = current_of(builder);
	int32_t pads[8] = { 0 }, shape[4], dimensions[2] = { in->rank, 2 }, one = 1;
	int rank = in->rank, output, list, constant;
	struct network_operator *op;
	size_t elements = 1;
	int8_t *value;
	void *data;

	if (!movable(builder) || rank < 2 || builder->type != NETWORK_INT8)
		return false;
	for (int d = 0; d < rank; d++) {
		for (int side = 0; side < 2 && d; side++)
			if (random_chance(random, 50))
				pads[2 * d + side] = random_range(random, 1, 5);
		shape[d] = in->shape[d] + pads[2 * d] + pads[2 * d + 1];
		elements *= (size_t)shape[d];
	}
	if (elements > ELEMENTS_MAX)
		return false;
	output = moved(builder, rank, shape);
	constant = moved(builder, 1, &one);
	list = builder_tensor(builder, NETWORK_INT32, 2, dimensions, 0, 0);
	data = builder_contents(builder, list);
	if (data)
		memcpy(data, pads, 8 * (size_t)rank);
	value = builder_contents(builder, constant);
	if (value)
		*value = (int8_t)random_range(random, -128, 127);
	op = move(builder, NETWORK_PAD_V2, output);
	op->inputs[op->input_count++] = list;
	op->inputs[op->input_count++] = constant;
	return !builder->failed;
}

/* SPACE_TO_DEPTH or DEPTH_TO_SPACE, whichever the shape allows. */
bool step_blocks(struct builder *builder)
{
	struct random *random = &builder->random;
	const struct network_tensor *in = current_of(builder);
	int block = random_range(random, 2, 3), output;
	bool to_depth = in->rank == 4 && in->shape[1] % block == 0 && in->shape[2] % block == 0;
	int32_t shape[4];
	struct network_operator *op;

	if (!movable(builder) || in->rank != 4 || builder->type == NETWORK_INT16 ||
	    (!to_depth && in->shape[3] % (block * block)))
		return false;
	memcpy(shape, in->shape, sizeof(shape));
	shape[1] = to_depth ? shape[1] / block : shape[1] * block;
	shape[2] = to_depth ? shape[2] / block : shape[2] * block;
	shape[3] = to_depth ? shape[3] * block * block : shape[3] / (block * block);
	output = moved(builder, 4, shape);
	op = move(builder, to_depth ? NETWORK_SPACE_TO_DEPTH : NETWORK_DEPTH_TO_SPACE, output);
	op->options.parts = block;
	return !builder->failed;
}

bool step_mirror(struct builder *builder)
{
	struct random *random = &builder->random;
	const struct network_tensor *in = current_of(builder);
	int32_t pads[8] = { 0 }, shape[4], dimensions[2] = { in->rank, 2 };
	int rank = in->rank, output, list, reflect = random_range(random, 0, 1);
	struct network_operator *op;
	size_t elements = 1;
	void *data;

	if (!movable(builder) || rank < 2)
		return false;
	for (int d = 0; d < rank; d++) {
		int most = in->shape[d] - reflect < 4 ? in->shape[d] - reflect : 4;

		for (int side = 0; side < 2 && d && most > 0; side++)
			if (random_chance(random, 50))
				pads[2 * d + side] = random_range(random, 0, most);
		shape[d] = in->shape[d] + pads[2 * d] + pads[2 * d + 1];
		elements *= (size_t)shape[d];
	}
	if (elements > ELEMENTS_MAX)
		return false;
	output = moved(builder, rank, shape);
	list = builder_tensor(builder, NETWORK_INT32, 2, dimensions, 0, 0);
	data = builder_contents(builder, list);
	if (data)
		memcpy(data, pads, 8 * (size_t)rank);
	op = move(builder, NETWORK_MIRROR_PAD, output);
	op->inputs[op->input_count++] = list;
	/* 0 REFLECT, 1 SYMMETRIC */
	op->options.parts = !reflect;
	return !builder->failed;
}

/* TILE, or REVERSE_V2 of one dimension. */
bool step_repeat(struct builder *builder)
{
	struct random *random = &builder->random;
	const struct network_tensor *in = current_of(builder);
	bool tile = random_chance(random, 50);
	int32_t times[4] = { 1, 1, 1, 1 }, shape[4], axis;
	int rank = in->rank, output;
	struct network_operator *op;
	size_t elements = 1;

	if (!movable(builder) || builder->type == NETWORK_INT16)
		return false;
	for (int d = 0; d < rank; d++) {
		if (tile && random_chance(random, 40))
			times[d] = random_range(random, 1, 3);
		shape[d] = in->shape[d] * times[d];
		elements *= (size_t)shape[d];
	}
	if (elements > ELEMENTS_MAX)
		return false;
	axis = random_range(random, 0, rank - 1);
	output = moved(builder, rank, shape);
	op = move(builder, tile ? NETWORK_TILE : NETWORK_REVERSE, output);
	op->inputs[op->input_count++] = tile ? builder_integers(builder, times, rank) :
					       builder_integers(builder, &axis, 1);
	return !builder->failed;
}

/* MEAN, SUM, REDUCE_MAX or REDUCE_MIN over any dimensions. */
bool step_reduce(struct builder *builder)
{
	static const enum network_code codes[] = { NETWORK_MEAN, NETWORK_SUM, NETWORK_REDUCE_MAX,
						   NETWORK_REDUCE_MIN };
	struct random *random = &builder->random;
	enum network_code code = codes[random_range(random, 0, 3)];
	const struct network_tensor *in = current_of(builder);
	bool keep = random_chance(random, 50);
	int rank = in->rank, count = 0, kept = 0, output;
	int32_t axes[4], shape[4], input_shape[4];
	struct network_operator *op;

	if (!movable(builder) || rank < 2)
		return false;
	memcpy(input_shape, in->shape, sizeof(input_shape));
	while (!count)
		for (int d = count = 0; d < rank; d++)
			if (random_chance(random, 35))
				axes[count++] = random_chance(random, 30) ? d - rank : d;
	if (count == rank && !keep)
		count--;
	for (int d = 0; d < rank; d++) {
		bool reduced = false;

		for (int i = 0; i < count; i++)
			reduced |= axes[i] == d || axes[i] == d - rank;
		if (!reduced)
			shape[kept++] = input_shape[d];
		else if (keep)
			shape[kept++] = 1;
	}
	if (code == NETWORK_MEAN || code == NETWORK_SUM)
		output = builder_activation(builder, kept, shape,
					    builder_deviation(builder, builder->current));
	else
		output = moved(builder, kept, shape);
	op = move(builder, code, output);
	op->inputs[op->input_count++] = builder_integers(builder, axes, count);
	op->options.keep_dimensions = keep;
	return !builder->failed;
}
