// SPDX-License-Identifier: MIT
/* Registers of the MAC and VECTOR commands of a step. */
#include "generate.h"

#define RECORD_BRICK_BYTES (9 * 16)

struct generate_operand generate_operand(const struct program *program, unsigned int index)
{
	const struct program_buffer *buffer = &program->buffers[index];
	const struct segment_value *value = &program->segment->values[buffer->index];

	return (struct generate_operand){
		.value = value, .layout = value->layout,
		.address = program->plan[index].address,
		.row_first = buffer->row_first, .row_end = buffer->row_end,
		.ring_rows = value->resident ? value->ring_rows : 0,
	};
}

/* What FIRST_ROW says of a row when ADDRESS is that of the ring. */
static int32_t ring_row(const struct generate_operand *operand, int32_t row)
{
	return operand->ring_rows ? row % operand->ring_rows : 0;
}

/* ADDRESS of a command whose rows begin with `row`: a ring's does not change. */
static uint64_t row_address(const struct generate_operand *operand, int32_t row)
{
	if (operand->ring_rows)
		return operand->address;
	return operand->address + (uint64_t)(row - operand->row_first) *
	       operand->layout.row_stride;
}

static void access_rows(struct command *command, const struct generate_operand *operand,
			bool write, int32_t first, int32_t end)
{
	uint64_t from = operand->address, stride = operand->layout.row_stride;
	int32_t row = first - operand->row_first, rows = end - first, before_wrap = rows;

	if (operand->ring_rows) {
		row = ring_row(operand, first);
		if (row + rows > operand->ring_rows)
			before_wrap = operand->ring_rows - row;
	}
	command_access(command, COMMAND_SPACE_SRAM, write, from + (uint64_t)row * stride,
		       from + (uint64_t)(row + before_wrap) * stride);
	command_access(command, COMMAND_SPACE_SRAM, write, from,
		       from + (uint64_t)(rows - before_wrap) * stride);
}

/*
 * A window command's valid rows: those it needs of a ring, else all that are there.
 * Staged rows begin at row_first of the map: the window's rows shift with them.
 */
static void window_rows(const struct generate_operand *operand, int32_t *first, int32_t *end)
{
	if (operand->ring_rows)
		return;
	*first = operand->row_first;
	*end = operand->row_end;
}

/* The output operand, cut to the step's channels when it is staged for them alone. */
static struct generate_operand output_operand(const struct program *program,
					      const struct program_step *step)
{
	struct generate_operand output = generate_operand(program, step->output);
	const struct segment_value *value = output.value;

	if (!value->resident && step->channel_count < value->channels)
		output.layout = layout_make(output.layout.element_bytes, value->height,
					    value->width, step->channel_count, false);
	return output;
}

static uint64_t output_address(const struct generate_operand *output,
			       const struct program_step *step)
{
	uint64_t address = row_address(output, step->row_first);

	if (output->value->resident)
		address += layout_channel_offset(&output->layout, step->channel_first);
	return address;
}

static int64_t requantise_mode(enum ir_rounding rounding)
{
	switch (rounding) {
	case IR_ROUNDING_SINGLE:
		return KESTREL_REQUANTISE_SINGLE;
	case IR_ROUNDING_FLOAT:
		return KESTREL_REQUANTISE_F32;
	case IR_ROUNDING_WIDE:
		return KESTREL_REQUANTISE_INT16;
	default:
		break;
	}
	return KESTREL_REQUANTISE_DOUBLE;
}

/* What the types of operands make of FLAGS. */
static int64_t type_flags(const struct segment_value *value, uint32_t is_unsigned, uint32_t wide)
{
	return value->type == IR_UINT8 ? is_unsigned : value->type == IR_INT16 ? wide : 0;
}

static int64_t mac_flags(const struct ir_graph *graph, const struct segment_node *node,
			 const struct segment_value *input, const struct segment_value *output)
{
	bool is_unsigned = graph->tensors[node->op->inputs[1]].type == IR_UINT8;

	return type_flags(input, KESTREL_MAC_FLAG_IFM_UNSIGNED, KESTREL_MAC_FLAG_IFM_16BIT) |
	       type_flags(output, KESTREL_MAC_FLAG_OFM_UNSIGNED, KESTREL_MAC_FLAG_OFM_16BIT) |
	       (is_unsigned ? KESTREL_MAC_FLAG_WEIGHT_UNSIGNED : 0);
}

void generate_mac(const struct program *program, const struct program_step *step,
		  struct command *command)
{
	const struct segment_node *node = &program->segment->nodes[step->node];
	const struct ir_window *w = &node->window;
	struct generate_operand input = generate_operand(program, step->inputs[0]);
	struct generate_operand output = output_operand(program, step);
	uint64_t input_address = input.address, weights = program->plan[step->weights].address;
	uint64_t records = program->plan[step->records].address +
			   (uint64_t)(step->channel_first / 16) * RECORD_BRICK_BYTES;
	int32_t channels = input.value->channels, first, end;
	int32_t pad_top;

	segment_input_rows(node, input.value->height, step->row_first, step->row_end, &first, &end);
	window_rows(&input, &first, &end);
	pad_top = w->pad_top - step->row_first * w->stride_h + first -
		  step->kernel_first * w->dilation_h;
	if (node->depthwise && step->channel_count < output.value->channels) {
		channels = step->channel_count;
		input_address += layout_channel_offset(&input.layout, step->channel_first);
	}
	command_set(command, KESTREL_MAC_MODE, node->weights.mode);
	command_set(command, KESTREL_MAC_FLAGS, mac_flags(program->segment->graph, node,
							  input.value, output.value));
	command_set(command, KESTREL_MAC_IFM_ADDRESS, (int64_t)input_address);
	command_set(command, KESTREL_MAC_IFM_ROW_STRIDE, input.layout.row_stride);
	command_set(command, KESTREL_MAC_IFM_BRICK_STRIDE, input.layout.brick_stride);
	command_set(command, KESTREL_MAC_IFM_PIXEL_STRIDE, input.layout.pixel_stride);
	command_set(command, KESTREL_MAC_IFM_WIDTH, input.value->width);
	command_set(command, KESTREL_MAC_IFM_HEIGHT, end - first);
	command_set(command, KESTREL_MAC_IFM_RING_ROWS, input.ring_rows);
	command_set(command, KESTREL_MAC_IFM_FIRST_ROW, ring_row(&input, first));
	command_set(command, KESTREL_MAC_IFM_CHANNELS, channels);
	command_set(command, KESTREL_MAC_IFM_ZERO_POINT, node->op->input_zero_point);
	command_set(command, KESTREL_MAC_KERNEL_WIDTH, w->kernel_w);
	command_set(command, KESTREL_MAC_KERNEL_HEIGHT, step->kernel_end - step->kernel_first);
	command_set(command, KESTREL_MAC_ACCUMULATE_FROM,
		    step->kernel_first ? KESTREL_ACCUMULATE_RAM : KESTREL_ACCUMULATE_FRESH);
	command_set(command, KESTREL_MAC_ACCUMULATE_TO,
		    step->kernel_end < w->kernel_h ? KESTREL_ACCUMULATE_RAM :
						     KESTREL_ACCUMULATE_FRESH);
	command_set(command, KESTREL_MAC_STRIDE_X, w->stride_w);
	command_set(command, KESTREL_MAC_STRIDE_Y, w->stride_h);
	command_set(command, KESTREL_MAC_DILATION_X, w->dilation_w);
	command_set(command, KESTREL_MAC_DILATION_Y, w->dilation_h);
	command_set(command, KESTREL_MAC_PAD_LEFT, w->pad_left);
	command_set(command, KESTREL_MAC_PAD_TOP, pad_top);
	command_set(command, KESTREL_MAC_OFM_ADDRESS, (int64_t)output_address(&output, step));
	command_set(command, KESTREL_MAC_OFM_ROW_STRIDE, output.layout.row_stride);
	command_set(command, KESTREL_MAC_OFM_BRICK_STRIDE, output.layout.brick_stride);
	command_set(command, KESTREL_MAC_OFM_PIXEL_STRIDE, output.layout.pixel_stride);
	command_set(command, KESTREL_MAC_OFM_WIDTH, output.value->width);
	command_set(command, KESTREL_MAC_OFM_HEIGHT, step->row_end - step->row_first);
	command_set(command, KESTREL_MAC_OFM_RING_ROWS, output.ring_rows);
	command_set(command, KESTREL_MAC_OFM_FIRST_ROW, ring_row(&output, step->row_first));
	command_set(command, KESTREL_MAC_OFM_CHANNELS, step->channel_count);
	command_set(command, KESTREL_MAC_OFM_ZERO_POINT, node->op->output_zero_point);
	command_set(command, KESTREL_MAC_CLAMP_MIN, node->op->clamp_low);
	command_set(command, KESTREL_MAC_CLAMP_MAX, node->op->clamp_high);
	command_set(command, KESTREL_MAC_WEIGHT_ADDRESS, (int64_t)weights);
	command_set(command, KESTREL_MAC_WEIGHT_ZERO_POINT, node->op->weight_zero_point);
	command_set(command, KESTREL_MAC_RECORD_ADDRESS, (int64_t)records);
	command_set(command, KESTREL_MAC_REQUANTISE, requantise_mode(node->op->rounding));
	if (node->depthwise)
		command_set(command, KESTREL_MAC_DEPTH_MULTIPLIER,
			    output.value->channels / input.value->channels);
	segment_input_rows(node, input.value->height, step->row_first, step->row_end, &first, &end);
	access_rows(command, &input, false, first, end);
	command_access(command, COMMAND_SPACE_SRAM, false, weights,
		       weights + program->plan[step->weights].bytes);
	command_access(command, COMMAND_SPACE_SRAM, false, program->plan[step->records].address,
		       program->plan[step->records].address + program->plan[step->records].bytes);
	access_rows(command, &output, true, step->row_first, step->row_end);
}

static void set_output(struct command *command, const struct generate_operand *output,
		       const struct program_step *step)
{
	command_set(command, KESTREL_VECTOR_OFM_ADDRESS, (int64_t)output_address(output, step));
	command_set(command, KESTREL_VECTOR_OFM_ROW_STRIDE, output->layout.row_stride);
	command_set(command, KESTREL_VECTOR_OFM_BRICK_STRIDE, output->layout.brick_stride);
	command_set(command, KESTREL_VECTOR_OFM_PIXEL_STRIDE, output->layout.pixel_stride);
	command_set(command, KESTREL_VECTOR_OFM_WIDTH, output->value->width);
	command_set(command, KESTREL_VECTOR_OFM_HEIGHT, step->row_end - step->row_first);
	command_set(command, KESTREL_VECTOR_OFM_RING_ROWS, output->ring_rows);
	command_set(command, KESTREL_VECTOR_OFM_FIRST_ROW, ring_row(output, step->row_first));
	command_set(command, KESTREL_VECTOR_OFM_CHANNELS, output->value->channels);
	access_rows(command, output, true, step->row_first, step->row_end);
}

/* An elementwise operand: the rows of the output, from the first on. */
static void set_input(struct command *command, const struct generate_operand *input,
		      const struct program_step *step)
{
	command_set(command, KESTREL_VECTOR_IFM_ADDRESS,
		    (int64_t)row_address(input, step->row_first));
	command_set(command, KESTREL_VECTOR_IFM_ROW_STRIDE, input->layout.row_stride);
	command_set(command, KESTREL_VECTOR_IFM_BRICK_STRIDE, input->layout.brick_stride);
	command_set(command, KESTREL_VECTOR_IFM_PIXEL_STRIDE, input->layout.pixel_stride);
	command_set(command, KESTREL_VECTOR_IFM_RING_ROWS, input->ring_rows);
	command_set(command, KESTREL_VECTOR_IFM_FIRST_ROW, ring_row(input, step->row_first));
	access_rows(command, input, false, step->row_first, step->row_end);
}

static void set_range(struct command *command, const struct ir_operator *op)
{
	/* Pools do not requantise, so their zero point says nothing. */
	command_set(command, KESTREL_VECTOR_OFM_ZERO_POINT,
		    op->kind == IR_AVERAGE_POOL || op->kind == IR_MAX_POOL ?
		    0 : op->output_zero_point);
	command_set(command, KESTREL_VECTOR_CLAMP_MIN, op->clamp_low);
	command_set(command, KESTREL_VECTOR_CLAMP_MAX, op->clamp_high);
}

static void set_add(struct command *command, const struct ir_operator *op,
		    const struct generate_operand *second, const struct program_step *step)
{
	command_set(command, KESTREL_VECTOR_OPERATION, KESTREL_VECTOR_ADD);
	command_set(command, KESTREL_VECTOR_IFM2_ADDRESS,
		    (int64_t)row_address(second, step->row_first));
	command_set(command, KESTREL_VECTOR_IFM2_ROW_STRIDE, second->layout.row_stride);
	command_set(command, KESTREL_VECTOR_IFM2_BRICK_STRIDE, second->layout.brick_stride);
	command_set(command, KESTREL_VECTOR_IFM2_PIXEL_STRIDE, second->layout.pixel_stride);
	command_set(command, KESTREL_VECTOR_IFM2_RING_ROWS, second->ring_rows);
	command_set(command, KESTREL_VECTOR_IFM2_FIRST_ROW, ring_row(second, step->row_first));
	command_set(command, KESTREL_VECTOR_IFM_ZERO_POINT, op->input_zero_point);
	command_set(command, KESTREL_VECTOR_IFM2_ZERO_POINT, op->input2_zero_point);
	command_set(command, KESTREL_VECTOR_REQUANTISE, requantise_mode(op->rounding));
	command_set(command, KESTREL_VECTOR_IFM_MULTIPLIER, op->input_scale.multiplier);
	command_set(command, KESTREL_VECTOR_IFM_SHIFT, op->input_scale.shift);
	command_set(command, KESTREL_VECTOR_IFM2_MULTIPLIER, op->input2_scale.multiplier);
	command_set(command, KESTREL_VECTOR_IFM2_SHIFT, op->input2_scale.shift);
	command_set(command, KESTREL_VECTOR_OFM_MULTIPLIER, op->scales[0].multiplier);
	command_set(command, KESTREL_VECTOR_OFM_SHIFT, op->scales[0].shift);
	command_set(command, KESTREL_VECTOR_LEFT_SHIFT, op->left_shift);
	set_range(command, op);
	access_rows(command, second, false, step->row_first, step->row_end);
}

/* Pools and means: a window over the input's rows that are in SRAM. */
static void set_pool(struct command *command, const struct segment_node *node,
		     const struct generate_operand *input, const struct program_step *step)
{
	const struct ir_operator *op = node->op;
	const struct ir_window *w = &node->window;
	int32_t first, end;

	segment_input_rows(node, input->value->height, step->row_first, step->row_end, &first,
			   &end);
	access_rows(command, input, false, first, end);
	window_rows(input, &first, &end);
	command_set(command, KESTREL_VECTOR_OPERATION,
		    op->kind == IR_MAX_POOL ? KESTREL_VECTOR_MAX_POOL :
		    op->kind == IR_AVERAGE_POOL ? KESTREL_VECTOR_AVERAGE_POOL :
						  KESTREL_VECTOR_SUM_POOL);
	command_set(command, KESTREL_VECTOR_IFM_ADDRESS, (int64_t)input->address);
	command_set(command, KESTREL_VECTOR_IFM_ROW_STRIDE, input->layout.row_stride);
	command_set(command, KESTREL_VECTOR_IFM_BRICK_STRIDE, input->layout.brick_stride);
	command_set(command, KESTREL_VECTOR_IFM_PIXEL_STRIDE, input->layout.pixel_stride);
	command_set(command, KESTREL_VECTOR_IFM_WIDTH, input->value->width);
	command_set(command, KESTREL_VECTOR_IFM_HEIGHT, end - first);
	command_set(command, KESTREL_VECTOR_IFM_RING_ROWS, input->ring_rows);
	command_set(command, KESTREL_VECTOR_IFM_FIRST_ROW, ring_row(input, first));
	command_set(command, KESTREL_VECTOR_KERNEL_WIDTH, w->kernel_w);
	command_set(command, KESTREL_VECTOR_KERNEL_HEIGHT, w->kernel_h);
	command_set(command, KESTREL_VECTOR_STRIDE_X, w->stride_w);
	command_set(command, KESTREL_VECTOR_STRIDE_Y, w->stride_h);
	command_set(command, KESTREL_VECTOR_PAD_LEFT, w->pad_left);
	command_set(command, KESTREL_VECTOR_PAD_TOP,
		    w->pad_top - step->row_first * w->stride_h + first);
	command_set(command, KESTREL_VECTOR_IFM_ZERO_POINT,
		    op->kind == IR_MEAN ? op->input_zero_point : 0);
	if (op->kind == IR_MEAN) {
		command_set(command, KESTREL_VECTOR_REQUANTISE, requantise_mode(op->rounding));
		command_set(command, KESTREL_VECTOR_IFM_MULTIPLIER, op->scales[0].multiplier);
		command_set(command, KESTREL_VECTOR_IFM_SHIFT, op->scales[0].shift);
	}
	set_range(command, op);
}

/* PAD: the input's rows into the middle of an output that has been filled. */
static void set_pad(struct command *command, const struct segment_node *node,
		    const struct generate_operand *input, const struct generate_operand *output,
		    const struct program_step *step)
{
	const struct ir_window *w = &node->window;
	struct program_step rows = *step;

	rows.row_first = 0;
	rows.row_end = input->value->height;
	set_input(command, input, &rows);
	command_set(command, KESTREL_VECTOR_OPERATION, KESTREL_VECTOR_COPY);
	command_set(command, KESTREL_VECTOR_OFM_ADDRESS,
		    (int64_t)(row_address(output, w->pad_top) +
			      (uint64_t)w->pad_left * output->layout.pixel_stride));
	command_set(command, KESTREL_VECTOR_OFM_WIDTH, input->value->width);
	command_set(command, KESTREL_VECTOR_OFM_HEIGHT, input->value->height);
}

void generate_vector(const struct program *program, const struct program_step *step,
		     struct command *command)
{
	const struct segment_node *node = &program->segment->nodes[step->node];
	const struct ir_operator *op = node->op;
	struct generate_operand input = generate_operand(program, step->inputs[0]);
	struct generate_operand output = output_operand(program, step);
	uint64_t table;

	command_set(command, KESTREL_VECTOR_FLAGS,
		    type_flags(input.value, KESTREL_VECTOR_FLAG_IFM_UNSIGNED,
			       KESTREL_VECTOR_FLAG_IFM_16BIT) |
		    type_flags(output.value, KESTREL_VECTOR_FLAG_OFM_UNSIGNED,
			       KESTREL_VECTOR_FLAG_OFM_16BIT));
	set_output(command, &output, step);
	switch (op->kind) {
	case IR_ADD: {
		struct generate_operand second = generate_operand(program, step->inputs[1]);

		if (second.value->type == IR_UINT8)
			command_set(command, KESTREL_VECTOR_FLAGS,
				    command_get(command, KESTREL_VECTOR_FLAGS) |
				    KESTREL_VECTOR_FLAG_IFM2_UNSIGNED);
		set_input(command, &input, step);
		set_add(command, op, &second, step);
		return;
	}
	case IR_AVERAGE_POOL:
	case IR_MAX_POOL:
	case IR_MEAN:
		set_pool(command, node, &input, step);
		return;
	case IR_PAD:
		set_pad(command, node, &input, &output, step);
		return;
	default:
		break;
	}
	table = program->plan[step->table].address;
	set_input(command, &input, step);
	command_set(command, KESTREL_VECTOR_TABLE_ADDRESS, (int64_t)table);
	command_access(command, COMMAND_SPACE_SRAM, false, table,
		       table + program->plan[step->table].bytes);
	if (op->kind == IR_TABLE) {
		command_set(command, KESTREL_VECTOR_OPERATION, KESTREL_VECTOR_TABLE);
		return;
	}
	command_set(command, KESTREL_VECTOR_OPERATION, KESTREL_VECTOR_SOFTMAX);
	command_set(command, KESTREL_VECTOR_TABLE_ENTRIES,
		    (int64_t)(program->plan[step->table].bytes / 4));
	set_range(command, op);
}
