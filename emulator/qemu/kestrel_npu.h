/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kestrel NPU as a QEMU device.
 *
 * One memory region, the register block, and one level-triggered interrupt
 * line. The board maps region 0 and connects line 0.
 *
 * Properties (-global kestrel-npu.NAME=VALUE):
 *   target          named configuration, default kestrel-256
 *   every key of --set (docs/hardware.md, section 2), e.g. sram=65536
 * and, changeable while the guest runs (qom-set /machine/npu NAME VALUE), one
 * for every fault that a test can inject, e.g. hung-engine, lost-interrupt.
 */

#ifndef HW_MISC_KESTREL_NPU_H
#define HW_MISC_KESTREL_NPU_H

#define TYPE_KESTREL_NPU "kestrel-npu"

/* Size of the register block in bytes. */
#define KESTREL_NPU_MMIO_SIZE 0x10000

#endif
