// SPDX-License-Identifier: MIT
/* Where a step's operands lie in SRAM, and which of their bytes a command touches. */
#include "generate.h"

struct generate_operand generate_operand(const struct program *program, int index,
					 unsigned int in_buffer)
{
	const struct program_buffer *buffer = &program->buffers[in_buffer];
	const struct segment_value *value = &program->segment->values[index];
	uint64_t address = program->plan[in_buffer].address;

	if (value->whole >= 0)
		address += layout_offset(&value->layout, value->part_row, value->part_column,
					 value->part_channel);
	if (value->whole >= 0)
		return (struct generate_operand){
			.value = value, .layout = value->layout, .address = address,
			.row_end = value->height, .column_end = value->width,
		};
	return (struct generate_operand){
		.value = value, .layout = buffer->layout, .address = address,
		.row_first = buffer->row_first, .row_end = buffer->row_end,
		.column_first = buffer->column_first, .column_end = buffer->column_end,
		.ring_rows = value->resident ? value->ring_rows : 0,
	};
}

int32_t generate_ring_row(const struct generate_operand *operand, int32_t row)
{
	return operand->ring_rows ? row % operand->ring_rows : 0;
}

uint64_t generate_row_address(const struct generate_operand *operand, int32_t row)
{
	if (operand->ring_rows)
		return operand->address;
	return operand->address + (uint64_t)(row - operand->row_first) *
	       operand->layout.row_stride;
}

void generate_access_rows(struct command *command, const struct generate_operand *operand,
			  bool write, int32_t first, int32_t end)
{
	uint64_t from = operand->address, stride = operand->layout.row_stride;
	int32_t row = first - operand->row_first, rows = end - first, before_wrap = rows;

	if (operand->ring_rows) {
		row = generate_ring_row(operand, first);
		if (row + rows > operand->ring_rows)
			before_wrap = operand->ring_rows - row;
	}
	command_access(command, COMMAND_SPACE_SRAM, write, from + (uint64_t)row * stride,
		       from + (uint64_t)(row + before_wrap) * stride);
	command_access(command, COMMAND_SPACE_SRAM, write, from,
		       from + (uint64_t)(rows - before_wrap) * stride);
}

void generate_window_rows(const struct segment_node *node,
			  const struct generate_operand *operand, int32_t *first, int32_t *end)
{
	if (operand->ring_rows || node->image_rows)
		return;
	*first = operand->row_first;
	*end = operand->row_end;
}

struct generate_operand generate_output_operand(const struct program *program,
						const struct program_step *step)
{
	return generate_operand(program, program->segment->nodes[step->node].output, step->output);
}

uint64_t generate_output_address(const struct generate_operand *output,
				 const struct program_step *step)
{
	uint64_t address = generate_row_address(output, step->row_first) +
			   (uint64_t)(step->column_first - output->column_first) *
			   output->layout.pixel_stride;

	if (output->value->resident)
		address += layout_channel_offset(&output->layout, step->channel_first);
	return address;
}

int64_t generate_requantise_mode(enum ir_rounding rounding)
{
	switch (rounding) {
	case IR_ROUNDING_UPWARD:
		return KESTREL_REQUANTISE_UPWARD;
	case IR_ROUNDING_SINGLE:
		return KESTREL_REQUANTISE_SINGLE;
	case IR_ROUNDING_FLOAT:
		return KESTREL_REQUANTISE_F32;
	case IR_ROUNDING_WIDE:
		return KESTREL_REQUANTISE_WIDE;
	default:
		break;
	}
	return KESTREL_REQUANTISE_DOUBLE;
}

int64_t generate_type_flags(const struct segment_value *value, uint32_t is_unsigned, uint32_t wide)
{
	return value->type == IR_UINT8 ? is_unsigned : value->type == IR_INT16 ? wide : 0;
}
