// SPDX-License-Identifier: MIT
/* The VECTOR unit's commands: checks of every register and operand. */

#include "engine_internal.h"

/* LAYER_NORM: channels at most, and bytes of the table for each. */
#define LAYER_NORM_CHANNELS 4096
#define LAYER_NORM_RECORD_BYTES 6

/* Register numbers of a feature map; IFM and IFM2 and OFM differ in order only. */
struct map_registers {
	uint32_t address;
	uint32_t row_stride;
	uint32_t brick_stride;
	uint32_t pixel_stride;
	uint32_t ring_rows;
	uint32_t first_row;
};

static const struct map_registers ifm_registers = {
	KESTREL_VECTOR_IFM_ADDRESS, KESTREL_VECTOR_IFM_ROW_STRIDE, KESTREL_VECTOR_IFM_BRICK_STRIDE,
	KESTREL_VECTOR_IFM_PIXEL_STRIDE, KESTREL_VECTOR_IFM_RING_ROWS,
	KESTREL_VECTOR_IFM_FIRST_ROW,
};

static const struct map_registers ifm2_registers = {
	KESTREL_VECTOR_IFM2_ADDRESS, KESTREL_VECTOR_IFM2_ROW_STRIDE,
	KESTREL_VECTOR_IFM2_BRICK_STRIDE, KESTREL_VECTOR_IFM2_PIXEL_STRIDE,
	KESTREL_VECTOR_IFM2_RING_ROWS, KESTREL_VECTOR_IFM2_FIRST_ROW,
};

static const struct map_registers ofm_registers = {
	KESTREL_VECTOR_OFM_ADDRESS, KESTREL_VECTOR_OFM_ROW_STRIDE, KESTREL_VECTOR_OFM_BRICK_STRIDE,
	KESTREL_VECTOR_OFM_PIXEL_STRIDE, KESTREL_VECTOR_OFM_RING_ROWS,
	KESTREL_VECTOR_OFM_FIRST_ROW,
};

static bool is_binary(uint32_t operation)
{
	return operation <= KESTREL_VECTOR_MAX;
}

static bool is_pool(uint32_t operation)
{
	return (operation >= KESTREL_VECTOR_MAX_POOL && operation <= KESTREL_VECTOR_SUM_POOL) ||
	       operation == KESTREL_VECTOR_MIN_POOL;
}

static bool is_resize(uint32_t operation)
{
	return operation == KESTREL_VECTOR_RESIZE_BILINEAR ||
	       operation == KESTREL_VECTOR_RESIZE_NEAREST;
}

/* The IFM has a size of its own. */
static bool has_window(uint32_t operation)
{
	return is_pool(operation) || is_resize(operation);
}

/* The type stays as it is. */
static bool moves(uint32_t operation)
{
	return operation == KESTREL_VECTOR_COPY || operation == KESTREL_VECTOR_RESIZE_NEAREST ||
	       operation == KESTREL_VECTOR_TRANSPOSE;
}

static bool is_unclamped(uint32_t operation)
{
	return operation == KESTREL_VECTOR_TABLE || moves(operation);
}

static bool scales_ifm(uint32_t operation)
{
	return operation == KESTREL_VECTOR_ADD || operation == KESTREL_VECTOR_SUB ||
	       operation == KESTREL_VECTOR_RESCALE || operation == KESTREL_VECTOR_SUM_POOL ||
	       operation == KESTREL_VECTOR_LAYER_NORM;
}

static bool scales_ofm(uint32_t operation)
{
	return operation <= KESTREL_VECTOR_MUL;
}

static bool subtracts_ifm(uint32_t operation)
{
	return scales_ifm(operation) || operation == KESTREL_VECTOR_MUL;
}

static bool adds_ofm(uint32_t operation)
{
	return subtracts_ifm(operation) || operation == KESTREL_VECTOR_SOFTMAX;
}

static int32_t type_low(bool wide, bool is_unsigned)
{
	return wide ? INT16_MIN : is_unsigned ? 0 : -128;
}

static int32_t type_high(bool wide, bool is_unsigned)
{
	return wide ? INT16_MAX : is_unsigned ? 255 : 127;
}

/* A writer has packed form below 16; a reader's 0 repeats one brick along x. */
static bool is_packed(const uint32_t *reg, const struct map_registers *r, bool writer)
{
	return reg[r->pixel_stride] < ENGINE_LINE_BYTES && (writer || reg[r->pixel_stride]);
}

static bool map_check(const uint32_t *reg, const struct map_registers *r, uint32_t channels,
		      bool wide, bool writer, struct engine_fault *fault)
{
	bool packed = is_packed(reg, r, writer);
	uint32_t align = packed ? 1 : ENGINE_LINE_BYTES;

	if (!engine_value_check(reg, r->address, 0, UINT32_MAX, align, fault) ||
	    !engine_value_check(reg, r->row_stride, 0, UINT32_MAX, align, fault))
		return false;
	if (!packed && !engine_value_check(reg, r->brick_stride, 0, UINT32_MAX, align, fault))
		return false;
	if (packed ? wide || reg[r->pixel_stride] != channels
		   : reg[r->pixel_stride] % ENGINE_LINE_BYTES != 0)
		return engine_value_refuse(fault, KESTREL_FAULT_ILLEGAL_VALUE, r->pixel_stride);
	return engine_value_check(reg, r->ring_rows, 0, 65536, 1, fault) &&
	       engine_value_check(reg, r->first_row, 0, 65535, 1, fault);
}

static bool operation_check(const uint32_t *reg, struct engine_fault *fault)
{
	uint32_t operation = reg[KESTREL_VECTOR_OPERATION];
	uint32_t flags = reg[KESTREL_VECTOR_FLAGS];
	bool wide_in = flags & KESTREL_VECTOR_FLAG_IFM_16BIT;
	bool wide_out = flags & KESTREL_VECTOR_FLAG_OFM_16BIT;

	if (operation >= KESTREL_VECTOR_OPERATION_COUNT)
		return engine_value_refuse(fault, KESTREL_FAULT_ILLEGAL_VALUE,
					   KESTREL_VECTOR_OPERATION);
	if (flags & ~KESTREL_VECTOR_FLAGS_ALL ||
	    (operation == KESTREL_VECTOR_TABLE && (wide_in || wide_out)) ||
	    (moves(operation) && wide_in != wide_out))
		return engine_value_refuse(fault, KESTREL_FAULT_ILLEGAL_VALUE,
					   KESTREL_VECTOR_FLAGS);
	return true;
}

static uint32_t ifm_channels(const uint32_t *reg)
{
	uint32_t size[3] = {
		reg[KESTREL_VECTOR_OFM_HEIGHT], reg[KESTREL_VECTOR_OFM_WIDTH],
		reg[KESTREL_VECTOR_OFM_CHANNELS],
	};
	uint32_t ifm[3];

	if (reg[KESTREL_VECTOR_OPERATION] != KESTREL_VECTOR_TRANSPOSE)
		return size[2];
	engine_transpose_at(reg[KESTREL_VECTOR_PERMUTATION], size, ifm);
	return ifm[2];
}

static bool inputs_check(const uint32_t *reg, struct engine_fault *fault)
{
	uint32_t operation = reg[KESTREL_VECTOR_OPERATION];
	uint32_t flags = reg[KESTREL_VECTOR_FLAGS];
	bool wide = flags & KESTREL_VECTOR_FLAG_IFM_16BIT;
	bool is_unsigned = flags & KESTREL_VECTOR_FLAG_IFM_UNSIGNED;
	bool is_unsigned2 = flags & KESTREL_VECTOR_FLAG_IFM2_UNSIGNED;

	if (operation == KESTREL_VECTOR_TRANSPOSE &&
	    !engine_value_check(reg, KESTREL_VECTOR_PERMUTATION, 0, KESTREL_PERMUTATION_COUNT - 1,
				1, fault))
		return false;
	if (!map_check(reg, &ifm_registers, ifm_channels(reg), wide, false, fault))
		return false;
	if (has_window(operation) &&
	    (!engine_value_check(reg, KESTREL_VECTOR_IFM_WIDTH, 1, 65536, 1, fault) ||
	     !engine_value_check(reg, KESTREL_VECTOR_IFM_HEIGHT, 1, 65536, 1, fault)))
		return false;
	if (subtracts_ifm(operation) &&
	    !engine_signed_check(reg, KESTREL_VECTOR_IFM_ZERO_POINT, type_low(wide, is_unsigned),
				 type_high(wide, is_unsigned), fault))
		return false;
	if (!is_binary(operation))
		return true;
	return map_check(reg, &ifm2_registers, reg[KESTREL_VECTOR_OFM_CHANNELS], wide, false,
			 fault) &&
	       (!scales_ofm(operation) ||
		engine_signed_check(reg, KESTREL_VECTOR_IFM2_ZERO_POINT,
				    type_low(wide, is_unsigned2), type_high(wide, is_unsigned2),
				    fault));
}

static bool output_check(const uint32_t *reg, struct engine_fault *fault)
{
	uint32_t operation = reg[KESTREL_VECTOR_OPERATION];
	uint32_t flags = reg[KESTREL_VECTOR_FLAGS];
	bool wide = flags & KESTREL_VECTOR_FLAG_OFM_16BIT;
	bool is_unsigned = flags & KESTREL_VECTOR_FLAG_OFM_UNSIGNED;
	int32_t low = type_low(wide, is_unsigned), high = type_high(wide, is_unsigned);

	if (!map_check(reg, &ofm_registers, reg[KESTREL_VECTOR_OFM_CHANNELS], wide, true, fault) ||
	    !engine_value_check(reg, KESTREL_VECTOR_OFM_WIDTH, 1, 65536, 1, fault) ||
	    !engine_value_check(reg, KESTREL_VECTOR_OFM_HEIGHT, 1, 65536, 1, fault) ||
	    !engine_value_check(reg, KESTREL_VECTOR_OFM_CHANNELS, 1, 65536, 1, fault))
		return false;
	if (adds_ofm(operation) &&
	    !engine_signed_check(reg, KESTREL_VECTOR_OFM_ZERO_POINT, low, high, fault))
		return false;
	return is_unclamped(operation) ||
	       (engine_signed_check(reg, KESTREL_VECTOR_CLAMP_MIN, low, high, fault) &&
		engine_signed_check(reg, KESTREL_VECTOR_CLAMP_MAX,
				    engine_zigzag(reg[KESTREL_VECTOR_CLAMP_MIN]), high, fault));
}

static bool scale_check(const uint32_t *reg, uint32_t multiplier, uint32_t shift,
			struct engine_fault *fault)
{
	uint32_t mode = reg[KESTREL_VECTOR_REQUANTISE];
	bool narrow = mode == KESTREL_REQUANTISE_WIDE;

	return engine_value_check(reg, multiplier, 0, narrow ? INT16_MAX : UINT32_MAX, 1,
				  fault) &&
	       (mode == KESTREL_REQUANTISE_F32 ||
		engine_signed_check(reg, shift, -31, narrow ? 14 : 30, fault));
}

static bool scales_check(const uint32_t *reg, struct engine_fault *fault)
{
	uint32_t operation = reg[KESTREL_VECTOR_OPERATION];
	bool add = operation == KESTREL_VECTOR_ADD || operation == KESTREL_VECTOR_SUB;

	if (!scales_ifm(operation) && !scales_ofm(operation))
		return true;
	return engine_value_check(reg, KESTREL_VECTOR_REQUANTISE, 0, KESTREL_REQUANTISE_COUNT - 1,
				  1, fault) &&
	       (!scales_ifm(operation) || scale_check(reg, KESTREL_VECTOR_IFM_MULTIPLIER,
						      KESTREL_VECTOR_IFM_SHIFT, fault)) &&
	       (!add || scale_check(reg, KESTREL_VECTOR_IFM2_MULTIPLIER,
				    KESTREL_VECTOR_IFM2_SHIFT, fault)) &&
	       (!scales_ofm(operation) || scale_check(reg, KESTREL_VECTOR_OFM_MULTIPLIER,
						      KESTREL_VECTOR_OFM_SHIFT, fault)) &&
	       (!add || engine_value_check(reg, KESTREL_VECTOR_LEFT_SHIFT, 0, 20, 1, fault));
}

static bool window_check(const uint32_t *reg, struct engine_fault *fault)
{
	return engine_value_check(reg, KESTREL_VECTOR_KERNEL_WIDTH, 1, 1024, 1, fault) &&
	       engine_value_check(reg, KESTREL_VECTOR_KERNEL_HEIGHT, 1, 1024, 1, fault) &&
	       engine_value_check(reg, KESTREL_VECTOR_STRIDE_X, 1, 64, 1, fault) &&
	       engine_value_check(reg, KESTREL_VECTOR_STRIDE_Y, 1, 64, 1, fault) &&
	       engine_signed_check(reg, KESTREL_VECTOR_PAD_LEFT, -65536, 65536, fault) &&
	       engine_signed_check(reg, KESTREL_VECTOR_PAD_TOP, -65536, 65536, fault);
}

static bool registers_check(const uint32_t *reg, struct engine_fault *fault)
{
	uint32_t operation = reg[KESTREL_VECTOR_OPERATION];

	if (!operation_check(reg, fault) || !inputs_check(reg, fault) ||
	    !output_check(reg, fault) || !scales_check(reg, fault))
		return false;
	if (is_pool(operation))
		return window_check(reg, fault);
	if (operation != KESTREL_VECTOR_TABLE && operation != KESTREL_VECTOR_SOFTMAX &&
	    operation != KESTREL_VECTOR_LAYER_NORM)
		return true;
	if (operation == KESTREL_VECTOR_LAYER_NORM &&
	    !engine_value_check(reg, KESTREL_VECTOR_OFM_CHANNELS, 1, LAYER_NORM_CHANNELS, 1, fault))
		return false;
	return engine_value_check(reg, KESTREL_VECTOR_TABLE_ADDRESS, 0, UINT32_MAX, 16, fault) &&
	       (operation != KESTREL_VECTOR_SOFTMAX ||
		engine_value_check(reg, KESTREL_VECTOR_TABLE_ENTRIES, 1, 256, 1, fault));
}

static void map_fill(struct engine_map *map, const uint32_t *reg, const struct map_registers *r,
		     bool wide, bool is_unsigned, bool writer)
{
	*map = (struct engine_map){
		.address = reg[r->address],
		.row_stride = reg[r->row_stride],
		.brick_stride = reg[r->brick_stride],
		.pixel_stride = reg[r->pixel_stride],
		.ring_rows = reg[r->ring_rows],
		.first_row = reg[r->first_row],
		.width = reg[KESTREL_VECTOR_OFM_WIDTH],
		.height = reg[KESTREL_VECTOR_OFM_HEIGHT],
		.channels = reg[KESTREL_VECTOR_OFM_CHANNELS],
		.element_bytes = wide ? 2 : 1,
		.packed = is_packed(reg, r, writer),
		.is_unsigned = is_unsigned,
	};
}

static void resize_fill(struct engine_vector_command *command, const uint32_t *reg)
{
	uint32_t shift = command->operation == KESTREL_VECTOR_RESIZE_BILINEAR ? 10 : 16;

	command->ifm.height = reg[KESTREL_VECTOR_IFM_HEIGHT];
	command->ifm.width = reg[KESTREL_VECTOR_IFM_WIDTH];
	command->resize_y = (struct engine_resize_axis){
		.start = engine_zigzag(reg[KESTREL_VECTOR_START_Y]),
		.step = reg[KESTREL_VECTOR_STEP_Y], .shift = shift,
		.outputs = command->ofm.height, .inputs = command->ifm.height,
	};
	command->resize_x = (struct engine_resize_axis){
		.start = engine_zigzag(reg[KESTREL_VECTOR_START_X]),
		.step = reg[KESTREL_VECTOR_STEP_X], .shift = shift,
		.outputs = command->ofm.width, .inputs = command->ifm.width,
	};
}

static void command_fill(struct engine_vector_command *command, const uint32_t *reg)
{
	uint32_t flags = reg[KESTREL_VECTOR_FLAGS];
	bool wide = flags & KESTREL_VECTOR_FLAG_IFM_16BIT;
	bool pool = is_pool(reg[KESTREL_VECTOR_OPERATION]);

	*command = (struct engine_vector_command){
		.operation = reg[KESTREL_VECTOR_OPERATION],
		.y = { .outputs = reg[KESTREL_VECTOR_OFM_HEIGHT],
		       .inputs = reg[KESTREL_VECTOR_OFM_HEIGHT],
		       .kernel = 1, .stride = 1, .dilation = 1 },
		.x = { .outputs = reg[KESTREL_VECTOR_OFM_WIDTH],
		       .inputs = reg[KESTREL_VECTOR_OFM_WIDTH],
		       .kernel = 1, .stride = 1, .dilation = 1 },
		.requantise = reg[KESTREL_VECTOR_REQUANTISE],
		.ifm_scale = { reg[KESTREL_VECTOR_IFM_MULTIPLIER],
			       engine_zigzag(reg[KESTREL_VECTOR_IFM_SHIFT]) },
		.ifm2_scale = { reg[KESTREL_VECTOR_IFM2_MULTIPLIER],
				engine_zigzag(reg[KESTREL_VECTOR_IFM2_SHIFT]) },
		.ofm_scale = { reg[KESTREL_VECTOR_OFM_MULTIPLIER],
			       engine_zigzag(reg[KESTREL_VECTOR_OFM_SHIFT]) },
		.left_shift = reg[KESTREL_VECTOR_LEFT_SHIFT],
		.clamp_min = engine_zigzag(reg[KESTREL_VECTOR_CLAMP_MIN]),
		.clamp_max = engine_zigzag(reg[KESTREL_VECTOR_CLAMP_MAX]),
		.table_address = reg[KESTREL_VECTOR_TABLE_ADDRESS],
		.table_entries = reg[KESTREL_VECTOR_TABLE_ENTRIES],
		.epsilon = reg[KESTREL_VECTOR_EPSILON],
	};
	map_fill(&command->ifm, reg, &ifm_registers, wide,
		 flags & KESTREL_VECTOR_FLAG_IFM_UNSIGNED, false);
	map_fill(&command->ifm2, reg, &ifm2_registers, wide,
		 flags & KESTREL_VECTOR_FLAG_IFM2_UNSIGNED, false);
	map_fill(&command->ofm, reg, &ofm_registers, flags & KESTREL_VECTOR_FLAG_OFM_16BIT,
		 flags & KESTREL_VECTOR_FLAG_OFM_UNSIGNED, true);
	if (command->operation == KESTREL_VECTOR_TRANSPOSE) {
		uint32_t size[3] = { command->ofm.height, command->ofm.width, command->ofm.channels };
		uint32_t ifm[3];

		command->permutation = reg[KESTREL_VECTOR_PERMUTATION];
		engine_transpose_at(command->permutation, size, ifm);
		command->ifm.height = ifm[0];
		command->ifm.width = ifm[1];
		command->ifm.channels = ifm[2];
		command->y.outputs = command->y.inputs = ifm[0];
		command->x.outputs = command->x.inputs = ifm[1];
	}
	if (is_resize(command->operation))
		resize_fill(command, reg);
	command->ifm.zero_point = engine_zigzag(reg[KESTREL_VECTOR_IFM_ZERO_POINT]);
	command->ifm2.zero_point = engine_zigzag(reg[KESTREL_VECTOR_IFM2_ZERO_POINT]);
	command->ofm.zero_point = engine_zigzag(reg[KESTREL_VECTOR_OFM_ZERO_POINT]);
	if (pool) {
		command->y.inputs = reg[KESTREL_VECTOR_IFM_HEIGHT];
		command->y.kernel = reg[KESTREL_VECTOR_KERNEL_HEIGHT];
		command->y.stride = reg[KESTREL_VECTOR_STRIDE_Y];
		command->y.pad = engine_zigzag(reg[KESTREL_VECTOR_PAD_TOP]);
		command->x.inputs = reg[KESTREL_VECTOR_IFM_WIDTH];
		command->x.kernel = reg[KESTREL_VECTOR_KERNEL_WIDTH];
		command->x.stride = reg[KESTREL_VECTOR_STRIDE_X];
		command->x.pad = engine_zigzag(reg[KESTREL_VECTOR_PAD_LEFT]);
	}
}

bool engine_vector_resizes(const struct engine_vector_command *command)
{
	return is_resize(command->operation);
}

/* The rows and columns of the IFM that are read, first and last; false: none. */
static bool ifm_extent(const struct engine_vector_command *command, uint32_t *y0, uint32_t *y1,
		       uint32_t *x0, uint32_t *x1)
{
	if (!is_resize(command->operation))
		return engine_axis_extent(&command->y, y0, y1) &&
		       engine_axis_extent(&command->x, x0, x1);
	*y0 = engine_resize_at(&command->resize_y, 0).low;
	*y1 = engine_resize_at(&command->resize_y, command->ofm.height - 1).high;
	*x0 = engine_resize_at(&command->resize_x, 0).low;
	*x1 = engine_resize_at(&command->resize_x, command->ofm.width - 1).high;
	return true;
}

bool engine_vector_binary(const struct engine_vector_command *command)
{
	return is_binary(command->operation);
}

/* Bytes of the table operand; 0: none. */
uint32_t engine_vector_table_bytes(const struct engine_vector_command *command)
{
	if (command->operation == KESTREL_VECTOR_TABLE)
		return 256;
	if (command->operation == KESTREL_VECTOR_LAYER_NORM)
		return LAYER_NORM_RECORD_BYTES * command->ofm.channels;
	return command->operation == KESTREL_VECTOR_SOFTMAX ? command->table_entries * 4 : 0;
}

bool engine_vector_decode(struct engine *engine, struct engine_entry *entry,
			  struct engine_fault *fault)
{
	struct engine_vector_command *command = &entry->command.vector;
	uint32_t y0, y1, x0, x1, table_bytes;

	if (!registers_check(entry->reg, fault))
		return false;
	command_fill(command, entry->reg);
	if (ifm_extent(command, &y0, &y1, &x0, &x1) &&
	    !engine_sram_check(engine, engine_map_end(&command->ifm, y0, y1, x1), fault))
		return false;
	if (is_binary(command->operation) &&
	    !engine_sram_check(engine, engine_map_end(&command->ifm2, 0, command->ofm.height - 1,
						      command->ofm.width - 1), fault))
		return false;
	if (!engine_sram_check(engine, engine_map_end(&command->ofm, 0, command->ofm.height - 1,
						      command->ofm.width - 1), fault))
		return false;
	table_bytes = engine_vector_table_bytes(command);
	return !table_bytes || engine_sram_check(engine, command->table_address +
							 (uint64_t)table_bytes, fault);
}
