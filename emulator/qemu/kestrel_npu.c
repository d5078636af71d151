// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kestrel NPU as a system bus device: the register block and its interrupt.
 */

#include "qemu/osdep.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "hw/irq.h"
#include "hw/misc/kestrel_npu.h"
#include "hw/sysbus.h"
#include "qom/object.h"

OBJECT_DECLARE_SIMPLE_TYPE(KestrelNpuState, KESTREL_NPU)

struct KestrelNpuState {
	SysBusDevice parent_obj;

	MemoryRegion mmio;
	qemu_irq irq;
};

static uint64_t kestrel_npu_read(void *opaque, hwaddr offset, unsigned int size)
{
	qemu_log_mask(LOG_UNIMP, "%s: offset 0x%" HWADDR_PRIx "\n", __func__, offset);
	return 0;
}

static void kestrel_npu_write(void *opaque, hwaddr offset, uint64_t value, unsigned int size)
{
	qemu_log_mask(LOG_UNIMP, "%s: offset 0x%" HWADDR_PRIx " value 0x%" PRIx64 "\n",
		      __func__, offset, value);
}

static const MemoryRegionOps kestrel_npu_ops = {
	.read = kestrel_npu_read,
	.write = kestrel_npu_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = { .min_access_size = 4, .max_access_size = 8 },
	.impl = { .min_access_size = 4, .max_access_size = 4 },
};

static void kestrel_npu_reset_hold(Object *obj, ResetType type)
{
	KestrelNpuState *npu = KESTREL_NPU(obj);

	qemu_set_irq(npu->irq, 0);
}

static void kestrel_npu_init(Object *obj)
{
	KestrelNpuState *npu = KESTREL_NPU(obj);
	SysBusDevice *bus_device = SYS_BUS_DEVICE(obj);

	memory_region_init_io(&npu->mmio, obj, &kestrel_npu_ops, npu, TYPE_KESTREL_NPU,
			      KESTREL_NPU_MMIO_SIZE);
	sysbus_init_mmio(bus_device, &npu->mmio);
	sysbus_init_irq(bus_device, &npu->irq);
}

static void kestrel_npu_class_init(ObjectClass *klass, void *data)
{
	DeviceClass *device_class = DEVICE_CLASS(klass);
	ResettableClass *resettable_class = RESETTABLE_CLASS(klass);

	device_class->desc = "Kestrel NPU";
	resettable_class->phases.hold = kestrel_npu_reset_hold;
	set_bit(DEVICE_CATEGORY_MISC, device_class->categories);
}

static const TypeInfo kestrel_npu_type = {
	.name = TYPE_KESTREL_NPU,
	.parent = TYPE_SYS_BUS_DEVICE,
	.instance_size = sizeof(KestrelNpuState),
	.instance_init = kestrel_npu_init,
	.class_init = kestrel_npu_class_init,
};

static void kestrel_npu_register_types(void)
{
	type_register_static(&kestrel_npu_type);
}

type_init(kestrel_npu_register_types)
