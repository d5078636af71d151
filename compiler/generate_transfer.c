// SPDX-License-Identifier: MIT
/* Commands that move a feature map, or rows of it, between memory and SRAM. */
#include "generate.h"

#define PORT_TENSORS 1

/* One axis of the map: the view's dimensions that make it. */
struct axis {
	const struct view_dimension *dimensions;
	unsigned int count;
};

struct transfer {
	struct command_list *list;
	enum kestrel_unit unit;
	unsigned int operator_index;
	const struct generate_transfer *what;
	struct axis y, x, c;
};

/* Bytes from the axis' first element to element `index`. */
static int64_t axis_offset(const struct axis *axis, int32_t index)
{
	int64_t offset = 0;

	for (unsigned int i = axis->count; i-- > 0;) {
		offset += index % axis->dimensions[i].size * axis->dimensions[i].stride;
		index /= axis->dimensions[i].size;
	}
	return offset;
}

/* Elements of the axis that have one stride, and that stride. */
static int32_t axis_run(const struct axis *axis, int32_t size)
{
	return axis->count > 1 ? axis->dimensions[axis->count - 1].size : size;
}

static int32_t least(int32_t a, int32_t b)
{
	return a < b ? a : b;
}

static int64_t axis_stride(const struct axis *axis)
{
	return axis->count ? axis->dimensions[axis->count - 1].stride : 0;
}

/* Rows, pixels and channels [y, y + rows) ... that one stride each leads through. */
struct block {
	int32_t y, rows, x, pixels, c, channels;
	/* Where it begins. */
	int64_t memory;
	uint64_t sram;
};

/* Records what a transfer touches: in memory exactly, in SRAM at most `bytes`. */
static void block_access(const struct transfer *transfer, struct command *command,
			 const struct block *block, uint64_t bytes)
{
	bool from_memory = transfer->unit == KESTREL_UNIT_DMA_IN;
	int64_t low = block->memory;
	int64_t high = low + transfer->what->layout.element_bytes;
	int64_t spans[3] = {
		(block->rows - 1) * axis_stride(&transfer->y),
		(block->pixels - 1) * axis_stride(&transfer->x),
		(block->channels - 1) * axis_stride(&transfer->c),
	};

	for (unsigned int i = 0; i < 3; i++)
		*(spans[i] < 0 ? &low : &high) += spans[i];
	command_access(command, COMMAND_SPACE_SRAM, from_memory, block->sram,
		       block->sram + bytes);
	command_access(command, (uint8_t)(COMMAND_SPACE_BASE + transfer->what->place->base),
		       !from_memory, (uint64_t)low, (uint64_t)high);
}

static struct command *begin(const struct transfer *transfer, const struct block *block,
			     enum kestrel_dma_mode mode)
{
	struct command *command = command_append(transfer->list, transfer->unit,
						 transfer->operator_index);

	command_set(command, KESTREL_DMA_MODE, mode);
	command_set(command, KESTREL_DMA_PORT, PORT_TENSORS);
	command_set(command, KESTREL_DMA_BASE, transfer->what->place->base);
	command_set(command, KESTREL_DMA_OFFSET, block->memory);
	command_set(command, KESTREL_DMA_SRAM_ADDRESS, (int64_t)block->sram);
	return command;
}

static void set_dimension(struct command *command, unsigned int d, int64_t count,
			  int64_t memory_stride, int64_t sram_stride)
{
	command_set(command, KESTREL_DMA_COUNT0 + d, count);
	if (count == 1)
		return;
	command_set(command, KESTREL_DMA_MEMORY_STRIDE1 + d - 1, memory_stride);
	command_set(command, KESTREL_DMA_SRAM_STRIDE1 + d - 1, sram_stride);
}

/* Channels that lie one behind the other in memory. */
static void move_pixels(const struct transfer *transfer, const struct block *block)
{
	const struct layout *layout = &transfer->what->layout;
	int64_t pixel_bytes = (int64_t)block->channels * layout->element_bytes;
	uint64_t bytes = (uint64_t)(block->rows - 1) * layout->row_stride;
	int64_t x_stride = axis_stride(&transfer->x), y_stride = axis_stride(&transfer->y);
	struct command *command;

	if (!layout->packed) {
		command = begin(transfer, block, KESTREL_DMA_BRICK);
		command_set(command, KESTREL_DMA_COUNT0, block->channels);
		command_set(command, KESTREL_DMA_ELEMENT_BYTES, layout->element_bytes);
		command_set(command, KESTREL_DMA_COUNT1, block->pixels);
		command_set(command, KESTREL_DMA_COUNT2, block->rows);
		command_set(command, KESTREL_DMA_COUNT3, 1);
		command_set(command, KESTREL_DMA_MEMORY_STRIDE1, x_stride);
		command_set(command, KESTREL_DMA_MEMORY_STRIDE2, y_stride);
		command_set(command, KESTREL_DMA_SRAM_STRIDE1, layout->pixel_stride);
		command_set(command, KESTREL_DMA_SRAM_STRIDE2, layout->row_stride);
		command_set(command, KESTREL_DMA_BRICK_STRIDE, layout->brick_stride);
		bytes += (uint64_t)(block->pixels - 1) * layout->pixel_stride +
			 layout_channel_offset(layout, block->channels - 1) +
			 KESTREL_ISA_BRICK_BYTES;
	} else if (block->pixels == 1 || (x_stride == pixel_bytes &&
					  layout->pixel_stride == (uint32_t)block->channels)) {
		command = begin(transfer, block, KESTREL_DMA_COPY);
		pixel_bytes *= block->pixels;
		command_set(command, KESTREL_DMA_COUNT0, pixel_bytes);
		command_set(command, KESTREL_DMA_COUNT1, block->rows);
		command_set(command, KESTREL_DMA_COUNT2, 1);
		command_set(command, KESTREL_DMA_COUNT3, 1);
		command_set(command, KESTREL_DMA_MEMORY_STRIDE1, y_stride);
		command_set(command, KESTREL_DMA_SRAM_STRIDE1, layout->row_stride);
		bytes += (uint64_t)pixel_bytes;
	} else {
		command = begin(transfer, block, KESTREL_DMA_COPY);
		command_set(command, KESTREL_DMA_COUNT0, pixel_bytes);
		set_dimension(command, 1, block->pixels, x_stride, layout->pixel_stride);
		set_dimension(command, 2, block->rows, y_stride, layout->row_stride);
		command_set(command, KESTREL_DMA_COUNT3, 1);
		bytes += (uint64_t)(block->pixels - 1) * layout->pixel_stride +
			 (uint64_t)pixel_bytes;
	}
	block_access(transfer, command, block, bytes);
}

struct dimension {
	int64_t count, memory, sram;
};

/* Element by element: channels of one brick, or of the whole packed pixel. */
static void move_elements(const struct transfer *transfer, const struct block *block)
{
	const struct layout *layout = &transfer->what->layout;
	struct command *command = begin(transfer, block, KESTREL_DMA_COPY);
	struct dimension dimension[3] = {
		{ block->channels, axis_stride(&transfer->c), layout->element_bytes },
		{ block->pixels, axis_stride(&transfer->x), layout->pixel_stride },
		{ block->rows, axis_stride(&transfer->y), layout->row_stride },
	};
	uint64_t bytes = layout->element_bytes;

	command_set(command, KESTREL_DMA_COUNT0, layout->element_bytes);
	/* What is contiguous in memory comes first: it passes the port as one run. */
	for (unsigned int d = 1; d < 3; d++)
		if (dimension[d].count > 1 && dimension[d].memory == layout->element_bytes) {
			struct dimension first = dimension[d];

			dimension[d] = dimension[0];
			dimension[0] = first;
			break;
		}
	for (unsigned int d = 0; d < 3; d++) {
		set_dimension(command, d + 1, dimension[d].count, dimension[d].memory,
			      dimension[d].sram);
		bytes += (uint64_t)((dimension[d].count - 1) * dimension[d].sram);
	}
	block_access(transfer, command, block, bytes);
}

static void move_block(const struct transfer *transfer, struct block block)
{
	const struct generate_transfer *what = transfer->what;
	const struct layout *layout = &what->layout;
	int32_t lanes = layout->packed ? block.channels : layout_lanes(layout);
	int32_t c = block.c, end = block.c + block.channels;

	block.memory = what->place->view.offset + axis_offset(&transfer->y, block.y) +
		       axis_offset(&transfer->x, block.x) +
		       axis_offset(&transfer->c, what->channel_first + c);
	block.sram = what->address + layout_offset(layout, block.y - what->row_first,
						   block.x - what->column_first, c);
	if (transfer->c.count < 2 && !c && block.channels == layout->channels &&
	    (block.channels == 1 || axis_stride(&transfer->c) == layout->element_bytes)) {
		move_pixels(transfer, &block);
		return;
	}
	for (; c < end; c += block.channels) {
		int32_t brick_end = c - c % lanes + lanes;

		block.c = c;
		block.channels = (end < brick_end ? end : brick_end) - c;
		block.memory = what->place->view.offset + axis_offset(&transfer->y, block.y) +
			       axis_offset(&transfer->x, block.x) +
			       axis_offset(&transfer->c, what->channel_first + c);
		block.sram = what->address +
			     layout_offset(layout, block.y - what->row_first,
					   block.x - what->column_first, c);
		move_elements(transfer, &block);
	}
}

/* Element by element leaves the lanes behind the last channel as they were. */
static void clear_tail(const struct transfer *transfer)
{
	const struct generate_transfer *what = transfer->what;
	uint64_t bytes = layout_bytes(&what->layout, what->row_end - what->row_first);
	struct command *command;

	if (transfer->unit != KESTREL_UNIT_DMA_IN || what->layout.packed ||
	    what->layout.channels % layout_lanes(&what->layout) == 0 ||
	    !transfer->c.count ||
	    (transfer->c.count == 1 && axis_stride(&transfer->c) == what->layout.element_bytes))
		return;
	command = command_append(transfer->list, KESTREL_UNIT_DMA_IN, transfer->operator_index);
	command_set(command, KESTREL_DMA_MODE, KESTREL_DMA_FILL_BYTES);
	command_set(command, KESTREL_DMA_FILL, 0);
	command_set(command, KESTREL_DMA_SRAM_ADDRESS, (int64_t)what->address);
	command_set(command, KESTREL_DMA_COUNT0, (int64_t)bytes);
	for (unsigned int d = 1; d < 4; d++)
		command_set(command, KESTREL_DMA_COUNT0 + d, 1);
	command_access(command, COMMAND_SPACE_SRAM, true, what->address, what->address + bytes);
}

void generate_transfer(struct command_list *list, enum kestrel_unit unit,
		       unsigned int operator_index, const struct generate_transfer *what)
{
	const int32_t shape[3] = { what->height, what->width, what->channels };
	struct view view = what->place->view;
	struct transfer transfer = {
		.list = list, .unit = unit, .operator_index = operator_index, .what = what,
	};
	int32_t rows, run, pixels, channel_run, channels, channels_end = what->layout.channels;
	int32_t columns_end = what->column_first + what->layout.width;
	unsigned int first[4];

	/* Who built the segment has asked whether it can be grouped. */
	if (!view_group(&view, shape, 3, first)) {
		list->failed = true;
		return;
	}
	transfer.y = (struct axis){ &view.dimensions[first[0]], first[1] - first[0] };
	transfer.x = (struct axis){ &view.dimensions[first[1]], first[2] - first[1] };
	transfer.c = (struct axis){ &view.dimensions[first[2]], first[3] - first[2] };
	clear_tail(&transfer);
	rows = transfer.y.count > 1 ? 1 : what->row_end - what->row_first;
	run = axis_run(&transfer.x, what->width);
	channel_run = axis_run(&transfer.c, what->channels);
	for (int32_t y = what->row_first; y < what->row_end; y += rows)
		for (int32_t x = what->column_first; x < columns_end; x += pixels) {
			pixels = least(run - x % run, columns_end - x);
			for (int32_t c = 0; c < channels_end; c += channels) {
				channels = least(channel_run - (what->channel_first + c) % channel_run,
						 channels_end - c);
				move_block(&transfer, (struct block){
					.y = y, .rows = rows, .x = x, .pixels = pixels,
					.c = c, .channels = channels,
				});
			}
		}
}
