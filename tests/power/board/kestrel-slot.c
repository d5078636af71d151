// SPDX-License-Identifier: MIT
/*
 * A slot whose device goes at a time of its own, as for a hot-plug controller: also while
 * the system sleeps and user space stands still.
 *
 * modprobe kestrel-slot device=0000:00:02.0 after_ms=4000
 */
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/workqueue.h>

static char *device;
module_param(device, charp, 0400);
MODULE_PARM_DESC(device, "Name of the PCI device");

static unsigned int after_ms;
module_param(after_ms, uint, 0400);
MODULE_PARM_DESC(after_ms, "How long from now on it stays, in ms");

static struct pci_dev *slot_device;

static void slot_remove(struct work_struct *work)
{
	pr_info("kestrel-slot: %s goes\n", device);
	pci_stop_and_remove_bus_device_locked(slot_device);
	pr_info("kestrel-slot: %s is gone\n", device);
}

static DECLARE_DELAYED_WORK(slot_work, slot_remove);

static int __init slot_init(void)
{
	struct device *found = bus_find_device_by_name(&pci_bus_type, NULL, device);

	if (!found)
		return -ENODEV;
	slot_device = to_pci_dev(found);
	/* A queue that goes on while the system sleeps. */
	queue_delayed_work(system_unbound_wq, &slot_work, msecs_to_jiffies(after_ms));
	return 0;
}
module_init(slot_init);

static void __exit slot_exit(void)
{
	/* Not before it has gone. */
	flush_delayed_work(&slot_work);
	pci_dev_put(slot_device);
}
module_exit(slot_exit);

MODULE_DESCRIPTION("A slot for tests of the Kestrel NPU driver");
MODULE_AUTHOR("The Kestrel authors");
MODULE_LICENSE("Dual MIT/GPL");
