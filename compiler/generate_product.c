// SPDX-License-Identifier: MIT
/* The product of two matrices: the second one's bricks are the MAC unit's weights. */
#include "generate.h"

static void set_map(struct command *command, unsigned int address,
		    const struct generate_operand *map, int32_t row)
{
	/* ADDRESS, ROW_STRIDE, BRICK_STRIDE, PIXEL_STRIDE, RING_ROWS, FIRST_ROW. */
	command_set(command, address, (int64_t)generate_row_address(map, row));
	command_set(command, address + 1, map->layout.row_stride);
	command_set(command, address + 2, map->layout.brick_stride);
	command_set(command, address + 3, map->layout.pixel_stride);
	command_set(command, address + 4, map->ring_rows);
	command_set(command, address + 5, generate_ring_row(map, row));
}

/* The matrix of an operand that the step takes. */
static struct generate_operand matrix_of(const struct program *program,
					 const struct program_step *step, unsigned int i,
					 int32_t *row)
{
	const struct segment_node *node = &program->segment->nodes[step->node];

	*row = node->row_broadcast[i] ? 0 : step->row_first;
	return generate_operand(program, node->inputs[i], step->inputs[i]);
}

void generate_product(const struct program *program, const struct program_step *step,
		      struct command *command)
{
	const struct segment_node *node = &program->segment->nodes[step->node];
	const struct ir_operator *op = node->op;
	struct generate_operand output = generate_output_operand(program, step);
	int32_t row, by_row;
	struct generate_operand input = matrix_of(program, step, 0, &row);
	struct generate_operand by = matrix_of(program, step, 1, &by_row);

	command_set(command, KESTREL_MAC_MODE, KESTREL_MAC_CONVOLUTION);
	command_set(command, KESTREL_MAC_FLAGS,
		    KESTREL_MAC_FLAG_WEIGHTS_ARE_FEATURES | KESTREL_MAC_FLAG_SCALE_PER_TENSOR |
		    generate_type_flags(input.value, KESTREL_MAC_FLAG_IFM_UNSIGNED, 0) |
		    generate_type_flags(by.value, KESTREL_MAC_FLAG_WEIGHT_UNSIGNED, 0) |
		    generate_type_flags(output.value, KESTREL_MAC_FLAG_OFM_UNSIGNED, 0));
	/* Registers keep what the command before has set. */
	command_set(command, KESTREL_MAC_IFM_HEIGHT, 1);
	command_set(command, KESTREL_MAC_OFM_HEIGHT, 1);
	command_set(command, KESTREL_MAC_KERNEL_WIDTH, 1);
	command_set(command, KESTREL_MAC_KERNEL_HEIGHT, 1);
	command_set(command, KESTREL_MAC_STRIDE_X, 1);
	command_set(command, KESTREL_MAC_STRIDE_Y, 1);
	command_set(command, KESTREL_MAC_DILATION_X, 1);
	command_set(command, KESTREL_MAC_DILATION_Y, 1);
	command_set(command, KESTREL_MAC_PAD_LEFT, 0);
	command_set(command, KESTREL_MAC_PAD_TOP, 0);
	command_set(command, KESTREL_MAC_ACCUMULATE_FROM, KESTREL_ACCUMULATE_FRESH);
	command_set(command, KESTREL_MAC_ACCUMULATE_TO, KESTREL_ACCUMULATE_FRESH);
	set_map(command, KESTREL_MAC_IFM_ADDRESS, &input, row);
	command_set(command, KESTREL_MAC_IFM_WIDTH, input.value->width);
	command_set(command, KESTREL_MAC_IFM_CHANNELS, input.value->channels);
	command_set(command, KESTREL_MAC_IFM_ZERO_POINT, op->input_zero_point);
	set_map(command, KESTREL_MAC_OFM_ADDRESS, &output, step->row_first);
	command_set(command, KESTREL_MAC_OFM_WIDTH, output.value->width);
	command_set(command, KESTREL_MAC_OFM_CHANNELS, output.value->channels);
	command_set(command, KESTREL_MAC_OFM_ZERO_POINT, op->output_zero_point);
	command_set(command, KESTREL_MAC_CLAMP_MIN, op->clamp_low);
	command_set(command, KESTREL_MAC_CLAMP_MAX, op->clamp_high);
	command_set(command, KESTREL_MAC_WEIGHT_ADDRESS,
		    (int64_t)generate_row_address(&by, by_row));
	command_set(command, KESTREL_MAC_WEIGHT_BRICK_STRIDE, by.layout.brick_stride);
	command_set(command, KESTREL_MAC_WEIGHT_ZERO_POINT, op->input2_zero_point);
	command_set(command, KESTREL_MAC_REQUANTISE, generate_requantise_mode(op->rounding));
	command_set(command, KESTREL_MAC_MULTIPLIER, (uint32_t)op->scales[0].multiplier);
	command_set(command, KESTREL_MAC_SHIFT, op->scales[0].shift);
	generate_access_rows(command, &input, false, row, row + 1);
	generate_access_rows(command, &by, false, by_row, by_row + 1);
	generate_access_rows(command, &output, true, step->row_first, step->row_end);
}
