// SPDX-License-Identifier: MIT
#include <string.h>

#include "coding.h"
#include "error.h"
#include "generate.h"

#define PORT_CONSTANTS 0
#define PORT_TENSORS 1
/* COUNT0 of a command. */
#define FILL_BYTES_MAX (1 << 24)

struct generator {
	const struct program *program;
	struct command_list *list;
	struct pool *constants;
	struct coding_cache *cache;
	/* Of each table's description; no bytes: not yet there. */
	uint32_t *table_offsets, *table_bytes;
	/* What a piece is made of before it is put. */
	struct buffer piece;
	/* Table in each slot of the decoder, ~0: none. */
	unsigned int slots[KESTREL_CODEC_TABLES];
	/* Loads in the order of the plan's buffers: those before this are done. */
	unsigned int next_load;
	/* How many loads that were. */
	unsigned int loads;
};

static void fetch_constants(struct command *command, size_t offset)
{
	command_set(command, KESTREL_DMA_PORT, PORT_CONSTANTS);
	command_set(command, KESTREL_DMA_BASE, SEGMENT_BASE_CONSTANTS);
	command_set(command, KESTREL_DMA_OFFSET, (int64_t)offset);
}

/* Puts the bytes that the piece holds, uncompressed. */
static size_t put_piece(struct generator *generator)
{
	return pool_put(generator->constants, generator->piece.data, generator->piece.bytes,
			     generator->piece.bytes);
}

/* Puts weights, or a decode table, of which nothing is left when it is used. */
static size_t put_weights(struct generator *generator, const void *data, size_t bytes,
			  size_t raw_bytes)
{
	struct pool *constants = generator->constants;
	uint64_t before = constants->used_bytes;
	size_t offset = pool_put(constants, data, bytes, raw_bytes);

	constants->used_weight_bytes += constants->used_bytes - before;
	return offset;
}

static void plain_dimensions(struct command *command)
{
	command_set(command, KESTREL_DMA_COUNT1, 1);
	command_set(command, KESTREL_DMA_COUNT2, 1);
	command_set(command, KESTREL_DMA_COUNT3, 1);
}

/* Raw constant bytes to an SRAM address. */
static void load_raw(struct generator *generator, unsigned int operator_index, size_t offset,
		     uint64_t address, uint64_t bytes)
{
	struct command *command = command_append(generator->list, KESTREL_UNIT_DMA_IN,
						 operator_index);

	command_set(command, KESTREL_DMA_MODE, KESTREL_DMA_COPY);
	fetch_constants(command, offset);
	command_set(command, KESTREL_DMA_SRAM_ADDRESS, (int64_t)address);
	command_set(command, KESTREL_DMA_COUNT0, (int64_t)bytes);
	plain_dimensions(command);
	command_access(command, COMMAND_SPACE_SRAM, true, address, address + bytes);
}

/* What names a table, in its slot, to the DMA unit. */
static unsigned int table_number(const struct coding_cache *cache, unsigned int table)
{
	return table % KESTREL_CODEC_TABLES +
	       (cache->tables[table].pair ? KESTREL_CODEC_PAIR : 0);
}

static void load_table(struct generator *generator, unsigned int table,
		       unsigned int operator_index)
{
	struct command *command;
	unsigned int slot = table % KESTREL_CODEC_TABLES;

	if (table >= generator->cache->table_count || generator->slots[slot] == table)
		return;
	if (!generator->table_bytes[table]) {
		generator->piece.bytes = 0;
		generator->table_bytes[table] =
			(uint32_t)codec_table_write(&generator->cache->tables[table],
						    &generator->piece);
		generator->table_offsets[table] =
			(uint32_t)put_weights(generator, generator->piece.data,
					      generator->piece.bytes, 0);
	}
	command = command_append(generator->list, KESTREL_UNIT_DMA_IN, operator_index);
	command_set(command, KESTREL_DMA_MODE, KESTREL_DMA_LOAD_TABLE);
	fetch_constants(command, generator->table_offsets[table]);
	command_set(command, KESTREL_DMA_SOURCE_BYTES, generator->table_bytes[table]);
	command_set(command, KESTREL_DMA_TABLE, table_number(generator->cache, table));
	generator->slots[slot] = table;
}

/* Zeros, and the weights of each group between them. */
static void load_spread(struct generator *generator, unsigned int operator_index,
			const struct coded *encoded, size_t offset,
			const struct plan_buffer *place)
{
	const struct spread *spread = &encoded->spread;
	struct command *command = command_append(generator->list, KESTREL_UNIT_DMA_IN,
						 operator_index);
	uint32_t bytes = spread->count[0];

	command_set(command, KESTREL_DMA_MODE, KESTREL_DMA_FILL_BYTES);
	command_set(command, KESTREL_DMA_FILL, spread->fill);
	command_set(command, KESTREL_DMA_SRAM_ADDRESS, (int64_t)place->address);
	command_set(command, KESTREL_DMA_COUNT0, (int64_t)place->bytes);
	plain_dimensions(command);
	command_access(command, COMMAND_SPACE_SRAM, true, place->address,
		       place->address + place->bytes);
	command = command_append(generator->list, KESTREL_UNIT_DMA_IN, operator_index);
	command_set(command, KESTREL_DMA_MODE, KESTREL_DMA_COPY);
	fetch_constants(command, offset);
	command_set(command, KESTREL_DMA_SRAM_ADDRESS,
		    (int64_t)(place->address + spread->offset));
	command_set(command, KESTREL_DMA_COUNT0, bytes);
	for (unsigned int d = 1; d < SPREAD_DIMENSIONS; d++) {
		command_set(command, KESTREL_DMA_COUNT0 + d, spread->count[d]);
		command_set(command, KESTREL_DMA_MEMORY_STRIDE1 + d - 1, bytes);
		command_set(command, KESTREL_DMA_SRAM_STRIDE1 + d - 1, spread->stride[d]);
		bytes *= spread->count[d];
	}
	command_access(command, COMMAND_SPACE_SRAM, true, place->address,
		       place->address + place->bytes);
}

static int load_weights(struct generator *generator, unsigned int index)
{
	const struct program *program = generator->program;
	const struct program_buffer *buffer = &program->buffers[index];
	unsigned int operator_index = program->segment->nodes[buffer->index].operator_index;
	const struct coding_choice *coding = &generator->cache->codings[buffer->index];
	const struct plan_buffer *place = &program->plan[index];
	const struct coded *encoded =
		coding_encode(program->segment, generator->cache, buffer->index, &buffer->part);
	struct command *command;
	size_t offset, raw_bytes;

	if (!encoded)
		return error_memory(program->segment->graph->error);
	if (encoded->coding == CODING_NONE) {
		offset = put_weights(generator, encoded->data, encoded->bytes, encoded->bytes);
		load_raw(generator, operator_index, offset, place->address, place->bytes);
		return 0;
	}
	if (encoded->coding == CODING_TABLE) {
		/* The next table arrives while this one is in use. */
		load_table(generator, coding->table, operator_index);
		load_table(generator, coding->table + 1, operator_index);
	}
	raw_bytes = weights_model_bytes(&program->segment->nodes[buffer->index].weights,
					&buffer->part);
	offset = put_weights(generator, encoded->data, encoded->bytes, raw_bytes);
	if (encoded->coding == CODING_SPREAD) {
		load_spread(generator, operator_index, encoded, offset, place);
		return 0;
	}
	command = command_append(generator->list, KESTREL_UNIT_DMA_IN, operator_index);
	fetch_constants(command, offset);
	command_set(command, KESTREL_DMA_SRAM_ADDRESS, (int64_t)place->address);
	command_set(command, KESTREL_DMA_COUNT0, (int64_t)place->bytes);
	if (encoded->coding == CODING_INT4) {
		command_set(command, KESTREL_DMA_MODE, KESTREL_DMA_EXPAND_INT4);
	} else {
		command_set(command, KESTREL_DMA_MODE, KESTREL_DMA_DECODE);
		command_set(command, KESTREL_DMA_SOURCE_BYTES, (int64_t)encoded->bytes);
		command_set(command, KESTREL_DMA_TABLE,
			    table_number(generator->cache, coding->table));
		command_set(command, KESTREL_DMA_SYMBOLS, (int64_t)encoded->symbols);
	}
	if (encoded->symbols)
		command_set(command, KESTREL_DMA_RUN_VALUE, coding->run_value);
	command_access(command, COMMAND_SPACE_SRAM, true, place->address,
		       place->address + place->bytes);
	return 0;
}

/* The operator that a buffer is loaded for: the first that uses it. */
static unsigned int reader_of(const struct program *program, unsigned int buffer)
{
	const struct program_step *step = &program->steps[program->plan[buffer].first];

	return program->segment->nodes[step->node].operator_index;
}

/* Rows of a constant, put in memory as they lie in SRAM. */
static void load_constant(struct generator *generator, unsigned int index)
{
	const struct program *program = generator->program;
	const struct program_buffer *buffer = &program->buffers[index];
	const struct segment_value *value = &program->segment->values[buffer->index];
	const struct plan_buffer *place = &program->plan[index];
	const struct layout *layout = &buffer->layout;
	uint8_t *rows = arena_alloc(program->segment->graph->arena, place->bytes, 1);

	for (int32_t y = 0; rows && y < buffer->row_end - buffer->row_first; y++)
		for (int32_t x = 0; x < layout->width; x++)
			for (int32_t c = 0; c < value->channels; c++) {
				size_t pixel = (size_t)(buffer->row_first + y) * (size_t)value->width +
					       (size_t)(buffer->column_first + x);

				memcpy(rows + layout_offset(layout, y, x, c),
				       value->constant + (pixel * (size_t)value->channels + (size_t)c) *
				       layout->element_bytes, layout->element_bytes);
			}
	if (!rows) {
		generator->constants->bytes.failed = true;
		return;
	}
	load_raw(generator, reader_of(program, index),
		 pool_put(generator->constants, rows, place->bytes, place->bytes),
		 place->address, place->bytes);
}

/* A value, or rows of it; the first operator's in pieces, so that it can begin early. */
static void load_value(struct generator *generator, unsigned int index)
{
	const struct program *program = generator->program;
	const struct program_buffer *buffer = &program->buffers[index];
	const struct segment_value *value = &program->segment->values[buffer->index];
	const struct segment_node *first_node = &program->segment->nodes[0];
	bool pieces = first_node->inputs[0] == (int)buffer->index && value->resident;
	int32_t at = buffer->row_first, step = 0;

	while (at < buffer->row_end) {
		int32_t end = buffer->row_end, first;

		if (pieces && program->steps[step].node == 0 &&
		    program->steps[step].row_end < program->segment->values[first_node->output].height)
			segment_input_rows(first_node, value->height, program->steps[step].row_first,
					   program->steps[step].row_end, &first, &end);
		step++;
		if (end <= at)
			continue;
		generate_transfer(generator->list, KESTREL_UNIT_DMA_IN, reader_of(program, index),
				  &(struct generate_transfer){
			.place = &value->source, .height = value->height, .width = value->width,
			.channels = value->channels, .layout = buffer->layout,
			.address = program->plan[index].address +
				   layout_bytes(&buffer->layout, at - buffer->row_first),
			.row_first = at, .row_end = end, .column_first = buffer->column_first,
		});
		at = end;
	}
}

static int load_buffer(struct generator *generator, unsigned int index)
{
	const struct program *program = generator->program;
	const struct program_buffer *buffer = &program->buffers[index];
	const struct segment_node *node;

	if (buffer->content == PROGRAM_VALUE) {
		if (program->segment->values[buffer->index].constant)
			load_constant(generator, index);
		else
			load_value(generator, index);
		return 0;
	}
	if (buffer->content == PROGRAM_WEIGHTS)
		return load_weights(generator, index);
	node = &program->segment->nodes[buffer->index];
	generator->piece.bytes = 0;
	if (buffer->content == PROGRAM_RECORDS)
		weights_pack_records(&node->weights, node->op, node->bias, 0,
				     buffer->part.channel_count, &generator->piece);
	else if (buffer->content == PROGRAM_TABLE)
		buffer_append(&generator->piece, node->op->table, IR_TABLE_ENTRIES);
	else if (buffer->content == PROGRAM_GAINS)
		buffer_append(&generator->piece, node->op->portable->parameters,
			      node->op->portable->parameter_bytes);
	else
		buffer_append(&generator->piece, node->op->exponentials,
			      program->plan[index].bytes);
	load_raw(generator, node->operator_index, put_piece(generator),
		 program->plan[index].address, program->plan[index].bytes);
	return 0;
}

/* Everything whose fetch the plan puts before this step. */
static int load_for_step(struct generator *generator, unsigned int step)
{
	const struct program *program = generator->program;
	unsigned int before;
	int ret = 0;

	for (; generator->next_load < program->buffer_count && !ret; generator->next_load++) {
		const struct plan_buffer *buffer = &program->plan[generator->next_load];

		if (!buffer->is_load)
			continue;
		if (buffer->start > step)
			break;
		before = generator->list->count;
		ret = load_buffer(generator, generator->next_load);
		generator->loads++;
		for (; before < generator->list->count; before++)
			generator->list->commands[before].load = generator->loads;
	}
	return ret;
}

static void fill_output(struct generator *generator, const struct program_step *step)
{
	const struct program *program = generator->program;
	const struct segment_node *node = &program->segment->nodes[step->node];
	struct generate_operand output = generate_output_operand(program, step);
	uint64_t address = generate_row_address(&output, step->row_first);
	uint64_t bytes = layout_bytes(&output.layout, step->row_end - step->row_first);
	struct command *command = command_append(generator->list, KESTREL_UNIT_DMA_IN,
						 node->operator_index);

	command_set(command, KESTREL_DMA_MODE, KESTREL_DMA_FILL_BYTES);
	command_set(command, KESTREL_DMA_FILL, (uint8_t)node->op->output_zero_point);
	command_set(command, KESTREL_DMA_SRAM_ADDRESS, (int64_t)address);
	command_set(command, KESTREL_DMA_COUNT0, (int64_t)bytes);
	plain_dimensions(command);
	command_access(command, COMMAND_SPACE_SRAM, true, address, address + bytes);
}

/* The memory around what a node puts in its middle, by as many commands as that takes. */
static void fill_place(struct generator *generator, const struct segment_node *node)
{
	uint64_t at = node->fill_offset, end = at + node->fill_bytes;

	while (at < end) {
		uint64_t bytes = end - at < FILL_BYTES_MAX ? end - at : FILL_BYTES_MAX;
		struct command *command = command_append(generator->list, KESTREL_UNIT_DMA_OUT,
							 node->operator_index);

		command_set(command, KESTREL_DMA_MODE, KESTREL_DMA_FILL_BYTES);
		command_set(command, KESTREL_DMA_PORT, PORT_TENSORS);
		command_set(command, KESTREL_DMA_BASE, node->store->base);
		command_set(command, KESTREL_DMA_OFFSET, (int64_t)at);
		command_set(command, KESTREL_DMA_FILL, node->fill_byte);
		command_set(command, KESTREL_DMA_COUNT0, (int64_t)bytes);
		plain_dimensions(command);
		command_access(command, (uint8_t)(COMMAND_SPACE_BASE + node->store->base), true, at,
			       at + bytes);
		at += bytes;
	}
}

static void compute(struct generator *generator, const struct program_step *step)
{
	const struct segment_node *node = &generator->program->segment->nodes[step->node];
	struct command *command;

	if (node->store) {
		if (node->fill && !step->row_first && !step->column_first)
			fill_place(generator, node);
		return;
	}
	if (node->op->kind == IR_PAD)
		fill_output(generator, step);
	command = command_append(generator->list, node->is_mac ? KESTREL_UNIT_MAC :
				 KESTREL_UNIT_VECTOR, node->operator_index);
	if (!command)
		return;
	if (node->is_product)
		generate_product(generator->program, step, command);
	else if (node->is_mac)
		generate_mac(generator->program, step, command);
	else
		generate_vector(generator->program, step, command);
}

/* Of a value with parts, when the last of them has been written. */
static void store_whole(struct generator *generator, const struct program_step *step)
{
	const struct program *program = generator->program;
	const struct segment_node *node = &program->segment->nodes[step->node];
	int index = program->segment->values[node->output].whole;
	const struct segment_value *value = &program->segment->values[index];
	struct generate_operand whole = generate_operand(program, index, step->output);

	if (value->producer != (int)step->node)
		return;
	for (const struct segment_store *to = value->stores; to; to = to->next)
		generate_transfer(generator->list, KESTREL_UNIT_DMA_OUT, node->operator_index,
				  &(struct generate_transfer){
			.place = &to->place, .height = value->height, .width = value->width,
			.channels = value->channels, .layout = whole.layout,
			.address = whole.address, .row_end = value->height,
		});
}

/* Rows of a ring, before others take their places. */
static void store_ring(struct generator *generator, const struct program_step *step,
		       const struct generate_operand *output)
{
	const struct segment_node *node = &generator->program->segment->nodes[step->node];
	const struct segment_value *value = output->value;

	for (const struct segment_store *to = value->stores; to; to = to->next)
		for (int32_t first = step->row_first, end; first < step->row_end; first = end) {
			int32_t row = generate_ring_row(output, first);

			end = first + output->ring_rows - row;
			if (end > step->row_end)
				end = step->row_end;
			generate_transfer(generator->list, KESTREL_UNIT_DMA_OUT,
					  node->operator_index, &(struct generate_transfer){
				.place = &to->place, .height = value->height,
				.width = value->width,
				.channels = value->channels, .layout = output->layout,
				.address = output->address +
					   (uint64_t)row * output->layout.row_stride,
				.row_first = first, .row_end = end,
			});
		}
}

/* Puts what the step has finished where it must be in memory. */
static void store(struct generator *generator, unsigned int index)
{
	const struct program *program = generator->program;
	const struct program_step *step = &program->steps[index];
	const struct segment_node *node = &program->segment->nodes[step->node];
	const struct segment_value *value = &program->segment->values[node->output];
	const struct segment_store own = { .place = node->store ? *node->store : value->source };
	bool last = index + 1 == program->nodes[step->node].end_step;
	struct generate_operand output = generate_operand(program, node->output, step->output);
	int32_t first = step->row_first, end = step->row_end, channel = step->channel_first;
	uint64_t address = output.address;

	if (!step->output_done)
		return;
	if (output.ring_rows) {
		store_ring(generator, step, &output);
		return;
	}
	if (value->resident) {
		if (!last)
			return;
		first = 0;
		end = value->height;
		channel = 0;
	}
	for (const struct segment_store *to = node->store ? &own : value->stores; to; to = to->next)
		generate_transfer(generator->list, KESTREL_UNIT_DMA_OUT, node->operator_index,
				  &(struct generate_transfer){
			.place = &to->place, .height = value->height, .width = value->width,
			.channels = value->channels, .layout = output.layout,
			.address = address, .column_first = output.column_first,
			.channel_first = channel,
			.row_first = first, .row_end = end,
		});
	if (value->whole >= 0 && !node->store)
		store_whole(generator, step);
}

int generate(const struct program *program, struct coding_cache *cache,
	     struct command_list *list, struct pool *constants)
{
	const struct segment *segment = program->segment;
	struct arena *arena = segment->graph->arena;
	struct generator generator = {
		.program = program, .cache = cache, .list = list, .constants = constants,
		.slots = { ~0u, ~0u },
	};
	int ret = coding_decide(segment, cache);

	if (ret)
		return ret;
	generator.table_offsets = arena_alloc(arena, cache->table_count, sizeof(uint32_t));
	generator.table_bytes = arena_alloc(arena, cache->table_count, sizeof(uint32_t));
	if (!generator.table_offsets || !generator.table_bytes)
		return error_memory(segment->graph->error);
	load_table(&generator, 0, segment->nodes[0].operator_index);
	for (unsigned int s = 0; s < program->step_count && !ret; s++) {
		unsigned int before = list->count;

		if (program_preempts(program, s))
			generator.slots[0] = generator.slots[1] = ~0u;
		ret = load_for_step(&generator, s);
		compute(&generator, &program->steps[s]);
		if (segment->nodes[program->steps[s].node].store)
			store(&generator, s);
		if (!list->failed && list->count)
			list->commands[list->count - 1].step = s + 1;
		if (!segment->nodes[program->steps[s].node].store)
			store(&generator, s);
		if (program_preempts(program, s) && !list->failed)
			list->commands[before].preempt_before = true;
	}
	constants->bytes.failed |= generator.piece.failed;
	buffer_release(&generator.piece);
	if (!ret && (list->failed || constants->bytes.failed))
		ret = error_memory(segment->graph->error);
	return ret;
}
