// SPDX-License-Identifier: MIT
#include <string.h>

#include "coding.h"
#include "error.h"
#include "phases.h"

/* Compressed weights must save more than this many bytes to be worth a table. */
#define TABLE_GAIN_BYTES 16
/* Commands that it takes to spread the weights of a brick rather than to decode them. */
#define SPREAD_COMMAND_BYTES 12
/* Symbols that the slowest decoder takes in the time of a byte on its port. */
#define DECODER_SYMBOLS_PER_BYTE (8 / 3.75)

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
	struct coding_choice *coding;
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
static void consider_form(const struct coding_cache *cache, enum codec_form form,
			  const struct buffer *symbols, struct choice *choice)
{
	struct coding_choice *coding = choice->coding;
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

static void decide_node(const struct segment_node *node, struct coding_cache *cache,
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

/* The node of a cache that is as node n of the segment, by number; node_count: none. */
static unsigned int same_node(const struct segment *segment, unsigned int n,
			      const struct coding_cache *cache)
{
	unsigned int before = 0, same = 0;

	for (unsigned int i = 0; i < n; i++)
		before += segment->nodes[i].operator_index == segment->nodes[n].operator_index;
	while (same < cache->node_count &&
	       (cache->operators[same] != segment->nodes[n].operator_index || before--))
		same++;
	return same;
}

/* A table of a pair is two. */
static bool same_table(const struct codec_table *a, const struct codec_table *b)
{
	return a->pair == b->pair &&
	       !memcmp(a->slots, b->slots, a->pair ? sizeof(a->slots) : sizeof(a->slots[0]));
}

/*
 * Takes the codings of the same nodes in another order over; tables are numbered by
 * their first use again. False, with nothing taken, where the nodes are others.
 */
static bool take_codings(const struct segment *segment, struct coding_cache *cache)
{
	const struct coding_cache *like = cache->like;
	bool fits = segment->node_count == like->node_count;

	for (unsigned int n = 0; n < segment->node_count && fits; n++) {
		unsigned int same = same_node(segment, n, like), table = 0;

		fits = same < like->node_count;
		if (!fits)
			break;
		cache->codings[n] = like->codings[same];
		if (cache->codings[n].coding != CODING_TABLE)
			continue;
		while (table < cache->table_count &&
		       !same_table(&cache->tables[table],
				   &like->tables[like->codings[same].table]))
			table++;
		cache->codings[n].table = table;
		if (table == cache->table_count)
			cache->tables[cache->table_count++] =
				like->tables[like->codings[same].table];
	}
	if (fits)
		return true;
	memset(cache->codings, 0, segment->node_count * sizeof(*cache->codings));
	cache->table_count = 0;
	return false;
}

int coding_decide(const struct segment *segment, struct coding_cache *cache)
{
	struct arena *arena = cache->arena;
	struct buffer symbols = { 0 };
	struct choice choice = { 0 };
	bool failed;

	if (cache->codings)
		return 0;
	cache->codings = arena_alloc(arena, segment->node_count, sizeof(*cache->codings));
	cache->tables = arena_alloc(arena, segment->node_count + 1, sizeof(*cache->tables));
	cache->operators = arena_alloc(arena, segment->node_count, sizeof(*cache->operators));
	if (!cache->codings || !cache->tables || !cache->operators)
		return error_memory(segment->graph->error);
	cache->node_count = segment->node_count;
	for (unsigned int n = 0; n < segment->node_count; n++)
		cache->operators[n] = segment->nodes[n].operator_index;
	if (cache->like && cache->like->codings && take_codings(segment, cache))
		return 0;
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
static bool encode_part(const struct coding_cache *cache, const struct coding_choice *coding,
			const struct segment_node *node, const struct weights_part *part,
			struct coded *encoded, struct buffer *out)
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

const struct coded *coding_encode(const struct segment *segment, struct coding_cache *cache,
				  unsigned int node_index, const struct weights_part *part)
{
	struct coding_choice *coding = &cache->codings[node_index];
	const struct segment_node *node = &segment->nodes[node_index];
	struct coded *encoded;
	struct buffer stored = { 0 };

	for (encoded = coding->encoded; encoded; encoded = encoded->next)
		if (weights_part_equal(&encoded->part, part))
			return encoded;
	encoded = arena_alloc(cache->arena, 1, sizeof(*encoded));
	if (!encoded)
		return NULL;
	encoded->part = *part;
	if (coding->coding == CODING_NONE ||
	    !encode_part(cache, coding, node, part, encoded, &stored)) {
		encoded->coding = CODING_NONE;
		phases_pack(node, part, CODEC_BYTES, 0, NULL, &stored);
	}
	if (!stored.failed)
		encoded->data = arena_copy(cache->arena, stored.data, stored.bytes);
	encoded->bytes = stored.bytes;
	buffer_release(&stored);
	if (!encoded->data)
		return NULL;
	encoded->next = coding->encoded;
	coding->encoded = encoded;
	return encoded;
}
