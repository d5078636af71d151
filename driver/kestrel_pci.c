// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

#include <linux/dma-map-ops.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>

#include <kestrel/regs.h>

#include "kestrel_device.h"
#include "kestrel_drv.h"
#include "kestrel_pci.h"

/*
 * The NPU as a PCI endpoint: the same register block in BAR 0. There is no
 * device tree here, so clock, supply and operating points are the device's own.
 */

#define KESTREL_PCI_BAR		0

static int kestrel_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct device *dev = &pdev->dev;
	struct kestrel_device *kdev;
	int ret;

	kdev = kestrel_drv_alloc(dev);
	if (IS_ERR(kdev))
		return PTR_ERR(kdev);

	ret = pcim_enable_device(pdev);
	if (ret)
		return dev_err_probe(dev, ret, "the PCI device cannot be enabled\n");

	if (pci_resource_len(pdev, KESTREL_PCI_BAR) < KESTREL_REG_BLOCK_BYTES)
		return dev_err_probe(dev, -ENODEV, "BAR %d is too small\n", KESTREL_PCI_BAR);

	kdev->registers = pcim_iomap_region(pdev, KESTREL_PCI_BAR, "kestrel");
	if (IS_ERR(kdev->registers))
		return dev_err_probe(dev, PTR_ERR(kdev->registers), "BAR %d cannot be mapped\n",
				     KESTREL_PCI_BAR);

	/*
	 * Managed, as all of it: freed after the interrupt is. Not INTA, which may
	 * be shared and then could not be requested switched off.
	 */
	ret = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_MSI);
	if (ret < 0)
		return dev_err_probe(dev, ret, "no message signalled interrupt\n");

	kdev->irq = pci_irq_vector(pdev, 0);
	kdev->hardware.coherent = dev_is_dma_coherent(dev);
	/* What a driver before this one could not stop gets at memory once a reset has. */
	ret = kestrel_drv_attach(kdev);
	if (ret)
		return ret;

	/* PCI keeps a device on until its driver is known to manage without. */
	pm_runtime_allow(dev);
	kestrel_power_put(kdev);
	return 0;
}

static void kestrel_pci_remove(struct pci_dev *pdev)
{
	pm_runtime_get_noresume(&pdev->dev);
	pm_runtime_forbid(&pdev->dev);
	kestrel_drv_detach(pci_get_drvdata(pdev));
}

/**
 * kestrel_pci_silence - keep a device that does not stop from reaching memory
 * @dev: NPU; nothing happens when it is not behind PCI
 *
 * Return: whether the bus keeps it from memory.
 */
bool kestrel_pci_silence(struct device *dev)
{
	if (!dev_is_pci(dev))
		return false;
	pci_clear_master(to_pci_dev(dev));
	return true;
}

/**
 * kestrel_pci_unsilence - let a device reach memory again
 * @dev: NPU that a reset has stopped; nothing happens when it is not behind PCI
 */
void kestrel_pci_unsilence(struct device *dev)
{
	if (dev_is_pci(dev))
		pci_set_master(to_pci_dev(dev));
}

static const struct pci_device_id kestrel_pci_ids[] = {
	{ PCI_DEVICE(KESTREL_PCI_VENDOR_ID, KESTREL_PCI_DEVICE_ID) },
	{}
};
MODULE_DEVICE_TABLE(pci, kestrel_pci_ids);

static struct pci_driver kestrel_pci_driver = {
	.name = "kestrel",
	.id_table = kestrel_pci_ids,
	.probe = kestrel_pci_probe,
	.remove = kestrel_pci_remove,
	/* Not in .driver, where PCI overwrites it. */
	.dev_groups = kestrel_drv_groups,
	.driver = {
		.pm = pm_ptr(&kestrel_power_ops),
	},
};

/**
 * kestrel_pci_register - be ready for PCI devices
 *
 * Return: 0 or a negative error code.
 */
int kestrel_pci_register(void)
{
	return pci_register_driver(&kestrel_pci_driver);
}

/**
 * kestrel_pci_unregister - the opposite, with all devices detached
 */
void kestrel_pci_unregister(void)
{
	pci_unregister_driver(&kestrel_pci_driver);
}
