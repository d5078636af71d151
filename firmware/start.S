/* SPDX-License-Identifier: MIT */
/*
 * First instruction and trap entry. The boot ROM has zeroed all memory that the
 * image does not fill. Interrupts stay off: the main loop asks the controller
 * and sleeps in WFI, which wakes without them being taken. So every trap is an
 * exception, and an exception is the end (crash.h).
 */
	.section .text.start, "ax"
	.globl start
start:
	.option push
	.option norelax
	la	gp, __global_pointer$
	.option pop
	la	sp, stack_top
	la	t0, trap_entry
	csrw	mtvec, t0
	la	t0, crash_stack_top
	csrw	mscratch, t0
	/* The external line wakes WFI. */
	li	t0, 1 << 11
	csrw	mie, t0
	j	main

	.section .text.trap, "ax"
	.balign	4
trap_entry:
	/* mscratch gets the old sp; the crash stack is used from its top down. */
	csrrw	sp, mscratch, sp
	addi	sp, sp, -16
	sw	t0, 0(sp)
	la	t0, crash_registers
	sw	x1, 4(t0)
	sw	x3, 12(t0)
	sw	x4, 16(t0)
	sw	x6, 24(t0)
	sw	x7, 28(t0)
	sw	x8, 32(t0)
	sw	x9, 36(t0)
	sw	x10, 40(t0)
	sw	x11, 44(t0)
	sw	x12, 48(t0)
	sw	x13, 52(t0)
	sw	x14, 56(t0)
	sw	x15, 60(t0)
	sw	x16, 64(t0)
	sw	x17, 68(t0)
	sw	x18, 72(t0)
	sw	x19, 76(t0)
	sw	x20, 80(t0)
	sw	x21, 84(t0)
	sw	x22, 88(t0)
	sw	x23, 92(t0)
	sw	x24, 96(t0)
	sw	x25, 100(t0)
	sw	x26, 104(t0)
	sw	x27, 108(t0)
	sw	x28, 112(t0)
	sw	x29, 116(t0)
	sw	x30, 120(t0)
	sw	x31, 124(t0)
	lw	t1, 0(sp)
	sw	t1, 20(t0)
	csrr	t1, mscratch
	sw	t1, 8(t0)
	/* gp may be what went wrong. */
	.option push
	.option norelax
	la	gp, __global_pointer$
	.option pop
	j	crash_trap
