// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kestrel NPU, whatever bus it sits on: registers, memory and time around the
 * emulator library, which is the device itself.
 *
 * The library works in a thread of the device, outside QEMU's big lock, so that
 * guest processors run beside the NPU. Rules:
 *
 * - core->lock serialises the library. A processor takes it inside the big lock;
 *   the device's thread never takes the big lock while it holds core->lock, so
 *   it gives way after every slice and reaches only RAM, never another device.
 * - The interrupt line belongs to the big lock: the thread leaves the level in
 *   irq_level and asks a bottom half to set it.
 *
 * Time: the library counts its own cycles. With timing=off it works as fast as
 * the host can; with timing=on it is held to its clock by the guest's virtual
 * time, also when it is idle. A timer of the management core is waited for in
 * virtual time in both cases; with timing=off an idle device costs nothing.
 */

#include "qemu/osdep.h"
#include "hw/misc/kestrel_npu.h"
#include "hw/misc/kestrel_npu_core.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "qemu/lockable.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "qemu/rcu.h"
#include "qemu/timer.h"

/* Cycles between two chances for a processor to get at the registers. */
#define SLICE_CYCLES 20000
/* With timing=on, how far the device may run ahead of virtual time. */
#define LEAD_CYCLES 20000
/* With timing=on, how often an idle device sees the time: it cools down. */
#define IDLE_MS 10

/* Which device a property belongs to. */
typedef struct KestrelNpuOwnerClass {
	InterfaceClass parent_class;

	KestrelNpuCore *(*core)(Object *obj);
} KestrelNpuOwnerClass;

DECLARE_CLASS_CHECKERS(KestrelNpuOwnerClass, KESTREL_NPU_OWNER, TYPE_KESTREL_NPU_OWNER)

static KestrelNpuCore *core_of(Object *obj)
{
	return KESTREL_NPU_OWNER_GET_CLASS(obj)->core(obj);
}

/*
 * RAM only: a device behind the address would need the big lock. Everything
 * that a driver may give an NPU is RAM, so another address is a bus fault.
 */
static int memory_access(AddressSpace *space, uint64_t address, void *data, size_t length,
			 bool write)
{
	MemTxAttrs attributes = MEMTXATTRS_UNSPECIFIED;

	RCU_READ_LOCK_GUARD();
	while (length > 0) {
		hwaddr offset, span = length;
		MemoryRegion *region = address_space_translate(space, address, &offset, &span,
							       write, attributes);
		uint8_t *bytes;

		if (!memory_region_is_ram(region) || (write && memory_region_is_rom(region)) ||
		    span == 0)
			return -EFAULT;
		bytes = (uint8_t *)memory_region_get_ram_ptr(region) + offset;
		/* A write also has to drop code translated from these bytes; RAM needs no lock. */
		if (!write)
			memcpy(data, bytes, span);
		else if (address_space_write(space, address, attributes, data, span) != MEMTX_OK)
			return -EFAULT;
		address += span;
		data = (uint8_t *)data + span;
		length -= span;
	}
	return 0;
}

static int kestrel_npu_memory_read(void *opaque, uint64_t address, void *data, size_t length)
{
	KestrelNpuCore *core = opaque;

	return memory_access(core->dma, address, data, length, false);
}

static int kestrel_npu_memory_write(void *opaque, uint64_t address, const void *data, size_t length)
{
	KestrelNpuCore *core = opaque;

	return memory_access(core->dma, address, (void *)data, length, true);
}

static void kestrel_npu_interrupt(void *opaque, bool level)
{
	KestrelNpuCore *core = opaque;

	qatomic_set(&core->irq_level, level);
	if (bql_locked())
		core->interrupt(core->bus, level);
	else
		qemu_bh_schedule(core->irq_update);
}

static void kestrel_npu_irq_update(void *opaque)
{
	KestrelNpuCore *core = opaque;

	core->interrupt(core->bus, qatomic_read(&core->irq_level));
}

/*
 * Cycles that the device may advance now, at most SLICE_CYCLES; 0: it is ahead
 * of virtual time and *wait_ms says how long.
 */
static uint64_t slice_of_virtual_time(KestrelNpuCore *core, int *wait_ms)
{
	uint32_t khz = kestrel_emulator_clock_khz(core->emulator);
	int64_t now_ns = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
	uint64_t now_cycles = kestrel_emulator_now(core->emulator);
	uint64_t due;

	if (core->pace_khz != khz || core->pace_cycles > now_cycles) {
		core->pace_khz = khz;
		core->pace_ns = now_ns;
		core->pace_cycles = now_cycles;
	}
	due = core->pace_cycles + muldiv64(now_ns - core->pace_ns, khz, 1000000);
	if (due + LEAD_CYCLES > now_cycles)
		return MIN(due + LEAD_CYCLES - now_cycles, SLICE_CYCLES);
	*wait_ms = 1 + (now_cycles - due - LEAD_CYCLES) / khz;
	return 0;
}

static void idle(KestrelNpuCore *core)
{
	int64_t start_ns = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
	int64_t spent_ns;

	core->pace_khz = 0;
	if (!core->configuration.timing) {
		qemu_cond_wait(&core->work, &core->lock);
		return;
	}
	qemu_cond_timedwait(&core->work, &core->lock, IDLE_MS);
	spent_ns = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) - start_ns;
	if (kestrel_emulator_activity(core->emulator) == KESTREL_EMULATOR_IDLE)
		kestrel_emulator_advance(core->emulator,
					 muldiv64(spent_ns, kestrel_emulator_clock_khz(core->emulator),
						  1000000));
}

static void *kestrel_npu_thread(void *opaque)
{
	KestrelNpuCore *core = opaque;

	rcu_register_thread();
	qemu_mutex_lock(&core->lock);
	while (!core->stopping) {
		enum kestrel_emulator_activity activity = kestrel_emulator_activity(core->emulator);
		bool busy = activity == KESTREL_EMULATOR_BUSY;
		uint64_t cycles = SLICE_CYCLES;
		int wait_ms = 0;

		/*
		 * What a busy host has cost before is lost: work that begins now has
		 * no time to make up for, and takes no less than its own.
		 */
		if (busy && !core->busy)
			core->pace_khz = 0;
		core->busy = busy;
		switch (activity) {
		case KESTREL_EMULATOR_IDLE:
			idle(core);
			continue;
		case KESTREL_EMULATOR_WAITING:
		case KESTREL_EMULATOR_BUSY:
			if (activity == KESTREL_EMULATOR_WAITING || core->configuration.timing)
				cycles = slice_of_virtual_time(core, &wait_ms);
			else
				core->pace_khz = 0;
			break;
		}
		if (cycles == 0) {
			qemu_cond_timedwait(&core->work, &core->lock, wait_ms);
			continue;
		}
		kestrel_emulator_advance(core->emulator, cycles);
		/* A processor that waits for the registers gets them now. */
		qemu_mutex_unlock(&core->lock);
		qemu_mutex_lock(&core->lock);
	}
	qemu_mutex_unlock(&core->lock);
	rcu_unregister_thread();
	return NULL;
}

static uint64_t kestrel_npu_read(void *opaque, hwaddr offset, unsigned int size)
{
	KestrelNpuCore *core = opaque;

	QEMU_LOCK_GUARD(&core->lock);
	return kestrel_emulator_register_read(core->emulator, offset);
}

static void kestrel_npu_write(void *opaque, hwaddr offset, uint64_t value, unsigned int size)
{
	KestrelNpuCore *core = opaque;

	QEMU_LOCK_GUARD(&core->lock);
	kestrel_emulator_register_write(core->emulator, offset, value);
	qemu_cond_signal(&core->work);
}

static const MemoryRegionOps kestrel_npu_ops = {
	.read = kestrel_npu_read,
	.write = kestrel_npu_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = { .min_access_size = 4, .max_access_size = 4 },
	.impl = { .min_access_size = 4, .max_access_size = 4 },
};

void kestrel_npu_core_reset(KestrelNpuCore *core)
{
	WITH_QEMU_LOCK_GUARD(&core->lock) {
		kestrel_emulator_reset(core->emulator);
	}
	qatomic_set(&core->irq_level, 0);
	core->interrupt(core->bus, false);
}

bool kestrel_npu_core_realize(KestrelNpuCore *core, AddressSpace *dma,
			      void (*interrupt)(void *bus, bool level), void *bus, Error **errp)
{
	struct kestrel_emulator_host host = {
		.opaque = core,
		.memory_read = kestrel_npu_memory_read,
		.memory_write = kestrel_npu_memory_write,
		.interrupt = kestrel_npu_interrupt,
	};
	char error[256];

	core->dma = dma;
	core->interrupt = interrupt;
	core->bus = bus;
	if (kestrel_configuration_check(&core->configuration, error, sizeof(error))) {
		error_setg(errp, "%s", error);
		return false;
	}
	core->emulator = kestrel_emulator_create(&core->configuration, &host);
	if (!core->emulator) {
		error_setg_errno(errp, errno, "cannot create the NPU %s", core->configuration.name);
		return false;
	}
	for (unsigned int i = 0; i < KESTREL_EMULATOR_FAULTS; i++) {
		if (core->faults[i])
			kestrel_emulator_inject(core->emulator, i, core->faults[i]);
	}
	core->irq_update = qemu_bh_new(kestrel_npu_irq_update, core);
	qemu_thread_create(&core->thread, "kestrel-npu", kestrel_npu_thread, core,
			   QEMU_THREAD_JOINABLE);
	return true;
}

void kestrel_npu_core_unrealize(KestrelNpuCore *core)
{
	WITH_QEMU_LOCK_GUARD(&core->lock) {
		core->stopping = true;
		qemu_cond_signal(&core->work);
	}
	qemu_thread_join(&core->thread);
	qemu_bh_delete(core->irq_update);
	kestrel_emulator_destroy(core->emulator);
	core->emulator = NULL;
	core->stopping = false;
}

void kestrel_npu_core_init(KestrelNpuCore *core, Object *owner)
{
	qemu_mutex_init(&core->lock);
	qemu_cond_init(&core->work);
	kestrel_configuration_get("kestrel-256", &core->configuration);
	memory_region_init_io(&core->mmio, owner, &kestrel_npu_ops, core,
			      object_get_typename(owner), KESTREL_NPU_MMIO_SIZE);
}

void kestrel_npu_core_finalize(KestrelNpuCore *core)
{
	qemu_cond_destroy(&core->work);
	qemu_mutex_destroy(&core->lock);
}

static void target_set(Object *obj, const char *value, Error **errp)
{
	KestrelNpuCore *core = core_of(obj);

	if (core->emulator)
		error_setg(errp, "target cannot change once the machine is made");
	else if (kestrel_configuration_get(value, &core->configuration))
		error_setg(errp, "no configuration '%s'", value);
}

static char *target_get(Object *obj, Error **errp)
{
	return g_strdup(core_of(obj)->configuration.name);
}

/* opaque is the key, as kestrel_configuration_key() names it. */
static void setting_set(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
	KestrelNpuCore *core = core_of(obj);
	g_autofree char *value = NULL, *setting = NULL;
	char error[256];

	if (!visit_type_str(v, name, &value, errp))
		return;
	if (core->emulator) {
		error_setg(errp, "%s cannot change once the machine is made", name);
		return;
	}
	setting = g_strdup_printf("%s=%s", (const char *)opaque, value);
	if (kestrel_configuration_set(&core->configuration, setting, error, sizeof(error)))
		error_setg(errp, "%s", error);
}

static void fault_get(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
	visit_type_uint32(v, name, &core_of(obj)->faults[(uintptr_t)opaque], errp);
}

static void fault_set(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
	KestrelNpuCore *core = core_of(obj);
	uintptr_t fault = (uintptr_t)opaque;

	if (!visit_type_uint32(v, name, &core->faults[fault], errp) || !core->emulator)
		return;
	QEMU_LOCK_GUARD(&core->lock);
	kestrel_emulator_inject(core->emulator, fault, core->faults[fault]);
	qemu_cond_signal(&core->work);
}

void kestrel_npu_core_class_init(ObjectClass *klass, KestrelNpuCore *(*core)(Object *obj))
{
	const char *help, *key;

	KESTREL_NPU_OWNER_CLASS(klass)->core = core;
	object_class_property_add_str(klass, "target", target_get, target_set);
	object_class_property_set_description(klass, "target", "named configuration");
	for (unsigned int i = 0; (key = kestrel_configuration_key(i, &help)); i++) {
		object_class_property_add(klass, key, "str", NULL, setting_set, NULL, (void *)key);
		if (help)
			object_class_property_set_description(klass, key, help);
	}
	for (uintptr_t i = 0; i < KESTREL_EMULATOR_FAULTS; i++)
		object_class_property_add(klass, kestrel_emulator_fault_name(i), "uint32",
					  fault_get, fault_set, NULL, (void *)i);
}

static const TypeInfo kestrel_npu_owner_type = {
	.name = TYPE_KESTREL_NPU_OWNER,
	.parent = TYPE_INTERFACE,
	.class_size = sizeof(KestrelNpuOwnerClass),
};

static void kestrel_npu_register_types(void)
{
	type_register_static(&kestrel_npu_owner_type);
}

type_init(kestrel_npu_register_types)
