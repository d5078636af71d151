// SPDX-License-Identifier: MIT
/* Views against tensors that are moved element by element. */
#include <string.h>

#include "compiler_test.h"
#include "view.h"

#define RANK 4
#define ELEMENTS 4096
#define STEPS 4
#define ROUNDS 3000

/* A tensor whose elements are their own places in memory. */
struct tensor {
	int32_t shape[RANK];
	int count;
	int32_t place[ELEMENTS];
};

static int element(const int32_t *shape, const int32_t *at)
{
	int index = 0;

	for (int d = 0; d < RANK; d++)
		index = index * shape[d] + at[d];
	return index;
}

static void next(const int32_t *shape, int32_t *at)
{
	for (int d = RANK; d-- > 0;) {
		if (++at[d] < shape[d])
			return;
		at[d] = 0;
	}
}

static void fill(struct tensor *tensor, const struct tensor *from, const int32_t *shape,
		 const int32_t begin[RANK], const int32_t step[RANK], const uint32_t order[RANK])
{
	int32_t at[RANK] = { 0 };

	memcpy(tensor->shape, shape, sizeof(tensor->shape));
	tensor->count = 1;
	for (int d = 0; d < RANK; d++)
		tensor->count *= shape[d];
	for (int i = 0; i < tensor->count; i++) {
		int32_t source[RANK];

		for (int d = 0; d < RANK; d++)
			source[order[d]] = begin[order[d]] + at[d] * step[order[d]];
		tensor->place[i] = from->place[element(from->shape, source)];
		next(shape, at);
	}
}

/* The same of the view: where each element lies, in order. */
static bool view_shows(const struct view *view, const struct tensor *tensor)
{
	for (int i = 0; i < tensor->count; i++) {
		int64_t place = view->offset;
		int rest = i;

		for (unsigned int d = view->count; d-- > 0;) {
			place += rest % view->dimensions[d].size * view->dimensions[d].stride;
			rest /= view->dimensions[d].size;
		}
		if (rest || place != 2 * tensor->place[i])
			return false;
	}
	return true;
}

static void check_random_views(struct test *test)
{
	static struct tensor tensor, moved;
	uint64_t random = 7;
	unsigned int same = 0, refused = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct view view;

		tensor.count = 1;
		for (int d = 0; d < RANK; d++) {
			tensor.shape[d] = 1 + (int32_t)(test_random(&random) % 8);
			tensor.count *= tensor.shape[d];
		}
		for (int i = 0; i < tensor.count; i++)
			tensor.place[i] = i;
		view = view_dense(tensor.shape, RANK, 2);
		for (int step = 0; step < STEPS; step++) {
			int32_t begin[RANK] = { 0 }, steps[RANK] = { 1, 1, 1, 1 }, shape[RANK];
			uint32_t order[RANK] = { 0, 1, 2, 3 };
			struct view before = view;
			bool done = true;

			memcpy(shape, tensor.shape, sizeof(shape));
			if (test_random(&random) % 2) {
				for (unsigned int d = RANK - 1; d > 0; d--) {
					unsigned int other = test_random(&random) % (d + 1);
					uint32_t swapped = order[d];

					order[d] = order[other];
					order[other] = swapped;
				}
				for (int d = 0; d < RANK; d++)
					shape[d] = tensor.shape[order[d]];
				done = view_permute(&view, tensor.shape, RANK, order);
			} else {
				unsigned int d = (unsigned int)(test_random(&random) % RANK);
				int32_t last;

				begin[d] = (int32_t)(test_random(&random) %
						     (uint64_t)tensor.shape[d]);
				last = begin[d] + (int32_t)(test_random(&random) %
							    (uint64_t)(tensor.shape[d] - begin[d]));
				shape[d] = last - begin[d] + 1;
				if (test_random(&random) % 4 == 0) {
					steps[d] = -1;
					begin[d] = last;
				}
				done = view_slice(&view, tensor.shape, RANK, d, begin[d], steps[d],
						  shape[d]);
			}
			/* One dimension of several strides cannot be cut. */
			if (!done) {
				refused++;
				view = before;
				break;
			}
			fill(&moved, &tensor, shape, begin, steps, order);
			tensor = moved;
			view_merge(&view);
			CHECK(test, view_shows(&view, &tensor));
			same++;
		}
		if (view_is_dense(&view, 2, 2 * (uint64_t)tensor.count))
			for (int i = 0; i < tensor.count; i++)
				CHECK(test, tensor.place[i] == i);
	}
	CHECK(test, same > 2 * ROUNDS && refused < ROUNDS / 4);
	test_end(test, "views show what moved tensors hold");
}

static void check_groups(struct test *test)
{
	const int32_t shape[3] = { 4, 6, 5 }, other[2] = { 8, 15 }, odd[2] = { 7, 2 };
	struct view view = view_dense(shape, 3, 1);
	unsigned int first[4];
	int64_t from, to;

	CHECK(test, view.count == 1 && view_is_dense(&view, 1, 120));
	CHECK(test, view_group(&view, shape, 3, first) && first[3] == 3);
	CHECK(test, view.dimensions[0].stride == 30 && view.dimensions[1].stride == 5);
	CHECK(test, view_group(&view, other, 2, first) && first[2] == 2);
	CHECK(test, !view_group(&view, odd, 2, first));
	view = view_dense(shape, 3, 1);
	CHECK(test, view_slice(&view, shape, 3, 1, 5, -2, 3) && !view_is_dense(&view, 1, 60));
	view_extent(&view, 1, &from, &to);
	CHECK(test, from == 5 && to == 120);
	test_end(test, "views group as shapes do, and say how far they reach");
}

int main(void)
{
	struct test test = { 0 };

	check_random_views(&test);
	check_groups(&test);
	return test.failed;
}
