// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kestrel NPU as a PCI endpoint, as uapi/kestrel/regs.h describes it: BAR 0
 * is the register block, the interrupt is one MSI or INTA, and the device's own
 * accesses go through the bus: none while bus mastering is off.
 */

#include "qemu/osdep.h"
#include <kestrel/regs.h>
#include "hw/misc/kestrel_npu.h"
#include "hw/misc/kestrel_npu_core.h"
#include "hw/pci/msi.h"
#include "hw/pci/pci_device.h"
#include "hw/pci/pcie.h"
#include "migration/vmstate.h"
#include "qapi/error.h"
#include "qemu/module.h"

OBJECT_DECLARE_SIMPLE_TYPE(KestrelNpuPciState, KESTREL_NPU_PCI)

struct KestrelNpuPciState {
	PCIDevice parent_obj;

	KestrelNpuCore core;
	bool irq_level;
};

static KestrelNpuCore *kestrel_npu_pci_core(Object *obj)
{
	return &KESTREL_NPU_PCI(obj)->core;
}

/* A message for every rise of the line, or the line itself. */
static void kestrel_npu_pci_interrupt(void *bus, bool level)
{
	KestrelNpuPciState *npu = bus;
	PCIDevice *pci = PCI_DEVICE(npu);
	bool rises = level && !npu->irq_level;

	npu->irq_level = level;
	if (!msi_enabled(pci))
		pci_set_irq(pci, level);
	else if (rises)
		msi_notify(pci, 0);
}

static void kestrel_npu_pci_reset_hold(Object *obj, ResetType type)
{
	kestrel_npu_core_reset(&KESTREL_NPU_PCI(obj)->core);
}

static void kestrel_npu_pci_realize(PCIDevice *pci, Error **errp)
{
	KestrelNpuPciState *npu = KESTREL_NPU_PCI(pci);

	pci_config_set_interrupt_pin(pci->config, 1);
	pci_register_bar(pci, 0, PCI_BASE_ADDRESS_SPACE_MEMORY, &npu->core.mmio);
	if (pci_bus_is_express(pci_get_bus(pci)) && pcie_endpoint_cap_init(pci, 0) < 0) {
		error_setg(errp, "no room for the PCI Express capability");
		return;
	}
	if (msi_init(pci, 0, 1, true, false, errp) < 0)
		return;
	if (!kestrel_npu_core_realize(&npu->core, pci_get_address_space(pci),
				      kestrel_npu_pci_interrupt, npu, errp))
		msi_uninit(pci);
}

static void kestrel_npu_pci_exit(PCIDevice *pci)
{
	kestrel_npu_core_unrealize(&KESTREL_NPU_PCI(pci)->core);
	msi_uninit(pci);
}

static void kestrel_npu_pci_init(Object *obj)
{
	kestrel_npu_core_init(&KESTREL_NPU_PCI(obj)->core, obj);
	PCI_DEVICE(obj)->cap_present |= QEMU_PCI_CAP_EXPRESS;
}

static void kestrel_npu_pci_finalize(Object *obj)
{
	kestrel_npu_core_finalize(&KESTREL_NPU_PCI(obj)->core);
}

/* The library's state is not saved: a guest with this device stays where it is. */
static const VMStateDescription kestrel_npu_pci_vmstate = {
	.name = TYPE_KESTREL_NPU_PCI,
	.unmigratable = 1,
};

static void kestrel_npu_pci_class_init(ObjectClass *klass, void *data)
{
	DeviceClass *device_class = DEVICE_CLASS(klass);
	PCIDeviceClass *pci_class = PCI_DEVICE_CLASS(klass);
	ResettableClass *resettable_class = RESETTABLE_CLASS(klass);

	device_class->desc = "Kestrel NPU as a PCI endpoint";
	device_class->vmsd = &kestrel_npu_pci_vmstate;
	pci_class->realize = kestrel_npu_pci_realize;
	pci_class->exit = kestrel_npu_pci_exit;
	pci_class->vendor_id = KESTREL_PCI_VENDOR_ID;
	pci_class->device_id = KESTREL_PCI_DEVICE_ID;
	pci_class->class_id = KESTREL_PCI_CLASS;
	resettable_class->phases.hold = kestrel_npu_pci_reset_hold;
	set_bit(DEVICE_CATEGORY_MISC, device_class->categories);
	kestrel_npu_core_class_init(klass, kestrel_npu_pci_core);
}

static const TypeInfo kestrel_npu_pci_type = {
	.name = TYPE_KESTREL_NPU_PCI,
	.parent = TYPE_PCI_DEVICE,
	.instance_size = sizeof(KestrelNpuPciState),
	.instance_init = kestrel_npu_pci_init,
	.instance_finalize = kestrel_npu_pci_finalize,
	.class_init = kestrel_npu_pci_class_init,
	.interfaces = (InterfaceInfo[]) {
		{ INTERFACE_PCIE_DEVICE },
		{ INTERFACE_CONVENTIONAL_PCI_DEVICE },
		{ TYPE_KESTREL_NPU_OWNER },
		{}
	},
};

static void kestrel_npu_pci_register_types(void)
{
	type_register_static(&kestrel_npu_pci_type);
}

type_init(kestrel_npu_pci_register_types)
