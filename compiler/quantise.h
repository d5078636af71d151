/* SPDX-License-Identifier: MIT */
/*
 * From real-valued scales to the integers that TensorFlow Lite's kernels
 * derive from them. The same double and float steps in the same order: a
 * multiplier that differs in its last bit gives other output bytes.
 */
#ifndef COMPILER_QUANTISE_H
#define COMPILER_QUANTISE_H

#include <stdbool.h>
#include <stdint.h>

#include "ir.h"

/* A factor as multiplier x 2^(shift - 31); 0 below 2^-32, a shift beyond every form if not finite. */
struct ir_scale quantise_factor(double factor);

/* round(value / scale) + zero_point, half away from zero, in float as TFLite does. */
int32_t quantise_value(float value, float scale, int32_t zero_point);

/* Narrows [low, high] to what a fused activation leaves. */
void quantise_activation(enum ir_activation activation, float scale, int32_t zero_point,
			 int32_t *low, int32_t *high);

/* MEAN's factor with the division by `count` folded in, as the reference kernel does. */
struct ir_scale quantise_mean(struct ir_scale scale, uint64_t count);

/* Double-rounding requantisation (the reference kernels' function) of one value. */
int32_t quantise_rescale(int32_t value, struct ir_scale scale);

/* The same of the optimised kernels: ties of the shift go upward. */
int32_t quantise_rescale_upward(int32_t value, struct ir_scale scale);

/* a / b x factor as the reference's DIV computes it; b != 0, factor below 1. */
int32_t quantise_quotient(int32_t a, int32_t b, struct ir_scale factor);

/* RSQRT of a positive value - zero point, `factor` = 1 / (sqrt(input scale) x output scale). */
int32_t quantise_inverse_root(int32_t value, struct ir_scale factor);

/*
 * What a channel record holds of a factor: the multiplier, or its upper half where
 * 64-bit sums are scaled with 16 bits.
 */
uint32_t quantise_record(enum ir_rounding rounding, struct ir_scale scale);

/*
 * The fixed-point softmax's exponentials, Q0.31, by distance 0..255 from the
 * maximum. `factor` is beta x input scale. Returns false when the factor is
 * too small for the formula.
 */
bool quantise_exponentials(double factor, int32_t table[IR_TABLE_ENTRIES]);

/* Points of a function of int16, between which lines run: every 128th value. */
#define QUANTISE_LINE_POINTS 513

/*
 * The points of a function for zero points of 0: each is off the function by half
 * of what the line would be off midway.
 */
typedef double quantise_function(const void *opaque, double x);

void quantise_lines(float input_scale, float output_scale, quantise_function *function,
		    const void *opaque, int16_t points[QUANTISE_LINE_POINTS]);

/* int16 SOFTMAX: exp over -10..0 and 1 / (1 + x) over 0..1, in units of 1/32767.5. */
void quantise_softmax_lines(int16_t exponentials[QUANTISE_LINE_POINTS],
			    int16_t reciprocals[QUANTISE_LINE_POINTS]);
/* The same in float32, as TensorFlow Lite Micro computes them. */
void quantise_single_softmax_lines(int16_t exponentials[QUANTISE_LINE_POINTS],
				   int16_t reciprocals[QUANTISE_LINE_POINTS]);

/* 65536 / (1 + exp(-i / 24)) for i = 0..255, each off by half of the line's error midway. */
void quantise_sigmoids(uint16_t points[256]);

/*
 * LOG_SOFTMAX: the distances 0..255 below the maximum in Q5.26, the least distance
 * (not above 0) that counts, and the factor from Q5.26 back.
 */
void quantise_distances(double factor, int32_t table[IR_TABLE_ENTRIES], int32_t *least,
			struct ir_scale *reverse);

/* HARD_SWISH of value - zero point, without the output's zero point and clamp. */
int32_t quantise_hard_swish(int32_t value, float input_scale, float output_scale);

/* TensorFlow Lite Micro's LOGISTIC and TANH of int8, complete but for the output's type. */
int32_t quantise_logistic(int32_t value, double input_scale);
int32_t quantise_tanh(int32_t value, double input_scale);

#endif
