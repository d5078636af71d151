// SPDX-License-Identifier: MIT
/* Functions of 16 bits as lines between points. */
#include <math.h>

#include "quantise.h"

/* A result of one operation, in float32 where that is what the kernel computes in. */
static double narrow(double value, bool single)
{
	return single ? (double)(float)value : value;
}

static int16_t limit(double value)
{
	return (int16_t)fmin(fmax(value, INT16_MIN), INT16_MAX);
}

/* What a line runs over, in the steps that the kernels take. */
struct span {
	double from, to;	/* arguments at the ends */
	double inverse;		/* of the output's scale */
	bool single;
};

static void fill(const struct span *span, quantise_function *function, const void *opaque,
		 int16_t points[QUANTISE_LINE_POINTS])
{
	const int last = QUANTISE_LINE_POINTS - 1;
	bool single = span->single;
	double step = narrow(narrow(span->to - span->from, single) / last, single);

	for (int i = 0; i < last; i++) {
		double x = narrow(span->from + narrow(i * step, single), single);
		double x_next = narrow(span->from + narrow((i + 1) * step, single), single);
		double here = round(narrow(function(opaque, x) * span->inverse, single));
		double midway = round(narrow(function(opaque, narrow(x + step / 2, single)) *
					     span->inverse, single));
		double next = narrow(function(opaque, x_next) * span->inverse, single);
		double error = round(narrow(next + here, single) / 2) - midway;

		points[i] = limit(here - round(error / 2));
	}
	points[last] = limit(round(narrow(function(opaque, span->to) * span->inverse, single)));
}

void quantise_lines(float input_scale, float output_scale, quantise_function *function,
		    const void *opaque, int16_t points[QUANTISE_LINE_POINTS])
{
	struct span span = {
		.from = (double)(input_scale * (float)INT16_MIN),
		.to = (double)(input_scale * (float)INT16_MAX),
		.inverse = (double)(65536.0f / (output_scale * (float)INT16_MAX -
						output_scale * (float)INT16_MIN)),
		.single = true,
	};

	fill(&span, function, opaque, points);
}

static double exponential(const void *opaque, double x)
{
	(void)opaque;
	return exp(x);
}

static double reciprocal(const void *opaque, double x)
{
	(void)opaque;
	return 1.0 / (1.0 + x);
}

static double single_exponential(const void *opaque, double x)
{
	(void)opaque;
	return (double)expf((float)x);
}

static double single_reciprocal(const void *opaque, double x)
{
	(void)opaque;
	return (double)(1.0f / (1.0f + (float)x));
}

void quantise_single_softmax_lines(int16_t exponentials[QUANTISE_LINE_POINTS],
				   int16_t reciprocals[QUANTISE_LINE_POINTS])
{
	const float range = UINT16_MAX, output_scale = 2.0f / range;
	struct span span = {
		.inverse = (double)(65536.0f / (output_scale * INT16_MAX -
						output_scale * INT16_MIN)),
		.from = (double)(10.0f / range * -range),
		.single = true,
	};

	fill(&span, single_exponential, NULL, exponentials);
	span.from = 0;
	span.to = (double)(1.0f / range * range);
	fill(&span, single_reciprocal, NULL, reciprocals);
}

void quantise_softmax_lines(int16_t exponentials[QUANTISE_LINE_POINTS],
			    int16_t reciprocals[QUANTISE_LINE_POINTS])
{
	const double range = UINT16_MAX, output_scale = 2.0 / range;
	double inverse = 65536.0 / (output_scale * INT16_MAX - output_scale * INT16_MIN);
	struct span span = { .inverse = inverse, .from = 10.0 / range * -range };

	fill(&span, exponential, NULL, exponentials);
	span = (struct span){ .inverse = inverse, .to = 1.0 / range * range };
	fill(&span, reciprocal, NULL, reciprocals);
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
