// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "codec.h"
#include "error.h"
#include "generate.h"
#include "phases.h"
#include "spread.h"

#define PORT_CONSTANTS 0
#define PORT_TENSORS 1

/* Compressed weights must save more than this many bytes to be worth a table. */
#define TABLE_GAIN_BYTES 16
/* Commands that it takes to spread the weights of a brick rather than to decode them. */
#define SPREAD_COMMAND_BYTES 12
/* Symbols that the slowest decoder takes in the time of a byte on its port. */
#define DECODER_SYMBOLS_PER_BYTE (8 / 3.75)

/* What the DMA unit makes of weights on their way. */
enum coding {
	CODING_NONE,
	/* Two weights a byte. */
	CODING_INT4,
	/* By a decode table. */
	CODING_TABLE,
	/* Those of each group put between zeros. */
	CODING_SPREAD,
};

/* Weights of output channels [first, first + count) as they lie in memory. */
struct encoded {
	struct encoded *next;
	struct weights_part part;
	uint8_t *data;
	size_t bytes;
	/* As its node says; CODING_NONE where the node's table lacks a symbol. */
	enum coding coding;
	/* Of a form other than CODEC_BYTES: how many. */
	size_t symbols;
	struct spread spread;
};

/* How a node's weights are stored. */
struct generate_coding {
	enum coding coding;
	enum codec_form form;
	/* The value that runs in the forms that have one. */
	uint8_t run_value;
	/* Which of the tables, in the order of their first use. */
	unsigned int table;
	struct encoded *encoded;
};

struct generator {
	const struct program *program;
	struct command_list *list;
	struct pool *constants;
	struct generate_cache *cache;
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
static unsigned int table_number(const struct generate_cache *cache, unsigned int table)
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

static uint8_t most_common(const uint32_t counts[256])
{
	unsigned int best = 0;

	for (unsigned int value = 1; value < 256; value++)
		if (counts[value] > counts[best])
			best = value;
	return (uint8_t)best;
}

/*
 * What a coding costs, in bits on the port: its bits, or the decoder's time where
 * that is longer. The slowest decoder counts, since all targets share the bytes.
 */
static double coding_cost(double bits, size_t symbols)
{
	double decoding = 8.0 * (double)symbols / DECODER_SYMBOLS_PER_BYTE;

	return bits > decoding ? bits : decoding;
}

/* The best coding of a node's weights so far. */
struct choice {
	struct generate_coding *coding;
	/* In bits on the port. */
	double cost;
	/* The coding has a table of its own, which is not yet in the cache. */
	bool fresh;
	struct codec_table table;
	/* A table's description, to know its size. */
	struct buffer description;
};

/*
 * Takes the coding of the symbols in this form if it is the cheapest so far: with
 * the table of the node before, or with a table of its own.
 */
static void consider_form(const struct generate_cache *cache, enum codec_form form,
			  const struct buffer *symbols, struct choice *choice)
{
	struct generate_coding *coding = choice->coding;
	struct codec_counts counts;
	struct codec_table table;
	unsigned int state_bits = codec_state_bits(form == CODEC_PAIRS);
	double cost;

	codec_count(symbols->data, symbols->bytes, form == CODEC_PAIRS, &counts);
	if (form == CODEC_PAIRS) {
		/* Any run can then be made of shorter ones: see codec_symbols(). */
		counts.count[0][0]++;
		counts.count[1][coding->run_value]++;
	}
	if (cache->table_count) {
		double bits = codec_cost(&cache->tables[cache->table_count - 1], &counts);

		cost = coding_cost(bits + state_bits, symbols->bytes);
		if (bits >= 0 && cost < choice->cost) {
			choice->cost = cost;
			choice->fresh = false;
			coding->coding = CODING_TABLE;
			coding->table = cache->table_count - 1;
			coding->form = form;
		}
	}
	codec_table_build(&table, &counts);
	choice->description.bytes = 0;
	codec_table_write(&table, &choice->description);
	cost = coding_cost(codec_cost(&table, &counts) + state_bits, symbols->bytes) +
	       8.0 * (double)(choice->description.bytes + TABLE_GAIN_BYTES);
	if (cost < choice->cost) {
		choice->cost = cost;
		choice->fresh = true;
		choice->table = table;
		coding->coding = CODING_TABLE;
		coding->table = cache->table_count;
		coding->form = form;
	}
}

/* All of a node's weights that a step takes, each brick of a group with its inputs alone. */
static void pack_node(const struct segment_node *node, enum codec_form form, uint8_t run_value,
		      struct buffer *symbols)
{
	struct weights_part part = weights_whole(&node->weights);
	int32_t channels = part.channel_count;

	symbols->bytes = 0;
	if (!node->weights.group_outputs) {
		phases_pack(node, &part, form, run_value, NULL, symbols);
		return;
	}
	for (int32_t c = 0; c < channels; c += KESTREL_ISA_BRICK_BYTES) {
		part.channel_first = c;
		part.channel_count = channels - c < KESTREL_ISA_BRICK_BYTES ? channels - c :
				     KESTREL_ISA_BRICK_BYTES;
		weights_group_inputs(&node->weights, &part);
		phases_pack(node, &part, form, run_value, NULL, symbols);
	}
}

/* Takes the weights of groups as they are, between zeros, if that is the cheapest so far. */
static void consider_spread(const struct segment_node *node, struct choice *choice,
			    struct buffer *spread)
{
	struct weights_part part = weights_whole(&node->weights);
	int32_t channels = part.channel_count, bricks = 0;
	double cost;

	spread->bytes = 0;
	for (int32_t c = 0; c < channels; c += KESTREL_ISA_BRICK_BYTES, bricks++) {
		struct spread unused;
		int ret;

		part.channel_first = c;
		part.channel_count = channels - c < KESTREL_ISA_BRICK_BYTES ? channels - c :
				     KESTREL_ISA_BRICK_BYTES;
		weights_group_inputs(&node->weights, &part);
		ret = spread_pack(&node->weights, &part, &unused, spread);
		spread->failed |= ret < 0;
		if (ret <= 0)
			return;
	}
	cost = 8.0 * (double)(spread->bytes + (size_t)bricks * SPREAD_COMMAND_BYTES);
	if (cost >= choice->cost)
		return;
	choice->cost = cost;
	choice->fresh = false;
	choice->coding->coding = CODING_SPREAD;
}

static void decide_node(const struct segment_node *node, struct generate_cache *cache,
			struct choice *choice, struct buffer *symbols)
{
	struct codec_counts counts;

	pack_node(node, CODEC_BYTES, 0, symbols);
	if (symbols->failed)
		return;
	choice->cost = 8.0 * (double)symbols->bytes;
	choice->fresh = false;
	if (codec_is_int4(symbols->data, symbols->bytes)) {
		choice->cost /= 2;
		choice->coding->coding = CODING_INT4;
	}
	codec_count(symbols->data, symbols->bytes, false, &counts);
	choice->coding->run_value = most_common(counts.count[0]);
	for (unsigned int form = CODEC_BYTES; form <= CODEC_PAIRS && !symbols->failed; form++) {
		pack_node(node, form, choice->coding->run_value, symbols);
		if (!symbols->failed)
			consider_form(cache, form, symbols, choice);
	}
	if (!symbols->failed)
		consider_spread(node, choice, symbols);
	if (choice->fresh)
		cache->tables[cache->table_count++] = choice->table;
}

/* Decides for each node in turn: raw, as int4, or by a table in one of the forms. */
static int decide_coding(const struct segment *segment, struct generate_cache *cache)
{
	struct arena *arena = segment->graph->arena;
	struct buffer symbols = { 0 };
	struct choice choice = { 0 };
	bool failed;

	cache->codings = arena_alloc(arena, segment->node_count, sizeof(*cache->codings));
	cache->tables = arena_alloc(arena, segment->node_count + 1, sizeof(*cache->tables));
	if (!cache->codings || !cache->tables)
		return error_memory(segment->graph->error);
	for (unsigned int n = 0; n < segment->node_count; n++) {
		choice.coding = &cache->codings[n];
		if (segment->nodes[n].is_mac && !segment->nodes[n].is_product)
			decide_node(&segment->nodes[n], cache, &choice, &symbols);
	}
	failed = symbols.failed || choice.description.failed;
	buffer_release(&symbols);
	buffer_release(&choice.description);
	return failed ? error_memory(segment->graph->error) : 0;
}

/* Some kernel rows of a node may cut its runs, and so have symbols that the whole has not. */
static bool table_has_symbols(const struct codec_table *table, const struct buffer *symbols)
{
	struct codec_counts counts;

	codec_count(symbols->data, symbols->bytes, table->pair, &counts);
	return codec_cost(table, &counts) >= 0;
}

/* Appends a part's weights as its node's coding has them; whether that can be done. */
static bool encode_part(const struct generate_cache *cache, const struct generate_coding *coding,
			const struct segment_node *node, const struct weights_part *part,
			struct encoded *encoded, struct buffer *out)
{
	const struct codec_table *table = &cache->tables[coding->table];
	struct buffer symbols = { 0 };
	bool encodable = true;
	int ret;

	encoded->coding = coding->coding;
	if (coding->coding == CODING_SPREAD) {
		ret = spread_pack(&node->weights, part, &encoded->spread, out);
		out->failed |= ret < 0;
		return ret > 0;
	}
	phases_pack(node, part, coding->form, coding->run_value, table, &symbols);
	if (coding->coding == CODING_INT4)
		codec_pack_int4(symbols.data, symbols.bytes, out);
	else if (!symbols.failed && table_has_symbols(table, &symbols))
		codec_encode(table, symbols.data, symbols.bytes, out);
	else
		encodable = false;
	encoded->symbols = coding->form == CODEC_BYTES ? 0 : symbols.bytes;
	out->failed |= symbols.failed;
	buffer_release(&symbols);
	return encodable;
}

/* The weights of a buffer as they are stored; NULL when out of memory. */
static const struct encoded *encode_weights(struct generator *generator,
					    const struct program_buffer *buffer)
{
	const struct segment *segment = generator->program->segment;
	struct generate_coding *coding = &generator->cache->codings[buffer->index];
	const struct segment_node *node = &segment->nodes[buffer->index];
	struct encoded *encoded;
	struct buffer stored = { 0 };

	for (encoded = coding->encoded; encoded; encoded = encoded->next)
		if (weights_part_equal(&encoded->part, &buffer->part))
			return encoded;
	encoded = arena_alloc(segment->graph->arena, 1, sizeof(*encoded));
	if (!encoded)
		return NULL;
	encoded->part = buffer->part;
	if (coding->coding == CODING_NONE ||
	    !encode_part(generator->cache, coding, node, &buffer->part, encoded, &stored)) {
		encoded->coding = CODING_NONE;
		phases_pack(node, &buffer->part, CODEC_BYTES, 0, NULL, &stored);
	}
	if (!stored.failed)
		encoded->data = arena_copy(segment->graph->arena, stored.data, stored.bytes);
	encoded->bytes = stored.bytes;
	buffer_release(&stored);
	if (!encoded->data)
		return NULL;
	encoded->next = coding->encoded;
	coding->encoded = encoded;
	return encoded;
}

/* Zeros, and the weights of each group between them. */
static void load_spread(struct generator *generator, unsigned int operator_index,
			const struct encoded *encoded, size_t offset,
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
	const struct generate_coding *coding = &generator->cache->codings[buffer->index];
	const struct plan_buffer *place = &program->plan[index];
	const struct encoded *encoded = encode_weights(generator, buffer);
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

/* The memory around what a node puts in its middle. */
static void fill_place(struct generator *generator, const struct segment_node *node)
{
	struct command *command = command_append(generator->list, KESTREL_UNIT_DMA_OUT,
						 node->operator_index);

	command_set(command, KESTREL_DMA_MODE, KESTREL_DMA_FILL_BYTES);
	command_set(command, KESTREL_DMA_PORT, PORT_TENSORS);
	command_set(command, KESTREL_DMA_BASE, node->store->base);
	command_set(command, KESTREL_DMA_OFFSET, (int64_t)node->fill_offset);
	command_set(command, KESTREL_DMA_FILL, node->fill_byte);
	command_set(command, KESTREL_DMA_COUNT0, (int64_t)node->fill_bytes);
	plain_dimensions(command);
	command_access(command, (uint8_t)(COMMAND_SPACE_BASE + node->store->base), true,
		       node->fill_offset, node->fill_offset + node->fill_bytes);
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

int generate(const struct program *program, struct generate_cache *cache,
	     struct command_list *list, struct pool *constants)
{
	const struct segment *segment = program->segment;
	struct arena *arena = segment->graph->arena;
	struct generator generator = {
		.program = program, .cache = cache, .list = list, .constants = constants,
		.slots = { ~0u, ~0u },
	};
	int ret = cache->codings ? 0 : decide_coding(segment, cache);

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
