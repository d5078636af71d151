// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kestrel NPU as a system bus device: registers, interrupt, memory and time
 * around the emulator library, which is the device itself.
 *
 * The library works in a thread of the device, outside QEMU's big lock, so that
 * guest processors run beside the NPU. Rules:
 *
 * - npu->lock serialises the library. A processor takes it inside the big lock;
 *   the device's thread never takes the big lock while it holds npu->lock, so
 *   it gives way after every slice and reaches only RAM, never another device.
 * - The interrupt line belongs to the big lock: the thread leaves the level in
 *   irq_level and asks a bottom half to set it.
 *
 * Time: the library counts its own cycles. With timing=off it works as fast as
 * the host can; with timing=on it is held to its clock by the guest's virtual
 * time. A timer of the management core is waited for in virtual time in both
 * cases, so that an idle device costs nothing.
 */

#include "qemu/osdep.h"
#include "exec/address-spaces.h"
#include "exec/memory.h"
#include "emulator/emulator.h"
#include "hw/irq.h"
#include "hw/misc/kestrel_npu.h"
#include "hw/sysbus.h"
#include "migration/vmstate.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "qemu/lockable.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "qemu/rcu.h"
#include "qemu/thread.h"
#include "qemu/timer.h"
#include "qom/object.h"

OBJECT_DECLARE_SIMPLE_TYPE(KestrelNpuState, KESTREL_NPU)

/* Cycles between two chances for a processor to get at the registers. */
#define SLICE_CYCLES 20000
/* With timing=on, how far the device may run ahead of virtual time. */
#define LEAD_CYCLES 20000

struct KestrelNpuState {
	SysBusDevice parent_obj;

	MemoryRegion mmio;
	qemu_irq irq;

	struct kestrel_configuration configuration;

	/* Serialises the library; see above for its order with the big lock. */
	QemuMutex lock;
	/* Signalled when a register write or a fault may have given work. */
	QemuCond work;
	QemuThread thread;
	bool stopping;
	struct kestrel_emulator *emulator;
	/* timing=on: virtual time and cycle at which the present pace began. */
	int64_t pace_ns;
	uint64_t pace_cycles;
	uint32_t pace_khz;

	QEMUBH *irq_update;
	/* Level that the library asked for last; atomic. */
	int irq_level;
	uint32_t faults[KESTREL_EMULATOR_FAULTS];
};

/*
 * RAM only: a device behind the address would need the big lock. Everything
 * that a driver may give an NPU is RAM, so another address is a bus fault.
 */
static int memory_access(uint64_t address, void *data, size_t length, bool write)
{
	MemTxAttrs attributes = MEMTXATTRS_UNSPECIFIED;

	RCU_READ_LOCK_GUARD();
	while (length > 0) {
		hwaddr offset, span = length;
		MemoryRegion *region = address_space_translate(&address_space_memory, address,
							       &offset, &span, write, attributes);
		uint8_t *bytes;

		if (!memory_region_is_ram(region) || (write && memory_region_is_rom(region)) ||
		    span == 0)
			return -EFAULT;
		bytes = (uint8_t *)memory_region_get_ram_ptr(region) + offset;
		if (write) {
			memcpy(bytes, data, span);
			memory_region_set_dirty(region, offset, span);
		} else {
			memcpy(data, bytes, span);
		}
		address += span;
		data = (uint8_t *)data + span;
		length -= span;
	}
	return 0;
}

static int kestrel_npu_memory_read(void *opaque, uint64_t address, void *data, size_t length)
{
	return memory_access(address, data, length, false);
}

static int kestrel_npu_memory_write(void *opaque, uint64_t address, const void *data, size_t length)
{
	return memory_access(address, (void *)data, length, true);
}

static void kestrel_npu_interrupt(void *opaque, bool level)
{
	KestrelNpuState *npu = opaque;

	qatomic_set(&npu->irq_level, level);
	if (bql_locked())
		qemu_set_irq(npu->irq, level);
	else
		qemu_bh_schedule(npu->irq_update);
}

static void kestrel_npu_irq_update(void *opaque)
{
	KestrelNpuState *npu = opaque;

	qemu_set_irq(npu->irq, qatomic_read(&npu->irq_level));
}

/*
 * Cycles that the device may advance now, at most SLICE_CYCLES; 0: it is ahead
 * of virtual time and *wait_ms says how long.
 */
static uint64_t slice_of_virtual_time(KestrelNpuState *npu, int *wait_ms)
{
	uint32_t khz = kestrel_emulator_clock_khz(npu->emulator);
	int64_t now_ns = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
	uint64_t now_cycles = kestrel_emulator_now(npu->emulator);
	uint64_t due;

	if (npu->pace_khz != khz || npu->pace_cycles > now_cycles) {
		npu->pace_khz = khz;
		npu->pace_ns = now_ns;
		npu->pace_cycles = now_cycles;
	}
	due = npu->pace_cycles + muldiv64(now_ns - npu->pace_ns, khz, 1000000);
	if (due + LEAD_CYCLES > now_cycles)
		return MIN(due + LEAD_CYCLES - now_cycles, SLICE_CYCLES);
	*wait_ms = 1 + (now_cycles - due - LEAD_CYCLES) / khz;
	return 0;
}

static void *kestrel_npu_thread(void *opaque)
{
	KestrelNpuState *npu = opaque;

	rcu_register_thread();
	qemu_mutex_lock(&npu->lock);
	while (!npu->stopping) {
		enum kestrel_emulator_activity activity = kestrel_emulator_activity(npu->emulator);
		uint64_t cycles = SLICE_CYCLES;
		int wait_ms = 0;

		switch (activity) {
		case KESTREL_EMULATOR_IDLE:
			npu->pace_khz = 0;
			qemu_cond_wait(&npu->work, &npu->lock);
			continue;
		case KESTREL_EMULATOR_WAITING:
		case KESTREL_EMULATOR_BUSY:
			if (activity == KESTREL_EMULATOR_WAITING || npu->configuration.timing)
				cycles = slice_of_virtual_time(npu, &wait_ms);
			else
				npu->pace_khz = 0;
			break;
		}
		if (cycles == 0) {
			qemu_cond_timedwait(&npu->work, &npu->lock, wait_ms);
			continue;
		}
		kestrel_emulator_advance(npu->emulator, cycles);
		/* A processor that waits for the registers gets them now. */
		qemu_mutex_unlock(&npu->lock);
		qemu_mutex_lock(&npu->lock);
	}
	qemu_mutex_unlock(&npu->lock);
	rcu_unregister_thread();
	return NULL;
}

static uint64_t kestrel_npu_read(void *opaque, hwaddr offset, unsigned int size)
{
	KestrelNpuState *npu = opaque;

	QEMU_LOCK_GUARD(&npu->lock);
	return kestrel_emulator_register_read(npu->emulator, offset);
}

static void kestrel_npu_write(void *opaque, hwaddr offset, uint64_t value, unsigned int size)
{
	KestrelNpuState *npu = opaque;

	QEMU_LOCK_GUARD(&npu->lock);
	kestrel_emulator_register_write(npu->emulator, offset, value);
	qemu_cond_signal(&npu->work);
}

static const MemoryRegionOps kestrel_npu_ops = {
	.read = kestrel_npu_read,
	.write = kestrel_npu_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = { .min_access_size = 4, .max_access_size = 4 },
	.impl = { .min_access_size = 4, .max_access_size = 4 },
};

static void kestrel_npu_reset_hold(Object *obj, ResetType type)
{
	KestrelNpuState *npu = KESTREL_NPU(obj);

	if (npu->emulator) {
		QEMU_LOCK_GUARD(&npu->lock);
		kestrel_emulator_reset(npu->emulator);
	}
	qatomic_set(&npu->irq_level, 0);
	qemu_set_irq(npu->irq, 0);
}

static void kestrel_npu_realize(DeviceState *dev, Error **errp)
{
	KestrelNpuState *npu = KESTREL_NPU(dev);
	struct kestrel_emulator_host host = {
		.opaque = npu,
		.memory_read = kestrel_npu_memory_read,
		.memory_write = kestrel_npu_memory_write,
		.interrupt = kestrel_npu_interrupt,
	};
	char error[256];

	if (kestrel_configuration_check(&npu->configuration, error, sizeof(error))) {
		error_setg(errp, "%s", error);
		return;
	}
	npu->emulator = kestrel_emulator_create(&npu->configuration, &host);
	if (!npu->emulator) {
		error_setg_errno(errp, errno, "cannot create the NPU %s", npu->configuration.name);
		return;
	}
	for (unsigned int i = 0; i < KESTREL_EMULATOR_FAULTS; i++) {
		if (npu->faults[i])
			kestrel_emulator_inject(npu->emulator, i, npu->faults[i]);
	}
	npu->irq_update = qemu_bh_new(kestrel_npu_irq_update, npu);
	qemu_thread_create(&npu->thread, "kestrel-npu", kestrel_npu_thread, npu,
			   QEMU_THREAD_JOINABLE);
}

static void kestrel_npu_unrealize(DeviceState *dev)
{
	KestrelNpuState *npu = KESTREL_NPU(dev);

	WITH_QEMU_LOCK_GUARD(&npu->lock) {
		npu->stopping = true;
		qemu_cond_signal(&npu->work);
	}
	qemu_thread_join(&npu->thread);
	qemu_bh_delete(npu->irq_update);
	kestrel_emulator_destroy(npu->emulator);
	npu->emulator = NULL;
	npu->stopping = false;
}

static void kestrel_npu_init(Object *obj)
{
	KestrelNpuState *npu = KESTREL_NPU(obj);
	SysBusDevice *bus_device = SYS_BUS_DEVICE(obj);

	qemu_mutex_init(&npu->lock);
	qemu_cond_init(&npu->work);
	kestrel_configuration_get("kestrel-256", &npu->configuration);
	memory_region_init_io(&npu->mmio, obj, &kestrel_npu_ops, npu, TYPE_KESTREL_NPU,
			      KESTREL_NPU_MMIO_SIZE);
	sysbus_init_mmio(bus_device, &npu->mmio);
	sysbus_init_irq(bus_device, &npu->irq);
}

static void kestrel_npu_finalize(Object *obj)
{
	KestrelNpuState *npu = KESTREL_NPU(obj);

	qemu_cond_destroy(&npu->work);
	qemu_mutex_destroy(&npu->lock);
}

static void target_set(Object *obj, const char *value, Error **errp)
{
	KestrelNpuState *npu = KESTREL_NPU(obj);

	if (npu->emulator)
		error_setg(errp, "target cannot change once the machine is made");
	else if (kestrel_configuration_get(value, &npu->configuration))
		error_setg(errp, "no configuration '%s'", value);
}

static char *target_get(Object *obj, Error **errp)
{
	return g_strdup(KESTREL_NPU(obj)->configuration.name);
}

/* opaque is the key, as kestrel_configuration_key() names it. */
static void setting_set(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
	KestrelNpuState *npu = KESTREL_NPU(obj);
	g_autofree char *value = NULL, *setting = NULL;
	char error[256];

	if (!visit_type_str(v, name, &value, errp))
		return;
	if (npu->emulator) {
		error_setg(errp, "%s cannot change once the machine is made", name);
		return;
	}
	setting = g_strdup_printf("%s=%s", (const char *)opaque, value);
	if (kestrel_configuration_set(&npu->configuration, setting, error, sizeof(error)))
		error_setg(errp, "%s", error);
}

static void fault_get(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
	visit_type_uint32(v, name, &KESTREL_NPU(obj)->faults[(uintptr_t)opaque], errp);
}

static void fault_set(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
	KestrelNpuState *npu = KESTREL_NPU(obj);
	uintptr_t fault = (uintptr_t)opaque;

	if (!visit_type_uint32(v, name, &npu->faults[fault], errp) || !npu->emulator)
		return;
	QEMU_LOCK_GUARD(&npu->lock);
	kestrel_emulator_inject(npu->emulator, fault, npu->faults[fault]);
	qemu_cond_signal(&npu->work);
}

/* The library's state is not saved: a guest with this device stays where it is. */
static const VMStateDescription kestrel_npu_vmstate = {
	.name = TYPE_KESTREL_NPU,
	.unmigratable = 1,
};

static void kestrel_npu_class_init(ObjectClass *klass, void *data)
{
	DeviceClass *device_class = DEVICE_CLASS(klass);
	ResettableClass *resettable_class = RESETTABLE_CLASS(klass);
	const char *help, *key;

	device_class->desc = "Kestrel NPU";
	device_class->realize = kestrel_npu_realize;
	device_class->unrealize = kestrel_npu_unrealize;
	device_class->vmsd = &kestrel_npu_vmstate;
	resettable_class->phases.hold = kestrel_npu_reset_hold;
	set_bit(DEVICE_CATEGORY_MISC, device_class->categories);

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

static const TypeInfo kestrel_npu_type = {
	.name = TYPE_KESTREL_NPU,
	.parent = TYPE_SYS_BUS_DEVICE,
	.instance_size = sizeof(KestrelNpuState),
	.instance_init = kestrel_npu_init,
	.instance_finalize = kestrel_npu_finalize,
	.class_init = kestrel_npu_class_init,
};

static void kestrel_npu_register_types(void)
{
	type_register_static(&kestrel_npu_type);
}

type_init(kestrel_npu_register_types)
