// SPDX-License-Identifier: MIT
/*
 * A module with one fault of each kind that the guest runner must notice.
 * Which one comes from the module parameter "kind"; loading it is the fault.
 */

#include <linux/bug.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

static char *kind = "none";
module_param(kind, charp, 0444);
MODULE_PARM_DESC(kind, "none, warn, moved, oops, overflow, leak, lock");

static DEFINE_MUTEX(splat_first);
static DEFINE_MUTEX(splat_second);

static void splat_overflow(void)
{
	char *bytes = kmalloc(24, GFP_KERNEL);

	if (!bytes)
		return;
	OPTIMIZER_HIDE_VAR(bytes);
	bytes[24] = 1;
	kfree(bytes);
}

static void splat_leak(void)
{
	void *lost;
	int i;

	/* Several, since a stale pointer in a register or stack may hide one. */
	for (i = 0; i < 8; i++) {
		lost = kmalloc(200, GFP_KERNEL);
		OPTIMIZER_HIDE_VAR(lost);
	}
}

static void splat_lock(void)
{
	mutex_lock(&splat_first);
	mutex_lock(&splat_second);
	mutex_unlock(&splat_second);
	mutex_unlock(&splat_first);

	mutex_lock(&splat_second);
	mutex_lock(&splat_first);
	mutex_unlock(&splat_first);
	mutex_unlock(&splat_second);
}

static int __init splat_init(void)
{
	if (!strcmp(kind, "warn"))
		WARN(1, "splat: asked for a warning\n");
	else if (!strcmp(kind, "moved"))
		/* What lockdep says of a task that moved to another processor while it asked. */
		WARN(1, "Not in threaded context on PREEMPT_RT as expected\n");
	else if (!strcmp(kind, "oops"))
		BUG();
	else if (!strcmp(kind, "overflow"))
		splat_overflow();
	else if (!strcmp(kind, "leak"))
		splat_leak();
	else if (!strcmp(kind, "lock"))
		splat_lock();
	else if (strcmp(kind, "none"))
		return -EINVAL;
	return 0;
}

static void __exit splat_exit(void)
{
}

module_init(splat_init);
module_exit(splat_exit);

MODULE_DESCRIPTION("One kernel fault of a chosen kind");
MODULE_LICENSE("Dual MIT/GPL");
