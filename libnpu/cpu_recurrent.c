// SPDX-License-Identifier: MIT
/*
 * SVDF and LSTM: operators with state, and the 16-bit fixed-point functions of
 * the LSTM's gates. docs/graph-format.md has the formulas. Sums of 32 bits wrap.
 */
#include "cpu.h"

#include <math.h>

#define GATES 4

/* Operands of LSTM after the input: weights, recurrent weights and biases by gate. */
enum { LSTM_WEIGHTS = 1, LSTM_RECURRENT = 5, LSTM_BIAS = 9, LSTM_OUTPUT_STATE = 13,
       LSTM_CELL_STATE = 14 };

/* One batch: what is new goes to the end of each filter's memory. */
static void svdf_feature(const struct kestrel_graph_svdf *attributes, const struct array *input,
			 const struct array *feature, const struct array *state, size_t batch,
			 size_t memory)
{
	size_t filters = feature->dims[0];
	size_t depth = feature->dims[1];
	int32_t high = state->type == KESTREL_GRAPH_TYPE_INT16 ? INT16_MAX : INT8_MAX;

	for (size_t f = 0; f < filters; f++) {
		uint32_t sum = 0;
		int32_t scaled;

		for (size_t c = 0; c < depth; c++)
			sum += (uint32_t)(array_read(feature, f * depth + c) *
					  (array_read(input, batch * depth + c) -
					   attributes->input_zero_point));
		scaled = arithmetic_clamp(arithmetic_scale(attributes->mode, (int32_t)sum,
							   attributes->feature_scale),
					  -high - 1, high);
		array_write(state, ((batch * filters + f) + 1) * memory - 1,
			    scaled + attributes->state_zero_point);
	}
}

void cpu_svdf(const struct cpu_call *call)
{
	const struct kestrel_graph_svdf *attributes = &call->operator->attributes.svdf;
	struct array input = cpu_input(call, 0);
	struct array feature = cpu_input(call, 1);
	struct array time = cpu_input(call, 2);
	struct array bias = cpu_input(call, 3);
	struct array state = cpu_input(call, 4);
	struct array output = cpu_output(call, 0);
	size_t memory = time.dims[1];
	size_t units = output.dims[1];

	memmove(state.data, (uint8_t *)state.data + graph_type_size(state.type),
		(state.count - 1) * graph_type_size(state.type));
	for (size_t b = 0; b < input.dims[0]; b++) {
		svdf_feature(attributes, &input, &feature, &state, b, memory);
		for (size_t u = 0; u < units; u++) {
			uint32_t sum = bias.data ? (uint32_t)array_read(&bias, u) : 0;

			for (size_t i = 0; i < attributes->rank * memory; i++) {
				size_t tap = u * attributes->rank * memory + i;

				sum += (uint32_t)((int64_t)array_read(&time, tap) *
						  (array_read(&state, b * time.count + tap) -
						   attributes->state_zero_point));
			}
			array_write(&output, b * units + u, arithmetic_clamp(
				arithmetic_scale(attributes->mode, (int32_t)sum,
						 attributes->time_scale) +
				attributes->zero_point, attributes->minimum,
				attributes->maximum));
		}
	}
}

static int16_t saturate(int64_t x)
{
	return (int16_t)arithmetic_clamp(x, INT16_MIN, INT16_MAX);
}

/* As arithmetic_high(), with 16 bits. */
static int16_t high(int16_t a, int16_t b)
{
	if (a == INT16_MIN && b == INT16_MIN)
		return INT16_MAX;
	return (int16_t)((a * b + (1 << 14)) >> 15);
}

/* exp(a) in Q0.15 for a <= 0 with `integer` bits before the point. */
static int16_t exponential(int16_t a, int integer)
{
	/* exp(-2^e), e = -2.., Q0.15. */
	static const int16_t factors[] = { 25520, 19875, 12055, 4435, 600, 11, 0 };
	int16_t quarter = (int16_t)(1 << (13 - integer));
	int16_t fraction, x, x2, x3, x4, tail, y;
	int32_t rest;

	if (!a)
		return INT16_MAX;
	fraction = (int16_t)((a & (quarter - 1)) - quarter);
	x = (int16_t)(saturate(fraction * (1 << integer)) + (1 << 12));
	x2 = high(x, x);
	x3 = high(x2, x);
	x4 = high(x2, x2);
	tail = (int16_t)arithmetic_shift_right(x4, 2);
	tail = (int16_t)arithmetic_shift_right(high((int16_t)(tail + x3), 10923) + x2, 1);
	y = saturate(28918 + high(28918, (int16_t)(x + tail)));
	rest = fraction - a;
	for (int e = -2; e < integer && e <= 4; e++)
		if (rest & (1 << (15 - integer + e)))
			y = high(y, factors[e + 2]);
	return y;
}

/* 2 / (1 + z) in Q2.13 for z in Q0.15, 0..1. */
static int16_t double_reciprocal(int16_t z)
{
	int16_t half = (int16_t)((z + (1 << 15)) / 2);
	int16_t x = (int16_t)(23130 + high(half, -15420));

	for (int i = 0; i < 3; i++) {
		int16_t rest = (int16_t)((1 << 13) - high(half, x));

		x = (int16_t)(x + saturate(high(x, rest) * 4));
	}
	return x;
}

/* Q3.12 to Q0.15. */
static int16_t logistic(int16_t a)
{
	int16_t positive;

	if (!a)
		return 1 << 14;
	positive = saturate(double_reciprocal(exponential((int16_t)(a > 0 ? -a : a), 3)) * 2);
	return a > 0 ? positive : (int16_t)(INT16_MAX - positive);
}

/* `integer` bits before the point, 0..4, to Q0.15. */
static int16_t hyperbolic_tangent(int16_t a, int integer)
{
	int16_t result;

	if (!a)
		return 0;
	/* exp(-2 |a|): the same bits with one more before the point. */
	result = exponential((int16_t)(a > 0 ? -a : a), integer + 1);
	result = saturate((double_reciprocal(result) - (1 << 13)) * 4);
	return a > 0 ? result : (int16_t)-result;
}

/* gate = saturate(gate + scale(sum of weights x (input - zero point) + bias)) */
static void gate_add(const struct array *weights, const struct array *bias, const int8_t *input,
		     int32_t zero_point, struct kestrel_graph_scale scale, int16_t *gate)
{
	size_t cells = weights->dims[0];
	size_t depth = weights->dims[1];
	const int8_t *weight = weights->data;

	for (size_t cell = 0; cell < cells; cell++) {
		uint32_t sum = bias && bias->data ? (uint32_t)array_read(bias, cell) : 0;

		for (size_t c = 0; c < depth; c++)
			sum += (uint32_t)(*weight++ * (input[c] - zero_point));
		gate[cell] = saturate((int64_t)gate[cell] +
				      arithmetic_scale_double((int32_t)sum, scale));
	}
}

/* What becomes of a cell by its four gates. */
struct cell {
	int32_t state;
	int32_t output;
};

/* Functions by polynomials. */
static struct cell cell_compute(const struct kestrel_graph_lstm *attributes,
				const int16_t *gates, size_t cell_count, int16_t state)
{
	int integer = 15 + attributes->cell_exponent;
	int16_t in = logistic(gates[0]);
	int16_t forget = logistic(gates[cell_count]);
	int16_t update = hyperbolic_tangent(gates[2 * cell_count], 3);
	int16_t out = logistic(gates[3 * cell_count]);
	struct cell cell = { (int16_t)arithmetic_shift_right(forget * state, 15), 0 };

	cell.state = saturate(cell.state +
			      (int16_t)arithmetic_shift_right(in * update, 15 + integer));
	if (attributes->cell_clip)
		cell.state = arithmetic_clamp(cell.state, -attributes->cell_clip,
					      attributes->cell_clip);
	cell.output = out * hyperbolic_tangent((int16_t)cell.state, integer);
	return cell;
}

/* The cell state as 12288 times the argument of a function. */
static int32_t table_argument(int32_t state, int exponent)
{
	int shift = -12 - exponent;

	if (shift <= 0)
		return state * (3 << -shift);
	return (3 * state + (1 << (shift - 1))) >> shift;
}

/* Functions by a table of 256. */
static struct cell cell_look_up(const struct kestrel_graph_lstm *attributes,
				const uint16_t *table, const int16_t *gates, size_t cell_count,
				int16_t state)
{
	const struct kestrel_graph_scale kept = { 1 << 30, -14 };
	const struct kestrel_graph_scale added = { 1 << 30, -29 - attributes->cell_exponent };
	int32_t in = cpu_table_logistic(table, 3 * gates[0]);
	int32_t forget = cpu_table_logistic(table, 3 * gates[cell_count]);
	int32_t update = cpu_table_tanh(table, 3 * gates[2 * cell_count]);
	int32_t out = cpu_table_logistic(table, 3 * gates[3 * cell_count]);
	struct cell cell = { saturate(arithmetic_scale_double(forget * state, kept)), 0 };

	cell.state = saturate(cell.state + saturate(arithmetic_scale_double(in * update, added)));
	if (attributes->cell_clip)
		cell.state = arithmetic_clamp(cell.state, -attributes->cell_clip,
					      attributes->cell_clip);
	cell.output = out * cpu_table_tanh(table, table_argument(cell.state,
								 attributes->cell_exponent));
	return cell;
}

static void lstm_step(const struct cpu_call *call, const int8_t *input, int8_t *state,
		      int16_t *cells, size_t cell_count)
{
	const struct kestrel_graph_lstm *attributes = &call->operator->attributes.lstm;
	const struct kestrel_graph_scale *scales = cpu_parameters(call, attributes->scales);
	int16_t *gates = call->scratch;

	memset(gates, 0, GATES * cell_count * sizeof(*gates));
	for (uint32_t g = 0; g < GATES; g++) {
		struct array weights = cpu_input(call, LSTM_WEIGHTS + g);
		struct array recurrent = cpu_input(call, LSTM_RECURRENT + g);
		struct array bias = cpu_input(call, LSTM_BIAS + g);

		gate_add(&weights, &bias, input, attributes->input_zero_point,
			 scales[KESTREL_GRAPH_LSTM_INPUT + g], gates + g * cell_count);
		gate_add(&recurrent, NULL, state, attributes->state_zero_point,
			 scales[KESTREL_GRAPH_LSTM_RECURRENT + g], gates + g * cell_count);
	}
	for (size_t i = 0; i < cell_count; i++) {
		struct cell cell = call->operator->opcode == KESTREL_GRAPH_LSTM_TABLE ?
			cell_look_up(attributes, (const void *)(scales + KESTREL_GRAPH_LSTM_SCALES),
				     gates + i, cell_count, cells[i]) :
			cell_compute(attributes, gates + i, cell_count, cells[i]);
		int32_t hidden = arithmetic_scale_double(cell.output,
							 scales[KESTREL_GRAPH_LSTM_HIDDEN]);

		cells[i] = (int16_t)cell.state;
		state[i] = (int8_t)arithmetic_clamp((int64_t)hidden + attributes->state_zero_point,
						    INT8_MIN, INT8_MAX);
	}
}

/* The same in float32. */
static void lstm_float_step(const struct cpu_call *call, const float *input, float *state,
			    float *cells, size_t cell_count, size_t depth)
{
	float clip = arithmetic_float((uint32_t)call->operator->attributes.lstm.cell_clip);
	float *gates = call->scratch;

	for (uint32_t g = 0; g < GATES; g++) {
		const float *weight = cpu_input(call, LSTM_WEIGHTS + g).data;
		const float *recurrent = cpu_input(call, LSTM_RECURRENT + g).data;
		const float *bias = cpu_input(call, LSTM_BIAS + g).data;

		for (size_t i = 0; i < cell_count; i++) {
			float sum = bias[i];

			for (size_t c = 0; c < depth; c++)
				sum += *weight++ * input[c];
			for (size_t c = 0; c < cell_count; c++)
				sum += *recurrent++ * state[c];
			gates[g * cell_count + i] = g == 2 ? tanhf(sum) : 1 / (1 + expf(-sum));
		}
	}
	for (size_t i = 0; i < cell_count; i++) {
		cells[i] = gates[cell_count + i] * cells[i] + gates[i] * gates[2 * cell_count + i];
		if (clip > 0)
			cells[i] = fminf(fmaxf(cells[i], -clip), clip);
		state[i] = gates[3 * cell_count + i] * tanhf(cells[i]);
	}
}

void cpu_lstm(const struct cpu_call *call)
{
	uint32_t time_major = call->operator->attributes.lstm.time_major;
	struct array input = cpu_input(call, 0);
	struct array state = cpu_input(call, LSTM_OUTPUT_STATE);
	struct array cells = cpu_input(call, LSTM_CELL_STATE);
	struct array output = cpu_output(call, 0);
	size_t batches = input.dims[time_major ? 1 : 0];
	size_t times = input.dims[time_major ? 0 : 1];
	size_t depth = input.dims[2];
	size_t count = output.dims[2];

	for (size_t b = 0; b < batches; b++)
		for (size_t t = 0; t < times; t++) {
			size_t row = time_major ? t * batches + b : b * times + t;
			int8_t *batch_state = (int8_t *)state.data + b * count;

			if (input.type == KESTREL_GRAPH_TYPE_FLOAT32) {
				float *real_state = (float *)state.data + b * count;

				lstm_float_step(call, (const float *)input.data + row * depth,
						real_state, (float *)cells.data + b * count,
						count, depth);
				memcpy((float *)output.data + row * count, real_state,
				       count * sizeof(float));
				continue;
			}
			lstm_step(call, (const int8_t *)input.data + row * depth, batch_state,
				  (int16_t *)cells.data + b * count, count);
			memcpy((int8_t *)output.data + row * count, batch_state, count);
		}
}

size_t cpu_lstm_scratch(const struct graph *graph, const struct kestrel_graph_operator *operator)
{
	uint32_t output = graph_operator_output(graph, operator, 0);

	/* Enough for gates of float32. */
	return GATES * sizeof(float) * graph->tensors[output].dims[2];
}
