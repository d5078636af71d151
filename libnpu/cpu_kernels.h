/* SPDX-License-Identifier: MIT */
/*
 * The inner loops of the CPU path. cpu_kernels.c is compiled once for every
 * instruction set that pays; which of them runs is decided when a model is
 * loaded. All of them compute the same integers.
 */
#ifndef NPU_CPU_KERNELS_H
#define NPU_CPU_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* Weights and patches are padded with zeros to a multiple of this many taps. */
#define CPU_DEPTH_ALIGNMENT 32
/* Dot products computed at once. */
#define CPU_ROWS 4

/* Requantisation in mode DOUBLE, per channel; shift = left - right. */
struct cpu_channels {
	const int32_t *bias;
	const int32_t *multiplier;
	const int32_t *left;
	const int32_t *right;
};

struct cpu_kernels {
	const char *name;
	/* `count` bytes (type: enum kestrel_graph_type) less the zero point. */
	void (*widen)(const uint8_t *from, uint32_t type, size_t count, int32_t zero_point,
		      int16_t *to);
	/* Dot products of `patch` with CPU_ROWS rows of weights, `depth` apart. */
	void (*dot)(const int16_t *patch, const int16_t *weights, size_t depth, int32_t *sums);
	/* sums[i] += pixel[i] * weights[i] */
	void (*accumulate)(const int16_t *pixel, const int16_t *weights, size_t count,
			   int32_t *sums);
	/* to[i] = clamp(DOUBLE(sums[i] + bias[i]) + zero_point) */
	void (*requantise)(const int32_t *sums, const struct cpu_channels *channels,
			   size_t count, int32_t zero_point, int32_t minimum, int32_t maximum,
			   uint8_t *to);
};

/* The best for this processor; a constant. */
const struct cpu_kernels *cpu_kernels_get(void);

/* All that this processor can run, for tests: number i, or NULL past the last. */
const struct cpu_kernels *cpu_kernels_list(size_t i);

#endif
