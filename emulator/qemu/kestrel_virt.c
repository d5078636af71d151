// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kestrel-virt board: QEMU's arm64 "virt" board with a Kestrel NPU.
 *
 * The parent's init builds the whole machine; this board then adds the NPU at
 * an address and an interrupt that virt leaves free, and its device-tree node.
 * Nothing of virt itself is changed.
 */

#include "qemu/osdep.h"
#include "hw/arm/fdt.h"
#include "hw/arm/virt.h"
#include "hw/boards.h"
#include "hw/misc/kestrel_npu.h"
#include "hw/sysbus.h"
#include "qapi/error.h"
#include "qemu/module.h"
#include "system/device_tree.h"

#define TYPE_KESTREL_VIRT_MACHINE MACHINE_TYPE_NAME("kestrel-virt")
#define TYPE_PARENT_MACHINE MACHINE_TYPE_NAME("virt-10.0")

/*
 * virt's memory map is empty between its last virtio transport (0x0a004000)
 * and the platform bus (0x0c000000), its interrupt map from the end of the
 * platform bus (SPI 176) to the last line (SPI 255).
 */
#define KESTREL_VIRT_NPU_BASE 0x0b000000
#define KESTREL_VIRT_NPU_SPI 192

/* Operating points: quarters of the highest clock. */
#define KESTREL_VIRT_OPPS 4

/* Millidegrees Celsius. */
#define KESTREL_VIRT_HOT 85000
#define KESTREL_VIRT_HYSTERESIS 2000
#define KESTREL_VIRT_CRITICAL 125000
#define KESTREL_VIRT_THERMAL_POLL_MS 50

OBJECT_DECLARE_TYPE(KestrelVirtState, KestrelVirtClass, KESTREL_VIRT_MACHINE)

struct KestrelVirtState {
	VirtMachineState parent_obj;
};

struct KestrelVirtClass {
	VirtMachineClass parent_class;

	void (*parent_init)(MachineState *machine);
};

/* A node below another one; the caller frees its path. */
static char *kestrel_virt_add_node(void *fdt, const char *parent, const char *name)
{
	char *path = g_strdup_printf("%s/%s", parent, name);

	qemu_fdt_add_subnode(fdt, path);
	return path;
}

static uint32_t kestrel_virt_add_phandle(void *fdt, const char *path)
{
	uint32_t phandle = qemu_fdt_alloc_phandle(fdt);

	qemu_fdt_setprop_cell(fdt, path, "phandle", phandle);
	return phandle;
}

static void kestrel_virt_add_opps(void *fdt, const char *npu, uint64_t clock_hz)
{
	g_autofree char *table = kestrel_virt_add_node(fdt, npu, "opp-table");

	qemu_fdt_setprop_string(fdt, table, "compatible", "operating-points-v2");
	for (unsigned int i = 1; i <= KESTREL_VIRT_OPPS; i++) {
		uint64_t hz = clock_hz / KESTREL_VIRT_OPPS * i;
		g_autofree char *name = g_strdup_printf("opp-%" PRIu64, hz);
		g_autofree char *opp = kestrel_virt_add_node(fdt, table, name);

		qemu_fdt_setprop_u64(fdt, opp, "opp-hz", hz);
	}
	qemu_fdt_setprop_cell(fdt, npu, "operating-points-v2",
			      kestrel_virt_add_phandle(fdt, table));
}

static char *kestrel_virt_add_trip(void *fdt, const char *trips, const char *name,
				   const char *type, uint32_t temperature, uint32_t hysteresis)
{
	char *trip = kestrel_virt_add_node(fdt, trips, name);

	qemu_fdt_setprop_string(fdt, trip, "type", type);
	qemu_fdt_setprop_cell(fdt, trip, "temperature", temperature);
	qemu_fdt_setprop_cell(fdt, trip, "hysteresis", hysteresis);
	return trip;
}

/* The NPU's own sensor, and the NPU as what is throttled. */
static void kestrel_virt_add_thermal_zone(void *fdt, uint32_t npu)
{
	g_autofree char *zone = NULL, *trips = NULL, *hot = NULL, *critical = NULL;
	g_autofree char *maps = NULL, *map = NULL;

	qemu_fdt_add_subnode(fdt, "/thermal-zones");
	zone = kestrel_virt_add_node(fdt, "/thermal-zones", "npu-thermal");
	qemu_fdt_setprop_cell(fdt, zone, "polling-delay-passive", KESTREL_VIRT_THERMAL_POLL_MS);
	/* The NPU interrupts when it becomes too hot. */
	qemu_fdt_setprop_cell(fdt, zone, "polling-delay", 0);
	qemu_fdt_setprop_cell(fdt, zone, "thermal-sensors", npu);

	trips = kestrel_virt_add_node(fdt, zone, "trips");
	hot = kestrel_virt_add_trip(fdt, trips, "npu-hot", "passive", KESTREL_VIRT_HOT,
				    KESTREL_VIRT_HYSTERESIS);
	critical = kestrel_virt_add_trip(fdt, trips, "npu-critical", "critical",
					 KESTREL_VIRT_CRITICAL, 0);

	maps = kestrel_virt_add_node(fdt, zone, "cooling-maps");
	map = kestrel_virt_add_node(fdt, maps, "map0");
	qemu_fdt_setprop_cell(fdt, map, "trip", kestrel_virt_add_phandle(fdt, hot));
	/* All states that it has. */
	qemu_fdt_setprop_cells(fdt, map, "cooling-device", npu, UINT32_MAX, UINT32_MAX);
}

static void kestrel_virt_add_npu_node(MachineState *machine, uint32_t clock_khz)
{
	g_autofree char *name = g_strdup_printf("/npu@%x", KESTREL_VIRT_NPU_BASE);
	void *fdt = machine->fdt;

	qemu_fdt_add_subnode(fdt, name);
	qemu_fdt_setprop_string(fdt, name, "compatible", "kestrel,npu-v1");
	qemu_fdt_setprop_sized_cells(fdt, name, "reg", 2, KESTREL_VIRT_NPU_BASE,
				     2, KESTREL_NPU_MMIO_SIZE);
	qemu_fdt_setprop_cells(fdt, name, "interrupts", GIC_FDT_IRQ_TYPE_SPI,
			       KESTREL_VIRT_NPU_SPI, GIC_FDT_IRQ_FLAGS_LEVEL_HI);
	qemu_fdt_setprop(fdt, name, "dma-coherent", NULL, 0);
	qemu_fdt_setprop_cell(fdt, name, "#clock-cells", 0);
	qemu_fdt_setprop_cell(fdt, name, "#cooling-cells", 2);
	qemu_fdt_setprop_cell(fdt, name, "#thermal-sensor-cells", 0);
	kestrel_virt_add_opps(fdt, name, clock_khz * 1000ull);
	kestrel_virt_add_thermal_zone(fdt, kestrel_virt_add_phandle(fdt, name));
}

static void kestrel_virt_init(MachineState *machine)
{
	KestrelVirtClass *board_class = KESTREL_VIRT_MACHINE_GET_CLASS(machine);
	VirtMachineState *virt = VIRT_MACHINE(machine);
	SysBusDevice *npu;

	board_class->parent_init(machine);

	npu = SYS_BUS_DEVICE(qdev_new(TYPE_KESTREL_NPU));
	object_property_add_child(OBJECT(machine), "npu", OBJECT(npu));
	sysbus_realize_and_unref(npu, &error_fatal);
	sysbus_mmio_map(npu, 0, KESTREL_VIRT_NPU_BASE);
	sysbus_connect_irq(npu, 0, qdev_get_gpio_in(virt->gic, KESTREL_VIRT_NPU_SPI));
	kestrel_virt_add_npu_node(machine, kestrel_npu_clock_khz(DEVICE(npu)));
}

static void kestrel_virt_class_init(ObjectClass *klass, void *data)
{
	KestrelVirtClass *board_class = KESTREL_VIRT_MACHINE_CLASS(klass);
	MachineClass *machine_class = MACHINE_CLASS(klass);

	board_class->parent_init = machine_class->init;
	machine_class->init = kestrel_virt_init;
	machine_class->desc = "QEMU ARM Virtual Machine with a Kestrel NPU";
	/* The class is copied from the parent, which answers to "virt". */
	machine_class->alias = NULL;
}

static const TypeInfo kestrel_virt_type = {
	.name = TYPE_KESTREL_VIRT_MACHINE,
	.parent = TYPE_PARENT_MACHINE,
	.instance_size = sizeof(KestrelVirtState),
	.class_size = sizeof(KestrelVirtClass),
	.class_init = kestrel_virt_class_init,
};

static void kestrel_virt_register_types(void)
{
	type_register_static(&kestrel_virt_type);
}

type_init(kestrel_virt_register_types)
