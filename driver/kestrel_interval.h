/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#ifndef _KESTREL_INTERVAL_H_
#define _KESTREL_INTERVAL_H_

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/types.h>

/*
 * The mappings of an address space: intervals of addresses that never overlap,
 * each showing a piece of an object. Functions without locks or hardware; the
 * caller serialises all calls on one tree.
 */

/**
 * struct kestrel_interval - one mapping
 *
 * All members are guarded by the lock of the tree that it is in.
 */
struct kestrel_interval {
	/** @node: in the tree. */
	struct rb_node node;
	/** @object_node: in the tree, by object. */
	struct rb_node object_node;
	/** @link: in a list of the caller while it is not in a tree. */
	struct list_head link;
	/** @start: first address. */
	u64 start;
	/** @size: bytes. */
	u64 size;
	/** @offset: byte of @object that is at @start. */
	u64 offset;
	/** @object: what is mapped; the caller owns the reference. */
	void *object;
};

/**
 * struct kestrel_interval_tree - intervals in order of their addresses, and by object
 */
struct kestrel_interval_tree {
	/** @root: of the red-black tree by address. */
	struct rb_root root;
	/** @objects: of that by object, then by address. */
	struct rb_root objects;
};

struct kestrel_interval *kestrel_interval_first(const struct kestrel_interval_tree *tree,
						u64 start, u64 size);
struct kestrel_interval *kestrel_interval_next(const struct kestrel_interval *interval);
struct kestrel_interval *kestrel_interval_next_object(const struct kestrel_interval_tree *tree,
						      const void *object);
struct kestrel_interval *kestrel_interval_of_object(const struct kestrel_interval_tree *tree,
						    const void *object);
struct kestrel_interval *kestrel_interval_next_of_object(const struct kestrel_interval *interval);
void kestrel_interval_insert(struct kestrel_interval_tree *tree,
			     struct kestrel_interval *interval);
void kestrel_interval_remove(struct kestrel_interval_tree *tree, struct kestrel_interval *interval);
struct kestrel_interval *kestrel_interval_cut(struct kestrel_interval_tree *tree, u64 start,
					      u64 size, struct list_head *spares,
					      struct list_head *removed);

#endif /* _KESTREL_INTERVAL_H_ */
