// SPDX-License-Identifier: MIT
/*
 * How host and firmware come together: the packed image on the interpreter, hosts of
 * this and of a later version of the interface, and what is refused.
 */
#include <stddef.h>
#include <string.h>

#include "firmware_board.h"
#include "firmware_fake_engine.h"
#include "firmware_test.h"

static void boot(void)
{
	memset(&fake, 0, sizeof(fake));
	board_boot();
	CHECK(board.control->firmware.state == KESTREL_FW_STATE_READY);
}

static void finish(void)
{
	CHECK(!fake.violation);
	CHECK(board.crash->magic != KESTREL_FW_CRASH_MAGIC);
	board_off();
}

static void handshake(void)
{
	const struct kestrel_fw_control_firmware *firmware;

	boot();
	firmware = &board.control->firmware;
	CHECK(board_register(KESTREL_REG_MCU_STATUS) == KESTREL_MCU_STATUS_RUNNING);
	CHECK(board_register(KESTREL_REG_INTERRUPT_RAW) & KESTREL_INTERRUPT_MCU_EVENT);
	CHECK(firmware->boot_error == KESTREL_FW_BOOT_ERROR_NONE);
	CHECK(firmware->interface_minor == KESTREL_FW_INTERFACE_MINOR);
	CHECK(firmware->firmware_version != 0 && firmware->build[0]);
	CHECK(firmware->queues_max == KESTREL_FW_QUEUES_MAX);
	CHECK(firmware->running_queue == UINT32_MAX);
	CHECK(fake.scrubs == 1);
	CHECK(board_log_has("Kestrel firmware"));
	CHECK(board_request(KESTREL_FW_REQUEST_PING, 0, 0) == KESTREL_FW_RESULT_OK);
	CHECK(board_request(77, 0, 0) == KESTREL_FW_RESULT_UNKNOWN);
	finish();
}

static void refusal_expect(uint32_t error)
{
	board_start();
	CHECK(board_register(KESTREL_REG_MCU_STATUS) == KESTREL_MCU_STATUS_HALTED);
	CHECK(board_register(KESTREL_REG_MCU_HALT_CODE) == KESTREL_FW_HALT_REFUSED);
	CHECK(board.control->firmware.state == KESTREL_FW_STATE_REFUSED);
	CHECK(board.control->firmware.boot_error == error);
	board_off();
	board_on();
}

static void refusals(void)
{
	board_on();
	board.control->host.magic++;
	refusal_expect(KESTREL_FW_BOOT_ERROR_MAGIC);
	board.control->host.interface_major++;
	refusal_expect(KESTREL_FW_BOOT_ERROR_INTERFACE);
	board.control->host.event_entries = 17;
	refusal_expect(KESTREL_FW_BOOT_ERROR_EVENT_RING);
	board.control->host.event_address = 0x80000000;
	refusal_expect(KESTREL_FW_BOOT_ERROR_EVENT_RING);
	board.control->host.log_entries = 8;
	refusal_expect(KESTREL_FW_BOOT_ERROR_LOG_RING);
	board.control->host.crash_address = 0x1004;
	refusal_expect(KESTREL_FW_BOOT_ERROR_CRASH);
	board_register_set(KESTREL_REG_BOOT_ARGUMENT(KESTREL_FW_BOOT_LOG_LEVEL), 4);
	refusal_expect(KESTREL_FW_BOOT_ERROR_LOG_LEVEL);
	board.control->host.reserved0[2] = 1;
	refusal_expect(KESTREL_FW_BOOT_ERROR_RESERVED);
	board.control->host.reserved1[0] = 1;
	refusal_expect(KESTREL_FW_BOOT_ERROR_RESERVED);
	board_register_set(KESTREL_REG_BOOT_ARGUMENT(KESTREL_BOOT_ARGUMENT_COUNT - 1), 1);
	board_start();
	CHECK(board_register(KESTREL_REG_MCU_HALT_CODE) == KESTREL_FW_HALT_BOOT_ARGUMENTS);
	board_off();
	board_on();
	board_register_set(KESTREL_REG_BOOT_ARGUMENT(KESTREL_FW_BOOT_CONTROL_SIZE), 64);
	board_start();
	CHECK(board_register(KESTREL_REG_MCU_HALT_CODE) == KESTREL_FW_HALT_BOOT_ARGUMENTS);
	board_off();
}

/* A host of a later minor version, with a control block that has grown. */
static void later_host(void)
{
	board_on();
	board.control->host.interface_minor = KESTREL_FW_INTERFACE_MINOR + 1;
	board_register_set(KESTREL_REG_BOOT_ARGUMENT(KESTREL_FW_BOOT_CONTROL_SIZE),
			   sizeof(struct kestrel_fw_control) + 64);
	board_start();
	CHECK(board.control->firmware.state == KESTREL_FW_STATE_READY);
	CHECK(board.control->firmware.interface_minor == KESTREL_FW_INTERFACE_MINOR);
	finish();
}

/* What a request has no use for must be 0. */
static void request_leftovers(void)
{
	struct kestrel_fw_create_queue create = board_queue_plain(3, 1, 1);
	struct kestrel_fw_request *request;

	boot();
	request = &board.control->request[0];
	CHECK(board_request(KESTREL_FW_REQUEST_PING, 1, 0) == KESTREL_FW_RESULT_RESERVED);
	CHECK(board_request(KESTREL_FW_REQUEST_SUSPEND, 0, 1) == KESTREL_FW_RESULT_RESERVED);
	CHECK(board_request(KESTREL_FW_REQUEST_DESTROY_QUEUE, 3, 1) == KESTREL_FW_RESULT_RESERVED);
	request->create = create;
	CHECK(board_request(KESTREL_FW_REQUEST_CREATE_QUEUE, 3, 1) == KESTREL_FW_RESULT_RESERVED);
	board_request_send(0, KESTREL_FW_REQUEST_PING, 0, 0);
	request->create = create;
	board_run(10000);
	CHECK(board_request_answered(0) && request->result == KESTREL_FW_RESULT_RESERVED);
	request->reserved0[6] = 1;
	CHECK(board_request(KESTREL_FW_REQUEST_PING, 0, 0) == KESTREL_FW_RESULT_RESERVED);
	request->reserved0[6] = 0;
	CHECK(board_request(KESTREL_FW_REQUEST_PING, 0, 0) == KESTREL_FW_RESULT_OK);
	CHECK(board_request(0, 0, 0) == KESTREL_FW_RESULT_UNKNOWN);
	finish();
}

int main(int argc, char **argv)
{
	(void)argc;
	if (!board_image_load(argv[0], "kestrel_fw.bin"))
		return 1;
	test_group("handshake", handshake);
	test_group("handshakes that are refused", refusals);
	test_group("a host of a later minor version", later_host);
	test_group("leftovers in requests are refused", request_leftovers);
	return test_failures != 0;
}
