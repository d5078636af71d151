// SPDX-License-Identifier: MIT
/* Registers of the VECTOR command of a step. */
#include <string.h>

#include "generate.h"

/* ADDRESS, ROW_STRIDE, BRICK_STRIDE, PIXEL_STRIDE, RING_ROWS, FIRST_ROW follow each other. */
enum map_register {
	MAP_ROW_STRIDE = 1, MAP_BRICK_STRIDE = 2, MAP_PIXEL_STRIDE = 3, MAP_RING_ROWS = 4,
	MAP_FIRST_ROW = 5,
};

_Static_assert((int)KESTREL_VECTOR_IFM_FIRST_ROW == KESTREL_VECTOR_IFM_ADDRESS + MAP_FIRST_ROW &&
	       (int)KESTREL_VECTOR_IFM2_FIRST_ROW == KESTREL_VECTOR_IFM2_ADDRESS + MAP_FIRST_ROW &&
	       (int)KESTREL_VECTOR_OFM_FIRST_ROW == KESTREL_VECTOR_OFM_ADDRESS + MAP_FIRST_ROW,
	       "the registers of a map stand in one order");

/* The operand's rows from `row` on. */
static void set_map(struct command *command, unsigned int first_register,
		    const struct generate_operand *operand, uint64_t address, int32_t row)
{
	command_set(command, first_register, (int64_t)address);
	command_set(command, first_register + MAP_ROW_STRIDE, operand->layout.row_stride);
	command_set(command, first_register + MAP_BRICK_STRIDE, operand->layout.brick_stride);
	command_set(command, first_register + MAP_PIXEL_STRIDE, operand->layout.pixel_stride);
	command_set(command, first_register + MAP_RING_ROWS, operand->ring_rows);
	command_set(command, first_register + MAP_FIRST_ROW, generate_ring_row(operand, row));
}

static void set_output(struct command *command, const struct generate_operand *output,
		       const struct program_step *step)
{
	set_map(command, KESTREL_VECTOR_OFM_ADDRESS, output, generate_output_address(output, step),
		step->row_first);
	command_set(command, KESTREL_VECTOR_OFM_WIDTH, step->column_end - step->column_first);
	command_set(command, KESTREL_VECTOR_OFM_HEIGHT, step->row_end - step->row_first);
	command_set(command, KESTREL_VECTOR_OFM_CHANNELS, output->value->channels);
	generate_access_rows(command, output, true, step->row_first, step->row_end);
}

/*
 * Input `i` of an elementwise operation: the rows of the output, from the first on;
 * of a map with one row or column, that one again and again.
 */
static void set_elementwise_input(const struct program *program, const struct program_step *step,
				  unsigned int i, struct command *command)
{
	const struct segment_node *node = &program->segment->nodes[step->node];
	const struct segment_value *output = &program->segment->values[node->output];
	struct generate_operand input = generate_operand(program, node->inputs[i], step->inputs[i]);
	unsigned int first_register = i ? KESTREL_VECTOR_IFM2_ADDRESS : KESTREL_VECTOR_IFM_ADDRESS;
	bool repeats = input.value->width < output->width;
	int32_t first, end, column = repeats ? 0 : step->column_first - input.column_first;

	segment_operand_rows(node, i, input.value->height, step->row_first, step->row_end, &first,
			     &end);
	set_map(command, first_register, &input, generate_row_address(&input, first) +
		(uint64_t)column * input.layout.pixel_stride, first);
	if (node->row_broadcast[i])
		command_set(command, first_register + MAP_ROW_STRIDE, 0);
	if (repeats)
		command_set(command, first_register + MAP_PIXEL_STRIDE, 0);
	generate_access_rows(command, &input, false, first, end);
}

/* What picks or averages values gives a value: there is nothing to clamp. */
static void set_type_range(struct command *command, enum ir_type type)
{
	int32_t low, high;

	ir_type_range(type, &low, &high);
	command_set(command, KESTREL_VECTOR_CLAMP_MIN, low);
	command_set(command, KESTREL_VECTOR_CLAMP_MAX, high);
}

static void set_range(struct command *command, const struct ir_operator *op)
{
	/* Pools do not requantise, so their zero point says nothing. */
	command_set(command, KESTREL_VECTOR_OFM_ZERO_POINT,
		    op->kind == IR_AVERAGE_POOL || op->kind == IR_MAX_POOL ||
		    op->kind == IR_REDUCE_MAX || op->kind == IR_REDUCE_MIN ?
		    0 : op->output_zero_point);
	command_set(command, KESTREL_VECTOR_CLAMP_MIN, op->clamp_low);
	command_set(command, KESTREL_VECTOR_CLAMP_MAX, op->clamp_high);
}

static int64_t elementwise_operation(enum ir_kind kind)
{
	switch (kind) {
	case IR_ADD:
		return KESTREL_VECTOR_ADD;
	case IR_SUB:
		return KESTREL_VECTOR_SUB;
	case IR_MUL:
		return KESTREL_VECTOR_MUL;
	case IR_MINIMUM:
		return KESTREL_VECTOR_MIN;
	default:
		return KESTREL_VECTOR_MAX;
	}
}

static void set_elementwise(struct command *command, const struct ir_operator *op)
{
	command_set(command, KESTREL_VECTOR_OPERATION, elementwise_operation(op->kind));
	set_range(command, op);
	if (op->kind == IR_MINIMUM || op->kind == IR_MAXIMUM)
		return;
	command_set(command, KESTREL_VECTOR_IFM_ZERO_POINT, op->input_zero_point);
	command_set(command, KESTREL_VECTOR_IFM2_ZERO_POINT, op->input2_zero_point);
	command_set(command, KESTREL_VECTOR_REQUANTISE, generate_requantise_mode(op->rounding));
	command_set(command, KESTREL_VECTOR_OFM_MULTIPLIER, op->scales[0].multiplier);
	command_set(command, KESTREL_VECTOR_OFM_SHIFT, op->scales[0].shift);
	if (op->kind == IR_MUL)
		return;
	command_set(command, KESTREL_VECTOR_IFM_MULTIPLIER, op->input_scale.multiplier);
	command_set(command, KESTREL_VECTOR_IFM_SHIFT, op->input_scale.shift);
	command_set(command, KESTREL_VECTOR_IFM2_MULTIPLIER, op->input2_scale.multiplier);
	command_set(command, KESTREL_VECTOR_IFM2_SHIFT, op->input2_scale.shift);
	command_set(command, KESTREL_VECTOR_LEFT_SHIFT, op->left_shift);
}

static int64_t pool_operation(enum ir_kind kind)
{
	switch (kind) {
	case IR_MAX_POOL:
	case IR_REDUCE_MAX:
		return KESTREL_VECTOR_MAX_POOL;
	case IR_REDUCE_MIN:
		return KESTREL_VECTOR_MIN_POOL;
	case IR_AVERAGE_POOL:
		return KESTREL_VECTOR_AVERAGE_POOL;
	default:
		return KESTREL_VECTOR_SUM_POOL;
	}
}

/* Pools and reductions: a window over the input's rows that are in SRAM. */
static void set_pool(struct command *command, const struct segment_node *node,
		     const struct generate_operand *input, const struct generate_operand *output,
		     const struct program_step *step)
{
	const struct ir_operator *op = node->op;
	const struct ir_window *w = &node->window;
	int32_t first, end, row;
	bool sums = op->kind == IR_MEAN || op->kind == IR_SUM;

	segment_input_rows(node, input->value->height, step->row_first, step->row_end, &first,
			   &end);
	generate_access_rows(command, input, false, first, end);
	generate_window_rows(node, input, &first, &end);
	row = step->row_first - segment_image_first(node, output->value->height, step->row_first);
	command_set(command, KESTREL_VECTOR_OPERATION, pool_operation(op->kind));
	set_map(command, KESTREL_VECTOR_IFM_ADDRESS, input, generate_row_address(input, first),
		first);
	command_set(command, KESTREL_VECTOR_IFM_WIDTH, input->column_end - input->column_first);
	command_set(command, KESTREL_VECTOR_IFM_HEIGHT, end - first);
	command_set(command, KESTREL_VECTOR_KERNEL_WIDTH, w->kernel_w);
	command_set(command, KESTREL_VECTOR_KERNEL_HEIGHT, w->kernel_h);
	command_set(command, KESTREL_VECTOR_STRIDE_X,
		    step->column_end - step->column_first == 1 ? 1 : w->stride_w);
	command_set(command, KESTREL_VECTOR_STRIDE_Y,
		    step->row_end - step->row_first == 1 ? 1 : w->stride_h);
	command_set(command, KESTREL_VECTOR_PAD_LEFT,
		    w->pad_left - step->column_first * w->stride_w + input->column_first);
	command_set(command, KESTREL_VECTOR_PAD_TOP,
		    w->pad_top - row * w->stride_h + first -
		    segment_image_first(node, input->value->height, step->row_first));
	command_set(command, KESTREL_VECTOR_IFM_ZERO_POINT,
		    sums ? op->input_zero_point : 0);
	if (sums) {
		command_set(command, KESTREL_VECTOR_REQUANTISE,
			    generate_requantise_mode(op->rounding));
		command_set(command, KESTREL_VECTOR_IFM_MULTIPLIER, op->scales[0].multiplier);
		command_set(command, KESTREL_VECTOR_IFM_SHIFT, op->scales[0].shift);
	}
	set_range(command, op);
	if (op->kind == IR_REDUCE_MAX || op->kind == IR_REDUCE_MIN)
		set_type_range(command, input->value->type);
}

/* The registers of an axis, for outputs from `output` on and inputs from `input` on. */
static void set_axis(struct command *command, const struct segment_resize *axis,
		     unsigned int step_register, unsigned int start_register, int32_t output,
		     int32_t input)
{
	command_set(command, step_register, axis->step);
	command_set(command, start_register, axis->start + output * axis->step -
		    ((int64_t)input << axis->shift));
}

static void set_resize(struct command *command, const struct segment_node *node,
		       const struct generate_operand *input, const struct generate_operand *output,
		       const struct program_step *step)
{
	bool bilinear = node->op->kind == IR_RESIZE_BILINEAR;
	int32_t first, end;

	segment_input_rows(node, input->value->height, step->row_first, step->row_end, &first,
			   &end);
	generate_access_rows(command, input, false, first, end);
	set_map(command, KESTREL_VECTOR_IFM_ADDRESS, input, generate_row_address(input, first),
		first);
	command_set(command, KESTREL_VECTOR_OPERATION,
		    bilinear ? KESTREL_VECTOR_RESIZE_BILINEAR : KESTREL_VECTOR_RESIZE_NEAREST);
	command_set(command, KESTREL_VECTOR_IFM_WIDTH, input->column_end - input->column_first);
	command_set(command, KESTREL_VECTOR_IFM_HEIGHT, end - first);
	set_axis(command, &node->resize_y, KESTREL_VECTOR_STEP_Y, KESTREL_VECTOR_START_Y,
		 step->row_first - segment_image_first(node, output->value->height,
						       step->row_first),
		 first - segment_image_first(node, input->value->height, step->row_first));
	set_axis(command, &node->resize_x, KESTREL_VECTOR_STEP_X, KESTREL_VECTOR_START_X,
		 step->column_first, input->column_first);
	if (!bilinear)
		return;
	set_type_range(command, input->value->type);
}

/* PAD: the input's rows into the middle of an output that has been filled. */
static void set_pad(struct command *command, const struct segment_node *node,
		    const struct generate_operand *input, const struct generate_operand *output,
		    const struct program_step *step)
{
	const struct ir_window *w = &node->window;
	int32_t rows = step->row_end - step->row_first - w->pad_top - w->pad_bottom;
	int32_t first = segment_image_first(node, input->value->height, step->row_first);

	set_map(command, KESTREL_VECTOR_IFM_ADDRESS, input, generate_row_address(input, first),
		first);
	generate_access_rows(command, input, false, first, first + rows);
	command_set(command, KESTREL_VECTOR_OPERATION, KESTREL_VECTOR_COPY);
	command_set(command, KESTREL_VECTOR_OFM_ADDRESS,
		    (int64_t)(generate_row_address(output, step->row_first + w->pad_top) +
			      (uint64_t)w->pad_left * output->layout.pixel_stride));
	command_set(command, KESTREL_VECTOR_OFM_WIDTH, input->value->width);
	command_set(command, KESTREL_VECTOR_OFM_HEIGHT, rows);
}

/* Rows, columns and channels exchanged, of all or of some channels: see the node. */
static void set_rearrangement(struct command *command, const struct segment_node *node,
			      const struct generate_operand *input,
			      const struct generate_operand *output,
			      const struct program_step *step)
{
	const struct segment_rearrangement *how = &node->rearrangement;
	int32_t channel = how->first_channel + step->row_first * how->row_channels;
	int32_t row = how->brick_channels ? step->channel_first / how->brick_channels : 0;

	set_map(command, KESTREL_VECTOR_IFM_ADDRESS, input, generate_row_address(input, row) +
		layout_channel_offset(&input->layout, channel), row);
	generate_access_rows(command, input, false, row, how->brick_channels ? row + 1 :
			     input->value->height);
	command_set(command, KESTREL_VECTOR_OPERATION, KESTREL_VECTOR_TRANSPOSE);
	command_set(command, KESTREL_VECTOR_PERMUTATION, how->permutation);
	command_set(command, KESTREL_VECTOR_OFM_CHANNELS, how->brick_channels ?
		    step->channel_count : output->value->channels);
}

/* The numbers are in the graph's form. */
static void set_layer_norm(struct command *command, const struct kestrel_graph_layer_norm *from)
{
	command_set(command, KESTREL_VECTOR_OPERATION, KESTREL_VECTOR_LAYER_NORM);
	command_set(command, KESTREL_VECTOR_EPSILON, from->epsilon);
	command_set(command, KESTREL_VECTOR_REQUANTISE, from->mode == KESTREL_GRAPH_REQUANTISE_F32 ?
		    KESTREL_REQUANTISE_F32 : from->mode == KESTREL_GRAPH_REQUANTISE_SINGLE ?
		    KESTREL_REQUANTISE_SINGLE : from->mode == KESTREL_GRAPH_REQUANTISE_UPWARD ?
		    KESTREL_REQUANTISE_UPWARD : KESTREL_REQUANTISE_DOUBLE);
	command_set(command, KESTREL_VECTOR_IFM_ZERO_POINT, from->input_zero_point);
	command_set(command, KESTREL_VECTOR_IFM_MULTIPLIER, (uint32_t)from->scale.multiplier);
	command_set(command, KESTREL_VECTOR_IFM_SHIFT, from->scale.shift);
	command_set(command, KESTREL_VECTOR_OFM_ZERO_POINT, from->zero_point);
	command_set(command, KESTREL_VECTOR_CLAMP_MIN, from->minimum);
	command_set(command, KESTREL_VECTOR_CLAMP_MAX, from->maximum);
}

/* TABLE, SOFTMAX and LAYER_NORM, whose table is an operand. */
static void set_table(struct command *command, const struct program *program,
		      const struct program_step *step, const struct ir_operator *op)
{
	const struct plan_buffer *table = &program->plan[step->table];

	command_set(command, KESTREL_VECTOR_TABLE_ADDRESS, (int64_t)table->address);
	command_access(command, COMMAND_SPACE_SRAM, false, table->address,
		       table->address + table->bytes);
	if (op->kind == IR_TABLE) {
		command_set(command, KESTREL_VECTOR_OPERATION, KESTREL_VECTOR_TABLE);
		return;
	}
	if (op->kind == IR_LAYER_NORM) {
		set_layer_norm(command, &op->portable->attributes.layer_norm);
		return;
	}
	command_set(command, KESTREL_VECTOR_OPERATION, KESTREL_VECTOR_SOFTMAX);
	command_set(command, KESTREL_VECTOR_TABLE_ENTRIES, (int64_t)(table->bytes / 4));
	set_range(command, op);
}

/* One integer type to another: the numbers are in the graph's form. */
static void set_rescale(struct command *command, const struct ir_operator *op)
{
	const struct kestrel_graph_rescale *from = &op->portable->attributes.rescale;
	struct kestrel_graph_scale scale;

	memcpy(&scale, op->portable->parameters + from->requantise.scales, sizeof(scale));
	command_set(command, KESTREL_VECTOR_OPERATION, KESTREL_VECTOR_RESCALE);
	command_set(command, KESTREL_VECTOR_REQUANTISE,
		    from->requantise.mode == KESTREL_GRAPH_REQUANTISE_DOUBLE ?
		    KESTREL_REQUANTISE_DOUBLE :
		    from->requantise.mode == KESTREL_GRAPH_REQUANTISE_SINGLE ?
		    KESTREL_REQUANTISE_SINGLE : KESTREL_REQUANTISE_F32);
	command_set(command, KESTREL_VECTOR_IFM_ZERO_POINT, from->input_zero_point);
	command_set(command, KESTREL_VECTOR_IFM_MULTIPLIER, (uint32_t)scale.multiplier);
	command_set(command, KESTREL_VECTOR_IFM_SHIFT, scale.shift);
	command_set(command, KESTREL_VECTOR_OFM_ZERO_POINT, from->requantise.zero_point);
	command_set(command, KESTREL_VECTOR_CLAMP_MIN, from->requantise.minimum);
	command_set(command, KESTREL_VECTOR_CLAMP_MAX, from->requantise.maximum);
}

static void set_flags(const struct program *program, const struct segment_node *node,
		      struct command *command)
{
	const struct segment_value *values = program->segment->values;
	int64_t flags = generate_type_flags(&values[node->inputs[0]],
					    KESTREL_VECTOR_FLAG_IFM_UNSIGNED,
					    KESTREL_VECTOR_FLAG_IFM_16BIT) |
			generate_type_flags(&values[node->output],
					    KESTREL_VECTOR_FLAG_OFM_UNSIGNED,
					    KESTREL_VECTOR_FLAG_OFM_16BIT);

	if (node->input_count > 1)
		flags |= generate_type_flags(&values[node->inputs[1]],
					     KESTREL_VECTOR_FLAG_IFM2_UNSIGNED, 0);
	command_set(command, KESTREL_VECTOR_FLAGS, flags);
}

void generate_vector(const struct program *program, const struct program_step *step,
		     struct command *command)
{
	const struct segment_node *node = &program->segment->nodes[step->node];
	const struct ir_operator *op = node->op;
	struct generate_operand input = generate_operand(program, node->inputs[0],
							 step->inputs[0]);
	struct generate_operand output = generate_output_operand(program, step);

	set_flags(program, node, command);
	set_output(command, &output, step);
	if (node->copy) {
		command_set(command, KESTREL_VECTOR_OPERATION, KESTREL_VECTOR_COPY);
		set_elementwise_input(program, step, 0, command);
		return;
	}
	if (node->rearrangement.active) {
		set_rearrangement(command, node, &input, &output, step);
		return;
	}
	switch (op->kind) {
	case IR_ADD:
	case IR_SUB:
	case IR_MUL:
	case IR_MINIMUM:
	case IR_MAXIMUM:
		set_elementwise(command, op);
		set_elementwise_input(program, step, 0, command);
		set_elementwise_input(program, step, 1, command);
		break;
	case IR_AVERAGE_POOL:
	case IR_MAX_POOL:
	case IR_MEAN:
	case IR_SUM:
	case IR_REDUCE_MAX:
	case IR_REDUCE_MIN:
		set_pool(command, node, &input, &output, step);
		break;
	case IR_REQUANTISE:
		set_rescale(command, op);
		set_elementwise_input(program, step, 0, command);
		break;
	case IR_RESIZE_BILINEAR:
	case IR_RESIZE_NEAREST:
		set_resize(command, node, &input, &output, step);
		break;
	case IR_PAD:
		set_pad(command, node, &input, &output, step);
		break;
	default:
		set_elementwise_input(program, step, 0, command);
		set_table(command, program, step, op);
		break;
	}
}
