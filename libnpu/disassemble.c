// SPDX-License-Identifier: MIT
/* Command streams as text. Pure. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <kestrel/isa.h>

#include <npu.h>

/* A register of a unit: its name, how its value is coded, what values mean. */
struct stream_register {
	const char *name;
	int is_signed;
	/* Words for the values 0, 1, ..., ending in NULL; or NULL. */
	const char *const *values;
};

static const char *const dma_modes[] = {
	[KESTREL_DMA_COPY] = "copy",
	[KESTREL_DMA_FILL_BYTES] = "fill_bytes",
	[KESTREL_DMA_BRICK] = "brick",
	[KESTREL_DMA_DECODE] = "decode",
	[KESTREL_DMA_LOAD_TABLE] = "load_table",
	[KESTREL_DMA_EXPAND_INT4] = "expand_int4",
	NULL
};
static const char *const mac_modes[] = {
	[KESTREL_MAC_CONVOLUTION] = "convolution",
	[KESTREL_MAC_PACKED_CONVOLUTION] = "packed_convolution",
	[KESTREL_MAC_DEPTHWISE] = "depthwise",
	NULL
};
static const char *const accumulators[] = {
	[KESTREL_ACCUMULATE_FRESH] = "fresh",
	[KESTREL_ACCUMULATE_RAM] = "ram",
	[KESTREL_ACCUMULATE_SRAM] = "sram",
	NULL
};
static const char *const requantise_modes[] = {
	[KESTREL_REQUANTISE_DOUBLE] = "double",
	[KESTREL_REQUANTISE_SINGLE] = "single",
	[KESTREL_REQUANTISE_F32] = "f32",
	[KESTREL_REQUANTISE_WIDE] = "wide",
	NULL
};
static const char *const vector_operations[] = {
	[KESTREL_VECTOR_ADD] = "add",
	[KESTREL_VECTOR_SUB] = "sub",
	[KESTREL_VECTOR_MUL] = "mul",
	[KESTREL_VECTOR_MIN] = "min",
	[KESTREL_VECTOR_MAX] = "max",
	[KESTREL_VECTOR_RESCALE] = "rescale",
	[KESTREL_VECTOR_TABLE] = "table",
	[KESTREL_VECTOR_COPY] = "copy",
	[KESTREL_VECTOR_MAX_POOL] = "max_pool",
	[KESTREL_VECTOR_AVERAGE_POOL] = "average_pool",
	[KESTREL_VECTOR_SUM_POOL] = "sum_pool",
	[KESTREL_VECTOR_SOFTMAX] = "softmax",
	[KESTREL_VECTOR_MIN_POOL] = "min_pool",
	[KESTREL_VECTOR_LAYER_NORM] = "layer_norm",
	[KESTREL_VECTOR_RESIZE_BILINEAR] = "resize_bilinear",
	[KESTREL_VECTOR_RESIZE_NEAREST] = "resize_nearest",
	[KESTREL_VECTOR_TRANSPOSE] = "transpose",
	NULL
};

static const char *const permutations[] = {
	[KESTREL_PERMUTATION_YXC] = "yxc",
	[KESTREL_PERMUTATION_XYC] = "xyc",
	[KESTREL_PERMUTATION_YCX] = "ycx",
	[KESTREL_PERMUTATION_CXY] = "cxy",
	[KESTREL_PERMUTATION_XCY] = "xcy",
	[KESTREL_PERMUTATION_CYX] = "cyx",
	NULL
};

static const struct stream_register dma_registers[] = {
	[KESTREL_DMA_MODE] = { "mode", .values = dma_modes },
	[KESTREL_DMA_PORT] = { "port" },
	[KESTREL_DMA_BASE] = { "base" },
	[KESTREL_DMA_OFFSET] = { "offset" },
	[KESTREL_DMA_SRAM_ADDRESS] = { "sram_address" },
	[KESTREL_DMA_COUNT0] = { "count0" },
	[KESTREL_DMA_COUNT1] = { "count1" },
	[KESTREL_DMA_COUNT2] = { "count2" },
	[KESTREL_DMA_COUNT3] = { "count3" },
	[KESTREL_DMA_MEMORY_STRIDE1] = { "memory_stride1", .is_signed = 1 },
	[KESTREL_DMA_MEMORY_STRIDE2] = { "memory_stride2", .is_signed = 1 },
	[KESTREL_DMA_MEMORY_STRIDE3] = { "memory_stride3", .is_signed = 1 },
	[KESTREL_DMA_SRAM_STRIDE1] = { "sram_stride1" },
	[KESTREL_DMA_SRAM_STRIDE2] = { "sram_stride2" },
	[KESTREL_DMA_SRAM_STRIDE3] = { "sram_stride3" },
	[KESTREL_DMA_RING_ROWS] = { "ring_rows" },
	[KESTREL_DMA_FIRST_ROW] = { "first_row" },
	[KESTREL_DMA_BRICK_STRIDE] = { "brick_stride" },
	[KESTREL_DMA_ELEMENT_BYTES] = { "element_bytes" },
	[KESTREL_DMA_FILL] = { "fill" },
	[KESTREL_DMA_SOURCE_BYTES] = { "source_bytes" },
	[KESTREL_DMA_TABLE] = { "table" },
	[KESTREL_DMA_SYMBOLS] = { "symbols" },
	[KESTREL_DMA_RUN_VALUE] = { "run_value" },
};

static const struct stream_register mac_registers[] = {
	[KESTREL_MAC_MODE] = { "mode", .values = mac_modes },
	[KESTREL_MAC_FLAGS] = { "flags" },
	[KESTREL_MAC_IFM_ADDRESS] = { "ifm_address" },
	[KESTREL_MAC_IFM_ROW_STRIDE] = { "ifm_row_stride" },
	[KESTREL_MAC_IFM_BRICK_STRIDE] = { "ifm_brick_stride" },
	[KESTREL_MAC_IFM_PIXEL_STRIDE] = { "ifm_pixel_stride" },
	[KESTREL_MAC_IFM_RING_ROWS] = { "ifm_ring_rows" },
	[KESTREL_MAC_IFM_FIRST_ROW] = { "ifm_first_row" },
	[KESTREL_MAC_IFM_WIDTH] = { "ifm_width" },
	[KESTREL_MAC_IFM_HEIGHT] = { "ifm_height" },
	[KESTREL_MAC_IFM_CHANNELS] = { "ifm_channels" },
	[KESTREL_MAC_IFM_ZERO_POINT] = { "ifm_zero_point", .is_signed = 1 },
	[KESTREL_MAC_KERNEL_WIDTH] = { "kernel_width" },
	[KESTREL_MAC_KERNEL_HEIGHT] = { "kernel_height" },
	[KESTREL_MAC_STRIDE_X] = { "stride_x" },
	[KESTREL_MAC_STRIDE_Y] = { "stride_y" },
	[KESTREL_MAC_DILATION_X] = { "dilation_x" },
	[KESTREL_MAC_DILATION_Y] = { "dilation_y" },
	[KESTREL_MAC_PAD_LEFT] = { "pad_left", .is_signed = 1 },
	[KESTREL_MAC_PAD_TOP] = { "pad_top", .is_signed = 1 },
	[KESTREL_MAC_OFM_ADDRESS] = { "ofm_address" },
	[KESTREL_MAC_OFM_ROW_STRIDE] = { "ofm_row_stride" },
	[KESTREL_MAC_OFM_BRICK_STRIDE] = { "ofm_brick_stride" },
	[KESTREL_MAC_OFM_PIXEL_STRIDE] = { "ofm_pixel_stride" },
	[KESTREL_MAC_OFM_RING_ROWS] = { "ofm_ring_rows" },
	[KESTREL_MAC_OFM_FIRST_ROW] = { "ofm_first_row" },
	[KESTREL_MAC_OFM_WIDTH] = { "ofm_width" },
	[KESTREL_MAC_OFM_HEIGHT] = { "ofm_height" },
	[KESTREL_MAC_OFM_CHANNELS] = { "ofm_channels" },
	[KESTREL_MAC_OFM_ZERO_POINT] = { "ofm_zero_point", .is_signed = 1 },
	[KESTREL_MAC_CLAMP_MIN] = { "clamp_min", .is_signed = 1 },
	[KESTREL_MAC_CLAMP_MAX] = { "clamp_max", .is_signed = 1 },
	[KESTREL_MAC_WEIGHT_ADDRESS] = { "weight_address" },
	[KESTREL_MAC_WEIGHT_BRICK_STRIDE] = { "weight_brick_stride" },
	[KESTREL_MAC_WEIGHT_ZERO_POINT] = { "weight_zero_point", .is_signed = 1 },
	[KESTREL_MAC_RECORD_ADDRESS] = { "record_address" },
	[KESTREL_MAC_REQUANTISE] = { "requantise", .values = requantise_modes },
	[KESTREL_MAC_MULTIPLIER] = { "multiplier" },
	[KESTREL_MAC_SHIFT] = { "shift", .is_signed = 1 },
	[KESTREL_MAC_DEPTH_MULTIPLIER] = { "depth_multiplier" },
	[KESTREL_MAC_ACCUMULATE_FROM] = { "accumulate_from", .values = accumulators },
	[KESTREL_MAC_ACCUMULATE_TO] = { "accumulate_to", .values = accumulators },
	[KESTREL_MAC_SPILL_ADDRESS] = { "spill_address" },
};

static const struct stream_register vector_registers[] = {
	[KESTREL_VECTOR_OPERATION] = { "operation", .values = vector_operations },
	[KESTREL_VECTOR_FLAGS] = { "flags" },
	[KESTREL_VECTOR_IFM_ADDRESS] = { "ifm_address" },
	[KESTREL_VECTOR_IFM_ROW_STRIDE] = { "ifm_row_stride" },
	[KESTREL_VECTOR_IFM_BRICK_STRIDE] = { "ifm_brick_stride" },
	[KESTREL_VECTOR_IFM_PIXEL_STRIDE] = { "ifm_pixel_stride" },
	[KESTREL_VECTOR_IFM_RING_ROWS] = { "ifm_ring_rows" },
	[KESTREL_VECTOR_IFM_FIRST_ROW] = { "ifm_first_row" },
	[KESTREL_VECTOR_IFM_WIDTH] = { "ifm_width" },
	[KESTREL_VECTOR_IFM_HEIGHT] = { "ifm_height" },
	[KESTREL_VECTOR_IFM_ZERO_POINT] = { "ifm_zero_point", .is_signed = 1 },
	[KESTREL_VECTOR_IFM2_ADDRESS] = { "ifm2_address" },
	[KESTREL_VECTOR_IFM2_ROW_STRIDE] = { "ifm2_row_stride" },
	[KESTREL_VECTOR_IFM2_BRICK_STRIDE] = { "ifm2_brick_stride" },
	[KESTREL_VECTOR_IFM2_PIXEL_STRIDE] = { "ifm2_pixel_stride" },
	[KESTREL_VECTOR_IFM2_RING_ROWS] = { "ifm2_ring_rows" },
	[KESTREL_VECTOR_IFM2_FIRST_ROW] = { "ifm2_first_row" },
	[KESTREL_VECTOR_IFM2_ZERO_POINT] = { "ifm2_zero_point", .is_signed = 1 },
	[KESTREL_VECTOR_OFM_ADDRESS] = { "ofm_address" },
	[KESTREL_VECTOR_OFM_ROW_STRIDE] = { "ofm_row_stride" },
	[KESTREL_VECTOR_OFM_BRICK_STRIDE] = { "ofm_brick_stride" },
	[KESTREL_VECTOR_OFM_PIXEL_STRIDE] = { "ofm_pixel_stride" },
	[KESTREL_VECTOR_OFM_RING_ROWS] = { "ofm_ring_rows" },
	[KESTREL_VECTOR_OFM_FIRST_ROW] = { "ofm_first_row" },
	[KESTREL_VECTOR_OFM_WIDTH] = { "ofm_width" },
	[KESTREL_VECTOR_OFM_HEIGHT] = { "ofm_height" },
	[KESTREL_VECTOR_OFM_CHANNELS] = { "ofm_channels" },
	[KESTREL_VECTOR_OFM_ZERO_POINT] = { "ofm_zero_point", .is_signed = 1 },
	[KESTREL_VECTOR_CLAMP_MIN] = { "clamp_min", .is_signed = 1 },
	[KESTREL_VECTOR_CLAMP_MAX] = { "clamp_max", .is_signed = 1 },
	[KESTREL_VECTOR_REQUANTISE] = { "requantise", .values = requantise_modes },
	[KESTREL_VECTOR_IFM_MULTIPLIER] = { "ifm_multiplier" },
	[KESTREL_VECTOR_IFM_SHIFT] = { "ifm_shift", .is_signed = 1 },
	[KESTREL_VECTOR_IFM2_MULTIPLIER] = { "ifm2_multiplier" },
	[KESTREL_VECTOR_IFM2_SHIFT] = { "ifm2_shift", .is_signed = 1 },
	[KESTREL_VECTOR_OFM_MULTIPLIER] = { "ofm_multiplier" },
	[KESTREL_VECTOR_OFM_SHIFT] = { "ofm_shift", .is_signed = 1 },
	[KESTREL_VECTOR_LEFT_SHIFT] = { "left_shift" },
	[KESTREL_VECTOR_KERNEL_WIDTH] = { "kernel_width" },
	[KESTREL_VECTOR_KERNEL_HEIGHT] = { "kernel_height" },
	[KESTREL_VECTOR_STRIDE_X] = { "stride_x" },
	[KESTREL_VECTOR_STRIDE_Y] = { "stride_y" },
	[KESTREL_VECTOR_PAD_LEFT] = { "pad_left", .is_signed = 1 },
	[KESTREL_VECTOR_PAD_TOP] = { "pad_top", .is_signed = 1 },
	[KESTREL_VECTOR_TABLE_ADDRESS] = { "table_address" },
	[KESTREL_VECTOR_TABLE_ENTRIES] = { "table_entries" },
	[KESTREL_VECTOR_STEP_X] = { "step_x" },
	[KESTREL_VECTOR_STEP_Y] = { "step_y" },
	[KESTREL_VECTOR_START_X] = { "start_x", .is_signed = 1 },
	[KESTREL_VECTOR_START_Y] = { "start_y", .is_signed = 1 },
	[KESTREL_VECTOR_PERMUTATION] = { "permutation", .values = permutations },
	[KESTREL_VECTOR_EPSILON] = { "epsilon" },
};

/* A register that isa.h gets needs a line above. */
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
_Static_assert(LENGTH(dma_registers) == KESTREL_DMA_REGISTER_COUNT, "a DMA register is missing");
_Static_assert(LENGTH(mac_registers) == KESTREL_MAC_REGISTER_COUNT, "a MAC register is missing");
_Static_assert(LENGTH(vector_registers) == KESTREL_VECTOR_REGISTER_COUNT,
	       "a VECTOR register is missing");
_Static_assert(LENGTH(vector_operations) == KESTREL_VECTOR_OPERATION_COUNT + 1,
	       "a VECTOR operation is missing");

static const struct {
	const char *name;
	const struct stream_register *registers;
	uint32_t register_count;
} units[KESTREL_UNIT_COUNT] = {
	[KESTREL_UNIT_DMA_IN] = { "dma_in", dma_registers, KESTREL_DMA_REGISTER_COUNT },
	[KESTREL_UNIT_DMA_OUT] = { "dma_out", dma_registers, KESTREL_DMA_REGISTER_COUNT },
	[KESTREL_UNIT_MAC] = { "mac", mac_registers, KESTREL_MAC_REGISTER_COUNT },
	[KESTREL_UNIT_VECTOR] = { "vector", vector_registers, KESTREL_VECTOR_REGISTER_COUNT },
};

/* A record that is being read, and the text that is made of it. */
struct reader {
	const uint8_t *at;
	const uint8_t *end;
	char *text;
	size_t room;
};

__attribute__((format(printf, 2, 3)))
static void reader_say(struct reader *reader, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(reader->text, reader->room, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	if ((size_t)length >= reader->room)
		length = reader->room ? (int)reader->room - 1 : 0;
	reader->text += length;
	reader->room -= (size_t)length;
}

/* Unsigned LEB128, at most 5 bytes and 2^32-1: 0, or -EILSEQ with the reason as text. */
static int reader_number(struct reader *reader, uint32_t *number)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < 5; i++) {
		uint8_t byte;

		if (reader->at == reader->end) {
			reader_say(reader, "a number that the stream's end cuts off");
			return -EILSEQ;
		}
		byte = *reader->at++;
		value |= (uint64_t)(byte & 0x7f) << i * 7;
		if (byte & 0x80)
			continue;
		if (value > UINT32_MAX)
			break;
		*number = (uint32_t)value;
		return 0;
	}
	reader_say(reader, "a number that is too large");
	return -EILSEQ;
}

static int record_set(struct reader *reader, uint32_t unit, uint8_t number)
{
	const struct stream_register *entry;
	uint32_t value, i;
	int ret;

	reader_say(reader, "%s.", units[unit].name);
	if (number >= units[unit].register_count) {
		reader_say(reader, "%u: no such register", number);
		return -EILSEQ;
	}
	entry = &units[unit].registers[number];
	reader_say(reader, "%s = ", entry->name);
	ret = reader_number(reader, &value);
	if (ret)
		return ret;
	if (entry->is_signed)
		reader_say(reader, "%" PRId64, value & 1 ? -(int64_t)(value >> 1) - 1 :
							    (int64_t)(value >> 1));
	else
		reader_say(reader, "%" PRIu32, value);
	for (i = 0; entry->values && entry->values[i]; i++) {
		if (i == value)
			reader_say(reader, " (%s)", entry->values[i]);
	}
	return 0;
}

static int record_preempt(struct reader *reader)
{
	uint32_t count, address, length;
	int ret;

	reader_say(reader, "preempt");
	ret = reader_number(reader, &count);
	if (!ret && count > KESTREL_ISA_PREEMPT_RANGES) {
		reader_say(reader, ": %" PRIu32 " ranges are too many", count);
		return -EILSEQ;
	}
	for (uint32_t i = 0; !ret && i < count; i++) {
		reader_say(reader, i ? ", " : " live ");
		ret = reader_number(reader, &address);
		if (!ret)
			ret = reader_number(reader, &length);
		if (!ret)
			reader_say(reader, "0x%" PRIx32 "+%" PRIu32, address, length);
	}
	return ret;
}

static int record_other(struct reader *reader, uint32_t *unit, uint8_t byte)
{
	if (byte == KESTREL_ISA_END) {
		reader_say(reader, "end");
	} else if (byte == KESTREL_ISA_EXECUTE) {
		reader_say(reader, "%s execute", units[*unit].name);
	} else if (byte - KESTREL_ISA_SELECT >= 0 && byte - KESTREL_ISA_SELECT < KESTREL_UNIT_COUNT) {
		*unit = byte - KESTREL_ISA_SELECT;
		reader_say(reader, "select %s", units[*unit].name);
	} else if ((byte & 0xf0) == KESTREL_ISA_SIGNAL) {
		reader_say(reader, "%s signal %u", units[*unit].name, byte & 0xf);
	} else if ((byte & 0xf0) == KESTREL_ISA_WAIT) {
		reader_say(reader, "%s wait %u", units[*unit].name, byte & 0xf);
	} else {
		reader_say(reader, "0x%02x: no such record", byte);
		return -EILSEQ;
	}
	return 0;
}

int npu_disassemble(const void *stream, size_t size, struct npu_disassembly *state, char *text,
		    size_t text_size)
{
	const uint8_t *bytes = stream;
	struct reader reader = { .text = text, .room = text_size };
	const uint8_t *start;
	uint8_t byte;
	int ret;

	if (text_size)
		text[0] = 0;
	if (state->unit >= KESTREL_UNIT_COUNT || state->offset > size)
		return -EINVAL;
	if (state->offset == size)
		return 0;
	start = bytes + state->offset;
	reader.at = start;
	reader.end = bytes + size;
	byte = *reader.at++;
	if (byte < 0x80) {
		ret = record_set(&reader, state->unit, byte);
	} else if (byte == KESTREL_ISA_PREEMPT) {
		ret = record_preempt(&reader);
		state->unit = KESTREL_UNIT_DMA_IN;
	} else {
		ret = record_other(&reader, &state->unit, byte);
	}
	if (ret)
		return ret;
	state->offset += (size_t)(reader.at - start);
	return (int)(reader.at - start);
}
