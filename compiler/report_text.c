// SPDX-License-Identifier: MIT
/* The report for a terminal, and what is known of a single operator. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "operators.h"
#include "report.h"
#include "target.h"
#include "text.h"

static const char *const unit_names[] = {
	[KESTREL_UNIT_DMA_IN] = "DMA in", [KESTREL_UNIT_DMA_OUT] = "DMA out",
	[KESTREL_UNIT_MAC] = "MAC", [KESTREL_UNIT_VECTOR] = "VECTOR",
};

static void put_summary(const struct report *report, struct buffer *text)
{
	const struct stream *stream = report->stream;
	const struct target *target;

	text_put(text, "model      ");
	text_put_plain(text, report->source->name);
	text_put(text, "\nnumerics   %s\n", report->graph->numerics);
	if (!stream)
		return;
	target = stream->target;
	text_put(text, "target     %s: %u MACs a cycle, %u bytes of SRAM, %.1f MHz\n", target->name,
		 target->macs_per_cycle, target->sram_bytes, target->clock / 1e3);
	text_put(text, "cycles     %" PRIu64 " predicted, %.3f ms, %.1f %% of the array%s\n",
		 stream->predicted_cycles, (double)stream->predicted_cycles / target->clock,
		 stream->predicted_cycles ? 100.0 * (double)stream->macs /
		 ((double)stream->predicted_cycles * target->macs_per_cycle) : 0.0,
		 stream->dead_channels ? ", counting dead channels, which it leaves out" : "");
	text_put(text, "SRAM       %" PRIu64 " bytes at most, %" PRIu64 " without fetching ahead, %" PRIu64
		 " spilled to memory\n", stream->sram_peak_bytes, stream->sram_bound_bytes,
		 stream->spill_bytes);
	text_put(text, "memory     %" PRIu64 " bytes of constants, %" PRIu64 " uncompressed, %"
		 PRIu64 " of scratch\n", stream->constant_bytes, stream->raw_constant_bytes,
		 stream->scratch_size);
	text_put(text, "preemption every %" PRIu64 " cycles at most\n", stream->preemption_interval);
	if (report->graph->merged_jobs)
		text_put(text, "order      not the model's: the processor's operators stand where they "
			 "save the NPU %u %s\n", report->graph->merged_jobs,
			 report->graph->merged_jobs == 1 ? "job" : "jobs");
	for (unsigned int s = 0; s < stream->segment_count; s++)
		if (stream->segments[s].npu && stream->segments[s].order_count > 1)
			text_put(text, "branches   %s, the fastest of %u orders\n",
				 stream->segments[s].order, stream->segments[s].order_count);
	for (unsigned int s = 1; s < report->stream_count; s++)
		text_put(text, "also for   %s: %" PRIu64 " cycles predicted, %" PRIu64
			 " bytes of constants\n", stream[s].target->name,
			 stream[s].predicted_cycles, stream[s].constant_bytes);
}

/* A line for each operator of a stream. */
static void put_table(const struct report *report, unsigned int s, struct buffer *text)
{
	const struct ir_graph *graph = report->graph;

	text_put(text, "\n%5s %-24s %-8s %-14s %10s %12s %6s %10s  %s\n", "index", "operator",
		 "place", "step", "cycles", "MACs", "array", "constants",
		 "output; why not faster, why not on the NPU");
	for (unsigned int o = 0; o < graph->operator_count; o++) {
		const struct ir_operator *op = &graph->operators[o];
		const struct report_operator *operator = report_operator(report, s, o);
		const struct stream_place *place = &operator->place;
		uint64_t busy = operator->busy[KESTREL_UNIT_MAC];

		text_put(text, "%5u ", op->source);
		text_put(text, "%-24.24s %-8s %-14s %10" PRIu64 " %12" PRIu64, op->type_name,
			 report_place_name(place->place), report_step_name(place),
			 place->predicted_cycles, operator->macs);
		if (busy && report->stream)
			text_put(text, " %4.0f %%", 100.0 * (double)operator->macs /
				 ((double)busy * report->stream[s].target->macs_per_cycle));
		else
			text_put(text, " %6s", "");
		text_put(text, " %10" PRIu64 "  ", operator->bytes[KESTREL_UNIT_DMA_IN]);
		text_put_plain(text, op->output_count ? graph->tensors[op->outputs[0]].name : "");
		if (*place->reason)
			text_put(text, "; %s", place->reason);
		else if (*report_step_reason(place))
			text_put(text, "; %s", report_step_reason(place));
		buffer_byte(text, '\n');
	}
}

int report_text(const struct report *report, struct buffer *text)
{
	put_summary(report, text);
	put_table(report, 0, text);
	for (unsigned int s = 1; s < report->stream_count; s++) {
		text_put(text, "\nfor %s\n", report->stream[s].target->name);
		put_table(report, s, text);
	}
	buffer_byte(text, 0);
	return text->failed ? error_memory(report->graph->error) : 0;
}

static bool has_output(const struct ir_graph *graph, const struct ir_operator *op,
		       const char *name)
{
	for (unsigned int i = 0; i < op->output_count; i++)
		if (!strcmp(graph->tensors[op->outputs[i]].name, name))
			return true;
	return false;
}

/*
 * Index of the operator that is meant, or -ENOENT. Where one of the model became
 * several, the last is the one it stands for.
 */
static int find_operator(const struct ir_graph *graph, const char *which)
{
	unsigned int found = 0, typed = 0;
	char *end;
	unsigned long number = strtoul(which, &end, 10);

	for (unsigned int o = graph->operator_count; o-- > 0;) {
		const struct ir_operator *op = &graph->operators[o];

		if ((end != which && !*end && op->source == number) || has_output(graph, op, which))
			return (int)o;
		if (!strcmp(op->type_name, which)) {
			found = o;
			typed++;
		}
	}
	if (typed == 1)
		return (int)found;
	if (typed)
		return error_set(graph->error, -ENOENT,
				 "%u operators are %s: name one by its index or its output", typed,
				 which);
	return error_set(graph->error, -ENOENT, "no operator \"%s\"", which);
}

static void put_tensor(const struct ir_graph *graph, const char *what, int index,
		       struct buffer *text)
{
	const struct ir_tensor *tensor;

	if (index < 0)
		return;
	tensor = &graph->tensors[index];
	text_put(text, "  %-10s tensor %u \"", what, tensor->source);
	text_put_plain(text, tensor->name);
	text_put(text, "\" %s[", ir_type_name(tensor->type));
	for (unsigned int d = 0; d < tensor->rank; d++)
		text_put(text, "%s%d", d ? " x " : "", tensor->shape[d]);
	text_put(text, "]");
	if (tensor->scale_count == 1)
		text_put(text, ", scale %.9g, zero point %" PRId64, (double)tensor->scales[0],
			 tensor->zero_points[0]);
	else if (tensor->scale_count)
		text_put(text, ", %u scales along dimension %u", tensor->scale_count,
			 tensor->quantised_dimension);
	text_put(text, "%s%s\n", ir_is_constant(tensor) ? ", constant" : "",
		 tensor->is_state ? ", state" : "");
}

static void put_numbers(const struct ir_operator *op, struct buffer *text)
{
	static const char *const roundings[] = {
		[IR_ROUNDING_DOUBLE] = "double (high multiply, then shift, each rounded)",
		[IR_ROUNDING_SINGLE] = "single (one rounding, ties up)",
		[IR_ROUNDING_FLOAT] = "float32, each step to nearest even",
		[IR_ROUNDING_UPWARD] = "double, the shift's ties upward",
		[IR_ROUNDING_WIDE] = "single, of a 16-bit multiplier and 64-bit sums",
		[IR_ROUNDING_NONE] = "none: float32",
		[IR_ROUNDING_HYBRID] = "none: float32, of int8 weights",
	};
	const struct ir_window *w = &op->window;

	if (w->kernel_h)
		text_put(text, "  window     %dx%d, stride %dx%d, dilation %dx%d, "
			 "padding %d above, %d below, %d left, %d right\n",
			 w->kernel_h, w->kernel_w, w->stride_h, w->stride_w, w->dilation_h,
			 w->dilation_w, w->pad_top, w->pad_bottom, w->pad_left, w->pad_right);
	if (!op->scale_count)
		return;
	text_put(text, "  requantise %s\n", roundings[op->rounding]);
	text_put(text, "  factor     %d x 2^(%d - 31)%s\n", op->scales[0].multiplier,
		 op->scales[0].shift,
		 op->scale_count > 1 ? " of channel 0; one for each channel" : "");
	text_put(text, "  output     zero point %d, clamped to %d..%d\n", op->output_zero_point,
		 op->clamp_low, op->clamp_high);
}

static void put_commands(const struct target *target, const struct report_operator *operator,
			 struct buffer *text)
{
	double array = (double)operator->macs / target->macs_per_cycle;
	double port = (double)operator->bytes[KESTREL_UNIT_DMA_IN] /
		      ((double)target_port_rate(target, 0, false) / TARGET_RATE_ONE);

	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++) {
		if (!operator->commands[u])
			continue;
		text_put(text, "  %-10s %u commands, busy %" PRIu64 " cycles", unit_names[u],
			 operator->commands[u], operator->busy[u]);
		if (operator->bytes[u])
			text_put(text, ", %" PRIu64 " bytes", operator->bytes[u]);
		buffer_byte(text, '\n');
	}
	text_put(text, "  time       cycles %" PRIu64 " to %" PRIu64 " of segment %d\n",
		 operator->start, operator->finish, operator->segment);
	if (operator->macs)
		text_put(text, "  bound      %.0f cycles for the array, %.0f for the constant port: "
			 "it is held by %s\n", array, port, array > port ? "the array" :
			 "what it fetches");
}

/* Where an operator runs, how, and what its commands do. */
static void put_placement(const struct report *report, unsigned int s, unsigned int o,
			  struct buffer *text)
{
	const struct report_operator *operator = report_operator(report, s, o);
	const struct stream_place *place = &operator->place;

	text_put(text, "  place      %s%s%s\n", report_place_name(place->place),
		 *place->reason ? ": " : "", place->reason);
	if (place->place == KESTREL_GRAPH_PLACE_NPU)
		text_put(text, "  step       %s%s%s\n", report_step_name(place),
			 *report_step_reason(place) ? ": " : "", report_step_reason(place));
	if (operator->segment >= 0 && operator->finish)
		put_commands(report->stream[s].target, operator, text);
}

int report_explain(const struct report *report, const char *which, struct buffer *text)
{
	const struct ir_graph *graph = report->graph;
	const struct ir_operator *op;
	uint64_t macs;
	int o = find_operator(graph, which);

	if (o < 0)
		return o;
	op = &graph->operators[o];
	macs = report_operator(report, 0, (unsigned int)o)->macs;
	text_put(text, "operator %u: %s\n", op->source, op->type_name);
	for (unsigned int i = 0; i < op->input_count; i++)
		put_tensor(graph, "input", op->inputs[i], text);
	for (unsigned int i = 0; i < op->output_count; i++)
		put_tensor(graph, "output", op->outputs[i], text);
	put_numbers(op, text);
	if (macs)
		text_put(text, "  MACs       %" PRIu64 "\n", macs);
	put_placement(report, 0, (unsigned int)o, text);
	for (unsigned int s = 1; s < report->stream_count; s++) {
		text_put(text, "for %s\n", report->stream[s].target->name);
		put_placement(report, s, (unsigned int)o, text);
	}
	text_put(text, "  the NPU takes\n");
	operators_describe(op->kind, "    ", text);
	buffer_byte(text, 0);
	return text->failed ? error_memory(graph->error) : 0;
}
