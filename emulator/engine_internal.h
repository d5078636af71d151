/* SPDX-License-Identifier: MIT */
/*
 * What the engine's own files share: the machine state, decoded commands, and
 * the functions of one file that another needs. Nobody else includes this.
 */

#ifndef KESTREL_EMULATOR_ENGINE_INTERNAL_H
#define KESTREL_EMULATOR_ENGINE_INTERNAL_H

#include "engine.h"

#define ENGINE_REGISTERS_MAX KESTREL_VECTOR_REGISTER_COUNT
#define ENGINE_LINE_BYTES KESTREL_ISA_BRICK_BYTES
/* A time that does not come; sums of it and a command's cycles do not wrap. */
#define ENGINE_NEVER (UINT64_MAX / 4)

struct engine_fault {
	/* enum kestrel_fault_code; KESTREL_FAULT_NONE while there is none. */
	uint32_t code;
	uint32_t unit;
	uint32_t offset;
	uint32_t detail;
	uint64_t address;
};

/* A feature map in SRAM (isa.h, "Feature maps in SRAM"). */
struct engine_map {
	uint32_t address;
	uint32_t row_stride;
	uint32_t brick_stride;
	uint32_t pixel_stride;
	uint32_t ring_rows;
	uint32_t first_row;
	uint32_t width;
	uint32_t height;
	uint32_t channels;
	/* 1 or 2 */
	uint32_t element_bytes;
	bool packed;
	bool is_unsigned;
	int32_t zero_point;
};

/*
 * One axis of a window that slides over an input: output o and tap k read input
 * o * stride + k * dilation - pad when that lies in [0, inputs).
 */
struct engine_axis {
	uint32_t outputs;
	uint32_t inputs;
	uint32_t kernel;
	uint32_t stride;
	uint32_t dilation;
	int32_t pad;
};

/* Run mode of DECODE: its symbols, 0 for none, and the value that runs. */
struct engine_codec_runs {
	uint32_t symbols;
	uint8_t value;
	/* By a pair of tables. */
	bool pairs;
};

struct engine_dma_command {
	uint32_t mode;
	uint32_t port;
	uint32_t base;
	/* Virtual address of offset 0 of the transfer. */
	uint64_t address;
	uint32_t sram_address;
	uint32_t count[4];
	/* By dimension; [0] unused. */
	int64_t memory_stride[4];
	uint64_t sram_stride[4];
	uint32_t ring_rows;
	uint32_t first_row;
	uint32_t brick_stride;
	uint32_t element_bytes;
	uint32_t fill;
	uint32_t source_bytes;
	uint32_t table;
	struct engine_codec_runs runs;
	/* Bytes on the port, whole beats. */
	uint64_t port_bytes;
};

struct engine_mac_command {
	uint32_t mode;
	uint32_t flags;
	struct engine_map ifm;
	struct engine_map ofm;
	struct engine_axis y;
	struct engine_axis x;
	uint32_t weight_address;
	uint32_t weight_brick_stride;
	int32_t weight_zero_point;
	uint32_t record_address;
	uint32_t requantise;
	uint32_t multiplier;
	int32_t shift;
	uint32_t depth_multiplier;
	uint32_t accumulate_from;
	uint32_t accumulate_to;
	uint32_t spill_address;
	int32_t clamp_min;
	int32_t clamp_max;
	/* Multiply-accumulates, counting every tap of every output once. */
	uint64_t macs;
};

struct engine_scale {
	uint32_t multiplier;
	int32_t shift;
};

/* One axis of a resize: positions of outputs in units of 2^-shift inputs. */
struct engine_resize_axis {
	int64_t start;
	int64_t step;
	uint32_t shift;
	uint32_t outputs;
	uint32_t inputs;
};

/* The two inputs an output lies between, and how far from the lower, 0..1023. */
struct engine_resize_position {
	uint32_t low;
	uint32_t high;
	int32_t fraction;
};

struct engine_vector_command {
	uint32_t operation;
	struct engine_map ifm;
	struct engine_map ifm2;
	struct engine_map ofm;
	/* Of pools; other operations read input (y, x) for output (y, x). */
	struct engine_axis y;
	struct engine_axis x;
	uint32_t requantise;
	struct engine_scale ifm_scale;
	struct engine_scale ifm2_scale;
	struct engine_scale ofm_scale;
	uint32_t left_shift;
	int32_t clamp_min;
	int32_t clamp_max;
	uint32_t table_address;
	uint32_t table_entries;
	struct engine_resize_axis resize_y;
	struct engine_resize_axis resize_x;
	uint32_t permutation;
	uint32_t epsilon;
};

enum engine_entry_kind {
	ENGINE_ENTRY_COMMAND,
	ENGINE_ENTRY_SIGNAL,
	ENGINE_ENTRY_WAIT,
};

/* An entry of a unit's queue. */
struct engine_entry {
	enum engine_entry_kind kind;
	uint32_t semaphore;
	uint32_t offset;
	uint32_t reg[ENGINE_REGISTERS_MAX];
	union {
		struct engine_dma_command dma;
		struct engine_mac_command mac;
		struct engine_vector_command vector;
	} command;
	/* Set when it is issued. DMA: data_start..data_end is its time on the port. */
	uint64_t start;
	uint64_t data_start;
	uint64_t data_end;
	uint64_t retire;
	uint64_t busy;
	uint64_t conflict_cycles;
	/* One more than the highest SRAM byte it touches. */
	uint64_t sram_end;
	/* Checked mode: what happened before it, and its own time. */
	uint32_t clock[KESTREL_UNIT_COUNT];
};

struct engine_unit {
	struct engine_entry entry[KESTREL_ISA_QUEUE_ENTRIES];
	uint32_t head;
	uint32_t count;
	/* The first `issued` entries are under way. */
	uint32_t issued;
	uint64_t issue_time;
	uint64_t last_retire;
	/* The oldest entry's effect has begun and needs another call. */
	bool executing;
	uint32_t clock[KESTREL_UNIT_COUNT];
};

struct engine_semaphore {
	uint32_t head;
	uint32_t count;
	/* Of every count: the cycle at which a WAIT sees it, and the signaller's clock. */
	uint64_t visible[KESTREL_ISA_SEMAPHORE_MAX];
	uint32_t clock[KESTREL_ISA_SEMAPHORE_MAX][KESTREL_UNIT_COUNT];
};

struct engine_port_state {
	/* The port's last byte that is promised to somebody. */
	uint64_t free_time;
};

#define ENGINE_FETCH_BYTES 512
#define ENGINE_FETCH_BURST 128
#define ENGINE_FETCH_BURSTS (ENGINE_FETCH_BYTES / ENGINE_FETCH_BURST)

struct engine_burst {
	uint64_t data_start;
	uint64_t arrival;
	uint32_t offset;
	uint32_t length;
	bool on_port;
};

enum engine_front_end_state {
	/* Looks for the next record. */
	ENGINE_FRONT_END_FETCH,
	/* The record takes effect at `ready`, or when its queue has room. */
	ENGINE_FRONT_END_RECORD,
	/* At PREEMPT or END, until the queues have drained. */
	ENGINE_FRONT_END_DRAIN,
	/* Behind the drain of a PREEMPT, until `ready`. */
	ENGINE_FRONT_END_PREEMPT,
};

struct engine_front_end {
	enum engine_front_end_state state;
	uint32_t selected;
	uint32_t offset;
	/* Stream offsets up to which bytes have arrived, and were asked for. */
	uint32_t arrived;
	uint32_t requested;
	uint8_t buffer[ENGINE_FETCH_BYTES];
	struct engine_burst burst[ENGINE_FETCH_BURSTS];
	uint32_t burst_count;
	uint64_t last_burst_end;
	uint64_t previous_page;
	uint64_t ready;
	/* The record that waits: opcode, operand, length in bytes. */
	uint8_t opcode;
	uint32_t operand;
	uint32_t record_bytes;
	uint32_t range_count;
	uint32_t range[KESTREL_ISA_PREEMPT_RANGES][2];
	uint32_t reg[KESTREL_UNIT_COUNT][ENGINE_REGISTERS_MAX];
};

struct engine_codec_table {
	bool valid;
	/* Two tables, one behind the other; `next` counts from the first's beginning. */
	bool pair;
	uint8_t symbol[KESTREL_CODEC_STATES];
	uint8_t bits[KESTREL_CODEC_STATES];
	uint16_t next[KESTREL_CODEC_STATES];
};

/* Size of the accumulators that a MAC command left in the RAM; 0: none. */
struct engine_accumulators {
	uint32_t width;
	uint32_t height;
	uint32_t channels;
};

/* Adds a column of products to 16 accumulators of each pixel; see engine_kernel.c. */
struct engine_segment {
	/* From the pixel's first element, in elements. */
	size_t offset;
	uint32_t pairs;
};

struct engine_kernels {
	void (*convolution)(int32_t (*accumulator)[16], const int16_t *const *pixel,
			    uint32_t pixels, const struct engine_segment *segment,
			    size_t segments, const int16_t *weights);
	void (*depthwise)(int32_t (*accumulator)[16], const int16_t *const *pixel,
			  uint32_t pixels, const struct engine_segment *segment,
			  size_t segments, const int16_t *weights);
};

#define ENGINE_KERNEL_PIXELS 8

/* A growing buffer that is kept from one command to the next. */
struct engine_buffer {
	void *data;
	size_t bytes;
};

/* How far the MAC or VECTOR command under execution has come. */
struct engine_work {
	bool begun;
	/* MAC: operands are staged for the kernels. */
	bool staged;
	uint64_t position;
	uint32_t brick;
	struct engine_buffer ifm;
	struct engine_buffer weights;
	struct engine_buffer segments;
	uint32_t segment_count;
	uint32_t weights_brick;
	size_t row_elements;
	size_t brick_elements;
	size_t pixel_elements;
};

struct engine_check_page;

struct engine_check {
	uint8_t *defined;
	/* By SRAM byte: unit << 30 | clock of the last write; clocks of the last reads. */
	uint32_t *writer;
	uint32_t (*reader)[KESTREL_UNIT_COUNT];
	/* Memory that the job's DMA commands touched, hashed by page number. */
	struct engine_check_page **page;
	uint32_t pages;
	/* Columns of the map under check that some output reads. */
	uint8_t *column_read;
};

struct engine_totals {
	uint64_t counter[KESTREL_COUNTER_COUNT];
	uint64_t front_end_cycles;
	uint64_t command_bytes;
	uint64_t conflict_cycles;
	uint64_t sram_peak;
	uint64_t jobs_ended;
};

struct engine {
	struct kestrel_configuration configuration;
	struct engine_host host;
	struct engine_kernels kernels;
	uint64_t now;
	bool hung;
	bool ecc;
	bool preempt;
	bool hold;
	uint32_t state;
	/* End of SAVE, RESTORE, SCRUB or KILL. */
	uint64_t operation_end;
	uint32_t operation;
	bool killing;
	uint64_t active_since;
	uint64_t active_cycles;
	struct engine_fault fault;
	struct engine_operands operands;
	uint32_t resume_offset;
	uint32_t range_count;
	uint32_t range[KESTREL_ISA_PREEMPT_RANGES][2];

	struct engine_front_end front_end;
	struct engine_unit unit[KESTREL_UNIT_COUNT];
	struct engine_semaphore semaphore[KESTREL_ISA_SEMAPHORES];
	struct engine_port_state port[2];
	uint8_t *sram;
	int32_t (*accumulator)[16];
	struct engine_accumulators accumulators;
	struct engine_codec_table table[KESTREL_CODEC_TABLES];
	uint64_t table_ready[KESTREL_CODEC_TABLES];
	struct engine_work work[KESTREL_UNIT_COUNT];
	struct engine_check check;
	uint64_t random;
	/* SRAM that the command being decoded touches: one more than its last byte. */
	uint64_t checked_end;
	/* Elementary operations that this call of engine_step() may still execute. */
	int64_t budget;

	struct engine_totals job;
	struct engine_totals total;
	struct engine_totals since_reset;
};

/* How an execute function ended. */
enum engine_progress {
	ENGINE_PROGRESS_DONE,
	/* The budget is used up: call again. */
	ENGINE_PROGRESS_MORE,
	/* *fault tells. */
	ENGINE_PROGRESS_FAULT,
};

/* engine.c */
void engine_fault_raise(struct engine *engine, const struct engine_fault *fault);
void engine_operation_end(struct engine *engine, uint32_t state);
void engine_state_clear(struct engine *engine);
void engine_peak_raise(struct engine *engine, uint64_t end);
/* Adds to the job's, the total and the resettable counters. */
void engine_counter_add(struct engine *engine, uint32_t counter, uint64_t value);

/* engine_unit.c */
struct engine_entry *engine_unit_entry(struct engine_unit *unit, uint32_t index);
bool engine_units_drained(const struct engine *engine);
/* Everything that happens at the present cycle; false: the budget is used up. */
bool engine_units_run(struct engine *engine);
/* The next cycle at which a unit does something, ENGINE_NEVER when none will. */
uint64_t engine_units_next(struct engine *engine);
/* schedule=random: an arbitrary delay; otherwise 0. */
uint64_t engine_random_delay(struct engine *engine);
void engine_unit_push(struct engine *engine, uint32_t unit, enum engine_entry_kind kind,
		      uint32_t semaphore, uint32_t offset);

/* engine_front_end.c */
void engine_front_end_reset(struct engine *engine, uint32_t offset);
void engine_front_end_registers_reset(struct engine *engine);
uint64_t engine_front_end_next(const struct engine *engine);
bool engine_front_end_run(struct engine *engine);

/* engine_port.c: times of a DMA command, from its decoded form. */
void engine_port_issue(struct engine *engine, uint32_t unit, struct engine_entry *entry);
/* A fetch burst takes the port for `cycles` from now. */
void engine_port_fetch(struct engine *engine, uint64_t cycles);
uint64_t engine_port_cycles(const struct engine *engine, uint32_t port, bool write,
			    uint64_t bytes);
uint32_t engine_port_select(const struct engine *engine, uint32_t port);

/*
 * Checks of a command at the head of its queue: fills in entry->command from
 * entry->reg, or *fault. Nothing else changes.
 */
bool engine_dma_decode(struct engine *engine, uint32_t unit, struct engine_entry *entry,
		       struct engine_fault *fault);
bool engine_mac_decode(struct engine *engine, struct engine_entry *entry,
		       struct engine_fault *fault);
bool engine_vector_decode(struct engine *engine, struct engine_entry *entry,
			  struct engine_fault *fault);

/* Modes that move one row, described by COUNT0 or SOURCE_BYTES alone. */
bool engine_dma_one_row(uint32_t mode);
/* Bytes of a memory row of dimension 0. */
uint64_t engine_dma_row_bytes(const struct engine_dma_command *command);

/* The effect of a decoded command. */
enum engine_progress engine_dma_execute(struct engine *engine, uint32_t unit,
					struct engine_entry *entry, struct engine_fault *fault);
enum engine_progress engine_mac_execute(struct engine *engine,
					const struct engine_mac_command *command,
					struct engine_fault *fault);
enum engine_progress engine_vector_execute(struct engine *engine,
					   const struct engine_vector_command *command);
void engine_layer_norm_pixel(const struct engine *engine,
			     const struct engine_vector_command *command, uint32_t y, uint32_t x);
/* Two inputs (BILINEAR) or one (NEAREST: low = high) of an output. */
struct engine_resize_position engine_resize_at(const struct engine_resize_axis *axis,
					       uint32_t output);
/* Whether any output takes the input. */
bool engine_resize_reads(const struct engine_resize_axis *axis, uint32_t input);
bool engine_vector_resizes(const struct engine_vector_command *command);
/* Up to 16 channels of an output pixel of RESIZE_BILINEAR and RESIZE_NEAREST. */
void engine_resize_pixel(const struct engine *engine,
			 const struct engine_vector_command *command, uint32_t first,
			 uint32_t count, uint32_t y, uint32_t x, int32_t out[16]);
/* Position in the IFM of an OFM element of TRANSPOSE. */
void engine_transpose_at(uint32_t permutation, const uint32_t from[3], uint32_t to[3]);
bool engine_vector_binary(const struct engine_vector_command *command);
/* Bytes of the table operand; 0: none. */
uint32_t engine_vector_table_bytes(const struct engine_vector_command *command);
/* All channels of one pixel. */
void engine_softmax_pixel(const struct engine *engine, const struct engine_vector_command *command,
			  uint32_t y, uint32_t x);

/* Elements a pass of the command takes from kernel element `first` on (isa.h). */
uint32_t engine_mac_pass(uint32_t first, uint32_t elements, uint32_t per_row, uint32_t depth);

/* One more than the last byte of weights; bytes of accumulators in SRAM. */
uint64_t engine_mac_weight_end(const struct engine_mac_command *command);
uint64_t engine_mac_spill_bytes(const struct engine_mac_command *command);

/* engine_timing.c: cycles until the next command of the unit may start. */
uint64_t engine_timing_mac(const struct kestrel_configuration *configuration,
			   const struct engine_mac_command *command, uint64_t *conflict_cycles);
uint64_t engine_timing_vector(const struct kestrel_configuration *configuration,
			      const struct engine_vector_command *command);

/* engine_codec.c. False: no such table, or no such data. */
struct engine_codec_source {
	void *opaque;
	/* Bytes at hand. */
	const uint8_t *data;
	size_t left;
	/* Gets more; false at the end or when reading failed. */
	bool (*refill)(struct engine_codec_source *source);
};
bool engine_codec_load(struct engine_codec_table *table, struct engine_codec_source *source,
		       bool pair);
bool engine_codec_decode(const struct engine_codec_table *table,
			 struct engine_codec_source *source,
			 const struct engine_codec_runs *runs, uint8_t *data, uint32_t count);

/* engine_requantise.c: M of docs/hardware.md, for one value and for 16 at once. */
int32_t engine_requantise(uint32_t mode, int32_t value, uint32_t multiplier, int32_t shift);
void engine_requantise_lanes(uint32_t mode, int32_t *value, uint32_t rows,
			     const uint32_t multiplier[16], const int32_t shift[16]);
int32_t engine_high_multiply(int32_t a, int32_t b);
int32_t engine_rounding_shift(int32_t value, int32_t exponent);

/* engine_kernel.c: those that this processor runs, the fastest at index 0; false behind the last. */
bool engine_kernels_get(uint32_t index, struct engine_kernels *kernels);

/* engine_map.c */
uint64_t engine_map_row(const struct engine_map *map, uint32_t y);
uint32_t engine_map_lanes(const struct engine_map *map);
uint32_t engine_map_bricks(const struct engine_map *map);
/* One more than the highest byte of rows y0..y1 and columns x0..x1. */
uint64_t engine_map_end(const struct engine_map *map, uint32_t y0, uint32_t y1, uint32_t x1);
int32_t engine_map_load(const struct engine *engine, const struct engine_map *map, uint32_t y,
			uint32_t x, uint32_t channel);
/* Writes an element; other lanes of its brick stay as they are. */
void engine_map_store(const struct engine *engine, const struct engine_map *map, uint32_t y,
		      uint32_t x, uint32_t channel, int32_t value);
/* First and last input that any output reads; false: none. */
bool engine_axis_extent(const struct engine_axis *axis, uint32_t *first, uint32_t *last);
bool engine_axis_reads(const struct engine_axis *axis, uint32_t input);

/* Shared checks of register values: false and *fault filled in when out of range. */
bool engine_value_check(const uint32_t *reg, uint32_t number, uint32_t low, uint32_t high,
			uint32_t multiple, struct engine_fault *fault);
bool engine_signed_check(const uint32_t *reg, uint32_t number, int32_t low, int32_t high,
			 struct engine_fault *fault);
int32_t engine_zigzag(uint32_t value);
/* Also keeps the highest end of the command's operands in engine->checked_end. */
bool engine_sram_check(struct engine *engine, uint64_t end, struct engine_fault *fault);
bool engine_value_refuse(struct engine_fault *fault, uint32_t code, uint32_t detail);

/* engine_check.c: checked mode. */
int engine_check_create(struct engine *engine);
void engine_check_destroy(struct engine *engine);
/* All bytes outside the ranges become undefined. */
void engine_check_poison(struct engine *engine, const uint32_t (*range)[2], uint32_t range_count);
/* Nothing is defined any more; the bytes stay. */
void engine_check_forget(struct engine *engine);
void engine_check_define(struct engine *engine, uint32_t address, uint32_t size);
/* Everything so far happens before everything that follows. */
void engine_check_barrier(struct engine *engine);
/* Reads, then writes of the command. False: *fault tells. */
bool engine_check_command(struct engine *engine, uint32_t unit, const struct engine_entry *entry,
			  struct engine_fault *fault);

/*
 * engine_check_memory.c: the same for bytes of memory. HAZARD's detail is then
 * UINT32_MAX, its address the virtual one.
 */
bool engine_check_memory_create(struct engine *engine);
void engine_check_memory_destroy(struct engine *engine);
void engine_check_memory_forget(struct engine *engine);
bool engine_check_memory(struct engine *engine, uint32_t unit, const uint32_t *clock,
			 uint64_t address, uint64_t length, struct engine_fault *fault);

/* Makes the buffer at least `bytes` long; false when there is no memory. */
bool engine_buffer_reserve(struct engine_buffer *buffer, size_t bytes);

#endif
