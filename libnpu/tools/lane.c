// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>

#include "lane.h"

int lane_take(struct lanes *lanes, uint64_t start, uint64_t end, size_t *lane)
{
	uint64_t *ends = lanes->ends;
	size_t l = 0;

	while (l < lanes->count && ends[l] > start)
		l++;
	if (l == lanes->count) {
		ends = realloc(ends, (l + 1) * sizeof(*ends));
		if (!ends)
			return -ENOMEM;
		lanes->ends = ends;
		lanes->count++;
	}
	ends[l] = end;
	*lane = l;
	return 0;
}

void lanes_release(struct lanes *lanes)
{
	free(lanes->ends);
	*lanes = (struct lanes){ .ends = NULL };
}
