// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

#include <linux/bug.h>
#include <linux/export.h>

#include <kunit/visibility.h>

#include "kestrel_interval.h"

static u64 kestrel_interval_end(const struct kestrel_interval *interval)
{
	return interval->start + interval->size;
}

static struct kestrel_interval *kestrel_interval_of(struct rb_node *node)
{
	return node ? rb_entry(node, struct kestrel_interval, node) : NULL;
}

/**
 * kestrel_interval_first - find the lowest interval that touches a range
 * @tree: tree
 * @start: first address of the range
 * @size: its bytes; @start + @size must not overflow
 *
 * Return: the interval, or NULL.
 */
struct kestrel_interval *kestrel_interval_first(const struct kestrel_interval_tree *tree,
						u64 start, u64 size)
{
	struct rb_node *node = tree->root.rb_node;
	struct kestrel_interval *found = NULL;

	while (node) {
		struct kestrel_interval *interval = kestrel_interval_of(node);

		if (kestrel_interval_end(interval) > start) {
			found = interval;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}

	return found && found->start < start + size ? found : NULL;
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_interval_first);

/**
 * kestrel_interval_next - the interval with the next higher addresses
 * @interval: in a tree
 *
 * Return: the interval, or NULL.
 */
struct kestrel_interval *kestrel_interval_next(const struct kestrel_interval *interval)
{
	return kestrel_interval_of(rb_next(&interval->node));
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_interval_next);

static struct kestrel_interval *kestrel_interval_by_object(struct rb_node *node)
{
	return node ? rb_entry(node, struct kestrel_interval, object_node) : NULL;
}

/**
 * kestrel_interval_next_object - find the next object that is shown
 * @tree: tree
 * @object: object, or NULL for the first one
 *
 * Takes as long with an object that is shown a million times as with one that is shown
 * once.
 *
 * Return: the lowest interval of the object with the next higher pointer, or NULL.
 */
struct kestrel_interval *kestrel_interval_next_object(const struct kestrel_interval_tree *tree,
						      const void *object)
{
	struct rb_node *node = tree->objects.rb_node;
	struct kestrel_interval *found = NULL;

	while (node) {
		struct kestrel_interval *interval = kestrel_interval_by_object(node);

		if (interval->object > object) {
			found = interval;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}

	return found;
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_interval_next_object);

/**
 * kestrel_interval_of_object - find the lowest interval that shows an object
 * @tree: tree
 * @object: object
 *
 * Return: the interval, or NULL.
 */
struct kestrel_interval *kestrel_interval_of_object(const struct kestrel_interval_tree *tree,
						    const void *object)
{
	struct rb_node *node = tree->objects.rb_node;
	struct kestrel_interval *found = NULL;

	while (node) {
		struct kestrel_interval *interval = kestrel_interval_by_object(node);

		if (interval->object >= object) {
			found = interval;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}

	return found && found->object == object ? found : NULL;
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_interval_of_object);

/**
 * kestrel_interval_next_of_object - the next higher interval that shows the same object
 * @interval: in a tree
 *
 * Return: the interval, or NULL.
 */
struct kestrel_interval *kestrel_interval_next_of_object(const struct kestrel_interval *interval)
{
	struct kestrel_interval *next = kestrel_interval_by_object(rb_next(&interval->object_node));

	return next && next->object == interval->object ? next : NULL;
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_interval_next_of_object);

/* By object, then by address. */
static bool kestrel_interval_object_less(struct rb_node *node, const struct rb_node *parent)
{
	const struct kestrel_interval *left = rb_entry(node, struct kestrel_interval, object_node);
	const struct kestrel_interval *right = rb_entry(parent, struct kestrel_interval,
							object_node);

	if (left->object != right->object)
		return left->object < right->object;
	return left->start < right->start;
}

/**
 * kestrel_interval_insert - add an interval
 * @tree: tree
 * @interval: interval that touches no other of the tree
 */
void kestrel_interval_insert(struct kestrel_interval_tree *tree,
			     struct kestrel_interval *interval)
{
	struct rb_node **link = &tree->root.rb_node;
	struct rb_node *parent = NULL;

	while (*link) {
		parent = *link;
		if (interval->start < kestrel_interval_of(parent)->start)
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}

	rb_link_node(&interval->node, parent, link);
	rb_insert_color(&interval->node, &tree->root);
	rb_add(&interval->object_node, &tree->objects, kestrel_interval_object_less);
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_interval_insert);

/**
 * kestrel_interval_remove - take an interval out
 * @tree: tree
 * @interval: interval of the tree
 */
void kestrel_interval_remove(struct kestrel_interval_tree *tree, struct kestrel_interval *interval)
{
	rb_erase(&interval->node, &tree->root);
	rb_erase(&interval->object_node, &tree->objects);
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_interval_remove);

/**
 * kestrel_interval_cut - take a range out of a tree
 * @tree: tree
 * @start: first address of the range
 * @size: its bytes, not 0; @start + @size must not overflow
 * @spares: list with at least one unused interval
 * @removed: list to which intervals go that lie wholly inside the range
 *
 * Intervals that reach over an end of the range are shortened. One that reaches
 * over both ends is split in two: the upper part is then taken from @spares.
 *
 * Return: the upper part of a split, whose object needs one more reference, or
 * NULL.
 */
struct kestrel_interval *kestrel_interval_cut(struct kestrel_interval_tree *tree, u64 start,
					      u64 size, struct list_head *spares,
					      struct list_head *removed)
{
	u64 end = start + size;
	struct kestrel_interval *interval, *next, *upper;

	for (interval = kestrel_interval_first(tree, start, size);
	     interval && interval->start < end; interval = next) {
		u64 interval_end = kestrel_interval_end(interval);

		next = kestrel_interval_next(interval);

		if (interval->start >= start && interval_end <= end) {
			kestrel_interval_remove(tree, interval);
			list_add_tail(&interval->link, removed);
		} else if (interval->start >= start) {
			/* Keeps its place in both orders: nothing lies between. */
			interval->offset += end - interval->start;
			interval->size = interval_end - end;
			interval->start = end;
		} else if (interval_end <= end) {
			interval->size = start - interval->start;
		} else {
			upper = list_first_entry_or_null(spares, struct kestrel_interval, link);
			if (WARN_ON_ONCE(!upper))
				return NULL;
			list_del_init(&upper->link);
			upper->start = end;
			upper->size = interval_end - end;
			upper->offset = interval->offset + (end - interval->start);
			upper->object = interval->object;
			interval->size = start - interval->start;
			kestrel_interval_insert(tree, upper);
			return upper;
		}
	}

	return NULL;
}
EXPORT_SYMBOL_IF_KUNIT(kestrel_interval_cut);
