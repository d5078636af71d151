// SPDX-License-Identifier: MIT
/* Cycles of MAC and VECTOR commands: docs/hardware.md, "MAC" and "VECTOR". */

#include "engine_internal.h"

#define DEPTH 16
#define LINE_BUFFER_COLUMNS 64
#define BANKS_MAX 4096
/* Products of the largest registers fit. */
typedef unsigned __int128 cycles_t;

static uint64_t saturated(cycles_t cycles)
{
	return cycles > ENGINE_NEVER ? ENGINE_NEVER : (uint64_t)cycles;
}

static uint64_t ceiling(uint64_t a, uint64_t b)
{
	return (a + b - 1) / b;
}

/* How often the busiest bank is read, counted line by line. */
struct bank_count {
	uint32_t banks;
	uint32_t busiest;
	uint16_t reads[BANKS_MAX];
};

static void bank_read(struct bank_count *count, uint64_t line)
{
	uint32_t reads = ++count->reads[line % count->banks];

	if (reads > count->busiest)
		count->busiest = reads;
}

static void bank_clear(struct bank_count *count, const struct kestrel_configuration *configuration)
{
	*count = (struct bank_count){
		.banks = configuration->sram_banks < BANKS_MAX ? configuration->sram_banks
							       : BANKS_MAX,
		.busiest = 1,
	};
	if (!count->banks)
		count->banks = 1;
}

static uint32_t convolution_step(const struct kestrel_configuration *configuration,
				 const struct engine_mac_command *command)
{
	struct bank_count count;

	bank_clear(&count, configuration);
	for (uint32_t i = 0; i < configuration_pixels(configuration); i++)
		bank_read(&count, (uint64_t)i * command->x.stride *
					  (command->ifm.pixel_stride / ENGINE_LINE_BYTES));
	return count.busiest;
}

/* Taps [first, first + taps) of the kernel. */
static uint32_t depthwise_step(const struct kestrel_configuration *configuration,
			       const struct engine_mac_command *command, uint32_t first,
			       uint32_t taps)
{
	uint32_t pixels = configuration_pixels(configuration);
	uint64_t pixel_lines = command->ifm.pixel_stride / ENGINE_LINE_BYTES;
	uint64_t row_lines = (uint64_t)command->y.dilation *
			     (command->ifm.row_stride / ENGINE_LINE_BYTES);
	uint64_t columns = (uint64_t)(pixels - 1) * command->x.stride +
			   (uint64_t)(command->x.kernel - 1) * command->x.dilation + 1;
	struct bank_count count;

	bank_clear(&count, configuration);
	if (columns <= LINE_BUFFER_COLUMNS) {
		uint32_t rows = (first + taps - 1) / command->x.kernel - first / command->x.kernel;

		for (uint32_t r = 0; r <= rows; r++) {
			for (uint32_t i = 0; i < pixels * command->x.stride; i++)
				bank_read(&count, r * row_lines + i * pixel_lines);
		}
		return count.busiest;
	}
	for (uint32_t tap = first; tap < first + taps; tap++) {
		uint64_t r = tap / command->x.kernel - first / command->x.kernel;
		uint64_t kx = tap % command->x.kernel;

		for (uint32_t j = 0; j < pixels; j++)
			bank_read(&count, r * row_lines +
						  (kx * command->x.dilation +
						   (uint64_t)j * command->x.stride) * pixel_lines);
	}
	return count.busiest;
}

/* Elements [first, first + elements) of the kernel. */
static uint32_t packed_step(const struct kestrel_configuration *configuration,
			    const struct engine_mac_command *command, uint32_t first,
			    uint32_t elements)
{
	uint32_t per_row = command->x.kernel * command->ifm.channels;
	uint32_t end = first + elements;
	uint64_t step = (uint64_t)(configuration_pixels(configuration) - 1) * command->x.stride *
			command->ifm.channels;
	struct bank_count count;

	bank_clear(&count, configuration);
	for (uint32_t r = 0; first < end; r++) {
		uint32_t row_end = (first / per_row + 1) * per_row;
		uint32_t span = (row_end < end ? row_end : end) - first;
		uint64_t line = (uint64_t)r * command->y.dilation * command->ifm.row_stride /
				ENGINE_LINE_BYTES;
		/* It may begin at the last byte of a line. */
		uint64_t lines = (span + step + 15 + 15) / 16;

		for (uint64_t i = 0; i < lines; i++)
			bank_read(&count, line + i);
		first += span;
	}
	return count.busiest;
}

/* Passes that cost the same: what one output channel's kernel is made of. */
struct pass {
	uint32_t elements;
	uint32_t step_cycles;
	uint64_t count;
};

/* Blocks, or groups of output channels, that are alike. */
struct alike {
	uint64_t count;
	/* Block: steps and pixels; group: channels. */
	uint64_t steps;
	uint64_t pixels;
};

/* Blocks: whole ones and a shorter last, or pieces of a long row. */
static uint32_t blocks_list(const struct kestrel_configuration *configuration,
			    const struct engine_mac_command *command, struct alike block[2])
{
	uint64_t room = configuration_accumulator_pixels(configuration);
	uint64_t pixels = configuration_pixels(configuration);
	uint64_t width = command->ofm.width, height = command->ofm.height;
	uint32_t kinds = 0;

	if (width <= room) {
		uint64_t rows = room / width;
		uint64_t row_steps = ceiling(width, pixels);

		if (height / rows)
			block[kinds++] = (struct alike){ height / rows, rows * row_steps,
							 rows * width };
		rows = height % rows;
		if (rows)
			block[kinds++] = (struct alike){ 1, rows * row_steps, rows * width };
		return kinds;
	}
	block[kinds++] = (struct alike){ height * (width / room), ceiling(room, pixels), room };
	width %= room;
	if (width)
		block[kinds++] = (struct alike){ height, ceiling(width, pixels), width };
	return kinds;
}

/* Kinds of groups: `steps` holds the channels. */
static uint32_t groups_list(const struct kestrel_configuration *configuration,
			    const struct engine_mac_command *command, struct alike group[2])
{
	uint32_t lanes = configuration_lanes(configuration);
	uint32_t last = command->ofm.channels % 16;
	uint32_t kinds = 0;

	group[kinds++] = (struct alike){ .count = (uint64_t)(command->ofm.channels / 16) *
						  (16 / lanes) + last / lanes,
					 .steps = lanes };
	if (last % lanes)
		group[kinds++] = (struct alike){ .count = 1, .steps = last % lanes };
	return kinds;
}

struct sum {
	cycles_t cycles;
	cycles_t conflicts;
};

/* Adds one kind of pass of a group, over all blocks. */
static void pass_add(struct sum *sum, const struct kestrel_configuration *configuration,
		     const struct engine_mac_command *command, const struct alike *group,
		     const struct alike *block, uint32_t blocks, const struct pass *pass)
{
	uint64_t row = command->flags & KESTREL_MAC_FLAG_WEIGHTS_ARE_FEATURES ? 16
									     : pass->elements;
	uint64_t load = ceiling(group->steps * row, configuration->weight_rate);

	for (uint32_t b = 0; b < blocks; b++) {
		uint64_t ideal = block[b].steps > load ? block[b].steps : load;
		uint64_t work = block[b].steps * pass->step_cycles;
		uint64_t taken = work > load ? work : load;
		cycles_t times = (cycles_t)block[b].count * pass->count;

		sum->cycles += times * (1 + taken);
		sum->conflicts += times * (taken - ideal);
	}
}

/* Sum over a group's passes, of all blocks together; *first_load of its first pass. */
static struct sum passes_add(const struct kestrel_configuration *configuration,
			     const struct engine_mac_command *command, const struct alike *group,
			     const struct alike *block, uint32_t blocks, uint64_t *first_load)
{
	uint32_t depth = DEPTH / command->ifm.element_bytes;
	uint64_t taps = (uint64_t)command->y.kernel * command->x.kernel;
	struct sum sum = { 0 };
	uint32_t first_elements;

	if (command->mode == KESTREL_MAC_CONVOLUTION) {
		struct pass pass = {
			.elements = depth,
			.step_cycles = convolution_step(configuration, command),
			.count = taps * (command->ifm.channels / depth),
		};

		first_elements = command->ifm.channels < depth ? command->ifm.channels : depth;
		if (pass.count)
			pass_add(&sum, configuration, command, group, block, blocks, &pass);
		pass.elements = command->ifm.channels % depth;
		pass.count = taps;
		if (pass.elements)
			pass_add(&sum, configuration, command, group, block, blocks, &pass);
	} else {
		bool depthwise = command->mode == KESTREL_MAC_DEPTHWISE;
		uint32_t per_row = command->x.kernel * (depthwise ? 1 : command->ifm.channels);
		uint32_t elements = per_row * command->y.kernel;

		first_elements = engine_mac_pass(0, elements, per_row, depth);
		for (uint32_t first = 0; first < elements;) {
			struct pass pass = {
				.elements = engine_mac_pass(first, elements, per_row, depth),
				.count = 1,
			};

			pass.step_cycles =
				depthwise ? depthwise_step(configuration, command, first,
							   pass.elements)
					  : packed_step(configuration, command, first,
							pass.elements);
			pass_add(&sum, configuration, command, group, block, blocks, &pass);
			first += pass.elements;
		}
	}
	if (command->flags & KESTREL_MAC_FLAG_WEIGHTS_ARE_FEATURES)
		first_elements = 16;
	*first_load = ceiling(group->steps * first_elements, configuration->weight_rate);
	return sum;
}

/* Cycles below which the comparison configuration's limits do not let a block fall. */
static cycles_t limit_cycles(const struct kestrel_configuration *configuration,
			     const struct engine_mac_command *command, uint64_t channels,
			     uint64_t pixels)
{
	cycles_t cycles = 0;

	if (configuration->output_limit && command->accumulate_to == KESTREL_ACCUMULATE_FRESH)
		cycles = ceiling(channels * pixels, configuration->output_limit);
	if (configuration->depthwise_limit && command->mode == KESTREL_MAC_DEPTHWISE) {
		cycles_t macs = (cycles_t)channels * pixels * command->y.kernel *
				command->x.kernel;
		cycles_t least = (macs + configuration->depthwise_limit - 1) /
				 configuration->depthwise_limit;

		if (least > cycles)
			cycles = least;
	}
	return cycles;
}

uint64_t engine_timing_mac(const struct kestrel_configuration *configuration,
			   const struct engine_mac_command *command, uint64_t *conflict_cycles)
{
	uint64_t spills = (command->accumulate_from == KESTREL_ACCUMULATE_SRAM) +
			  (command->accumulate_to == KESTREL_ACCUMULATE_SRAM);
	struct alike block[2], group[2];
	uint32_t blocks = blocks_list(configuration, command, block);
	uint32_t groups = groups_list(configuration, command, group);
	cycles_t cycles = 0, conflicts = 0;
	uint64_t first_load = 0;
	bool first = true;

	for (uint32_t g = 0; g < groups; g++) {
		if (!group[g].count)
			continue;
		for (uint32_t b = 0; b < blocks; b++) {
			uint64_t load;
			struct sum sum = passes_add(configuration, command, &group[g], &block[b],
						    1, &load);
			cycles_t least = limit_cycles(configuration, command, group[g].steps,
						      block[b].pixels) * block[b].count;

			if (first)
				first_load = load;
			first = false;
			if (sum.cycles < least)
				sum.cycles = least;
			sum.cycles += (cycles_t)block[b].count * (2 + spills * block[b].pixels);
			cycles += sum.cycles * group[g].count;
			conflicts += sum.conflicts * group[g].count;
		}
	}
	cycles += first_load > 8 ? first_load : 8;
	*conflict_cycles = saturated(conflicts);
	return saturated(cycles + (cycles + 31) / 32);
}

static bool vector_wide(const struct engine_vector_command *command)
{
	return command->ifm.element_bytes == 2 || command->ofm.element_bytes == 2;
}

/* Blocks of lanes x lanes elements through the transposition buffer, a line a cycle. */
static cycles_t transpose_cycles(const struct engine_vector_command *command, uint64_t brick)
{
	uint64_t height = command->ofm.height, width = command->ofm.width;
	uint64_t bricks = ceiling(command->ofm.channels, brick);
	cycles_t blocks;

	switch (command->permutation) {
	case KESTREL_PERMUTATION_YXC:
	case KESTREL_PERMUTATION_XYC:
		return (cycles_t)2 * height * width * bricks;
	case KESTREL_PERMUTATION_YCX:
	case KESTREL_PERMUTATION_CYX:
		/* The IFM's channels are columns of the OFM. */
		blocks = (cycles_t)height * ceiling(width, brick) * bricks;
		break;
	default:
		blocks = (cycles_t)width * ceiling(height, brick) * bricks;
		break;
	}
	return blocks * 2 * brick;
}

uint64_t engine_timing_vector(const struct kestrel_configuration *configuration,
			      const struct engine_vector_command *command)
{
	uint64_t lanes = configuration_vector_lanes(configuration);
	uint64_t brick = vector_wide(command) ? 8 : 16;
	uint64_t pixels = (uint64_t)command->ofm.width * command->ofm.height;
	uint64_t channels = command->ofm.channels;
	cycles_t lines = (cycles_t)pixels * ceiling(channels, brick);
	cycles_t groups = (lines * brick + lanes - 1) / lanes;
	cycles_t taps = (cycles_t)command->y.kernel * command->x.kernel;
	cycles_t reads = lines;
	cycles_t cycles, elements = (cycles_t)pixels * channels;

	switch (command->operation) {
	case KESTREL_VECTOR_ADD:
	case KESTREL_VECTOR_SUB:
		cycles = 3 * groups;
		reads = 2 * lines;
		break;
	case KESTREL_VECTOR_MUL:
		cycles = 2 * groups;
		reads = 2 * lines;
		break;
	case KESTREL_VECTOR_MIN:
	case KESTREL_VECTOR_MAX:
		cycles = groups;
		reads = 2 * lines;
		break;
	case KESTREL_VECTOR_RESCALE:
		cycles = groups;
		break;
	case KESTREL_VECTOR_TABLE:
		cycles = 16 + groups;
		break;
	case KESTREL_VECTOR_LAYER_NORM:
		cycles = (cycles_t)pixels * (6 * ceiling(channels, lanes) + 40);
		reads = 3 * lines;
		break;
	case KESTREL_VECTOR_TRANSPOSE:
		cycles = transpose_cycles(command, brick);
		if ((command->ifm.packed || command->ofm.packed) && (elements + 7) / 8 > cycles)
			cycles = (elements + 7) / 8;
		break;
	case KESTREL_VECTOR_RESIZE_BILINEAR:
		cycles = 5 * groups;
		reads = 4 * lines;
		break;
	case KESTREL_VECTOR_RESIZE_NEAREST:
	case KESTREL_VECTOR_COPY:
		cycles = groups > 2 * lines ? groups : 2 * lines;
		if ((command->ifm.packed || command->ofm.packed) && (elements + 7) / 8 > cycles)
			cycles = (elements + 7) / 8;
		break;
	case KESTREL_VECTOR_MAX_POOL:
	case KESTREL_VECTOR_MIN_POOL:
		cycles = taps * groups;
		reads = taps * lines;
		break;
	case KESTREL_VECTOR_AVERAGE_POOL:
		cycles = (taps + 4) * groups;
		reads = taps * lines;
		break;
	case KESTREL_VECTOR_SUM_POOL:
		cycles = (taps + 1) * groups;
		reads = taps * lines;
		break;
	default:
		cycles = ceiling(command->table_entries, 4) +
			 (cycles_t)pixels * (3 * ceiling(channels, lanes) + ceiling(channels, 4) +
					     24);
		reads = 3 * lines;
		break;
	}
	if ((reads + lines + 7) / 8 > cycles)
		cycles = (reads + lines + 7) / 8;
	if (configuration->vector_sram_limit) {
		cycles_t least = ((reads + lines) * ENGINE_LINE_BYTES +
				  configuration->vector_sram_limit - 1) /
				 configuration->vector_sram_limit;

		if (least > cycles)
			cycles = least;
	}
	cycles += 12;
	return saturated(cycles + (cycles + 31) / 32);
}
