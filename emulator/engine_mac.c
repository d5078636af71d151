// SPDX-License-Identifier: MIT
/* The MAC unit's commands: checks of every register and operand. */

#include "engine_internal.h"

/* Elements of the kernel of one output channel, in pass order (isa.h). */
static uint64_t kernel_elements(const struct engine_mac_command *command)
{
	uint64_t taps = (uint64_t)command->y.kernel * command->x.kernel;

	return command->mode == KESTREL_MAC_DEPTHWISE ? taps : taps * command->ifm.channels;
}

uint32_t engine_mac_pass(uint32_t first, uint32_t elements, uint32_t per_row, uint32_t depth)
{
	uint64_t fifth_row = ((uint64_t)(first / per_row) + 4) * per_row;
	uint64_t end = (uint64_t)first + depth;

	if (end > fifth_row)
		end = fifth_row;
	if (end > elements)
		end = elements;
	return (uint32_t)(end - first);
}

static bool ifm_check(const uint32_t *reg, struct engine_fault *fault)
{
	uint32_t flags = reg[KESTREL_MAC_FLAGS];
	bool packed = reg[KESTREL_MAC_MODE] == KESTREL_MAC_PACKED_CONVOLUTION;
	bool wide = flags & KESTREL_MAC_FLAG_IFM_16BIT;
	bool is_unsigned = flags & KESTREL_MAC_FLAG_IFM_UNSIGNED;
	int32_t low = wide ? 0 : is_unsigned ? 0 : -128;
	int32_t high = wide ? 0 : is_unsigned ? 255 : 127;

	if (!engine_value_check(reg, KESTREL_MAC_IFM_ADDRESS, 0, UINT32_MAX, 16, fault) ||
	    !engine_value_check(reg, KESTREL_MAC_IFM_ROW_STRIDE, 0, UINT32_MAX, 16, fault))
		return false;
	if (packed) {
		if (reg[KESTREL_MAC_IFM_PIXEL_STRIDE] != reg[KESTREL_MAC_IFM_CHANNELS])
			return engine_value_refuse(fault, KESTREL_FAULT_ILLEGAL_VALUE,
						   KESTREL_MAC_IFM_PIXEL_STRIDE);
	} else if (!engine_value_check(reg, KESTREL_MAC_IFM_BRICK_STRIDE, 0, UINT32_MAX, 16,
				       fault) ||
		   !engine_value_check(reg, KESTREL_MAC_IFM_PIXEL_STRIDE, 0, UINT32_MAX, 16,
				       fault)) {
		return false;
	}
	return engine_value_check(reg, KESTREL_MAC_IFM_RING_ROWS, 0, 65536, 1, fault) &&
	       engine_value_check(reg, KESTREL_MAC_IFM_FIRST_ROW, 0, 65535, 1, fault) &&
	       engine_value_check(reg, KESTREL_MAC_IFM_WIDTH, 1, 65536, 1, fault) &&
	       engine_value_check(reg, KESTREL_MAC_IFM_HEIGHT, 1, 65536, 1, fault) &&
	       engine_value_check(reg, KESTREL_MAC_IFM_CHANNELS, 1, packed ? 15 : 65536, 1,
				  fault) &&
	       engine_signed_check(reg, KESTREL_MAC_IFM_ZERO_POINT, low, high, fault);
}

static bool kernel_check(const uint32_t *reg, struct engine_fault *fault)
{
	bool packed = reg[KESTREL_MAC_MODE] == KESTREL_MAC_PACKED_CONVOLUTION;
	uint32_t kernel = reg[KESTREL_MAC_FLAGS] & KESTREL_MAC_FLAG_WEIGHTS_ARE_FEATURES ? 1 : 1024;

	return engine_value_check(reg, KESTREL_MAC_KERNEL_WIDTH, 1, kernel, 1, fault) &&
	       engine_value_check(reg, KESTREL_MAC_KERNEL_HEIGHT, 1, kernel, 1, fault) &&
	       engine_value_check(reg, KESTREL_MAC_STRIDE_X, 1, 64, 1, fault) &&
	       engine_value_check(reg, KESTREL_MAC_STRIDE_Y, 1, 64, 1, fault) &&
	       engine_value_check(reg, KESTREL_MAC_DILATION_X, 1, packed ? 1 : 256, 1, fault) &&
	       engine_value_check(reg, KESTREL_MAC_DILATION_Y, 1, 256, 1, fault) &&
	       engine_signed_check(reg, KESTREL_MAC_PAD_LEFT, -65536, 65536, fault) &&
	       engine_signed_check(reg, KESTREL_MAC_PAD_TOP, -65536, 65536, fault);
}

static bool output_used(const uint32_t *reg)
{
	return reg[KESTREL_MAC_ACCUMULATE_TO] == KESTREL_ACCUMULATE_FRESH;
}

static bool ofm_check(const uint32_t *reg, struct engine_fault *fault)
{
	bool wide = reg[KESTREL_MAC_FLAGS] & KESTREL_MAC_FLAG_OFM_16BIT;
	bool packed = !wide && reg[KESTREL_MAC_OFM_PIXEL_STRIDE] < ENGINE_LINE_BYTES;
	uint32_t align = packed ? 1 : 16;
	bool output = output_used(reg);

	if (output) {
		if (!engine_value_check(reg, KESTREL_MAC_OFM_ADDRESS, 0, UINT32_MAX, align,
					fault) ||
		    !engine_value_check(reg, KESTREL_MAC_OFM_ROW_STRIDE, 0, UINT32_MAX, align,
					fault))
			return false;
		if (!packed && !engine_value_check(reg, KESTREL_MAC_OFM_BRICK_STRIDE, 0,
						   UINT32_MAX, 16, fault))
			return false;
		if (packed &&
		    reg[KESTREL_MAC_OFM_PIXEL_STRIDE] != reg[KESTREL_MAC_OFM_CHANNELS])
			return engine_value_refuse(fault, KESTREL_FAULT_ILLEGAL_VALUE,
						   KESTREL_MAC_OFM_PIXEL_STRIDE);
		if (!packed && !engine_value_check(reg, KESTREL_MAC_OFM_PIXEL_STRIDE, 16,
						   UINT32_MAX, 16, fault))
			return false;
		if (!engine_value_check(reg, KESTREL_MAC_OFM_RING_ROWS, 0, 65536, 1, fault) ||
		    !engine_value_check(reg, KESTREL_MAC_OFM_FIRST_ROW, 0, 65535, 1, fault))
			return false;
	}
	return engine_value_check(reg, KESTREL_MAC_OFM_WIDTH, 1, 65536, 1, fault) &&
	       engine_value_check(reg, KESTREL_MAC_OFM_HEIGHT, 1, 65536, 1, fault) &&
	       engine_value_check(reg, KESTREL_MAC_OFM_CHANNELS, 1, 65536, 1, fault);
}

static bool output_check(const uint32_t *reg, struct engine_fault *fault)
{
	uint32_t flags = reg[KESTREL_MAC_FLAGS];
	bool wide = flags & KESTREL_MAC_FLAG_OFM_16BIT;
	bool is_unsigned = flags & KESTREL_MAC_FLAG_OFM_UNSIGNED;
	int32_t low = wide ? INT16_MIN : is_unsigned ? 0 : -128;
	int32_t high = wide ? INT16_MAX : is_unsigned ? 255 : 127;

	return engine_signed_check(reg, KESTREL_MAC_OFM_ZERO_POINT, low, high, fault) &&
	       engine_signed_check(reg, KESTREL_MAC_CLAMP_MIN, low, high, fault) &&
	       engine_signed_check(reg, KESTREL_MAC_CLAMP_MAX,
				   engine_zigzag(reg[KESTREL_MAC_CLAMP_MIN]), high, fault);
}

static bool weight_check(const uint32_t *reg, struct engine_fault *fault)
{
	uint32_t flags = reg[KESTREL_MAC_FLAGS];
	bool is_unsigned = flags & KESTREL_MAC_FLAG_WEIGHT_UNSIGNED;

	return engine_value_check(reg, KESTREL_MAC_WEIGHT_ADDRESS, 0, UINT32_MAX, 16, fault) &&
	       (!(flags & KESTREL_MAC_FLAG_WEIGHTS_ARE_FEATURES) ||
		engine_value_check(reg, KESTREL_MAC_WEIGHT_BRICK_STRIDE, 0, UINT32_MAX, 16,
				   fault)) &&
	       engine_signed_check(reg, KESTREL_MAC_WEIGHT_ZERO_POINT, is_unsigned ? 0 : -128,
				   is_unsigned ? 255 : 127, fault);
}

static bool scale_check(const uint32_t *reg, struct engine_fault *fault)
{
	bool narrow = reg[KESTREL_MAC_REQUANTISE] == KESTREL_REQUANTISE_WIDE;

	if (!(reg[KESTREL_MAC_FLAGS] & KESTREL_MAC_FLAG_SCALE_PER_TENSOR))
		return engine_value_check(reg, KESTREL_MAC_RECORD_ADDRESS, 0, UINT32_MAX, 16,
					  fault) &&
		       engine_value_check(reg, KESTREL_MAC_REQUANTISE, 0,
					  KESTREL_REQUANTISE_COUNT - 1, 1, fault);
	return engine_value_check(reg, KESTREL_MAC_REQUANTISE, 0, KESTREL_REQUANTISE_COUNT - 1, 1,
				  fault) &&
	       engine_value_check(reg, KESTREL_MAC_MULTIPLIER, 0,
				  narrow ? INT16_MAX : UINT32_MAX, 1, fault) &&
	       (reg[KESTREL_MAC_REQUANTISE] == KESTREL_REQUANTISE_F32 ||
		engine_signed_check(reg, KESTREL_MAC_SHIFT, -31, narrow ? 14 : 30, fault));
}

static bool flags_check(const uint32_t *reg, struct engine_fault *fault)
{
	uint32_t mode = reg[KESTREL_MAC_MODE];
	uint32_t flags = reg[KESTREL_MAC_FLAGS];
	bool wide = flags & KESTREL_MAC_FLAG_IFM_16BIT;
	bool features = flags & KESTREL_MAC_FLAG_WEIGHTS_ARE_FEATURES;

	if (flags & ~KESTREL_MAC_FLAGS_ALL ||
	    (wide && mode == KESTREL_MAC_PACKED_CONVOLUTION) ||
	    (features && (wide || mode != KESTREL_MAC_CONVOLUTION)))
		return engine_value_refuse(fault, KESTREL_FAULT_ILLEGAL_VALUE, KESTREL_MAC_FLAGS);
	return true;
}

/* Sizes that the accumulator RAM must hold, or holds already. */
static bool accumulate_check(const struct engine *engine, const uint32_t *reg,
			     struct engine_fault *fault)
{
	uint64_t pixels = (uint64_t)reg[KESTREL_MAC_OFM_WIDTH] * reg[KESTREL_MAC_OFM_HEIGHT];
	bool fits = reg[KESTREL_MAC_OFM_CHANNELS] <= 16 &&
		    pixels <= configuration_accumulator_pixels(&engine->configuration);
	const struct engine_accumulators *kept = &engine->accumulators;

	if (!engine_value_check(reg, KESTREL_MAC_ACCUMULATE_FROM, 0, KESTREL_ACCUMULATE_SRAM, 1,
				fault))
		return false;
	if (reg[KESTREL_MAC_ACCUMULATE_FROM] == KESTREL_ACCUMULATE_RAM &&
	    (!fits || kept->width != reg[KESTREL_MAC_OFM_WIDTH] ||
	     kept->height != reg[KESTREL_MAC_OFM_HEIGHT] ||
	     kept->channels != reg[KESTREL_MAC_OFM_CHANNELS]))
		return engine_value_refuse(fault, KESTREL_FAULT_ILLEGAL_VALUE,
					   KESTREL_MAC_ACCUMULATE_FROM);
	if (!engine_value_check(reg, KESTREL_MAC_ACCUMULATE_TO, 0, KESTREL_ACCUMULATE_SRAM, 1,
				fault))
		return false;
	if (reg[KESTREL_MAC_ACCUMULATE_TO] == KESTREL_ACCUMULATE_RAM && !fits)
		return engine_value_refuse(fault, KESTREL_FAULT_ILLEGAL_VALUE,
					   KESTREL_MAC_ACCUMULATE_TO);
	if (reg[KESTREL_MAC_ACCUMULATE_FROM] == KESTREL_ACCUMULATE_SRAM ||
	    reg[KESTREL_MAC_ACCUMULATE_TO] == KESTREL_ACCUMULATE_SRAM)
		return engine_value_check(reg, KESTREL_MAC_SPILL_ADDRESS, 0, UINT32_MAX, 16,
					  fault);
	return true;
}

static bool registers_check(const struct engine *engine, const uint32_t *reg,
			    struct engine_fault *fault)
{
	if (!engine_value_check(reg, KESTREL_MAC_MODE, 0, KESTREL_MAC_MODE_COUNT - 1, 1, fault) ||
	    !flags_check(reg, fault) || !ifm_check(reg, fault) || !kernel_check(reg, fault) ||
	    !ofm_check(reg, fault))
		return false;
	if (output_used(reg) && !output_check(reg, fault))
		return false;
	if (!weight_check(reg, fault))
		return false;
	if (output_used(reg) && !scale_check(reg, fault))
		return false;
	if (reg[KESTREL_MAC_MODE] == KESTREL_MAC_DEPTHWISE &&
	    (uint64_t)reg[KESTREL_MAC_IFM_CHANNELS] * reg[KESTREL_MAC_DEPTH_MULTIPLIER] !=
		    reg[KESTREL_MAC_OFM_CHANNELS])
		return engine_value_refuse(fault, KESTREL_FAULT_ILLEGAL_VALUE,
					   KESTREL_MAC_DEPTH_MULTIPLIER);
	return accumulate_check(engine, reg, fault);
}

static void command_fill(struct engine_mac_command *command, const uint32_t *reg)
{
	uint32_t flags = reg[KESTREL_MAC_FLAGS];

	*command = (struct engine_mac_command){
		.mode = reg[KESTREL_MAC_MODE],
		.flags = flags,
		.ifm = {
			.address = reg[KESTREL_MAC_IFM_ADDRESS],
			.row_stride = reg[KESTREL_MAC_IFM_ROW_STRIDE],
			.brick_stride = reg[KESTREL_MAC_IFM_BRICK_STRIDE],
			.pixel_stride = reg[KESTREL_MAC_IFM_PIXEL_STRIDE],
			.ring_rows = reg[KESTREL_MAC_IFM_RING_ROWS],
			.first_row = reg[KESTREL_MAC_IFM_FIRST_ROW],
			.width = reg[KESTREL_MAC_IFM_WIDTH],
			.height = reg[KESTREL_MAC_IFM_HEIGHT],
			.channels = reg[KESTREL_MAC_IFM_CHANNELS],
			.element_bytes = flags & KESTREL_MAC_FLAG_IFM_16BIT ? 2 : 1,
			.packed = reg[KESTREL_MAC_MODE] == KESTREL_MAC_PACKED_CONVOLUTION,
			.is_unsigned = flags & KESTREL_MAC_FLAG_IFM_UNSIGNED,
			.zero_point = engine_zigzag(reg[KESTREL_MAC_IFM_ZERO_POINT]),
		},
		.ofm = {
			.address = reg[KESTREL_MAC_OFM_ADDRESS],
			.row_stride = reg[KESTREL_MAC_OFM_ROW_STRIDE],
			.brick_stride = reg[KESTREL_MAC_OFM_BRICK_STRIDE],
			.pixel_stride = reg[KESTREL_MAC_OFM_PIXEL_STRIDE],
			.ring_rows = reg[KESTREL_MAC_OFM_RING_ROWS],
			.first_row = reg[KESTREL_MAC_OFM_FIRST_ROW],
			.width = reg[KESTREL_MAC_OFM_WIDTH],
			.height = reg[KESTREL_MAC_OFM_HEIGHT],
			.channels = reg[KESTREL_MAC_OFM_CHANNELS],
			.element_bytes = flags & KESTREL_MAC_FLAG_OFM_16BIT ? 2 : 1,
			.packed = reg[KESTREL_MAC_OFM_PIXEL_STRIDE] < ENGINE_LINE_BYTES,
			.is_unsigned = flags & KESTREL_MAC_FLAG_OFM_UNSIGNED,
			.zero_point = engine_zigzag(reg[KESTREL_MAC_OFM_ZERO_POINT]),
		},
		.y = {
			.outputs = reg[KESTREL_MAC_OFM_HEIGHT],
			.inputs = reg[KESTREL_MAC_IFM_HEIGHT],
			.kernel = reg[KESTREL_MAC_KERNEL_HEIGHT],
			.stride = reg[KESTREL_MAC_STRIDE_Y],
			.dilation = reg[KESTREL_MAC_DILATION_Y],
			.pad = engine_zigzag(reg[KESTREL_MAC_PAD_TOP]),
		},
		.x = {
			.outputs = reg[KESTREL_MAC_OFM_WIDTH],
			.inputs = reg[KESTREL_MAC_IFM_WIDTH],
			.kernel = reg[KESTREL_MAC_KERNEL_WIDTH],
			.stride = reg[KESTREL_MAC_STRIDE_X],
			.dilation = reg[KESTREL_MAC_DILATION_X],
			.pad = engine_zigzag(reg[KESTREL_MAC_PAD_LEFT]),
		},
		.weight_address = reg[KESTREL_MAC_WEIGHT_ADDRESS],
		.weight_brick_stride = reg[KESTREL_MAC_WEIGHT_BRICK_STRIDE],
		.weight_zero_point = engine_zigzag(reg[KESTREL_MAC_WEIGHT_ZERO_POINT]),
		.record_address = reg[KESTREL_MAC_RECORD_ADDRESS],
		.requantise = reg[KESTREL_MAC_REQUANTISE],
		.multiplier = reg[KESTREL_MAC_MULTIPLIER],
		.shift = engine_zigzag(reg[KESTREL_MAC_SHIFT]),
		.depth_multiplier = reg[KESTREL_MAC_DEPTH_MULTIPLIER],
		.accumulate_from = reg[KESTREL_MAC_ACCUMULATE_FROM],
		.accumulate_to = reg[KESTREL_MAC_ACCUMULATE_TO],
		.spill_address = reg[KESTREL_MAC_SPILL_ADDRESS],
		.clamp_min = engine_zigzag(reg[KESTREL_MAC_CLAMP_MIN]),
		.clamp_max = engine_zigzag(reg[KESTREL_MAC_CLAMP_MAX]),
	};
}

uint64_t engine_mac_weight_end(const struct engine_mac_command *command)
{
	if (command->flags & KESTREL_MAC_FLAG_WEIGHTS_ARE_FEATURES)
		return command->weight_address +
		       (uint64_t)((command->ifm.channels - 1) / 16) * command->weight_brick_stride +
		       (uint64_t)command->ofm.channels * 16;
	return command->weight_address + kernel_elements(command) * command->ofm.channels;
}

uint64_t engine_mac_spill_bytes(const struct engine_mac_command *command)
{
	return (uint64_t)((command->ofm.channels + 15) / 16) * command->ofm.width *
	       command->ofm.height * 64;
}

static bool ranges_check(struct engine *engine, const struct engine_mac_command *command,
			 struct engine_fault *fault)
{
	bool output = command->accumulate_to == KESTREL_ACCUMULATE_FRESH;
	uint32_t y0, y1, x0, x1;

	if (engine_axis_extent(&command->y, &y0, &y1) &&
	    engine_axis_extent(&command->x, &x0, &x1) &&
	    !engine_sram_check(engine, engine_map_end(&command->ifm, y0, y1, x1), fault))
		return false;
	if (output && !engine_sram_check(engine, engine_map_end(&command->ofm, 0,
							    command->ofm.height - 1,
							    command->ofm.width - 1), fault))
		return false;
	if (!engine_sram_check(engine, engine_mac_weight_end(command), fault))
		return false;
	if (output && !(command->flags & KESTREL_MAC_FLAG_SCALE_PER_TENSOR) &&
	    !engine_sram_check(engine, command->record_address + UINT64_C(9) * command->ofm.channels,
			   fault))
		return false;
	return (command->accumulate_from != KESTREL_ACCUMULATE_SRAM &&
		command->accumulate_to != KESTREL_ACCUMULATE_SRAM) ||
	       engine_sram_check(engine, command->spill_address + engine_mac_spill_bytes(command),
			     fault);
}

bool engine_mac_decode(struct engine *engine, struct engine_entry *entry,
		       struct engine_fault *fault)
{
	struct engine_mac_command *command = &entry->command.mac;
	unsigned __int128 macs;

	if (!registers_check(engine, entry->reg, fault))
		return false;
	command_fill(command, entry->reg);
	if (!ranges_check(engine, command, fault))
		return false;
	macs = (unsigned __int128)kernel_elements(command) * command->ofm.channels;
	macs = macs * command->ofm.width * command->ofm.height;
	command->macs = macs > ENGINE_NEVER ? ENGINE_NEVER : (uint64_t)macs;
	engine->accumulators = (struct engine_accumulators){ 0 };
	if (command->accumulate_to == KESTREL_ACCUMULATE_RAM)
		engine->accumulators = (struct engine_accumulators){
			.width = command->ofm.width,
			.height = command->ofm.height,
			.channels = command->ofm.channels,
		};
	return true;
}
