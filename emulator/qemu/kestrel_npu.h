/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kestrel NPU as a QEMU device, of two kinds.
 *
 * kestrel-npu, on the system bus: one memory region, the register block, and one
 * level-triggered interrupt line. The board maps region 0 and connects line 0.
 * kestrel-npu-pci, a PCI endpoint (-device kestrel-npu-pci,id=npu).
 *
 * Properties of both (-global kestrel-npu.NAME=VALUE, and the PCI device's also
 * behind its name in -device):
 *   target          named configuration, default kestrel-256
 *   every key of --set (docs/hardware.md, section 2), e.g. sram=65536
 * and, changeable while the guest runs (qom-set /machine/npu NAME VALUE, or
 * /machine/peripheral/npu for the PCI device), one for every fault that a test
 * can inject, e.g. hung-engine, lost-interrupt.
 */

#ifndef HW_MISC_KESTREL_NPU_H
#define HW_MISC_KESTREL_NPU_H

#include "hw/qdev-core.h"

#define TYPE_KESTREL_NPU "kestrel-npu"
#define TYPE_KESTREL_NPU_PCI "kestrel-npu-pci"

/* Size of the register block in bytes. */
#define KESTREL_NPU_MMIO_SIZE 0x10000

/* Highest clock of a kestrel-npu, kHz. */
uint32_t kestrel_npu_clock_khz(DeviceState *dev);

#endif
