/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * Kestrel NPU command stream (ISA), version 1.0
 *
 * This file is the one definition of the command stream: the compiler writes
 * it, the engine (silicon or emulator) executes it, the driver and firmware
 * never look inside it. docs/hardware.md gives the arithmetic and the cost of
 * every command; here stand the encoding, every field with its range, and the
 * fault that a bad value raises.
 *
 * DOC: Machine as the stream sees it
 *
 * A front end reads the stream byte by byte and feeds four units, each with an
 * in-order queue of KESTREL_ISA_QUEUE_ENTRIES entries:
 *
 *     DMA_IN   memory -> SRAM        DMA_OUT  SRAM -> memory
 *     MAC      SRAM -> SRAM          VECTOR   SRAM -> SRAM
 *
 * Units run side by side. Nothing orders two units but semaphores: 16 counting
 * semaphores (0..255), changed by SIGNAL (+1) and WAIT (blocks until > 0, then
 * -1), which stand in a unit's queue between its commands. A SIGNAL acts when
 * every earlier command of its queue has retired. When the target queue is
 * full the front end waits; a stream in which every WAIT stands behind its
 * SIGNAL therefore never deadlocks.
 *
 * Every unit owns a bank of registers in the front end. SET changes one
 * register of the selected unit, EXECUTE queues a command made of all of them:
 * registers keep their values, so a stream sends only what changes. At the
 * start of a job and behind a PREEMPT record every register has its reset
 * value, every semaphore is 0 and unit DMA_IN is selected.
 *
 * DOC: Addresses
 *
 * Memory: (BASE, OFFSET). BASE selects one of the job's up to 16 {address,
 * size} pairs; every byte touched must lie in [0, size) of it (fault
 * BASE_RANGE) and be mapped in the job's address space (fault MMU).
 * SRAM: byte address from 0; every byte touched must lie below the SRAM size
 * of the configuration (fault SRAM_RANGE). SRAM content is undefined when a
 * job starts.
 *
 * DOC: Feature maps in SRAM
 *
 * A *brick* is one 16-byte SRAM line: 16 channels of an 8-bit or 8 channels of
 * a 16-bit feature map at one pixel. With L = channels in a brick, element
 * (y, x, c) of a feature map lies at
 *
 *     ADDRESS + row(y) * ROW_STRIDE + (c / L) * BRICK_STRIDE
 *             + x * PIXEL_STRIDE + (c % L) * element bytes
 *     row(y) = RING_ROWS ? (FIRST_ROW + y) % RING_ROWS : FIRST_ROW + y
 *
 * ADDRESS and all strides are multiples of 16. The lanes of a last brick that
 * lie beyond the channel count are *tail lanes*: every unit that writes a
 * brick writes them as 0 and no unit lets them influence a result.
 * *Packed form*, for 8-bit feature maps of fewer than 16 channels: PIXEL_STRIDE
 * is the channel count, BRICK_STRIDE is unused, there are no tail lanes. A
 * writer uses packed form if and only if PIXEL_STRIDE < 16.
 *
 * DOC: Versions
 *
 * A device runs a stream whose ISA major equals its own and whose minor is not
 * above its own (docs/compatibility.md). A new register takes an unused number and a
 * reset value that keeps old streams' meaning, a new operation or mode an unused
 * value; this raises the minor. A device faults on all that it does not know.
 */
#ifndef KESTREL_ISA_H
#define KESTREL_ISA_H

#define KESTREL_ISA_MAJOR 1
#define KESTREL_ISA_MINOR 0

/* The units, in the numbering of SELECT and of fault records. */
enum kestrel_unit {
	KESTREL_UNIT_DMA_IN = 0,
	KESTREL_UNIT_DMA_OUT = 1,
	KESTREL_UNIT_MAC = 2,
	KESTREL_UNIT_VECTOR = 3,
	KESTREL_UNIT_COUNT = 4,
	KESTREL_UNIT_FRONT_END = 4,	/* command fetch and decode; fault records only */
	KESTREL_UNIT_MCU = 5,		/* the management core; fault records only */
};

#define KESTREL_ISA_BASES 16		/* {address, size} pairs of a job */
#define KESTREL_ISA_SEMAPHORES 16
#define KESTREL_ISA_SEMAPHORE_MAX 255
#define KESTREL_ISA_QUEUE_ENTRIES 16	/* commands, waits and signals a unit queues */
#define KESTREL_ISA_BRICK_BYTES 16
#define KESTREL_ISA_PREEMPT_RANGES 16	/* live SRAM ranges of a PREEMPT record */
#define KESTREL_ISA_STREAM_BYTES_MAX (1u << 28)

/*
 * DOC: Records
 *
 * A record starts with one byte.
 *
 * 0x00..0x7f SET: register number; then the value as unsigned LEB128 (7 bits a
 *   byte, low bits first, bit 7 = more follows), at most 5 bytes and at most
 *   2^32-1. Registers marked "signed" hold a zigzag value: v >= 0 ? 2v : -2v-1.
 *   A number that the selected unit has no register for: ILLEGAL_REGISTER.
 *   A value is checked when EXECUTE uses it: ILLEGAL_VALUE.
 */
#define KESTREL_ISA_END 0x80		/* the job is done when all queues have drained */
#define KESTREL_ISA_EXECUTE 0x81	/* queue a command of the selected unit */
/*
 * PREEMPT: LEB128 count n (0..16), then n pairs LEB128 {SRAM address, length},
 * multiples of 16, ascending, not overlapping: the SRAM bytes that are live
 * here. The front end waits until all queues are drained; every semaphore must
 * then be 0 (PREEMPT_STATE). If firmware has asked for preemption the job
 * stops here, otherwise it goes on. Either way all registers take their reset
 * values, and accumulators and decode tables hold nothing live.
 */
#define KESTREL_ISA_PREEMPT 0x82
#define KESTREL_ISA_SELECT 0x84		/* 0x84 + unit (0..3) */
#define KESTREL_ISA_SIGNAL 0x90		/* 0x90 + semaphore, into the selected unit's queue */
#define KESTREL_ISA_WAIT 0xa0		/* 0xa0 + semaphore, into the selected unit's queue */
/* Every other first byte: ILLEGAL_OPCODE. Stream exhausted before END: STREAM_END. */

/* Why the engine stopped a job; reported by the JOB_FAULT_CODE register. */
enum kestrel_fault_code {
	KESTREL_FAULT_NONE = 0,
	KESTREL_FAULT_ILLEGAL_OPCODE = 1,
	KESTREL_FAULT_ILLEGAL_REGISTER = 2,
	KESTREL_FAULT_ILLEGAL_VALUE = 3,	/* detail = register number */
	KESTREL_FAULT_ILLEGAL_ENCODING = 4,	/* LEB128 too long or too large, bad PREEMPT record */
	KESTREL_FAULT_STREAM_END = 5,		/* no END within the stream's size */
	KESTREL_FAULT_SRAM_RANGE = 6,		/* detail = SRAM address */
	KESTREL_FAULT_BASE_RANGE = 7,		/* detail = base index; address = offset */
	KESTREL_FAULT_MMU = 8,			/* address = virtual address; see the MMU's record */
	KESTREL_FAULT_UNSUPPORTED = 9,		/* legal in the ISA, absent in this device; detail = register */
	KESTREL_FAULT_SEMAPHORE_OVERFLOW = 10,	/* detail = semaphore */
	KESTREL_FAULT_DECODE = 11,		/* bad decode table or compressed data; detail = table slot */
	KESTREL_FAULT_PREEMPT_STATE = 12,	/* semaphore not 0 at PREEMPT; detail = semaphore */
	KESTREL_FAULT_ECC = 13,			/* uncorrectable SRAM error; detail = SRAM address */
	/* Checked mode of a simulator only: */
	KESTREL_FAULT_UNDEFINED_READ = 14,	/* SRAM byte read before it was written; detail = address */
	KESTREL_FAULT_HAZARD = 15,		/* two units, same bytes, no semaphore between; detail = address */
};

/*
 * DMA_IN and DMA_OUT registers (one numbering for both units).
 *
 * A transfer is four-dimensional: COUNT0 elements in a row, COUNT1 rows, and so
 * on. Memory byte address of index (i3, i2, i1) is OFFSET + sum of
 * i_d * MEMORY_STRIDE_d; SRAM byte address is SRAM_ADDRESS + i1 * SRAM_STRIDE1
 * + r(i2) * SRAM_STRIDE2 + i3 * SRAM_STRIDE3 with r(i2) = RING_ROWS ?
 * (FIRST_ROW + i2) % RING_ROWS : FIRST_ROW + i2.
 * SRAM addresses and strides of DMA may be any byte, but in mode BRICK.
 */
enum kestrel_dma_register {
	KESTREL_DMA_MODE = 0,		/* enum kestrel_dma_mode; reset 0 */
	KESTREL_DMA_PORT = 1,		/* memory port 0 or 1; reset 0; a one-port device uses its port for both */
	KESTREL_DMA_BASE = 2,		/* base index, 0..15; reset 0 */
	KESTREL_DMA_OFFSET = 3,		/* byte offset in the base, 0..2^32-1; reset 0 */
	KESTREL_DMA_SRAM_ADDRESS = 4,	/* byte address; reset 0 */
	KESTREL_DMA_COUNT0 = 5,		/* bytes (BRICK: channels), 1..2^24; reset 1 */
	KESTREL_DMA_COUNT1 = 6,		/* 1..65536 (BRICK: pixels of a row); reset 1 */
	KESTREL_DMA_COUNT2 = 7,		/* 1..65536 (BRICK: rows); reset 1 */
	KESTREL_DMA_COUNT3 = 8,		/* 1..65536 (BRICK: must be 1); reset 1 */
	KESTREL_DMA_MEMORY_STRIDE1 = 9,	/* signed, bytes; reset 0 */
	KESTREL_DMA_MEMORY_STRIDE2 = 10,	/* signed, bytes; reset 0 */
	KESTREL_DMA_MEMORY_STRIDE3 = 11,	/* signed, bytes; reset 0 */
	KESTREL_DMA_SRAM_STRIDE1 = 12,	/* bytes; BRICK: pixel stride, multiple of 16; reset 0 */
	KESTREL_DMA_SRAM_STRIDE2 = 13,	/* bytes; BRICK: row stride, multiple of 16; reset 0 */
	KESTREL_DMA_SRAM_STRIDE3 = 14,	/* bytes; reset 0 */
	KESTREL_DMA_RING_ROWS = 15,	/* 0 = none, else 1..65536; reset 0 */
	KESTREL_DMA_FIRST_ROW = 16,	/* 0..65535; reset 0 */
	KESTREL_DMA_BRICK_STRIDE = 17,	/* BRICK: bytes, multiple of 16; reset 0 */
	KESTREL_DMA_ELEMENT_BYTES = 18,	/* BRICK: 1 or 2; reset 1 */
	KESTREL_DMA_FILL = 19,		/* FILL: the byte, 0..255; reset 0 */
	KESTREL_DMA_SOURCE_BYTES = 20,	/* DECODE, LOAD_TABLE: compressed bytes to read, 1..2^24; reset 0 */
	KESTREL_DMA_TABLE = 21,		/* DECODE, LOAD_TABLE: slot 0 or 1, + 2 for a pair of tables; reset 0 */
	KESTREL_DMA_SYMBOLS = 22,	/* DECODE: symbols in run or pair mode, 1..2^24; 0: neither; reset 0 */
	KESTREL_DMA_RUN_VALUE = 23,	/* DECODE in these modes: the value that runs, 0..255; reset 0 */
	KESTREL_DMA_REGISTER_COUNT = 24,
};

enum kestrel_dma_mode {
	/* Bytes as they are. */
	KESTREL_DMA_COPY = 0,
	/* Every destination byte = FILL. DMA_IN fills SRAM, DMA_OUT memory. */
	KESTREL_DMA_FILL_BYTES = 1,
	/*
	 * Linear NHWC memory <-> bricks. COUNT0 = channels C, COUNT1 = W,
	 * COUNT2 = H. Memory: OFFSET + y * MEMORY_STRIDE2 + x * MEMORY_STRIDE1
	 * + c * ELEMENT_BYTES. SRAM: SRAM_ADDRESS + r(y) * SRAM_STRIDE2
	 * + (c / L) * BRICK_STRIDE + x * SRAM_STRIDE1 + (c % L) *
	 * ELEMENT_BYTES, L = 16 / ELEMENT_BYTES. DMA_IN writes tail lanes 0,
	 * DMA_OUT skips them.
	 */
	KESTREL_DMA_BRICK = 2,
	/*
	 * DMA_IN only: SOURCE_BYTES compressed bytes at (BASE, OFFSET) become
	 * COUNT0 bytes at SRAM_ADDRESS by decode table TABLE; see "Codec".
	 */
	KESTREL_DMA_DECODE = 3,
	/* DMA_IN only: SOURCE_BYTES bytes at (BASE, OFFSET) describe decode table TABLE. */
	KESTREL_DMA_LOAD_TABLE = 4,
	/* DMA_IN only: (COUNT0+1)/2 bytes hold int4 pairs, low nibble first; each becomes an int8. */
	KESTREL_DMA_EXPAND_INT4 = 5,
	KESTREL_DMA_MODE_COUNT = 6,
};

/*
 * DOC: Codec (tANS, 1024 states, 8 interleaved lanes)
 *
 * All bit strings are read least significant bit of the first byte first.
 *
 * Table description: for every symbol 0..255 in turn the Elias-gamma code of
 * n+1, n = its slot count: N zero bits, a one bit, then the N low bits of n+1,
 * least significant first (N = floor(log2(n+1)), N <= 10). The counts sum to
 * 1024. Bits behind the last code in its byte are 0; SOURCE_BYTES covers
 * exactly the description. Anything else: DECODE.
 *
 * Table: position p starts at 0; for every symbol in turn, n times: state p
 * gets this symbol, p = (p + 643) mod 1024. Then for states i = 0..1023 in
 * turn, with s its symbol: x = n_s at the first visit of s and 1 more at each
 * later one; bits_i = 10 - floor(log2(x)); next_i = (x << bits_i) - 1024.
 *
 * Data: eight 10-bit initial states, lane 0 first, then for symbol i = 0, 1,
 * ..., n-1 with lane k = i mod 8: the symbol is that of lane k's state; if
 * i + 8 < n, state_k = next + (the following `bits` bits). SOURCE_BYTES covers
 * exactly the bits used, rounded up to bytes; running out or leaving a whole
 * byte unread: DECODE.
 * SYMBOLS = 0: n = COUNT0 and every symbol is an output byte. Otherwise (run
 * mode) n = SYMBOLS; a symbol that equals RUN_VALUE is an output byte and the
 * symbol behind it says how many more of this byte follow (0..255); other
 * symbols are output bytes. Outputs other than exactly COUNT0, or a RUN_VALUE
 * as the last symbol: DECODE.
 *
 * Pair mode (TABLE + 2): the slot holds two tables of 512 states. The symbols
 * at even i are counts and belong to the first, those at odd i are values and
 * belong to the second, so that each lane stays with one table. A pair stands
 * for count bytes of RUN_VALUE and then the value, whatever that is.
 * Both descriptions stand one behind the other without a gap; their counts sum
 * to 512 each, and behind the code of a symbol without slots stands the
 * Elias-gamma code of k+1: so many more symbols have none either and no code.
 * With 512 for 1024, 9 for 10 and N <= 9 table and data are as above; n =
 * SYMBOLS. A SYMBOLS that is 0 or odd, outputs other than exactly COUNT0, or a
 * slot loaded in the other form: DECODE.
 */
#define KESTREL_CODEC_STATE_BITS 10
#define KESTREL_CODEC_STATES 1024
#define KESTREL_CODEC_STEP 643
#define KESTREL_CODEC_LANES 8
#define KESTREL_CODEC_TABLES 2
/* In TABLE: the slot holds a pair of tables. */
#define KESTREL_CODEC_PAIR 2
#define KESTREL_CODEC_PAIR_STATE_BITS 9
#define KESTREL_CODEC_PAIR_STATES 512

/*
 * MAC registers. All feature maps as in "Feature maps in SRAM".
 *
 * For output (oy, ox, oc), with the taps (ky, kx) inside the kernel:
 *   iy = oy * STRIDE_Y + ky * DILATION_Y - PAD_TOP
 *   ix = ox * STRIDE_X + kx * DILATION_X - PAD_LEFT
 * The tap counts when 0 <= iy < IFM_HEIGHT and 0 <= ix < IFM_WIDTH (the
 * command's valid window); otherwise it contributes nothing (reads as the IFM
 * zero point).
 *   acc = start + sum (ifm(iy, ix, ic) - IFM_ZERO_POINT) * (weight - WEIGHT_ZERO_POINT)
 *   CONVOLUTION, PACKED_CONVOLUTION: over all ic < IFM_CHANNELS
 *   DEPTHWISE: ic = oc / DEPTH_MULTIPLIER only
 * acc is 32 bits wide and wraps. start = 0, or what ACCUMULATE_FROM says.
 *   OFM = clamp(requantise(acc + bias) + OFM_ZERO_POINT, CLAMP_MIN, CLAMP_MAX)
 *
 * DOC: Passes and weights
 *
 * A pass is what the array's depth of 16 takes at once; E = 16 for an 8-bit,
 * 8 for a 16-bit IFM.
 *   CONVOLUTION: for each IFM brick, for each ky, for each kx: one pass of the
 *     brick's channels: E, in the last brick what is left.
 *   PACKED_CONVOLUTION: the elements (ky, kx, c) in this nesting are cut into
 *     passes: a pass takes elements in order until it has E of them or the next
 *     one would lie in a fifth kernel row.
 *   DEPTHWISE: the same rule over the taps (ky, kx).
 * Weights of a command lie contiguous from WEIGHT_ADDRESS: for each OFM brick
 * (16 output channels, the last one what is left: n channels), for each pass
 * (R elements): n rows of R bytes, row j for channel j of the brick, byte e for
 * element e of the pass. There is no padding anywhere.
 * With WEIGHTS_ARE_FEATURES (CONVOLUTION, 1x1 kernel, 8-bit) the operand is a
 * feature map in bricks instead: weight(oc, ic) at WEIGHT_ADDRESS
 * + (ic / 16) * WEIGHT_BRICK_STRIDE + oc * 16 + ic % 16.
 *
 * Channel records lie contiguous from RECORD_ADDRESS: for each OFM brick with n
 * channels: n int32 biases, n uint32 multipliers, n int8 shifts (9 n bytes).
 */
enum kestrel_mac_register {
	KESTREL_MAC_MODE = 0,		/* enum kestrel_mac_mode; reset 0 */
	KESTREL_MAC_FLAGS = 1,		/* KESTREL_MAC_FLAG_*; other bits 0; reset 0 */
	KESTREL_MAC_IFM_ADDRESS = 2,	/* multiple of 16; reset 0 */
	KESTREL_MAC_IFM_ROW_STRIDE = 3,	/* multiple of 16; reset 0 */
	KESTREL_MAC_IFM_BRICK_STRIDE = 4,	/* multiple of 16; reset 0 */
	KESTREL_MAC_IFM_PIXEL_STRIDE = 5,	/* multiple of 16; PACKED_CONVOLUTION: = IFM_CHANNELS; reset 16 */
	KESTREL_MAC_IFM_RING_ROWS = 6,	/* 0 or 1..65536; reset 0 */
	KESTREL_MAC_IFM_FIRST_ROW = 7,	/* 0..65535; reset 0 */
	KESTREL_MAC_IFM_WIDTH = 8,	/* valid window, 1..65536; reset 1 */
	KESTREL_MAC_IFM_HEIGHT = 9,	/* valid window, 1..65536; reset 1 */
	KESTREL_MAC_IFM_CHANNELS = 10,	/* 1..65536; PACKED_CONVOLUTION 1..15; reset 1 */
	KESTREL_MAC_IFM_ZERO_POINT = 11,	/* signed, within the IFM type; 16-bit: 0; reset 0 */
	KESTREL_MAC_KERNEL_WIDTH = 12,	/* 1..1024; reset 1 */
	KESTREL_MAC_KERNEL_HEIGHT = 13,	/* 1..1024; reset 1 */
	KESTREL_MAC_STRIDE_X = 14,	/* 1..64; reset 1 */
	KESTREL_MAC_STRIDE_Y = 15,	/* 1..64; reset 1 */
	KESTREL_MAC_DILATION_X = 16,	/* 1..256; PACKED_CONVOLUTION: 1; reset 1 */
	KESTREL_MAC_DILATION_Y = 17,	/* 1..256; reset 1 */
	KESTREL_MAC_PAD_LEFT = 18,	/* signed, -65536..65536; reset 0 */
	KESTREL_MAC_PAD_TOP = 19,	/* signed, -65536..65536; reset 0 */
	KESTREL_MAC_OFM_ADDRESS = 20,	/* multiple of 16 (packed form: any byte); reset 0 */
	KESTREL_MAC_OFM_ROW_STRIDE = 21,	/* multiple of 16 (packed form: any); reset 0 */
	KESTREL_MAC_OFM_BRICK_STRIDE = 22,	/* multiple of 16; reset 0 */
	KESTREL_MAC_OFM_PIXEL_STRIDE = 23,	/* multiple of 16, or OFM_CHANNELS (< 16) for packed form; reset 16 */
	KESTREL_MAC_OFM_RING_ROWS = 24,	/* 0 or 1..65536; reset 0 */
	KESTREL_MAC_OFM_FIRST_ROW = 25,	/* 0..65535; reset 0 */
	KESTREL_MAC_OFM_WIDTH = 26,	/* 1..65536; reset 1 */
	KESTREL_MAC_OFM_HEIGHT = 27,	/* 1..65536; reset 1 */
	KESTREL_MAC_OFM_CHANNELS = 28,	/* 1..65536; reset 1 */
	KESTREL_MAC_OFM_ZERO_POINT = 29,	/* signed, within the OFM type; reset 0 */
	KESTREL_MAC_CLAMP_MIN = 30,	/* signed, within the OFM type; reset 0 */
	KESTREL_MAC_CLAMP_MAX = 31,	/* signed, within the OFM type, >= CLAMP_MIN; reset 0 */
	KESTREL_MAC_WEIGHT_ADDRESS = 32,	/* multiple of 16; reset 0 */
	KESTREL_MAC_WEIGHT_BRICK_STRIDE = 33,	/* WEIGHTS_ARE_FEATURES: multiple of 16; reset 0 */
	KESTREL_MAC_WEIGHT_ZERO_POINT = 34,	/* signed, within the weight type; reset 0 */
	KESTREL_MAC_RECORD_ADDRESS = 35,	/* multiple of 16; unused with SCALE_PER_TENSOR; reset 0 */
	KESTREL_MAC_REQUANTISE = 36,	/* enum kestrel_requantise; reset 0 */
	KESTREL_MAC_MULTIPLIER = 37,	/* SCALE_PER_TENSOR: as in a channel record; reset 0 */
	KESTREL_MAC_SHIFT = 38,		/* SCALE_PER_TENSOR: signed, -31..30; reset 0 */
	KESTREL_MAC_DEPTH_MULTIPLIER = 39,	/* DEPTHWISE: OFM_CHANNELS = IFM_CHANNELS * this; reset 1 */
	KESTREL_MAC_ACCUMULATE_FROM = 40,	/* enum kestrel_accumulators; reset 0 */
	KESTREL_MAC_ACCUMULATE_TO = 41,	/* enum kestrel_accumulators; reset 0 */
	KESTREL_MAC_SPILL_ADDRESS = 42,	/* multiple of 16; reset 0 */
	KESTREL_MAC_REGISTER_COUNT = 43,
};

enum kestrel_mac_mode {
	KESTREL_MAC_CONVOLUTION = 0,		/* fully connected too: kernel of the IFM's size, or 1x1 */
	KESTREL_MAC_PACKED_CONVOLUTION = 1,	/* IFM in packed form */
	KESTREL_MAC_DEPTHWISE = 2,		/* 8-bit weights, IFM in bricks */
	KESTREL_MAC_MODE_COUNT = 3,
};

#define KESTREL_MAC_FLAG_IFM_UNSIGNED (1u << 0)		/* 8-bit IFM is uint8 */
#define KESTREL_MAC_FLAG_OFM_UNSIGNED (1u << 1)		/* 8-bit OFM is uint8 */
#define KESTREL_MAC_FLAG_WEIGHT_UNSIGNED (1u << 2)	/* weights are uint8 */
#define KESTREL_MAC_FLAG_IFM_16BIT (1u << 3)		/* int16 IFM, bricks of 8 channels */
#define KESTREL_MAC_FLAG_OFM_16BIT (1u << 4)		/* int16 OFM, bricks of 8 channels */
#define KESTREL_MAC_FLAG_SCALE_PER_TENSOR (1u << 5)	/* MULTIPLIER, SHIFT, bias 0 instead of records */
#define KESTREL_MAC_FLAG_WEIGHTS_ARE_FEATURES (1u << 6)	/* batched matrix product */
#define KESTREL_MAC_FLAGS_ALL 0x7fu

/*
 * Where accumulators start from and end. RAM: the unit's accumulator RAM keeps
 * them from one MAC command to the next; both commands must have the same OFM
 * size, at most accumulator_pixels pixels (a capability) and 16 channels, else
 * ILLEGAL_VALUE. SRAM: int32 at SPILL_ADDRESS + ((oc / 16) * OFM_WIDTH *
 * OFM_HEIGHT + oy * OFM_WIDTH + ox) * 64 + (oc % 16) * 4. Bias, requantise and
 * OFM are used only by ACCUMULATE_TO = OUTPUT.
 */
enum kestrel_accumulators {
	KESTREL_ACCUMULATE_FRESH = 0,	/* FROM: zero. TO: requantise and write the OFM */
	KESTREL_ACCUMULATE_RAM = 1,
	KESTREL_ACCUMULATE_SRAM = 2,
};

/*
 * Requantise modes; exact formulas in docs/hardware.md, "Arithmetic". x is the
 * int32 accumulator with bias, m the multiplier, s the shift (positive = left).
 */
enum kestrel_requantise {
	KESTREL_REQUANTISE_DOUBLE = 0,	/* TFLite reference: high multiply, then shift, both rounding */
	KESTREL_REQUANTISE_SINGLE = 1,	/* one rounding, ties up */
	KESTREL_REQUANTISE_F32 = 2,	/* m holds an IEEE binary32; each step to nearest even; shift unused */
	KESTREL_REQUANTISE_WIDE = 3,	/* 16-bit multiplier, one rounding (TFLite 16x8) */
	KESTREL_REQUANTISE_UPWARD = 4,	/* TFLite optimised: DOUBLE, but the shift's ties go up */
	KESTREL_REQUANTISE_COUNT = 5,
};

/*
 * VECTOR registers. IFM and OFM (and IFM2 of a binary operation) as in
 * "Feature maps in SRAM", bricks or packed form each; all have the OFM's
 * channels, and WIDTH x HEIGHT pixels unless the operation says otherwise.
 */
enum kestrel_vector_register {
	KESTREL_VECTOR_OPERATION = 0,	/* enum kestrel_vector_operation; reset 0 */
	KESTREL_VECTOR_FLAGS = 1,	/* KESTREL_VECTOR_FLAG_*; other bits 0; reset 0 */
	/*
	 * Addresses, strides, RING_ROWS and FIRST_ROW of the three maps have the ranges
	 * of the MAC unit's OFM registers and, but for PIXEL_STRIDE, reset to 0.
	 */
	KESTREL_VECTOR_IFM_ADDRESS = 2,
	KESTREL_VECTOR_IFM_ROW_STRIDE = 3,
	KESTREL_VECTOR_IFM_BRICK_STRIDE = 4,
	KESTREL_VECTOR_IFM_PIXEL_STRIDE = 5,	/* reset 16 */
	KESTREL_VECTOR_IFM_RING_ROWS = 6,
	KESTREL_VECTOR_IFM_FIRST_ROW = 7,
	KESTREL_VECTOR_IFM_WIDTH = 8,	/* pools, resize: valid window, 1..65536; reset 1 */
	KESTREL_VECTOR_IFM_HEIGHT = 9,	/* pools, resize: valid window, 1..65536; reset 1 */
	KESTREL_VECTOR_IFM_ZERO_POINT = 10,	/* signed; reset 0 */
	KESTREL_VECTOR_IFM2_ADDRESS = 11,
	KESTREL_VECTOR_IFM2_ROW_STRIDE = 12,	/* 0 broadcasts along y */
	KESTREL_VECTOR_IFM2_BRICK_STRIDE = 13,
	KESTREL_VECTOR_IFM2_PIXEL_STRIDE = 14,	/* 0 broadcasts along x; reset 16 */
	KESTREL_VECTOR_IFM2_RING_ROWS = 15,
	KESTREL_VECTOR_IFM2_FIRST_ROW = 16,
	KESTREL_VECTOR_IFM2_ZERO_POINT = 17,	/* signed; reset 0 */
	KESTREL_VECTOR_OFM_ADDRESS = 18,
	KESTREL_VECTOR_OFM_ROW_STRIDE = 19,
	KESTREL_VECTOR_OFM_BRICK_STRIDE = 20,
	KESTREL_VECTOR_OFM_PIXEL_STRIDE = 21,	/* reset 16 */
	KESTREL_VECTOR_OFM_RING_ROWS = 22,
	KESTREL_VECTOR_OFM_FIRST_ROW = 23,
	KESTREL_VECTOR_OFM_WIDTH = 24,	/* 1..65536; reset 1 */
	KESTREL_VECTOR_OFM_HEIGHT = 25,	/* 1..65536; reset 1 */
	KESTREL_VECTOR_OFM_CHANNELS = 26,	/* 1..65536; reset 1 */
	KESTREL_VECTOR_OFM_ZERO_POINT = 27,	/* signed; reset 0 */
	KESTREL_VECTOR_CLAMP_MIN = 28,	/* signed; reset 0 */
	KESTREL_VECTOR_CLAMP_MAX = 29,	/* signed, >= CLAMP_MIN; reset 0 */
	KESTREL_VECTOR_REQUANTISE = 30,	/* enum kestrel_requantise; reset 0 */
	KESTREL_VECTOR_IFM_MULTIPLIER = 31,	/* reset 0 */
	KESTREL_VECTOR_IFM_SHIFT = 32,	/* signed, -31..30; reset 0 */
	KESTREL_VECTOR_IFM2_MULTIPLIER = 33,	/* reset 0 */
	KESTREL_VECTOR_IFM2_SHIFT = 34,	/* signed, -31..30; reset 0 */
	KESTREL_VECTOR_OFM_MULTIPLIER = 35,	/* reset 0 */
	KESTREL_VECTOR_OFM_SHIFT = 36,	/* signed, -31..30; reset 0 */
	KESTREL_VECTOR_LEFT_SHIFT = 37,	/* ADD, SUB: 0..20; reset 0 */
	KESTREL_VECTOR_KERNEL_WIDTH = 38,	/* pools: 1..1024; reset 1 */
	KESTREL_VECTOR_KERNEL_HEIGHT = 39,	/* pools: 1..1024; reset 1 */
	KESTREL_VECTOR_STRIDE_X = 40,	/* pools: 1..64; reset 1 */
	KESTREL_VECTOR_STRIDE_Y = 41,	/* pools: 1..64; reset 1 */
	KESTREL_VECTOR_PAD_LEFT = 42,	/* pools: signed, -65536..65536; reset 0 */
	KESTREL_VECTOR_PAD_TOP = 43,	/* pools: signed, -65536..65536; reset 0 */
	KESTREL_VECTOR_TABLE_ADDRESS = 44,	/* TABLE, SOFTMAX, LAYER_NORM: multiple of 16; reset 0 */
	KESTREL_VECTOR_TABLE_ENTRIES = 45,	/* SOFTMAX: 1..256; reset 0 */
	KESTREL_VECTOR_STEP_X = 46,	/* resize: input positions a column; reset 0 */
	KESTREL_VECTOR_STEP_Y = 47,	/* resize: input positions a row; reset 0 */
	KESTREL_VECTOR_START_X = 48,	/* resize: signed, position of the first column; reset 0 */
	KESTREL_VECTOR_START_Y = 49,	/* resize: signed, position of the first row; reset 0 */
	KESTREL_VECTOR_PERMUTATION = 50,	/* TRANSPOSE: enum kestrel_permutation; reset 0 */
	KESTREL_VECTOR_EPSILON = 51,	/* LAYER_NORM: added to the variance, 0..2^32-1; reset 0 */
	KESTREL_VECTOR_REGISTER_COUNT = 52,
};

/*
 * Formulas: a = IFM element, b = IFM2 element, zero points za, zb, zy, M_a =
 * requantise with IFM_MULTIPLIER and IFM_SHIFT, M_b, M_y likewise, all in mode
 * REQUANTISE; every result is clamped to [CLAMP_MIN, CLAMP_MAX].
 */
enum kestrel_vector_operation {
	/* M_y(M_a((a - za) << LEFT_SHIFT) + M_b((b - zb) << LEFT_SHIFT)) + zy */
	KESTREL_VECTOR_ADD = 0,
	/* M_y(M_a((a - za) << LEFT_SHIFT) - M_b((b - zb) << LEFT_SHIFT)) + zy */
	KESTREL_VECTOR_SUB = 1,
	/* M_y((a - za) * (b - zb)) + zy */
	KESTREL_VECTOR_MUL = 2,
	/* min(a, b), max(a, b): same quantisation on all three */
	KESTREL_VECTOR_MIN = 3,
	KESTREL_VECTOR_MAX = 4,
	/* M_a(a - za) + zy */
	KESTREL_VECTOR_RESCALE = 5,
	/* table[a as an unsigned byte]; 256 bytes at TABLE_ADDRESS; no clamp */
	KESTREL_VECTOR_TABLE = 6,
	/* a; no clamp. Changes layout: strides, packed form, brick positions */
	KESTREL_VECTOR_COPY = 7,
	/* Pools: taps as in the MAC unit with dilation 1, over the valid window */
	KESTREL_VECTOR_MAX_POOL = 8,	/* max over valid taps (none valid: CLAMP_MIN) */
	/* s = sum over n valid taps; s > 0 ? (s + n/2) / n : (s - n/2) / n, division truncating; n = 0: 0 */
	KESTREL_VECTOR_AVERAGE_POOL = 9,
	/* M_a(sum over valid taps of (a - za)) + zy: mean and sum */
	KESTREL_VECTOR_SUM_POOL = 10,
	/*
	 * Along the channels of every pixel. Table: TABLE_ENTRIES uint32 e[d] at
	 * TABLE_ADDRESS, d = maximum - a; e[d] = 0 behind its end. See
	 * docs/hardware.md, "Softmax".
	 */
	KESTREL_VECTOR_SOFTMAX = 11,
	KESTREL_VECTOR_MIN_POOL = 12,	/* min over valid taps */
	/*
	 * Along the channels of every pixel, at most 4096 of them. Table: OFM_CHANNELS
	 * int32 biases, then as many int16 gains, at TABLE_ADDRESS. See
	 * docs/hardware.md, "Layer normalisation".
	 */
	KESTREL_VECTOR_LAYER_NORM = 13,
	/*
	 * Resize: the IFM has IFM_WIDTH x IFM_HEIGHT pixels; output row y lies at position
	 * p = START_Y + y * STEP_Y of its rows, column x likewise, exact integers.
	 * BILINEAR: p in 1/1024; low = floor(p / 1024), high = ceil(p / 1024), both kept
	 * within the map, f = low == high ? 0 : p - 1024 low;
	 *   s = a(low y, low x) (1024 - fy) (1024 - fx) + a(high y, low x) fy (1024 - fx)
	 *     + a(low y, high x) (1024 - fy) fx + a(high y, high x) fy fx
	 *   (s > 0 ? s + 2^19 : s - 2^19) / 2^20, truncating, clamped
	 * NEAREST: p in 1/65536; a(floor(p / 65536) kept within the map); no clamp
	 */
	KESTREL_VECTOR_RESIZE_BILINEAR = 14,
	KESTREL_VECTOR_RESIZE_NEAREST = 15,
	/* OFM (y, x, c) = IFM at the position that PERMUTATION says; no clamp */
	KESTREL_VECTOR_TRANSPOSE = 16,
	KESTREL_VECTOR_OPERATION_COUNT = 17,
};

/*
 * TRANSPOSE: row, column and channel of the IFM, in terms of the OFM's. The IFM's
 * size follows; in packed form its PIXEL_STRIDE is its own channel count.
 */
enum kestrel_permutation {
	KESTREL_PERMUTATION_YXC = 0,
	KESTREL_PERMUTATION_XYC = 1,
	KESTREL_PERMUTATION_YCX = 2,
	KESTREL_PERMUTATION_CXY = 3,
	KESTREL_PERMUTATION_XCY = 4,
	KESTREL_PERMUTATION_CYX = 5,
	KESTREL_PERMUTATION_COUNT = 6,
};

#define KESTREL_VECTOR_FLAG_IFM_UNSIGNED (1u << 0)
#define KESTREL_VECTOR_FLAG_IFM2_UNSIGNED (1u << 1)
#define KESTREL_VECTOR_FLAG_OFM_UNSIGNED (1u << 2)
#define KESTREL_VECTOR_FLAG_IFM_16BIT (1u << 3)		/* IFM and IFM2 */
#define KESTREL_VECTOR_FLAG_OFM_16BIT (1u << 4)
#define KESTREL_VECTOR_FLAGS_ALL 0x1fu

#endif /* KESTREL_ISA_H */
