// SPDX-License-Identifier: MIT
/* Registers of the MAC command of a step. */
#include "generate.h"

#define RECORD_BRICK_BYTES (9 * 16)

static int64_t mac_flags(const struct ir_graph *graph, const struct segment_node *node,
			 const struct segment_value *input, const struct segment_value *output)
{
	bool is_unsigned = graph->tensors[node->op->inputs[1]].type == IR_UINT8;

	return generate_type_flags(input, KESTREL_MAC_FLAG_IFM_UNSIGNED, KESTREL_MAC_FLAG_IFM_16BIT) |
	       generate_type_flags(output, KESTREL_MAC_FLAG_OFM_UNSIGNED, KESTREL_MAC_FLAG_OFM_16BIT) |
	       (is_unsigned ? KESTREL_MAC_FLAG_WEIGHT_UNSIGNED : 0);
}

void generate_mac(const struct program *program, const struct program_step *step,
		  struct command *command)
{
	const struct segment_node *node = &program->segment->nodes[step->node];
	const struct ir_window *w = &node->window;
	struct generate_operand input = generate_operand(program, node->inputs[0], step->inputs[0]);
	struct generate_operand output = generate_output_operand(program, step);
	uint64_t input_address = input.address, weights = program->plan[step->weights].address;
	uint64_t records = program->plan[step->records].address +
			   (uint64_t)(step->channel_first / 16) * RECORD_BRICK_BYTES;
	int32_t channels = input.value->channels, first, end;
	int32_t pad_top;

	segment_input_rows(node, input.value->height, step->row_first, step->row_end, &first, &end);
	generate_window_rows(&input, &first, &end);
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
	command_set(command, KESTREL_MAC_IFM_FIRST_ROW, generate_ring_row(&input, first));
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
	command_set(command, KESTREL_MAC_OFM_ADDRESS, (int64_t)generate_output_address(&output, step));
	command_set(command, KESTREL_MAC_OFM_ROW_STRIDE, output.layout.row_stride);
	command_set(command, KESTREL_MAC_OFM_BRICK_STRIDE, output.layout.brick_stride);
	command_set(command, KESTREL_MAC_OFM_PIXEL_STRIDE, output.layout.pixel_stride);
	command_set(command, KESTREL_MAC_OFM_WIDTH, output.value->width);
	command_set(command, KESTREL_MAC_OFM_HEIGHT, step->row_end - step->row_first);
	command_set(command, KESTREL_MAC_OFM_RING_ROWS, output.ring_rows);
	command_set(command, KESTREL_MAC_OFM_FIRST_ROW, generate_ring_row(&output, step->row_first));
	command_set(command, KESTREL_MAC_OFM_CHANNELS, step->channel_count);
	command_set(command, KESTREL_MAC_OFM_ZERO_POINT, node->op->output_zero_point);
	command_set(command, KESTREL_MAC_CLAMP_MIN, node->op->clamp_low);
	command_set(command, KESTREL_MAC_CLAMP_MAX, node->op->clamp_high);
	command_set(command, KESTREL_MAC_WEIGHT_ADDRESS, (int64_t)weights);
	command_set(command, KESTREL_MAC_WEIGHT_ZERO_POINT, node->op->weight_zero_point);
	command_set(command, KESTREL_MAC_RECORD_ADDRESS, (int64_t)records);
	command_set(command, KESTREL_MAC_REQUANTISE, generate_requantise_mode(node->op->rounding));
	if (node->depthwise)
		command_set(command, KESTREL_MAC_DEPTH_MULTIPLIER,
			    output.value->channels / input.value->channels);
	segment_input_rows(node, input.value->height, step->row_first, step->row_end, &first, &end);
	generate_access_rows(command, &input, false, first, end);
	command_access(command, COMMAND_SPACE_SRAM, false, weights,
		       weights + program->plan[step->weights].bytes);
	command_access(command, COMMAND_SPACE_SRAM, false, program->plan[step->records].address,
		       program->plan[step->records].address + program->plan[step->records].bytes);
	generate_access_rows(command, &output, true, step->row_first, step->row_end);
}
