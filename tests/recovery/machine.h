/* SPDX-License-Identifier: MIT */
/*
 * The machine around the guest, as far as the recovery tests need it: faults that
 * tests/vm/injector.py injects, what the driver shows of its recovery, and its
 * binding. All functions return 0 or -errno.
 */
#ifndef KESTREL_TEST_MACHINE_H
#define KESTREL_TEST_MACHINE_H

#include <stdint.h>

/* The driver's ladder, as sysfs shows it (docs/sysfs-abi.md). */
struct counters {
	unsigned int queue_kills;
	unsigned int mcu_resets;
	unsigned int device_resets;
	unsigned int wedged;
};

/* Opens the port to the injector and listens for events of the kernel. */
int machine_open(void);
void machine_close(void);
/* Sets a property of the device: emulator/emulator.h says what the values do. */
int machine_inject(const char *property, uint32_t value);
/* No injected fault is in force any more. */
int machine_heal(void);
/* Interrupts of the device so far, or -errno. */
long machine_interrupts(void);
/* Waits for the event that says that the device is given up. */
int machine_wedged_event(void);

int counters_read(struct counters *counters);
/* QUERY says the same as sysfs; -EBADMSG when it does not. */
int counters_query(int fd, const struct counters *counters);
/* Waits until the device is given up. */
int counters_wait_wedged(void);

/* Lets user space set the clock (governor userspace), or not (simple_ondemand). */
int clock_take(void);
int clock_give_back(void);
/* The lowest (the highest) that there is, in Hz. */
int clock_limits(unsigned long *lowest, unsigned long *highest);
int clock_set(unsigned long hertz);
int clock_read(unsigned long *hertz);

/* The firmware's log level, in debugfs. */
int log_level_read(unsigned long *level);
int log_level_set(unsigned long level);
/* Records of that level in the firmware's log, or -errno. */
int log_records(unsigned int level);

/* Has the driver take a step of recovery, named as in docs/driver.md; 0 or -errno. */
int step_inject(const char *step);
/* The slot of the one queue that has jobs; -ENOENT where it is not one. */
int queue_busy(unsigned int *slot);

/* What is not freed because the device may still access it, in bytes. */
int kept_memory_read(unsigned long *bytes);
/* How often the kernel's log has a text, or -errno. */
int kernel_log_count(const char *text);
/* How long the driver waits for the MMU; before may be NULL. */
int invalidate_timeout_set(unsigned long milliseconds, unsigned long *before);

/* Lets the device be switched off, and waits until it is. */
int device_switch_off(void);
/* Buffers of others that the device is attached to, or -errno. */
int device_attachments(void);
int device_unbind(void);
int device_bind(void);

/* Waits for the device's dump, puts it into /out/coredump/NAME, lets it go. */
int coredump_keep(const char *name);
/* Lets a dump that may be there go. */
int coredump_discard(void);
/* -EEXIST when there is a dump, or comes one soon. */
int coredump_absent(void);

#endif
