/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note OR MIT */
/*
 * Kestrel NPU: the firmware image, and what host and firmware share in memory.
 * Interface version 1.0.
 *
 * DOC: overview
 *
 * The management core (MCU) runs a firmware image that the host loads. All
 * that the two tell each other goes through memory that the host has mapped
 * in address space 0, two doorbells and one interrupt:
 *
 *	host                                         firmware
 *	 |  struct kestrel_fw_control                   |
 *	 |    host part: where the rings are  ------->  |
 *	 |    firmware part: state, heartbeat <-------  |
 *	 |    request slots: make, kill queues <----->  |
 *	 |  event ring: how jobs ended        <-------  |
 *	 |  log ring, crash record            <-------  |
 *	 |  one job ring for each queue       ------->  |
 *	 |                                              |
 *	 |  KESTREL_REG_DOORBELL: a ring has jobs ---->  |
 *	 |  KESTREL_REG_CONTROL_DOORBELL: a request -->  |
 *	 |  <---- KESTREL_INTERRUPT_MCU_EVENT: look     |
 *
 * All numbers are little endian; a VA is an address in address space 0 below
 * 2 GiB (the MCU's window), unless it is said to be one of the job's address
 * space. Every structure is laid out without hidden padding, the same for 32
 * and 64 bits. Reserved fields are written as 0; the firmware refuses others in
 * what the host hands it (the host part of the control block, boot arguments,
 * requests, jobs), so that a later version can give them a meaning.
 *
 * DOC: boot
 *
 * 1. The host maps image, control block, event ring, log ring and crash record
 *    in address space 0 and fills the host part of the control block; all else
 *    is zero. It writes IMAGE_ADDRESS, IMAGE_SIZE and the BOOT_ARGUMENTs, then
 *    MCU_START.
 * 2. The boot ROM checks and copies the image ("image" below) and starts it,
 *    or refuses with a BOOT_CODE.
 * 3. The firmware checks the host part: magic, interface version, ring sizes
 *    and addresses. If it cannot work with them it sets boot_error, state
 *    REFUSED, rings and halts with KESTREL_FW_HALT_REFUSED.
 * 4. Otherwise it scrubs the engine, fills in the firmware part, sets state
 *    READY and rings. The host checks what it reads, and may send requests.
 *
 * Interface versions (docs/compatibility.md): equal major numbers understand
 * each other, others refuse each other: the host the image, the firmware the
 * handshake. A higher minor only adds, and each side uses what both have: the host
 * sets no field and sends no request that the firmware's minor lacks, the firmware
 * writes no event, result or state that the host's minor lacks. The control block
 * may grow at its end; KESTREL_FW_BOOT_CONTROL_SIZE says how much of it there is.
 *
 * DOC: a job
 *
 * 1. CREATE_QUEUE told the firmware of the ring, address space, priority and
 *    time limits. The firmware keeps its own copy; the host can change nothing
 *    of it but by requests.
 * 2. The host writes struct kestrel_fw_job to entry write_index % entries of
 *    the ring, makes it visible, then write_index + 1, then rings DOORBELL
 *    with the queue's index. Indices run freely modulo 2^32; write_index -
 *    read_index jobs wait.
 * 3. When the queue's turn comes the firmware copies the job once, advances
 *    read_index (the entry may be reused), checks the copy, starts the engine.
 * 4. When the job has ended the firmware sets completed_seqno, writes one
 *    event, event_write_index + 1, and raises the interrupt. It never drops an
 *    event: while the event ring is full it starts no job, and looks again
 *    every KESTREL_FW_HEARTBEAT_CYCLES or when CONTROL_DOORBELL is rung.
 * 5. A job that ends in any way but JOB_DONE stops its queue: status says so,
 *    nothing more is taken from its ring. The host destroys it.
 *
 * DOC: time
 *
 * The firmware alone times jobs, in active engine time: NPU cycles in which
 * the engine worked for the job, over all its time slices. A job that exceeds
 * its queue's job_timeout_cycles is killed (JOB_TIMEOUT). With more than one
 * queue ready, a time slice ends a job's turn at its next preemption point; a
 * job that reaches none within KESTREL_FW_PREEMPT_LIMIT_CYCLES of being asked
 * is killed (JOB_PREEMPT_TIMEOUT).
 *
 * The ready queue of highest priority goes first, round robin among equals;
 * but each priority that has a ready queue gets at least 1/16 of every window
 * of 100 ms. So the longest time until a ready queue of a level gets its turn
 * is bounded by the window, the queues of its level and their slices.
 *
 * Which of equals goes first the host may influence. In a round every ready queue
 * of a priority has one turn; those with jobs up to hurry_seqno of their rings
 * have theirs first. Who hurries all the time gains nothing over others, and
 * between two turns of a ready queue each other one of its priority has at most
 * two. A turn that has begun is not cut short.
 *
 * DOC: heartbeat
 *
 * While the firmware has work, heartbeat grows at least every
 * KESTREL_FW_HEARTBEAT_CYCLES; while it is idle, only when rung. A host that
 * doubts an idle firmware sends PING.
 *
 * DOC: trust
 *
 * The memory is shared, so either side may find anything in it at any time.
 * Each copies a field once, checks the copy and uses the copy. The firmware
 * writes 64-bit fields in two halves, low half first: what is not ordered by an
 * index (an event, a reply) is read twice until both agree. Memory that the
 * firmware was told of stays mapped until it is told otherwise: an access to
 * an unmapped address is a crash. An index that
 * cannot be right (more jobs waiting than the ring has entries) stops that
 * queue (QUEUE_BROKEN). The firmware touches nothing of a client's but the
 * ring; streams and buffers are reached by the engine in the client's own
 * address space.
 */
#ifndef KESTREL_FIRMWARE_H
#define KESTREL_FIRMWARE_H

#if defined(__KERNEL__) || defined(__linux__)
#include <linux/types.h>
#else
#include <stdint.h>
typedef uint8_t __u8;
typedef uint16_t __u16;
typedef uint32_t __u32;
typedef uint64_t __u64;
#endif

#ifdef __KERNEL__
#include <linux/stddef.h>
#else
#include <stddef.h>
#endif

#define KESTREL_FW_INTERFACE_MAJOR		1
#define KESTREL_FW_INTERFACE_MINOR		0

/* Where request_firmware() and the tools look, below /lib/firmware. */
#define KESTREL_FW_IMAGE_NAME			"kestrel/arch1.0/kestrel_fw.bin"

/* ------------------------------------------------------------------------
 * Image
 *
 *	struct kestrel_fw_image_header
 *	struct kestrel_fw_image_section [section_count]
 *	section data, each at its offset, 16-byte aligned
 *
 * header_hash is the SHA-256 of header and section table with header_hash
 * itself taken as zero; as each table entry holds its section's SHA-256 it
 * covers every byte that has a meaning. A signature (Ed25519, in a section of
 * its own) signs the 32 bytes of header_hash; the table entry of a signature
 * section holds zeroes for its hash.
 *
 * The boot ROM checks, in this order, each with its KESTREL_BOOT_* code:
 * magic; header_version; architecture (equal major, minor not above its own);
 * sizes (image_size <= IMAGE_SIZE, header and table inside it); reserved fields of
 * the header (0: KESTREL_BOOT_SECTION); every section (offset + size inside the
 * image, TCM sections inside TCM, no two overlapping, entry inside one, known if
 * REQUIRED, no unknown flag, reserved fields 0); header_hash; section hashes;
 * signature where fused; security version against the fuse. What the image needs
 * beyond that of its readers takes another header_version.
 */

/* The bytes 'K' 'N' 'F' 'W'. */
#define KESTREL_FW_IMAGE_MAGIC			0x57464e4b
#define KESTREL_FW_IMAGE_HEADER_VERSION		1
#define KESTREL_FW_IMAGE_MAX_BYTES		0x40000
#define KESTREL_FW_IMAGE_MAX_SECTIONS		8
#define KESTREL_FW_HASH_BYTES			32

/* firmware_version: major << 24 | minor << 16 | patch. */
#define KESTREL_FW_VERSION(major, minor, patch)	((major) << 24 | (minor) << 16 | (patch))

struct kestrel_fw_image_header {
	/* KESTREL_FW_IMAGE_MAGIC. */
	__u32 magic;
	/* KESTREL_FW_IMAGE_HEADER_VERSION. */
	__u32 header_version;
	/* Bytes of the image, header to last section. */
	__u32 image_size;
	/* Register block that it was made for (KESTREL_REG_ARCHITECTURE). */
	__u16 architecture_major;
	__u16 architecture_minor;
	/* Interface that it speaks (KESTREL_FW_INTERFACE_*). */
	__u16 interface_major;
	__u16 interface_minor;
	/* KESTREL_FW_VERSION(). */
	__u32 firmware_version;
	/* Counts up with each fix that must not be undone; see the fuse. */
	__u32 security_version;
	/* First instruction, a TCM address inside a TCM section, even. */
	__u32 entry;
	/* Byte offset of the section table, a multiple of 8. */
	__u32 section_table_offset;
	/* 1..KESTREL_FW_IMAGE_MAX_SECTIONS. */
	__u32 section_count;
	/* sizeof(struct kestrel_fw_image_section): fixed by header_version. */
	__u32 section_entry_size;
	__u32 reserved0;
	/* What it was built from (git describe), printable, NUL-terminated. */
	char build[48];
	__u32 reserved1[4];
	/* See above. */
	__u8 header_hash[KESTREL_FW_HASH_BYTES];
};

enum kestrel_fw_section_type {
	/* Code and data: data_size bytes to load_address, zeroes up to memory_size. */
	KESTREL_FW_SECTION_TCM = 1,
	/* struct kestrel_fw_image_signature; at most one, without REQUIRED. */
	KESTREL_FW_SECTION_SIGNATURE = 2,
};

#define KESTREL_FW_SIGNATURE_BYTES		64
#define KESTREL_FW_PUBLIC_KEY_BYTES		32

/* Ed25519 (RFC 8032, without prehash or context). */
struct kestrel_fw_image_signature {
	/* Of the 32 bytes of header_hash. */
	__u8 signature[KESTREL_FW_SIGNATURE_BYTES];
	/* Whose signature it is; a device demands the key of its fuses. */
	__u8 public_key[KESTREL_FW_PUBLIC_KEY_BYTES];
};

/* A boot ROM that does not know the type refuses the image. */
#define KESTREL_FW_SECTION_REQUIRED		(1u << 0)

struct kestrel_fw_image_section {
	/* enum kestrel_fw_section_type. */
	__u32 type;
	/* KESTREL_FW_SECTION_REQUIRED or 0. */
	__u32 flags;
	/* Where the data is in the image, a multiple of 16; and its bytes. */
	__u32 data_offset;
	__u32 data_size;
	/* TCM: where it goes, a multiple of 4, and bytes there >= data_size. */
	__u32 load_address;
	__u32 memory_size;
	__u32 reserved[2];
	/* SHA-256 of the data_size bytes. */
	__u8 hash[KESTREL_FW_HASH_BYTES];
};

/* ------------------------------------------------------------------------
 * Boot arguments: the words of KESTREL_REG_BOOT_ARGUMENT().
 */

/* VA of struct kestrel_fw_control, a multiple of 64. */
#define KESTREL_FW_BOOT_CONTROL_ADDRESS		0
/* sizeof(struct kestrel_fw_control) as the host knows it. */
#define KESTREL_FW_BOOT_CONTROL_SIZE		1
/* enum kestrel_fw_log_level to start with. The arguments behind it are 0. */
#define KESTREL_FW_BOOT_LOG_LEVEL		2

/* What the firmware writes to KESTREL_MCU_HALT. */
#define KESTREL_FW_HALT_REFUSED			1	/* boot_error says why */
#define KESTREL_FW_HALT_CRASHED			2	/* see the crash record */
/* The boot arguments are unusable or not 0: there is nowhere to say more. */
#define KESTREL_FW_HALT_BOOT_ARGUMENTS		3

/* ------------------------------------------------------------------------
 * Limits of interface 1. The firmware part repeats those marked *, which
 * another firmware may set lower.
 */
#define KESTREL_FW_QUEUES_MAX			128	/* * */
#define KESTREL_FW_RING_ENTRIES_MAX		64	/* *; powers of two, at least 2 */
#define KESTREL_FW_BASES_MAX			16
#define KESTREL_FW_EVENT_ENTRIES_MIN		16	/* powers of two */
#define KESTREL_FW_EVENT_ENTRIES_MAX		4096
#define KESTREL_FW_LOG_ENTRIES_MIN		16	/* powers of two */
#define KESTREL_FW_LOG_ENTRIES_MAX		4096
#define KESTREL_FW_REQUEST_SLOTS		4
#define KESTREL_FW_TIME_SLICE_MIN_CYCLES	10000u	/* * */
#define KESTREL_FW_TIME_SLICE_MAX_CYCLES	100000000u
#define KESTREL_FW_TIME_SLICE_DEFAULT_CYCLES	1000000u
#define KESTREL_FW_JOB_TIMEOUT_MIN_CYCLES	10000u
#define KESTREL_FW_JOB_TIMEOUT_MAX_CYCLES	100000000000ull	/* * */
#define KESTREL_FW_JOB_TIMEOUT_DEFAULT_CYCLES	2500000000ull
#define KESTREL_FW_PREEMPT_LIMIT_CYCLES		1000000u
#define KESTREL_FW_HEARTBEAT_CYCLES		500000u
/* Share of a level in each window. */
#define KESTREL_FW_LEVEL_WINDOW_MS		100
#define KESTREL_FW_LEVEL_SHARE_DIVISOR		16

enum kestrel_fw_priority {
	KESTREL_FW_PRIORITY_LOW = 0,
	KESTREL_FW_PRIORITY_NORMAL = 1,
	KESTREL_FW_PRIORITY_HIGH = 2,
	KESTREL_FW_PRIORITY_REALTIME = 3,
	KESTREL_FW_PRIORITY_COUNT = 4,
};

/* ------------------------------------------------------------------------
 * Job ring of a queue: this header, then `entries` jobs. The host part and the
 * firmware part never share a cache line of 64 bytes.
 */

/* One {address, size} pair that stream addresses are relative to. */
struct kestrel_fw_base {
	/* VA in the job's address space. */
	__u64 address;
	/* Bytes from there; 0 = unused. address + size <= 2^64. */
	__u64 size;
};

struct kestrel_fw_job {
	/* Greater than that of the job before it in this queue; not 0. */
	__u64 seqno;
	/* Command stream: VA in the job's address space, a multiple of 16. */
	__u64 command_address;
	/*
	 * Bytes, at most KESTREL_ISA_STREAM_BYTES_MAX; 0: nothing to run, done
	 * when its turn comes (command_address and base_count are 0).
	 */
	__u32 command_size;
	/* Entries of base in use, 0..16. */
	__u32 base_count;
	__u64 reserved;
	struct kestrel_fw_base base[KESTREL_FW_BASES_MAX];
};

enum kestrel_fw_queue_status {
	/* Not created, or destroyed. */
	KESTREL_FW_QUEUE_NONE = 0,
	KESTREL_FW_QUEUE_ACTIVE = 1,
	/* A job failed; its event says how. */
	KESTREL_FW_QUEUE_STOPPED = 2,
	/* write_index was impossible. */
	KESTREL_FW_QUEUE_BROKEN = 3,
};

struct kestrel_fw_ring {
	/* Host writes: jobs ever put into the ring, modulo 2^32. */
	__u32 write_index;
	/*
	 * Host writes, then rings DOORBELL: jobs up to this one (low 32 bits of its
	 * seqno, compared modulo 2^32) are needed soon; see "time". 0: none is. The
	 * firmware looks when rung and when a job of the queue has left the engine.
	 */
	__u32 hurry_seqno;
	__u32 reserved0[14];
	/* Firmware writes: jobs ever taken from the ring, modulo 2^32. */
	__u32 read_index;
	/* enum kestrel_fw_queue_status. */
	__u32 status;
	/* seqno of the last job that ended, in whatever way. */
	__u64 completed_seqno;
	/* Engine cycles of all jobs that ended. */
	__u64 active_cycles;
	/* Times that a job of this queue was preempted. */
	__u32 preemptions;
	__u32 reserved1;
	/*
	 * A job that has not ended, and its engine cycles so far, as of the last
	 * heartbeat with it on the engine; running_cycles is written first. They are
	 * left as they are when it ends, and 0 until there was one.
	 */
	__u64 running_seqno;
	__u64 running_cycles;
	__u32 reserved2[4];
	/* struct kestrel_fw_job job[entries] follows. */
};

/* VA, bytes, of a whole ring. */
#define KESTREL_FW_RING_BYTES(entries) \
	(sizeof(struct kestrel_fw_ring) + (entries) * sizeof(struct kestrel_fw_job))

/*
 * The engine's TAG register, and so the tag of MMU fault records: queue index
 * and the low bits of the job's seqno.
 */
#define KESTREL_FW_TAG(queue, seqno)		((__u32)(queue) << 24 | ((__u32)(seqno) & 0xffffff))
#define KESTREL_FW_TAG_QUEUE(tag)		((tag) >> 24)
#define KESTREL_FW_TAG_SEQNO(tag)		((tag) & 0xffffff)

/* ------------------------------------------------------------------------
 * Events: how jobs ended.
 */

enum kestrel_fw_event_type {
	/* The stream reached END; all its output is in memory. */
	KESTREL_FW_EVENT_JOB_DONE = 1,
	/* The engine refused: fault_* are set. */
	KESTREL_FW_EVENT_JOB_FAULT = 2,
	/* Ran longer than job_timeout_cycles. */
	KESTREL_FW_EVENT_JOB_TIMEOUT = 3,
	/* Reached no preemption point in time. */
	KESTREL_FW_EVENT_JOB_PREEMPT_TIMEOUT = 4,
	/* The ring entry is malformed: fault_code is enum kestrel_fw_job_error. */
	KESTREL_FW_EVENT_JOB_REJECTED = 5,
	/*
	 * Not the job's fault: the host reset the engine under it, or its
	 * context could not be saved or restored (fault_* are set then).
	 */
	KESTREL_FW_EVENT_JOB_LOST = 6,
	/* write_index was impossible; seqno is the last one that ended. */
	KESTREL_FW_EVENT_QUEUE_BROKEN = 7,
};

/* fault_code of JOB_REJECTED. */
enum kestrel_fw_job_error {
	KESTREL_FW_JOB_ERROR_SEQNO = 1,		/* not greater than the one before */
	KESTREL_FW_JOB_ERROR_COMMAND = 2,	/* command_address or command_size */
	KESTREL_FW_JOB_ERROR_BASE_COUNT = 3,
	KESTREL_FW_JOB_ERROR_BASE = 4,		/* fault_detail is the base's index */
	KESTREL_FW_JOB_ERROR_RESERVED = 5,	/* reserved field not zero */
};

struct kestrel_fw_event {
	/* enum kestrel_fw_event_type. */
	__u32 type;
	/* Index of the queue. */
	__u32 queue;
	/* Its job. */
	__u64 seqno;
	/* Engine time of the job, NPU cycles, over all its time slices. */
	__u64 active_cycles;
	/* NPU cycles (KESTREL_COUNTER_CYCLES) when it first started and ended. */
	__u64 start_time;
	__u64 end_time;
	/* The engine's FAULT_* registers; else 0. */
	__u32 fault_code;
	__u32 fault_unit;
	__u32 fault_offset;
	__u32 fault_detail;
	__u64 fault_address;
	/* Times that it was preempted. */
	__u32 preemptions;
	__u32 reserved;
	/* The job's own counters, over all its time slices (regs.h). */
	__u64 busy_cycles[4];		/* KESTREL_COUNTER_BUSY_DMA_IN .. BUSY_VECTOR */
	__u64 macs;
	__u64 read_bytes;		/* both ports */
	__u64 write_bytes;
};

/* ------------------------------------------------------------------------
 * Requests: the host fills a slot, then seqno (another value than before, not
 * 0), then rings CONTROL_DOORBELL. The firmware answers in the same slot:
 * result and value, then reply_seqno = seqno, then the interrupt. Slots are
 * independent of each other: one may wait while another is answered.
 */

enum kestrel_fw_request_type {
	/* Answers at once. */
	KESTREL_FW_REQUEST_PING = 1,
	/* Makes queue `queue` from `create`. */
	KESTREL_FW_REQUEST_CREATE_QUEUE = 2,
	/*
	 * Ends queue `queue`. Its running job is killed, others are forgotten;
	 * there is no event for them. Answered when engine and firmware touch
	 * nothing of the queue any more, within 10,000 cycles and a scrub;
	 * value = completed_seqno.
	 */
	KESTREL_FW_REQUEST_DESTROY_QUEUE = 3,
	/*
	 * Starts no more jobs; answered when those that were started have
	 * ended and the engine is scrubbed. State is then SUSPENDED. Power may
	 * go; queues must be made anew if it did. A job that reaches no
	 * preemption point for KESTREL_FW_PREEMPT_LIMIT_CYCLES meanwhile is
	 * killed (JOB_PREEMPT_TIMEOUT), so that no client can refuse it.
	 */
	KESTREL_FW_REQUEST_SUSPEND = 4,
	/* Undoes SUSPEND. */
	KESTREL_FW_REQUEST_RESUME = 5,
	/* argument = enum kestrel_fw_log_level. */
	KESTREL_FW_REQUEST_SET_LOG_LEVEL = 6,
	/*
	 * Holds the engine at a command boundary, for a clock change; answered
	 * when it stands. CONTINUE lets it go on. Time limits stand still. A job
	 * whose command takes KESTREL_FW_PREEMPT_LIMIT_CYCLES and more from here
	 * is killed (JOB_PREEMPT_TIMEOUT), so that no client can refuse it.
	 */
	KESTREL_FW_REQUEST_HOLD = 7,
	KESTREL_FW_REQUEST_CONTINUE = 8,
};

enum kestrel_fw_result {
	KESTREL_FW_RESULT_OK = 0,
	/* No such request. */
	KESTREL_FW_RESULT_UNKNOWN = 1,
	/* Queue index out of range, or CREATE_QUEUE of one that exists, or
	 * another request for one that does not. */
	KESTREL_FW_RESULT_QUEUE = 2,
	/* CREATE_QUEUE; value is the byte offset in struct kestrel_fw_create_queue
	 * of the field that is wrong. SET_LOG_LEVEL: unknown level. */
	KESTREL_FW_RESULT_ARGUMENT = 3,
	/* Not possible in this state: RESUME or CONTINUE without their
	 * counterpart, SUSPEND or HOLD while one is in force. */
	KESTREL_FW_RESULT_STATE = 4,
	/* A field that this request has no use for, or a reserved one, is not 0. */
	KESTREL_FW_RESULT_RESERVED = 5,
};

struct kestrel_fw_create_queue {
	/* VA of struct kestrel_fw_ring, a multiple of 64; whole ring in the window. */
	__u64 ring_address;
	/* Jobs that the ring holds: power of two, 2..KESTREL_FW_RING_ENTRIES_MAX. */
	__u32 ring_entries;
	/* Address space of its jobs: 1..KESTREL_REG_ASID_COUNT - 1. */
	__u32 asid;
	/* enum kestrel_fw_priority. */
	__u32 priority;
	/* Engine cycles, or 0 for the default. */
	__u32 time_slice_cycles;
	/* Engine cycles, or 0 for the default. */
	__u64 job_timeout_cycles;
	/*
	 * VA (any of address space 0, a multiple of 64) and bytes of the save
	 * area, at least KESTREL_REG_SRAM_BYTES. Size 0: the queue's jobs are
	 * not preempted but run until they end or time out.
	 */
	__u64 save_address;
	__u64 save_size;
	__u64 reserved;
};

struct kestrel_fw_request {
	/* Host writes. */
	__u32 seqno;
	/* enum kestrel_fw_request_type. */
	__u32 type;
	/* Queue index, where the request is about one; else 0. */
	__u32 queue;
	/* See the type; else 0. */
	__u32 argument;
	/* CREATE_QUEUE; else 0. */
	struct kestrel_fw_create_queue create;
	__u64 reserved0[7];
	/* Firmware writes. */
	__u32 reply_seqno;
	/* enum kestrel_fw_result. */
	__u32 result;
	/* See the type. */
	__u64 value;
	__u64 reserved1[6];
};

/* ------------------------------------------------------------------------
 * Log: a ring of fixed records. log_write_index counts records ever written;
 * the firmware overwrites the oldest and never waits. A reader that falls back
 * sees it by sequence: record i is good if its sequence is i before and after
 * copying. The interrupt is raised for ERROR records only.
 */

enum kestrel_fw_log_level {
	KESTREL_FW_LOG_ERROR = 0,
	KESTREL_FW_LOG_WARNING = 1,
	KESTREL_FW_LOG_INFO = 2,
	KESTREL_FW_LOG_DEBUG = 3,
	KESTREL_FW_LOG_LEVEL_COUNT = 4,
};

#define KESTREL_FW_LOG_TEXT_BYTES		112

struct kestrel_fw_log_record {
	/* Index of the record, modulo 2^32; written last. */
	__u32 sequence;
	/* enum kestrel_fw_log_level. */
	__u32 level;
	/* NPU cycles (KESTREL_COUNTER_CYCLES). */
	__u64 time;
	/* One line without its newline, NUL-terminated, ASCII. */
	char text[KESTREL_FW_LOG_TEXT_BYTES];
};

/* ------------------------------------------------------------------------
 * Crash record: written once, by the trap handler, before KESTREL_MCU_HALT.
 */

#define KESTREL_FW_CRASH_MAGIC			0x48535243	/* 'C' 'R' 'S' 'H' */

struct kestrel_fw_crash {
	/* KESTREL_FW_CRASH_MAGIC, written last. */
	__u32 magic;
	/* mcause, mepc, mtval, mstatus. A failed assertion: cause = 0xffffffff,
	 * tval = line number. */
	__u32 cause;
	__u32 epc;
	__u32 tval;
	__u32 status;
	/* Index of the queue whose job was on the engine, or 0xffffffff; its seqno. */
	__u32 queue;
	__u64 seqno;
	/* NPU cycles. */
	__u64 time;
	/* Integer registers; [0] is 0. */
	__u32 register_x[32];
	/* Lowest 64 words of the stack in use, from register_x[2] upwards. */
	__u32 stack[64];
	__u32 reserved[14];
};

/* ------------------------------------------------------------------------
 * Control block
 */

/* The bytes 'K' 'C' 'T' 'L'. */
#define KESTREL_FW_CONTROL_MAGIC		0x4c54434b

enum kestrel_fw_state {
	KESTREL_FW_STATE_NONE = 0,
	KESTREL_FW_STATE_READY = 1,
	KESTREL_FW_STATE_SUSPENDED = 2,
	KESTREL_FW_STATE_REFUSED = 3,
	KESTREL_FW_STATE_CRASHED = 4,
};

enum kestrel_fw_boot_error {
	KESTREL_FW_BOOT_ERROR_NONE = 0,
	KESTREL_FW_BOOT_ERROR_MAGIC = 1,
	KESTREL_FW_BOOT_ERROR_INTERFACE = 2,	/* versions do not understand each other */
	KESTREL_FW_BOOT_ERROR_EVENT_RING = 3,	/* address or entries */
	KESTREL_FW_BOOT_ERROR_LOG_RING = 4,	/* address or entries */
	KESTREL_FW_BOOT_ERROR_CRASH = 5,	/* address of the crash record */
	KESTREL_FW_BOOT_ERROR_LOG_LEVEL = 6,
	KESTREL_FW_BOOT_ERROR_RESERVED = 7,	/* a reserved field is not 0 */
};

/* Host writes before MCU_START; only event_read_index changes after. */
struct kestrel_fw_control_host {
	/* KESTREL_FW_CONTROL_MAGIC. */
	__u32 magic;
	/* KESTREL_FW_INTERFACE_* of the host. */
	__u16 interface_major;
	__u16 interface_minor;
	/* VA of struct kestrel_fw_event[event_entries], a multiple of 64. */
	__u64 event_address;
	/* VA of struct kestrel_fw_log_record[log_entries], a multiple of 64. */
	__u64 log_address;
	/* VA of struct kestrel_fw_crash, a multiple of 64. */
	__u64 crash_address;
	/* Powers of two. */
	__u32 event_entries;
	__u32 log_entries;
	__u64 reserved0[3];
	/* Events ever taken out, modulo 2^32. */
	__u32 event_read_index;
	__u32 reserved1[15];
};

/* Firmware writes. */
struct kestrel_fw_control_firmware {
	/* enum kestrel_fw_state; written last at boot. */
	__u32 state;
	/* enum kestrel_fw_boot_error. */
	__u32 boot_error;
	/* KESTREL_FW_INTERFACE_* of the firmware. */
	__u16 interface_major;
	__u16 interface_minor;
	/* KESTREL_FW_VERSION(). */
	__u32 firmware_version;
	/* As in the image header. */
	char build[48];
	/* See "limits". */
	__u32 queues_max;
	__u32 ring_entries_max;
	__u32 time_slice_min_cycles;
	__u32 reserved0;
	__u64 job_timeout_max_cycles;
	__u64 reserved1[5];
	/* Counts up; see "heartbeat". */
	__u32 heartbeat;
	/* Events and log records ever written, modulo 2^32. */
	__u32 event_write_index;
	__u32 log_write_index;
	/* Queue whose job is on the engine, or 0xffffffff. */
	__u32 running_queue;
	/* Its job, and the NPU cycle at which its present time slice began. */
	__u64 running_seqno;
	__u64 running_since;
	/* Jobs ever ended; jobs ever preempted. */
	__u64 jobs_ended;
	__u64 preemptions;
	__u64 reserved2[2];
};

struct kestrel_fw_control {
	struct kestrel_fw_control_host host;
	struct kestrel_fw_control_firmware firmware;
	struct kestrel_fw_request request[KESTREL_FW_REQUEST_SLOTS];
};

/* Layout, the same for every compiler and for 32 and 64 bits. */
#define KESTREL_FW_ASSERT_SIZE(type, bytes) \
	_Static_assert(sizeof(struct type) == (bytes), #type " has another size")
#define KESTREL_FW_ASSERT_OFFSET(type, member, bytes) \
	_Static_assert(offsetof(struct type, member) == (bytes), \
		       #type "." #member " has another offset")

#ifndef __cplusplus
KESTREL_FW_ASSERT_SIZE(kestrel_fw_image_header, 144);
KESTREL_FW_ASSERT_OFFSET(kestrel_fw_image_header, entry, 28);
KESTREL_FW_ASSERT_OFFSET(kestrel_fw_image_header, build, 48);
KESTREL_FW_ASSERT_OFFSET(kestrel_fw_image_header, header_hash, 112);
KESTREL_FW_ASSERT_SIZE(kestrel_fw_image_section, 64);
KESTREL_FW_ASSERT_OFFSET(kestrel_fw_image_section, hash, 32);
KESTREL_FW_ASSERT_SIZE(kestrel_fw_image_signature, 96);
KESTREL_FW_ASSERT_SIZE(kestrel_fw_base, 16);
KESTREL_FW_ASSERT_SIZE(kestrel_fw_job, 288);
KESTREL_FW_ASSERT_OFFSET(kestrel_fw_job, base, 32);
KESTREL_FW_ASSERT_SIZE(kestrel_fw_ring, 128);
KESTREL_FW_ASSERT_OFFSET(kestrel_fw_ring, hurry_seqno, 4);
KESTREL_FW_ASSERT_OFFSET(kestrel_fw_ring, read_index, 64);
KESTREL_FW_ASSERT_OFFSET(kestrel_fw_ring, completed_seqno, 72);
KESTREL_FW_ASSERT_OFFSET(kestrel_fw_ring, running_seqno, 96);
KESTREL_FW_ASSERT_SIZE(kestrel_fw_event, 128);
KESTREL_FW_ASSERT_OFFSET(kestrel_fw_event, fault_code, 40);
KESTREL_FW_ASSERT_OFFSET(kestrel_fw_event, fault_address, 56);
KESTREL_FW_ASSERT_OFFSET(kestrel_fw_event, busy_cycles, 72);
KESTREL_FW_ASSERT_SIZE(kestrel_fw_create_queue, 56);
KESTREL_FW_ASSERT_SIZE(kestrel_fw_request, 192);
KESTREL_FW_ASSERT_OFFSET(kestrel_fw_request, create, 16);
KESTREL_FW_ASSERT_OFFSET(kestrel_fw_request, reply_seqno, 128);
KESTREL_FW_ASSERT_SIZE(kestrel_fw_log_record, 128);
KESTREL_FW_ASSERT_OFFSET(kestrel_fw_log_record, text, 16);
KESTREL_FW_ASSERT_SIZE(kestrel_fw_crash, 480);
KESTREL_FW_ASSERT_OFFSET(kestrel_fw_crash, register_x, 40);
KESTREL_FW_ASSERT_SIZE(kestrel_fw_control_host, 128);
KESTREL_FW_ASSERT_OFFSET(kestrel_fw_control_host, event_read_index, 64);
KESTREL_FW_ASSERT_SIZE(kestrel_fw_control_firmware, 192);
KESTREL_FW_ASSERT_OFFSET(kestrel_fw_control_firmware, build, 16);
KESTREL_FW_ASSERT_OFFSET(kestrel_fw_control_firmware, heartbeat, 128);
KESTREL_FW_ASSERT_SIZE(kestrel_fw_control, 1088);
KESTREL_FW_ASSERT_OFFSET(kestrel_fw_control, firmware, 128);
KESTREL_FW_ASSERT_OFFSET(kestrel_fw_control, request, 320);
#endif

#endif /* KESTREL_FIRMWARE_H */
