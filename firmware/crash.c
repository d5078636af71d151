// SPDX-License-Identifier: MIT
#include "control.h"
#include "crash.h"
#include "dispatch.h"
#include "host.h"
#include "log.h"
#include "registers.h"

uint32_t crash_registers[32];

static uint32_t record_address;

void crash_set_record(uint32_t address)
{
	record_address = address;
}

void crash_halt(uint32_t code)
{
	for (;;)
		peripheral_write(KESTREL_MCU_HALT, code);
}

static noreturn void crash_report(uint32_t cause, uint32_t epc, uint32_t tval, uint32_t status)
{
	static struct kestrel_fw_crash crash;
	uint32_t stack = crash_registers[2];
	unsigned int i;

	if (!record_address)
		crash_halt(KESTREL_FW_HALT_CRASHED);
	crash.cause = cause;
	crash.epc = epc;
	crash.tval = tval;
	crash.status = status;
	dispatch_describe(&crash.queue, &crash.seqno);
	crash.time = time_now();
	for (i = 0; i < 32; i++)
		crash.register_x[i] = crash_registers[i];
	for (i = 0; i < 64; i++) {
		uint32_t address = stack + i * 4;

		/* The stack pointer may be what went wrong. */
		if (!(address % 4) && address < KESTREL_MCU_TCM_BYTES)
			crash.stack[i] = *(const volatile uint32_t *)(uintptr_t)address;
	}
	host_copy_out(record_address, &crash, sizeof(crash));
	host_publish();
	host_write(record_address + offsetof(struct kestrel_fw_crash, magic),
		   KESTREL_FW_CRASH_MAGIC);
	log_write(KESTREL_FW_LOG_ERROR, "crash: cause %x pc %x value %x", cause, epc, tval);
	control_set_state(KESTREL_FW_STATE_CRASHED);
	host_interrupt_raise();
	crash_halt(KESTREL_FW_HALT_CRASHED);
}

void crash_trap(void)
{
	uint32_t cause, epc, tval, status;

	__asm__("csrr %0, mcause" : "=r"(cause));
	__asm__("csrr %0, mepc" : "=r"(epc));
	__asm__("csrr %0, mtval" : "=r"(tval));
	__asm__("csrr %0, mstatus" : "=r"(status));
	crash_report(cause, epc, tval, status);
}

void crash_assertion(uint32_t line)
{
	uint32_t stack, status;

	__asm__("mv %0, sp" : "=r"(stack));
	__asm__("csrr %0, mstatus" : "=r"(status));
	crash_registers[2] = stack;
	crash_report(CRASH_CAUSE_ASSERTION, (uint32_t)(uintptr_t)__builtin_return_address(0),
		     line, status);
}
