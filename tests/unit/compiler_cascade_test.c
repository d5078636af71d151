// SPDX-License-Identifier: MIT
/*
 * Cascades: every row is made once and in order, after the rows it needs, and no
 * ring loses a row that is still needed.
 */
#include "compiler_test.h"
#include "cascade_tile.h"
#include "error.h"

#define NODES 8
#define HEIGHT_MAX 256

struct graph {
	struct segment segment;
	/* One may be split. */
	struct segment_value values[NODES + 2];
	struct segment_node nodes[NODES];
	struct ir_operator operators[NODES];
};

static void value_init(struct graph *graph, int value, int producer, int32_t height)
{
	graph->values[value] = (struct segment_value){
		.producer = producer, .whole = -1, .source_after = -1, .resident = true,
		.height = height, .width = 32, .channels = 16,
		.layout = layout_make(1, height, 32, 16, false),
	};
}

/* A chain of windows over a map of `height` rows; node 4 adds what nodes 1 and 3 made. */
static void graph_init(struct graph *graph, int32_t height, uint64_t *random)
{
	*graph = (struct graph){ 0 };
	graph->segment.values = graph->values;
	graph->segment.nodes = graph->nodes;
	graph->segment.value_count = NODES + 1;
	graph->segment.node_count = NODES;
	value_init(graph, 0, -1, height);
	for (int n = 0; n < NODES; n++) {
		struct segment_node *node = &graph->nodes[n];
		struct ir_window *w = &node->window;
		bool whole = n >= 1 && n <= 4;

		node->op = &graph->operators[n];
		graph->operators[n].kind = n == 4 ? IR_ADD : n == 6 ? IR_TABLE : IR_CONVOLUTION;
		node->is_mac = n != 4 && n != 6;
		node->weights.output_channels = node->weights.channels = 16;
		*w = (struct ir_window){
			.kernel_h = 1, .kernel_w = 1, .stride_h = 1, .stride_w = 1,
			.dilation_h = 1, .dilation_w = 1,
		};
		if (node->is_mac && height > 16) {
			w->kernel_h = 1 + (int32_t)(test_random(random) % 5);
			w->stride_h = whole ? 1 : 1 + (int32_t)(test_random(random) % 2);
			w->pad_top = w->kernel_h / 2;
		}
		node->weights.rows.count = w->kernel_h;
		node->weights.columns.count = w->kernel_w;
		height = (height - 1) / w->stride_h + 1;
		node->inputs[0] = n;
		node->input_count = 1;
		if (n == 4) {
			node->inputs[1] = 2;
			node->input_count = 2;
		}
		node->output = n + 1;
		value_init(graph, n + 1, n, height);
	}
	segment_find_readers(&graph->segment);
}

/* Replays the pieces on rings that remember which row lies in each place. */
static void check_pieces(struct test *test, const struct graph *graph,
			 const struct cascade_run *run, const struct cascade_piece *pieces,
			 unsigned int count, const int32_t *ring)
{
	unsigned int first = run->first, end = run->end;
	static int32_t held[NODES + 1][HEIGHT_MAX];
	int32_t done[NODES] = { 0 };

	for (unsigned int p = 0; p < count; p++) {
		const struct cascade_piece *piece = &pieces[p];
		const struct segment_node *node = &graph->nodes[piece->node];

		CHECK(test, piece->row_first == done[piece->node]);
		CHECK(test, piece->row_end > piece->row_first);
		CHECK(test, piece->row_end <= graph->values[node->output].height);
		/* The ring has the rows until they are in memory. */
		if (graph->values[node->output].stores)
			CHECK(test, piece->row_end - piece->row_first <= ring[piece->node - first]);
		done[piece->node] = piece->row_end;
		for (int32_t row = piece->row_first; row < piece->row_end && piece->node + 1 < end;
		     row++)
			held[node->output][row % ring[piece->node - first]] = row;
		for (unsigned int i = 0; i < node->input_count; i++) {
			int producer = graph->values[node->inputs[i]].producer;
			int32_t from, to;

			if (producer < (int)first)
				continue;
			segment_input_rows(node, graph->values[node->inputs[i]].height,
					   piece->row_first, piece->row_end, &from, &to);
			CHECK(test, to <= done[producer]);
			for (int32_t row = from; row < to; row++)
				CHECK(test, held[node->inputs[i]][row % ring[producer - (int)first]] ==
					    row);
		}
	}
	CHECK(test, done[end - 1] == graph->values[end].height);
	for (unsigned int n = first; n < end; n++)
		if (graph->values[n + 1].stores)
			CHECK(test, done[n] == graph->values[n + 1].height);
}

static void check_random_cascades(struct test *test)
{
	static struct cascade_piece pieces[CASCADE_PIECES];
	uint64_t random = 11;
	unsigned int smaller = 0;

	for (int round = 0; round < 300; round++) {
		struct cascade_run run = {
			.first = (unsigned int)(test_random(&random) % 2),
			.end = 5 + (unsigned int)(test_random(&random) % (NODES - 4)),
			.rows = 1 + (int32_t)(test_random(&random) % 5),
		};
		struct segment_store store = { 0 };
		int32_t ring[CASCADE_NODES];
		struct graph graph;
		unsigned int count;

		graph_init(&graph, 20 + (int32_t)(test_random(&random) % 200), &random);
		if (round % 2)
			graph.values[1 + test_random(&random) % 5].stores = &store;
		count = cascade_pieces(&graph.segment, &run, pieces, ring);
		CHECK(test, count > 0);
		check_pieces(test, &graph, &run, pieces, count, ring);
		for (unsigned int n = run.first; n + 1 < run.end; n++)
			smaller += ring[n - run.first] < graph.values[graph.nodes[n].output].height;
	}
	CHECK(test, smaller > 1000);
	test_end(test, "rows come in order and rings keep what is needed");
}

static void check_choice(struct test *test)
{
	struct cascade_settings settings = { .rows = 1, .split_bytes = UINT64_MAX };
	struct segment_store store = { 0 };
	uint64_t random = 5;
	unsigned int ends[NODES];
	int32_t rows[NODES];
	struct cascade_tiling tilings[NODES];
	struct graph graph;

	graph_init(&graph, 200, &random);
	settings.limit_bytes = cascade_largest_need(&graph.segment);
	CHECK(test, !cascade_choose(&graph.segment, &settings, ends, rows, tilings));
	for (unsigned int n = 0; n < NODES; n++)
		CHECK(test, !ends[n] && !graph.values[n].ring_rows);
	test_end(test, "no cascade where each operator fits");

	settings.limit_bytes = cascade_largest_need(&graph.segment) / 2;
	CHECK(test, !cascade_choose(&graph.segment, &settings, ends, rows, tilings));
	CHECK(test, ends[0] >= 5);
	CHECK(test, !graph.values[0].resident);
	for (unsigned int v = 1; v < ends[0]; v++)
		CHECK(test, graph.values[v].ring_rows > 0 &&
			    graph.values[v].ring_rows < graph.values[v].height);
	CHECK(test, !graph.values[ends[0]].ring_rows);
	test_end(test, "a cascade where one does not");

	graph_init(&graph, 200, &random);
	graph.values[2].stores = &store;
	settings.limit_bytes = cascade_largest_need(&graph.segment) / 2;
	CHECK(test, !cascade_choose(&graph.segment, &settings, ends, rows, tilings));
	CHECK(test, !graph.values[2].ring_rows);
	test_end(test, "what must go to memory stays whole");
}

/* The last node adds what node 1 made long before. */
static void check_split(struct test *test)
{
	struct cascade_settings settings = { .rows = 1, .split_bytes = 1000, .longest = true };
	struct stream_segment out = { 0 };
	struct arena arena = { 0 };
	struct error error = { "" };
	struct ir_graph ir = { .arena = &arena, .error = &error };
	uint64_t random = 5;
	unsigned int ends[NODES];
	int32_t rows[NODES];
	struct cascade_tiling tilings[NODES];
	struct graph graph;

	graph_init(&graph, 200, &random);
	graph.segment.graph = &ir;
	graph.segment.out = &out;
	/* A cascade ends before what it cannot compute a few rows at a time. */
	graph.nodes[5].image_rows = 1;
	graph.operators[7].kind = IR_ADD;
	graph.nodes[7].inputs[1] = 2;
	graph.nodes[7].input_count = 2;
	segment_find_readers(&graph.segment);
	settings.limit_bytes = cascade_largest_need(&graph.segment) / 2;
	CHECK(test, !cascade_choose(&graph.segment, &settings, ends, rows, tilings));
	CHECK(test, ends[0] == 5);
	CHECK(test, graph.values[2].ring_rows > 0 &&
		    graph.values[2].ring_rows < graph.values[2].height);
	CHECK(test, graph.values[2].stores);
	CHECK(test, graph.nodes[4].inputs[1] == 2 && graph.nodes[7].inputs[1] == NODES + 1);
	CHECK(test, graph.segment.value_count == NODES + 2);
	CHECK(test, graph.values[NODES + 1].producer == -1 &&
		    graph.values[NODES + 1].source_after == 1 &&
		    !graph.values[NODES + 1].ring_rows);
	arena_release(&arena);
	test_end(test, "what is needed behind a cascade goes to memory row by row");
}

/* A tile of the last map, and what each node makes for it. */
static void check_needs(struct test *test, const struct graph *graph,
			const struct cascade_run *run, const struct cascade_tile *tile)
{
	struct cascade_tile needs[CASCADE_NODES];

	cascade_tile_needs(&graph->segment, run, tile, needs);
	for (unsigned int n = run->first; n < run->end; n++)
		for (unsigned int i = 0; i < graph->nodes[n].input_count; i++) {
			int producer = graph->values[graph->nodes[n].inputs[i]].producer;
			const struct cascade_tile *at = &needs[n - run->first], *from;
			int32_t first, end, left, right;

			if (producer < (int)run->first)
				continue;
			from = &needs[producer - (int)run->first];
			segment_input_rows(&graph->nodes[n], graph->values[producer + 1].height,
					   at->row_first, at->row_end, &first, &end);
			segment_operand_columns(&graph->nodes[n], 32, 32, at->column_first,
						at->column_end, &left, &right);
			CHECK(test, from->row_first <= first && end <= from->row_end);
			CHECK(test, from->column_first <= left && right <= from->column_end);
		}
}

static void check_tiles(struct test *test)
{
	uint64_t random = 7;
	unsigned int chosen = 0, narrow = 0;

	for (int round = 0; round < 200; round++) {
		struct cascade_run run = {
			.end = 5 + (unsigned int)(test_random(&random) % (NODES - 4)), .rows = 1,
			.split_bytes = UINT64_MAX, .tiling = { .recompute = true },
		};
		uint64_t limit = 20000 + test_random(&random) % 300000;
		const struct segment_value *last;
		struct graph graph;

		graph_init(&graph, 20 + (int32_t)(test_random(&random) % 200), &random);
		for (int n = 0; n < NODES; n++) {
			graph.nodes[n].window.kernel_w = graph.nodes[n].window.kernel_h;
			graph.nodes[n].window.pad_left = graph.nodes[n].window.kernel_w / 2;
		}
		CHECK(test, cascade_can_tile(&graph.segment, &run));
		if (!cascade_tile_choose(&graph.segment, &run, limit))
			continue;
		chosen++;
		narrow += run.tiling.columns > 0;
		last = &graph.values[run.end];
		CHECK(test, cascade_tile_bytes(&graph.segment, &run) <= limit);
		CHECK(test, run.rows >= 1 && run.rows <= last->height);
		CHECK(test, run.tiling.columns >= 0 && run.tiling.columns < 32);
		for (int32_t y = 0; y < last->height; y += run.rows)
			check_needs(test, &graph, &run, &(struct cascade_tile){
				.row_first = y, .row_end = y + 1, .column_first = 3, .column_end = 9,
			});
	}
	CHECK(test, chosen > 100 && narrow > 0);
	test_end(test, "tiles stay within the limit and are made of all that they need");
}

static void check_recomputing(struct test *test)
{
	struct cascade_settings settings = { .rows = 1, .split_bytes = UINT64_MAX, .recompute = true };
	struct segment_store store = { 0 };
	uint64_t random = 5;
	unsigned int ends[NODES];
	int32_t rows[NODES];
	struct cascade_tiling tilings[NODES];
	struct graph graph;

	graph_init(&graph, 200, &random);
	settings.limit_bytes = cascade_largest_need(&graph.segment) / 4 * 3;
	CHECK(test, !cascade_choose(&graph.segment, &settings, ends, rows, tilings));
	CHECK(test, ends[0] >= 5 && tilings[0].recompute);
	for (unsigned int v = 1; v < ends[0]; v++)
		CHECK(test, graph.values[v].tiled && !graph.values[v].ring_rows);
	test_end(test, "tiles instead of rings where they are asked for");

	graph_init(&graph, 200, &random);
	for (unsigned int v = 1; v <= NODES; v++)
		graph.values[v].stores = &store;
	CHECK(test, !cascade_choose(&graph.segment, &settings, ends, rows, tilings));
	for (unsigned int n = 0; n < NODES; n++)
		CHECK(test, !ends[n] || !tilings[n].recompute);
	test_end(test, "none where all values must go to memory");
}

int main(void)
{
	struct test test = { 0 };

	check_random_cascades(&test);
	check_choice(&test);
	check_split(&test);
	check_tiles(&test);
	check_recomputing(&test);
	return test.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
