// SPDX-License-Identifier: MIT
/* Memory planning, choice of a stream, device addresses, SHA-256: pure functions. */
#include <errno.h>

#include "address_space.h"
#include "libnpu_test.h"
#include "plan.h"
#include "stream.h"

/* A chain of operators with random sizes and a tensor that lives throughout. */
static void test_arena(void)
{
	uint32_t state = 5;
	int good = 1;

	for (int round = 0; round < 200; round++) {
		struct test_graph test;
		struct graph graph;
		struct message message;
		struct plan plan;
		uint32_t tensors[12];
		size_t size, total = 0;
		uint8_t *file;

		test_graph_begin(&test);
		for (int i = 0; i < 12; i++)
			tensors[i] = test_tensor(&test, "t", 1 + test_random(&state) % 900, 0, 0, 0);
		/* Tensor i, with or without tensor 0, becomes tensor i + 1. */
		for (int i = 0; i + 1 < 12; i++) {
			struct kestrel_graph_operator *operator =
				test_operator(&test, KESTREL_GRAPH_CONCATENATION, tensors[i],
					      i % 3 ? tensors[0] : KESTREL_GRAPH_NONE,
					      KESTREL_GRAPH_NONE, tensors[i + 1]);
			struct kestrel_graph_tensor *output = &test.tensors[tensors[i + 1]];

			operator->attributes.axis.axis = 0;
			output->size = test.tensors[tensors[i]].size +
				       (i % 3 ? test.tensors[tensors[0]].size : 0);
			output->dims[0] = (uint32_t)output->size;
		}
		test.inputs[test.input_count++] = tensors[0];
		test.outputs[test.output_count++] = tensors[11];
		file = test_graph_write(&test, &size);
		if (graph_open(&graph, file, size, &message) ||
		    plan_create(&graph, NULL, &plan, &message)) {
			printf("# %s\n", message.text);
			test_result("arena", 0);
			return;
		}
		for (int i = 0; i < 12; i++) {
			const struct plan_tensor *a = &plan.tensors[tensors[i]];
			size_t a_size = graph.tensors[tensors[i]].size;

			total += (a_size + 63) / 64 * 64;
			good &= a->place == PLAN_ARENA && a->offset % PLAN_ALIGNMENT == 0 &&
				a->offset + a_size <= plan.arena_size;
			/* Both live while one becomes the other. */
			for (int j = 0; j < 12; j++) {
				const struct plan_tensor *b = &plan.tensors[tensors[j]];
				size_t b_size = graph.tensors[tensors[j]].size;
				int together = i != j && (abs(i - j) == 1 ||
							  (i == 0 && j <= 11));

				if (together && i < j)
					good &= a->offset + a_size <= b->offset ||
						b->offset + b_size <= a->offset;
			}
		}
		good &= plan.arena_size < total;
		plan_free(&plan);
		graph_close(&graph);
		free(file);
	}
	test_result("tensors that live together do not overlap, others share memory", good);
}

/* A position, and what another operator of the processor makes before an NPU job needs it. */
static void test_position(void)
{
	struct message message = { "" };
	struct test_graph test;
	struct graph graph;
	struct plan plan;
	uint32_t a, p, x, y, z, end;
	size_t size;
	uint8_t *file;
	int good;

	test_graph_begin(&test);
	a = test_tensor(&test, "a", 1, 1, 0, 0);
	p = test_tensor(&test, "p", 1, 0, 0, 0);
	x = test_tensor(&test, "x", 8, 16, 0, 0);
	y = test_tensor(&test, "y", 128, 0, 0, 0);
	z = test_tensor(&test, "z", 8, 16, 0, 0);
	end = test_tensor(&test, "end", 8, 16, 0, 0);
	test.tensors[a].type = test.tensors[p].type = KESTREL_GRAPH_TYPE_INT32;
	test.tensors[a].size = test.tensors[p].size = 4;
	test_operator(&test, KESTREL_GRAPH_RESHAPE, a, KESTREL_GRAPH_NONE, KESTREL_GRAPH_NONE, p);
	test_operator(&test, KESTREL_GRAPH_RESHAPE, x, KESTREL_GRAPH_NONE, KESTREL_GRAPH_NONE, y);
	test_operator(&test, KESTREL_GRAPH_COPY, x, KESTREL_GRAPH_NONE, KESTREL_GRAPH_NONE, z);
	test_operator(&test, KESTREL_GRAPH_RESHAPE, y, KESTREL_GRAPH_NONE, KESTREL_GRAPH_NONE, end);
	test.inputs[test.input_count++] = a;
	test.inputs[test.input_count++] = x;
	test.outputs[test.output_count++] = z;
	test.outputs[test.output_count++] = end;
	test.stream_count = 1;
	test.streams[0].target = test_string(&test, "t");
	test.streams[0].segment_count = test.segment_count = 3;
	test.segments[0] = (struct kestrel_graph_segment){
		.kind = KESTREL_GRAPH_SEGMENT_CPU, .operator_count = 2,
	};
	test.segments[1] = (struct kestrel_graph_segment){
		.kind = KESTREL_GRAPH_SEGMENT_NPU, .first_operator = 2, .operator_count = 1,
		.base_count = 1, .command_size = 64,
	};
	test.segments[2] = (struct kestrel_graph_segment){
		.kind = KESTREL_GRAPH_SEGMENT_CPU, .first_operator = 3, .operator_count = 1,
	};
	test.base_count = 1;
	test.bases[0] = (struct kestrel_graph_row_base){
		.base = { 0, KESTREL_GRAPH_BASE_ROW, KESTREL_GRAPH_BASE_WRITE, z, 0, 16 },
		.position_tensor = p, .position_count = 8, .row_bytes = 16,
	};
	for (uint32_t i = 0; i < test.placement_count; i++)
		test.placements[i].stream = 0;
	file = test_graph_write(&test, &size);
	if (graph_open(&graph, file, size, &message) ||
	    plan_create(&graph, graph.streams, &plan, &message)) {
		printf("# %s\n", message.text);
		test_result("a position", 0);
		return;
	}
	good = plan.tensors[p].place == PLAN_ARENA && plan.tensors[y].place == PLAN_ARENA &&
	       (plan.tensors[p].offset < plan.tensors[y].offset ||
		plan.tensors[p].offset >= plan.tensors[y].offset + 128) &&
	       plan.tensors[z].place == PLAN_DEVICE;
	test_result("a position lives until the job that needs it, what has rows on the device",
		    good);
	plan_free(&plan);
	graph_close(&graph);
	/* One that a job writes and does not put anywhere. */
	free(file);
	test.segments[0].operator_count = 1;
	test.segments[0].kind = KESTREL_GRAPH_SEGMENT_NPU;
	test.segments[0].command_size = 64;
	test.segments[1].first_operator = 1;
	test.segments[1].operator_count = 2;
	file = test_graph_write(&test, &size);
	good = !graph_open(&graph, file, size, &message) &&
	       plan_create(&graph, graph.streams, &plan, &message) == -EINVAL &&
	       strstr(message.text, "\"p\"");
	test_result("a position that a job keeps to itself is refused", good);
	graph_close(&graph);
	free(file);
}

static struct kestrel_graph_stream stream(uint32_t target, uint32_t minor, uint32_t macs,
					  uint32_t sram, uint64_t cycles)
{
	return (struct kestrel_graph_stream){
		.target = target, .isa_major = 1, .isa_minor = (uint16_t)minor,
		.macs_per_cycle = macs, .sram_bytes = sram, .predicted_cycles = cycles,
	};
}

static void test_streams(void)
{
	static const char strings[] = "\0small\0big\0named";
	struct kestrel_graph_stream streams[4];
	struct graph graph = { .strings = strings, .strings_size = sizeof(strings),
			       .streams = streams, .stream_count = 2 };
	struct npu_capabilities device = { .isa_major = 1, .isa_minor = 1, .macs_per_cycle = 256,
					   .sram_bytes = 1000, .name = "named" };
	struct message reason;

	streams[0] = stream(1, 1, 256, 500, 90);
	streams[1] = stream(7, 1, 256, 1000, 80);
	test_result("the faster stream wins", stream_choose(&graph, &device, &reason) == &streams[1]);
	device.sram_bytes = 999;
	test_result("a stream needs its SRAM", stream_choose(&graph, &device, &reason) == &streams[0]);
	streams[0].isa_minor = 2;
	test_result("why none suits is told", !stream_choose(&graph, &device, &reason) &&
		    strstr(reason.text, "small") && strstr(reason.text, "ISA 1.2") &&
		    strstr(reason.text, "big") && strstr(reason.text, "1000 bytes of SRAM"));
	streams[0].isa_minor = 1;
	streams[0].isa_major = 2;
	test_result("a stream of another ISA major does not run",
		    !stream_choose(&graph, &device, &reason) && strstr(reason.text, "ISA 2.1"));
	streams[0].isa_major = 1;
	streams[0].isa_minor = 0;
	test_result("a stream of an earlier ISA minor does",
		    stream_choose(&graph, &device, &reason) == &streams[0]);
	streams[0].isa_minor = 1;
	device.macs_per_cycle = 512;
	test_result("the number of MACs must match", !stream_choose(&graph, &device, &reason));
	device.macs_per_cycle = 256;
	streams[0].features = 2;
	test_result("features must be there", !stream_choose(&graph, &device, &reason));
	streams[0].features = 0;
	graph.stream_count = 3;
	streams[2] = stream(11, 0, 256, 10, 100);
	test_result("the device's own name wins over cycles",
		    stream_choose(&graph, &device, &reason) == &streams[2]);
	graph.stream_count = 0;
	test_result("a graph may have no stream", !stream_choose(&graph, &device, &reason) &&
		    *reason.text);
}

static void test_addresses(void)
{
	struct address_space space = { .start = 0x1000, .size = 0x9000 };
	struct address_range a, b, c, d;
	int good = 1;

	good &= !address_space_take(&space, &a, 0x2000, 0x1000) && a.address == 0x1000;
	good &= !address_space_take(&space, &b, 0x1000, 0x1000) && b.address == 0x3000;
	good &= !address_space_take(&space, &c, 0x6000, 0x1000) && c.address == 0x4000;
	test_result("addresses are given out in order", good);
	test_result("a full space says so", address_space_take(&space, &d, 0x1000, 0x1000) == -ENOSPC);
	address_space_release(&space, &b);
	test_result("what is released is used again",
		    address_space_take(&space, &d, 0x1001, 0x1000) == -ENOSPC &&
		    !address_space_take(&space, &d, 0x1000, 0x1000) && d.address == 0x3000);
	address_space_release(&space, &a);
	address_space_release(&space, &c);
	address_space_release(&space, &d);
	test_result("an empty space is whole", !space.first &&
		    !address_space_take(&space, &a, 0x9000, 0x1000));
}

static void test_sha256(void)
{
	static const uint8_t empty[] = { 0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14 };
	static const uint8_t abc[] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea };
	static const uint8_t million[] = { 0xcd, 0xc7, 0x6e, 0x5c, 0x99, 0x14, 0xfb, 0x92 };
	uint8_t digest[SHA256_BYTES];
	char *text = malloc(1000000);
	int good;

	memset(text, 'a', 1000000);
	sha256(text, 0, digest);
	good = !memcmp(digest, empty, sizeof(empty));
	sha256("abc", 3, digest);
	good &= !memcmp(digest, abc, sizeof(abc));
	sha256(text, 1000000, digest);
	good &= !memcmp(digest, million, sizeof(million));
	test_result("SHA-256 of the standard's examples", good);
	free(text);
}

int main(void)
{
	test_arena();
	test_position();
	test_streams();
	test_addresses();
	test_sha256();
	return test_failures != 0;
}
