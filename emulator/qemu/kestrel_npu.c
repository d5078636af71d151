// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kestrel NPU as a system bus device: what a board maps and wires itself.
 */

#include "qemu/osdep.h"
#include "exec/address-spaces.h"
#include "hw/irq.h"
#include "hw/misc/kestrel_npu.h"
#include "hw/misc/kestrel_npu_core.h"
#include "hw/sysbus.h"
#include "migration/vmstate.h"
#include "qemu/module.h"

OBJECT_DECLARE_SIMPLE_TYPE(KestrelNpuState, KESTREL_NPU)

struct KestrelNpuState {
	SysBusDevice parent_obj;

	KestrelNpuCore core;
	qemu_irq irq;
};

static KestrelNpuCore *kestrel_npu_core(Object *obj)
{
	return &KESTREL_NPU(obj)->core;
}

uint32_t kestrel_npu_clock_khz(DeviceState *dev)
{
	return KESTREL_NPU(dev)->core.configuration.clock_khz;
}

static void kestrel_npu_interrupt(void *bus, bool level)
{
	KestrelNpuState *npu = bus;

	qemu_set_irq(npu->irq, level);
}

static void kestrel_npu_reset_hold(Object *obj, ResetType type)
{
	kestrel_npu_core_reset(&KESTREL_NPU(obj)->core);
}

static void kestrel_npu_realize(DeviceState *dev, Error **errp)
{
	KestrelNpuState *npu = KESTREL_NPU(dev);

	kestrel_npu_core_realize(&npu->core, &address_space_memory, kestrel_npu_interrupt, npu,
				 errp);
}

static void kestrel_npu_unrealize(DeviceState *dev)
{
	kestrel_npu_core_unrealize(&KESTREL_NPU(dev)->core);
}

static void kestrel_npu_init(Object *obj)
{
	KestrelNpuState *npu = KESTREL_NPU(obj);

	kestrel_npu_core_init(&npu->core, obj);
	sysbus_init_mmio(SYS_BUS_DEVICE(obj), &npu->core.mmio);
	sysbus_init_irq(SYS_BUS_DEVICE(obj), &npu->irq);
}

static void kestrel_npu_finalize(Object *obj)
{
	kestrel_npu_core_finalize(&KESTREL_NPU(obj)->core);
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

	device_class->desc = "Kestrel NPU";
	device_class->realize = kestrel_npu_realize;
	device_class->unrealize = kestrel_npu_unrealize;
	device_class->vmsd = &kestrel_npu_vmstate;
	resettable_class->phases.hold = kestrel_npu_reset_hold;
	set_bit(DEVICE_CATEGORY_MISC, device_class->categories);
	kestrel_npu_core_class_init(klass, kestrel_npu_core);
}

static const TypeInfo kestrel_npu_type = {
	.name = TYPE_KESTREL_NPU,
	.parent = TYPE_SYS_BUS_DEVICE,
	.instance_size = sizeof(KestrelNpuState),
	.instance_init = kestrel_npu_init,
	.instance_finalize = kestrel_npu_finalize,
	.class_init = kestrel_npu_class_init,
	.interfaces = (InterfaceInfo[]) { { TYPE_KESTREL_NPU_OWNER }, {} },
};

static void kestrel_npu_register_types(void)
{
	type_register_static(&kestrel_npu_type);
}

type_init(kestrel_npu_register_types)
