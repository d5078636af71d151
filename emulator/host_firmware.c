// SPDX-License-Identifier: MIT
/* Finding, booting and talking to the firmware (firmware.h). */

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

/* Where things lie in address space 0; all below the MCU's 2 GiB. */
#define IMAGE_ADDRESS UINT64_C(0x00100000)
#define CONTROL_ADDRESS UINT64_C(0x00200000)
#define EVENT_ADDRESS UINT64_C(0x00210000)
#define LOG_ADDRESS UINT64_C(0x00220000)
#define CRASH_ADDRESS UINT64_C(0x00230000)

/* Far more than any firmware takes to come up or to answer. */
#define BOOT_CYCLES UINT64_C(100000000)
#define REQUEST_CYCLES UINT64_C(1000000000)
#define SLICE_CYCLES UINT64_C(50000)

static uint64_t whole_pages(uint64_t size)
{
	return (size + HOST_PAGE_BYTES - 1) / HOST_PAGE_BYTES * HOST_PAGE_BYTES;
}

int host_firmware_share(struct kestrel_simulator *simulator, uint64_t address, uint64_t size,
			void **data, uint64_t *physical)
{
	size = whole_pages(size);
	if (host_memory_add(&simulator->memory, NULL, size, physical))
		return host_fail(simulator, -ENOMEM, "no memory to share with the firmware");
	if (host_table_map(&simulator->memory, simulator->firmware_space.root, address, *physical,
			   size, KESTREL_SIMULATOR_MAP_READ | KESTREL_SIMULATOR_MAP_WRITE,
			   HOST_PAGE_BYTES)) {
		host_memory_remove(&simulator->memory, *physical);
		return host_fail(simulator, -ENOMEM, "no memory for a page table");
	}
	*data = host_memory_bytes(&simulator->memory, *physical, size);
	return 0;
}

void host_firmware_unshare(struct kestrel_simulator *simulator, uint64_t address, uint64_t size,
			   uint64_t physical)
{
	size = whole_pages(size);
	host_table_unmap(&simulator->memory, simulator->firmware_space.root, address, size);
	/* The pages go only when the device has forgotten them. */
	if (!host_invalidate(simulator, KESTREL_INVALIDATE_RANGE, KESTREL_ASID_FIRMWARE, address,
			     size))
		host_memory_remove(&simulator->memory, physical);
}

/* The directory that this library or program lies in, with its slash. */
static bool host_own_directory(char *directory, size_t size)
{
	static const char anchor;
	const char *slash;
	Dl_info info;

	if (!dladdr(&anchor, &info) || !info.dli_fname)
		return false;
	slash = strrchr(info.dli_fname, '/');
	if (!slash)
		return snprintf(directory, size, "./") < (int)size;
	return snprintf(directory, size, "%.*s", (int)(slash - info.dli_fname + 1),
			info.dli_fname) < (int)size;
}

static FILE *host_firmware_open(struct kestrel_simulator *simulator, const char *path)
{
	static const char *const beside[] = { "../firmware/kestrel_fw.bin", "kestrel_fw.bin" };
	const char *named = path ? path : getenv("KESTREL_FIRMWARE");
	char directory[3072], candidate[4096];
	FILE *file = NULL;
	unsigned int i;

	if (named && *named) {
		file = fopen(named, "rb");
		if (!file)
			host_fail(simulator, -ENOENT, "firmware image %s: %s", named,
				  strerror(errno));
		else
			simulator->firmware_path = strdup(named);
		return file;
	}
	for (i = 0; !file && i < 2 && host_own_directory(directory, sizeof(directory)); i++) {
		snprintf(candidate, sizeof(candidate), "%s%s", directory, beside[i]);
		file = fopen(candidate, "rb");
	}
	if (!file) {
		snprintf(candidate, sizeof(candidate), "/lib/firmware/" KESTREL_FW_IMAGE_NAME);
		file = fopen(candidate, "rb");
	}
	if (!file)
		host_fail(simulator, -ENOENT, "no firmware image found: neither %s in %s nor %s",
			  beside[0], directory, candidate);
	else
		simulator->firmware_path = strdup(candidate);
	return file;
}

/* Reads the image into memory that address space 0 has; *size in bytes. */
static int host_firmware_load(struct kestrel_simulator *simulator, const char *path,
			      uint32_t *size)
{
	FILE *file = host_firmware_open(simulator, path);
	uint64_t physical;
	size_t length;
	void *image;
	int error;

	if (!file)
		return -ENOENT;
	error = host_firmware_share(simulator, IMAGE_ADDRESS, KESTREL_FW_IMAGE_MAX_BYTES + 1,
				    &image, &physical);
	if (error) {
		fclose(file);
		return error;
	}
	length = fread(image, 1, KESTREL_FW_IMAGE_MAX_BYTES + 1, file);
	if (ferror(file))
		error = host_fail(simulator, -EIO, "firmware image %s: cannot read it",
				  simulator->firmware_path);
	else if (length > KESTREL_FW_IMAGE_MAX_BYTES)
		error = host_fail(simulator, -EINVAL, "firmware image %s: larger than %d bytes",
				  simulator->firmware_path, KESTREL_FW_IMAGE_MAX_BYTES);
	fclose(file);
	*size = (uint32_t)length;
	return error;
}

static int host_firmware_shares(struct kestrel_simulator *simulator)
{
	struct {
		uint64_t address;
		uint64_t size;
		void **data;
	} part[] = {
		{ CONTROL_ADDRESS, sizeof(*simulator->control), (void **)&simulator->control },
		{ EVENT_ADDRESS, HOST_EVENT_ENTRIES * sizeof(*simulator->event),
		  (void **)&simulator->event },
		{ LOG_ADDRESS, HOST_LOG_ENTRIES * sizeof(*simulator->log),
		  (void **)&simulator->log },
		{ CRASH_ADDRESS, sizeof(*simulator->crash), (void **)&simulator->crash },
	};
	struct kestrel_fw_control_host *host;
	uint64_t physical;
	unsigned int i;
	int error;

	for (i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
		error = host_firmware_share(simulator, part[i].address, part[i].size, part[i].data,
					    &physical);
		if (error)
			return error;
	}
	host = &simulator->control->host;
	host->magic = KESTREL_FW_CONTROL_MAGIC;
	host->interface_major = KESTREL_FW_INTERFACE_MAJOR;
	host->interface_minor = KESTREL_FW_INTERFACE_MINOR;
	host->event_address = EVENT_ADDRESS;
	host->event_entries = HOST_EVENT_ENTRIES;
	host->log_address = LOG_ADDRESS;
	host->log_entries = HOST_LOG_ENTRIES;
	host->crash_address = CRASH_ADDRESS;
	return 0;
}

static int host_boot_refused(struct kestrel_simulator *simulator)
{
	static const char *const reason[] = {
		[KESTREL_BOOT_MAGIC] = "it is not a Kestrel firmware image (magic)",
		[KESTREL_BOOT_HEADER_VERSION] = "unknown header version",
		[KESTREL_BOOT_ARCHITECTURE] = "it is for another architecture",
		[KESTREL_BOOT_SIZE] = "its size and its header disagree",
		[KESTREL_BOOT_SECTION] = "a section or the entry is out of range",
		[KESTREL_BOOT_HASH] = "a SHA-256 differs: it is damaged",
		[KESTREL_BOOT_SIGNATURE] = "its signature is missing or wrong",
		[KESTREL_BOOT_ROLLBACK] = "its security version is too old",
		[KESTREL_BOOT_MEMORY_FAULT] = "reading it faulted",
	};
	uint32_t code = host_register_read(simulator, KESTREL_REG_BOOT_CODE);
	bool known = code < sizeof(reason) / sizeof(reason[0]) && reason[code];

	return host_fail(simulator, -EINVAL, "firmware image %s refused with code %u: %s",
			 simulator->firmware_path, code, known ? reason[code] : "unknown code");
}

/* -EIO with the reason when the MCU does not run (any more). */
static int host_firmware_alive(struct kestrel_simulator *simulator)
{
	const struct kestrel_fw_crash *crash = simulator->crash;
	uint32_t status = host_register_read(simulator, KESTREL_REG_MCU_STATUS);
	uint32_t code = host_register_read(simulator, KESTREL_REG_MCU_HALT_CODE);

	if (status == KESTREL_MCU_STATUS_RUNNING || status == KESTREL_MCU_STATUS_BOOTING)
		return 0;
	if (status == KESTREL_MCU_STATUS_REFUSED)
		return host_boot_refused(simulator);
	if (code == KESTREL_FW_HALT_REFUSED)
		return host_fail(simulator, -EPROTO,
				 "the firmware refused the handshake with error %u",
				 simulator->control->firmware.boot_error);
	if (code == KESTREL_FW_HALT_CRASHED && crash->magic == KESTREL_FW_CRASH_MAGIC)
		return host_fail(simulator, -EIO,
				 "the firmware crashed: cause 0x%x, epc 0x%x, tval 0x%x",
				 crash->cause, crash->epc, crash->tval);
	return host_fail(simulator, -EIO,
			 "the management core stopped: halt code 0x%x, pc 0x%x, cause 0x%x, "
			 "epc 0x%x, tval 0x%x", code,
			 host_register_read(simulator, KESTREL_REG_MCU_PC),
			 host_register_read(simulator, KESTREL_REG_MCU_CAUSE),
			 host_register_read(simulator, KESTREL_REG_MCU_EPC),
			 host_register_read(simulator, KESTREL_REG_MCU_TVAL));
}

/* Clears what the device has told; fault records have no reader but the job's event. */
static int host_interrupt_take(struct kestrel_simulator *simulator)
{
	uint32_t raw = host_register_read(simulator, KESTREL_REG_INTERRUPT_RAW);

	while (host_register_read(simulator, KESTREL_REG_MMU_FAULT_STATUS) &
	       KESTREL_MMU_FAULT_STATUS_VALID)
		host_register_write(simulator, KESTREL_REG_MMU_FAULT_POP, 1);
	host_register_write(simulator, KESTREL_REG_INTERRUPT_CLEAR, raw);
	return raw & KESTREL_INTERRUPT_MCU_EVENT ? host_events_take(simulator) : 0;
}

int64_t host_firmware_run(struct kestrel_simulator *simulator, uint64_t cycles)
{
	struct kestrel_emulator *emulator = simulator->emulator;
	uint64_t before = kestrel_emulator_now(emulator);
	enum kestrel_emulator_activity activity;
	uint64_t event, passed;
	int error;

	if (cycles > SLICE_CYCLES)
		cycles = SLICE_CYCLES;
	activity = kestrel_emulator_run(emulator, cycles);
	if (activity == KESTREL_EMULATOR_WAITING) {
		event = kestrel_emulator_next_event(emulator);
		kestrel_emulator_advance(emulator, event - kestrel_emulator_now(emulator));
	}
	error = host_interrupt_take(simulator);
	if (!error)
		error = host_firmware_alive(simulator);
	if (error)
		return error;
	passed = kestrel_emulator_now(emulator) - before;
	/* A large command may take several calls to retire at its one cycle. */
	return passed || activity != KESTREL_EMULATOR_BUSY ? (int64_t)passed : 1;
}

static int host_firmware_handshake(struct kestrel_simulator *simulator)
{
	const struct kestrel_fw_control_firmware *firmware = &simulator->control->firmware;
	uint64_t cycles = 0;

	while (firmware->state == KESTREL_FW_STATE_NONE) {
		int64_t passed = host_firmware_run(simulator, SLICE_CYCLES);

		if (passed < 0)
			return (int)passed;
		cycles += (uint64_t)passed;
		if (!passed || cycles > BOOT_CYCLES)
			return host_fail(simulator, -EIO, "the firmware did not come up");
	}
	if (firmware->state != KESTREL_FW_STATE_READY)
		return host_fail(simulator, -EPROTO,
				 "the firmware refused the handshake with error %u",
				 firmware->boot_error);
	if (firmware->interface_major != KESTREL_FW_INTERFACE_MAJOR)
		return host_fail(simulator, -EPROTO,
				 "the firmware speaks interface %u.%u, this library %d.%d",
				 firmware->interface_major, firmware->interface_minor,
				 KESTREL_FW_INTERFACE_MAJOR, KESTREL_FW_INTERFACE_MINOR);
	snprintf(simulator->firmware_version, sizeof(simulator->firmware_version),
		 "%u.%u.%u (%.*s)", firmware->firmware_version >> 24,
		 firmware->firmware_version >> 16 & 0xff, firmware->firmware_version & 0xffff,
		 (int)sizeof(firmware->build), firmware->build);
	return 0;
}

int host_firmware_start(struct kestrel_simulator *simulator, const char *path)
{
	uint32_t image_size;
	int error;

	simulator->firmware_space.simulator = simulator;
	if (host_memory_table_get(&simulator->memory, &simulator->firmware_space.root))
		return host_fail(simulator, -ENOMEM, "no memory for a page table");
	host_space_install(simulator, KESTREL_ASID_FIRMWARE, simulator->firmware_space.root);
	error = host_firmware_load(simulator, path, &image_size);
	if (!error)
		error = host_firmware_shares(simulator);
	if (error)
		return error;

	host_register_write(simulator, KESTREL_REG_INTERRUPT_ENABLE, KESTREL_INTERRUPT_ALL);
	host_register_write(simulator, KESTREL_REG_IMAGE_ADDRESS_LO, (uint32_t)IMAGE_ADDRESS);
	host_register_write(simulator, KESTREL_REG_IMAGE_ADDRESS_HI, 0);
	host_register_write(simulator, KESTREL_REG_IMAGE_SIZE, image_size);
	host_register_write(simulator,
			    KESTREL_REG_BOOT_ARGUMENT(KESTREL_FW_BOOT_CONTROL_ADDRESS),
			    (uint32_t)CONTROL_ADDRESS);
	host_register_write(simulator, KESTREL_REG_BOOT_ARGUMENT(KESTREL_FW_BOOT_CONTROL_SIZE),
			    sizeof(struct kestrel_fw_control));
	host_register_write(simulator, KESTREL_REG_BOOT_ARGUMENT(KESTREL_FW_BOOT_LOG_LEVEL),
			    KESTREL_FW_LOG_INFO);
	host_register_write(simulator, KESTREL_REG_MCU_START, 1);
	return host_firmware_handshake(simulator);
}

int host_firmware_request(struct kestrel_simulator *simulator,
			  const struct kestrel_fw_request *request)
{
	struct kestrel_fw_request *slot = &simulator->control->request[0];
	uint64_t cycles = 0;

	slot->type = request->type;
	slot->queue = request->queue;
	slot->argument = request->argument;
	slot->create = request->create;
	if (!++simulator->request_seqno)
		simulator->request_seqno = 1;
	slot->seqno = simulator->request_seqno;
	host_register_write(simulator, KESTREL_REG_CONTROL_DOORBELL, 1);
	while (slot->reply_seqno != slot->seqno) {
		int64_t passed = host_firmware_run(simulator, SLICE_CYCLES);

		if (passed < 0)
			return (int)passed;
		cycles += (uint64_t)passed;
		if (slot->reply_seqno != slot->seqno && (!passed || cycles > REQUEST_CYCLES))
			return host_fail(simulator, -EIO,
					 "the firmware did not answer request type %u",
					 request->type);
	}
	if (slot->result != KESTREL_FW_RESULT_OK)
		return host_fail(simulator, -EIO,
				 "the firmware refused request type %u with result %u, value %"
				 PRIu64, request->type, slot->result, (uint64_t)slot->value);
	return 0;
}
