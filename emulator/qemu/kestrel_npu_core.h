/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the Kestrel NPU's devices share: kestrel_npu.c (system bus) and
 * kestrel_npu_pci.c are a core and the glue of their bus.
 *
 * A device's type has the interface TYPE_KESTREL_NPU_OWNER. All functions are
 * called with QEMU's big lock held, from the device's own life cycle.
 */

#ifndef HW_MISC_KESTREL_NPU_CORE_H
#define HW_MISC_KESTREL_NPU_CORE_H

#include "emulator/emulator.h"
#include "exec/memory.h"
#include "qemu/thread.h"
#include "qom/object.h"

#define TYPE_KESTREL_NPU_OWNER "kestrel-npu-owner"

typedef struct KestrelNpuCore {
	/* The register block, for the bus to map. */
	MemoryRegion mmio;

	/* Private to kestrel_npu_core.c from here on. */

	/* Where the device's own accesses to memory go. */
	AddressSpace *dma;
	/* Sets the interrupt line; called with the big lock held. */
	void (*interrupt)(void *bus, bool level);
	void *bus;

	struct kestrel_configuration configuration;

	/* Serialises the library; kestrel_npu_core.c tells its order with the big lock. */
	QemuMutex lock;
	/* Signalled when a register write or a fault may have given work. */
	QemuCond work;
	QemuThread thread;
	bool stopping;
	/* NULL until the device is realized. */
	struct kestrel_emulator *emulator;
	/* timing=on: virtual time and cycle at which the present pace began. */
	int64_t pace_ns;
	uint64_t pace_cycles;
	uint32_t pace_khz;
	/* It worked when the thread last looked. */
	bool busy;

	QEMUBH *irq_update;
	/* Level that the library asked for last; atomic. */
	int irq_level;
	uint32_t faults[KESTREL_EMULATOR_FAULTS];
} KestrelNpuCore;

/* Adds the properties to a device's class; core finds an object's core. */
void kestrel_npu_core_class_init(ObjectClass *klass, KestrelNpuCore *(*core)(Object *obj));

/* The pair for instance_init and instance_finalize. */
void kestrel_npu_core_init(KestrelNpuCore *core, Object *owner);
void kestrel_npu_core_finalize(KestrelNpuCore *core);

/*
 * Makes the device and starts its thread. interrupt(bus, level) sets the
 * interrupt line, which is low at first. False with errp set when the
 * configuration is refused or memory is short.
 */
bool kestrel_npu_core_realize(KestrelNpuCore *core, AddressSpace *dma,
			      void (*interrupt)(void *bus, bool level), void *bus, Error **errp);
void kestrel_npu_core_unrealize(KestrelNpuCore *core);

/* Power-on reset of a realized device; lowers the interrupt line. */
void kestrel_npu_core_reset(KestrelNpuCore *core);

#endif
