// SPDX-License-Identifier: MIT
/* Registers of the MAC command of a step. */
#include "generate.h"
#include "phases.h"

#define RECORD_BRICK_BYTES (9 * 16)

static int64_t mac_flags(const struct ir_graph *graph, const struct segment_node *node,
			 const struct segment_value *input, const struct segment_value *output)
{
	bool is_unsigned = graph->tensors[node->op->inputs[1]].type == IR_UINT8;

	return generate_type_flags(input, KESTREL_MAC_FLAG_IFM_UNSIGNED, KESTREL_MAC_FLAG_IFM_16BIT) |
	       generate_type_flags(output, KESTREL_MAC_FLAG_OFM_UNSIGNED, KESTREL_MAC_FLAG_OFM_16BIT) |
	       (is_unsigned ? KESTREL_MAC_FLAG_WEIGHT_UNSIGNED : 0);
}

/* Output rows and columns of a step that a command makes, and how it reaches them. */
struct mac_window {
	/* First row and column; how far the next one is; how many. */
	int32_t row, column;
	int32_t row_step, column_step;
	int32_t rows, columns;
	int32_t stride_h, stride_w;
	int32_t kernel_h, kernel_w;
	/* Padding in front of what is made of a map whose first row is `first`. */
	int32_t pad_top, pad_left;
};

/* `first` and `left` are the row and the column of the input where the valid window begins. */
static struct mac_window plain_window(const struct segment_node *node,
				      const struct program_step *step, int32_t first,
				      int32_t left)
{
	const struct ir_window *w = &node->window;
	int32_t row = step->row_first;

	if (node->image_rows)
		row %= node->image_rows;
	return (struct mac_window){
		.row = step->row_first, .rows = step->row_end - step->row_first, .row_step = 1,
		.column = step->column_first, .column_step = 1,
		.columns = step->column_end - step->column_first,
		.stride_h = step->row_end - step->row_first == 1 ? 1 : w->stride_h,
		.stride_w = step->column_end - step->column_first == 1 ? 1 : w->stride_w,
		.kernel_h = step->kernel_end - step->kernel_first, .kernel_w = w->kernel_w,
		.pad_top = w->pad_top - row * w->stride_h + first -
			   step->kernel_first * w->dilation_h,
		.pad_left = w->pad_left - step->column_first * w->stride_w + left,
	};
}

static struct mac_window phase_window(const struct segment_node *node,
				      const struct program_step *step, int32_t first,
				      int32_t left)
{
	const struct ir_window *w = &node->window;
	int32_t row = step->row_first, image_row, phase_y = step->phase / w->stride_w;
	int32_t phase_x = step->phase % w->stride_w;
	int32_t column = phases_first(step->column_first, w->stride_w, phase_x);
	struct phase_axis y = phase_axis(w->kernel_h, w->stride_h, w->pad_top, phase_y);
	struct phase_axis x = phase_axis(w->kernel_w, w->stride_w, w->pad_left, phase_x);

	image_row = node->image_rows ? row % node->image_rows : row;
	row += phases_first(image_row, w->stride_h, phase_y) - image_row;
	image_row = node->image_rows ? row % node->image_rows : row;
	return (struct mac_window){
		.row = row, .row_step = w->stride_h,
		.rows = (step->row_end - 1 - row) / w->stride_h + 1,
		.column = column, .column_step = w->stride_w,
		.columns = (step->column_end - 1 - column) / w->stride_w + 1,
		.stride_h = 1, .stride_w = 1, .kernel_h = y.taps.count, .kernel_w = x.taps.count,
		.pad_top = y.pad - image_row / w->stride_h + first,
		.pad_left = x.pad - column / w->stride_w + left,
	};
}

/* The input: its rows from `first` to `end` are the valid window. */
static void mac_input(struct command *command, const struct segment_node *node,
		      const struct program_step *step, const struct generate_operand *input,
		      int32_t first, int32_t end)
{
	uint64_t address = generate_row_address(input, first);
	int32_t channels = step->input_end - step->input_first, channel = step->input_first;

	if (node->depthwise) {
		channels = input->value->channels;
		channel = 0;
		if (channels == node->weights.output_channels) {
			channels = step->channel_count;
			channel = step->channel_first;
		}
	}
	address += layout_channel_offset(&input->layout, channel);
	command_set(command, KESTREL_MAC_IFM_ADDRESS, (int64_t)address);
	command_set(command, KESTREL_MAC_IFM_ROW_STRIDE, input->layout.row_stride);
	command_set(command, KESTREL_MAC_IFM_BRICK_STRIDE, input->layout.brick_stride);
	command_set(command, KESTREL_MAC_IFM_PIXEL_STRIDE, input->layout.pixel_stride);
	command_set(command, KESTREL_MAC_IFM_WIDTH, input->column_end - input->column_first);
	command_set(command, KESTREL_MAC_IFM_HEIGHT, end - first);
	command_set(command, KESTREL_MAC_IFM_RING_ROWS, input->ring_rows);
	command_set(command, KESTREL_MAC_IFM_FIRST_ROW, generate_ring_row(input, first));
	command_set(command, KESTREL_MAC_IFM_CHANNELS, channels);
	command_set(command, KESTREL_MAC_IFM_ZERO_POINT, node->op->input_zero_point);
}

static void mac_output(struct command *command, const struct segment_node *node,
		       const struct program_step *step, const struct generate_operand *output,
		       const struct mac_window *w)
{
	uint64_t address = generate_row_address(output, w->row) +
			   (uint64_t)(w->column - output->column_first) *
			   output->layout.pixel_stride;

	if (output->value->resident)
		address += layout_channel_offset(&output->layout, step->channel_first);
	/* Of a ring, that of the rows `row_step` apart, a multiple of which it has. */
	if (output->ring_rows)
		address += (uint64_t)(w->row % w->row_step) * output->layout.row_stride;
	command_set(command, KESTREL_MAC_OFM_ADDRESS, (int64_t)address);
	command_set(command, KESTREL_MAC_OFM_ROW_STRIDE,
		    (int64_t)output->layout.row_stride * w->row_step);
	command_set(command, KESTREL_MAC_OFM_BRICK_STRIDE, output->layout.brick_stride);
	command_set(command, KESTREL_MAC_OFM_PIXEL_STRIDE,
		    (int64_t)output->layout.pixel_stride * w->column_step);
	command_set(command, KESTREL_MAC_OFM_WIDTH, w->columns);
	command_set(command, KESTREL_MAC_OFM_HEIGHT, w->rows);
	command_set(command, KESTREL_MAC_OFM_RING_ROWS, output->ring_rows / w->row_step);
	command_set(command, KESTREL_MAC_OFM_FIRST_ROW,
		    generate_ring_row(output, w->row) / w->row_step);
	command_set(command, KESTREL_MAC_OFM_CHANNELS, step->channel_count);
	command_set(command, KESTREL_MAC_OFM_ZERO_POINT, node->op->output_zero_point);
	command_set(command, KESTREL_MAC_CLAMP_MIN, node->op->clamp_low);
	command_set(command, KESTREL_MAC_CLAMP_MAX, node->op->clamp_high);
	command_set(command, KESTREL_MAC_REQUANTISE, generate_requantise_mode(node->op->rounding));
}

static void mac_weights(const struct program *program, struct command *command,
			const struct segment_node *node, const struct program_step *step)
{
	struct weights_part part = program_part(step);
	const struct plan_buffer *buffer = &program->plan[step->weights];
	const struct plan_buffer *records = &program->plan[step->records];

	command_set(command, KESTREL_MAC_WEIGHT_ADDRESS,
		    (int64_t)(buffer->address + phases_offset(node, &part, step->phase)));
	command_set(command, KESTREL_MAC_WEIGHT_ZERO_POINT, node->op->weight_zero_point);
	command_set(command, KESTREL_MAC_RECORD_ADDRESS,
		    (int64_t)(records->address +
			      (uint64_t)(step->channel_first / 16) * RECORD_BRICK_BYTES));
	command_access(command, COMMAND_SPACE_SRAM, false, buffer->address,
		       buffer->address + buffer->bytes);
	command_access(command, COMMAND_SPACE_SRAM, false, records->address,
		       records->address + records->bytes);
}

/* Where sums come from and go to. */
static void mac_accumulators(const struct program *program, struct command *command,
			     const struct program_step *step)
{
	const struct plan_buffer *buffer;

	command_set(command, KESTREL_MAC_ACCUMULATE_FROM, step->accumulate_from);
	command_set(command, KESTREL_MAC_ACCUMULATE_TO, step->accumulate_to);
	if (step->accumulators == PROGRAM_NO_BUFFER)
		return;
	buffer = &program->plan[step->accumulators];
	command_set(command, KESTREL_MAC_SPILL_ADDRESS, (int64_t)buffer->address);
	command_access(command, COMMAND_SPACE_SRAM,
		       step->accumulate_to == KESTREL_ACCUMULATE_SRAM, buffer->address,
		       buffer->address + buffer->bytes);
}

void generate_mac(const struct program *program, const struct program_step *step,
		  struct command *command)
{
	const struct segment_node *node = &program->segment->nodes[step->node];
	struct generate_operand input = generate_operand(program, node->inputs[0],
							  step->inputs[0]);
	struct generate_operand output = generate_output_operand(program, step);
	int32_t needed_first, needed_end, first, end;
	struct mac_window w;

	segment_input_rows(node, input.value->height, step->row_first, step->row_end,
			   &needed_first, &needed_end);
	first = needed_first;
	end = needed_end;
	generate_window_rows(node, &input, &first, &end);
	/* Rows of padding are counted from the image's first row. */
	w = (node->transposed ? phase_window : plain_window)(node, step,
		first - segment_image_first(node, input.value->height, step->row_first),
		input.column_first);
	command_set(command, KESTREL_MAC_MODE, node->weights.mode);
	command_set(command, KESTREL_MAC_FLAGS, mac_flags(program->segment->graph, node,
							  input.value, output.value));
	mac_input(command, node, step, &input, first, end);
	command_set(command, KESTREL_MAC_KERNEL_WIDTH, w.kernel_w);
	command_set(command, KESTREL_MAC_KERNEL_HEIGHT, w.kernel_h);
	command_set(command, KESTREL_MAC_STRIDE_X, w.stride_w);
	command_set(command, KESTREL_MAC_STRIDE_Y, w.stride_h);
	command_set(command, KESTREL_MAC_DILATION_X, node->window.dilation_w);
	command_set(command, KESTREL_MAC_DILATION_Y, node->window.dilation_h);
	command_set(command, KESTREL_MAC_PAD_LEFT, w.pad_left);
	command_set(command, KESTREL_MAC_PAD_TOP, w.pad_top);
	mac_output(command, node, step, &output, &w);
	if (node->depthwise)
		command_set(command, KESTREL_MAC_DEPTH_MULTIPLIER,
			    output.value->channels / input.value->channels);
	mac_accumulators(program, command, step);
	generate_access_rows(command, &input, false, needed_first, needed_end);
	mac_weights(program, command, node, step);
	generate_access_rows(command, &output, true, step->row_first, step->row_end);
}
