// SPDX-License-Identifier: MIT
/* Functions of 16 bits as lines between points. */
#include <math.h>

#include "quantise.h"

static float limit(float value)
{
	return fminf(fmaxf(value, (float)INT16_MIN), (float)INT16_MAX);
}

/* float32 throughout, in the order of the kernels. */
void quantise_lines(float input_scale, float output_scale,
		    float (*function)(const void *opaque, float x), const void *opaque,
		    int16_t points[QUANTISE_LINE_POINTS])
{
	const int last = QUANTISE_LINE_POINTS - 1;
	float from = input_scale * (float)INT16_MIN, to = input_scale * (float)INT16_MAX;
	float step = (to - from) / (float)last;
	float inverse = 65536.0f / (output_scale * (float)INT16_MAX -
				    output_scale * (float)INT16_MIN);

	for (int i = 0; i < last; i++) {
		float x = from + (float)i * step;
		float here = roundf(function(opaque, x) * inverse);
		float midway = roundf(function(opaque, x + step / 2) * inverse);
		float next = function(opaque, from + (float)(i + 1) * step) * inverse;
		float error = roundf((next + here) / 2) - midway;

		points[i] = (int16_t)limit(here - roundf(error / 2));
	}
	points[last] = (int16_t)limit(roundf(function(opaque, to) * inverse));
}

static double sigmoid(double x)
{
	return 65536 / (1 + exp(-x));
}

void quantise_sigmoids(uint16_t points[256])
{
	for (int i = 0; i < 255; i++) {
		double here = sigmoid(i / 24.0), next = sigmoid((i + 1) / 24.0);
		double error = (here + next) / 2 - sigmoid((i + 0.5) / 24.0);

		points[i] = (uint16_t)floor(here - error / 2 + 0.5);
	}
	points[255] = UINT16_MAX;
}
