// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>

#include "predict.h"
#include "schedule.h"

/* Commands of another unit to look through; keeps the time linear. */
#define LOOK_BACK 1024
/* Signals that a unit may be ahead of another's waits in the stream. */
#define SIGNALS_AHEAD 200

static bool accesses_conflict(const struct command_access *a, const struct command_access *b)
{
	return a->space == b->space && (a->write || b->write) && a->from < b->to && b->from < a->to;
}

static bool commands_conflict(const struct command *a, const struct command *b)
{
	for (unsigned int i = 0; i < a->access_count; i++)
		for (unsigned int j = 0; j < b->access_count; j++)
			if (accesses_conflict(&a->accesses[i], &b->accesses[j]))
				return true;
	return false;
}

/* Commands of one unit, by index in the list. */
struct unit_commands {
	unsigned int *indices;
	unsigned int count;
};

/* What the commands of all units wait for, while it is found. */
struct dependencies {
	struct command_list *list;
	bool thin;
	struct unit_commands units[KESTREL_UNIT_COUNT];
	/* [a][b]: commands of unit a that unit b knows to have retired. */
	unsigned int known[KESTREL_UNIT_COUNT][KESTREL_UNIT_COUNT];
	/* By command: the commands of each unit that have retired when it begins. */
	unsigned int (*retired)[KESTREL_UNIT_COUNT];
};

/*
 * What has retired when the first `count` commands of a unit have: of its own all, of
 * another's what the last of them has waited for.
 */
static unsigned int retired_with(const struct dependencies *found, unsigned int unit,
				 unsigned int count, unsigned int other)
{
	return count ? found->retired[found->units[unit].indices[count - 1]][other] : 0;
}

/*
 * Takes away what a command waits for anyway, since another one that it waits for has
 * done so; the rest it knows from now on, with all that follows from it.
 */
static void thin_out(struct dependencies *found, struct command *command)
{
	const unsigned int to = command->unit;

	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT && found->thin; u++)
		for (unsigned int v = 0; v < KESTREL_UNIT_COUNT && command->after[u]; v++)
			if (v != u && retired_with(found, v, command->after[v], u) >=
				      command->after[u])
				command->after[u] = 0;
	for (unsigned int v = 0; v < KESTREL_UNIT_COUNT; v++) {
		if (!command->after[v])
			continue;
		if (command->after[v] > found->known[v][to])
			found->known[v][to] = command->after[v];
		for (unsigned int u = 0; u < KESTREL_UNIT_COUNT && found->thin; u++) {
			unsigned int retired = retired_with(found, v, command->after[v], u);

			if (u != to && retired > found->known[u][to])
				found->known[u][to] = retired;
		}
	}
}

/*
 * For each command the last one of each other unit that it conflicts with,
 * unless it is known to have retired: an earlier command of its own unit, or when
 * thinning one that it waits for, has waited for that already, or a
 * preemption point, where all units are idle, lies between. Older ones than
 * LOOK_BACK are waited for without looking at them.
 */
static void find_after(struct dependencies *found, struct command *command)
{
	const unsigned int to = command->unit;

	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++) {
		const struct unit_commands *others = &found->units[u];
		unsigned int k = others->count, oldest = k > LOOK_BACK ? k - LOOK_BACK : 0;

		command->after[u] = 0;
		if (u == to)
			continue;
		while (k > found->known[u][to] && k > oldest &&
		       !commands_conflict(&found->list->commands[others->indices[k - 1]], command))
			k--;
		if (k > found->known[u][to])
			command->after[u] = k;
	}
	thin_out(found, command);
}

static int find_dependencies(struct command_list *list, bool thin)
{
	struct dependencies found = {
		.list = list, .thin = thin, .retired = calloc(list->count + 1, sizeof(*found.retired)),
	};
	int ret = found.retired ? 0 : -ENOMEM;

	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++) {
		found.units[u].indices = calloc(list->count + 1, sizeof(unsigned int));
		if (!found.units[u].indices)
			ret = -ENOMEM;
	}
	for (unsigned int i = 0; i < list->count && !ret; i++) {
		struct command *command = &list->commands[i];
		struct unit_commands *own = &found.units[command->unit];

		if (command->preempt_before)
			for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++)
				for (unsigned int v = 0; v < KESTREL_UNIT_COUNT; v++)
					found.known[u][v] = found.units[u].count;
		find_after(&found, command);
		for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++)
			found.retired[i][u] = found.known[u][command->unit];
		found.retired[i][command->unit] = own->count + 1;
		command->unit_index = own->count;
		own->indices[own->count++] = i;
	}
	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++)
		free(found.units[u].indices);
	free(found.retired);
	return ret;
}

struct order_key {
	unsigned int epoch;
	uint64_t start;
	unsigned int index;
};

static int compare_keys(const void *a, const void *b)
{
	const struct order_key *x = a, *y = b;

	if (x->epoch != y->epoch)
		return x->epoch < y->epoch ? -1 : 1;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* By expected start: no unit's full queue then holds up what another needs sooner. */
static int order_commands(struct command_list *list)
{
	struct order_key *keys = calloc(list->count + 1, sizeof(*keys));
	struct command *ordered = calloc(list->count + 1, sizeof(*ordered));
	uint64_t latest[KESTREL_UNIT_COUNT] = { 0 };
	unsigned int epoch = 0;
	int ret = keys && ordered ? 0 : -ENOMEM;

	for (unsigned int i = 0; i < list->count && !ret; i++) {
		struct command *command = &list->commands[i];

		epoch += command->preempt_before;
		if (command->start > latest[command->unit])
			latest[command->unit] = command->start;
		keys[i] = (struct order_key){ epoch, latest[command->unit], i };
	}
	if (!ret)
		qsort(keys, list->count, sizeof(*keys), compare_keys);
	for (unsigned int i = 0; i < list->count && !ret; i++) {
		ordered[i] = list->commands[keys[i].index];
		ordered[i].preempt_before = i && keys[i].epoch != keys[i - 1].epoch;
	}
	for (unsigned int i = 0; i < list->count && !ret; i++)
		list->commands[i] = ordered[i];
	free(keys);
	free(ordered);
	return ret;
}

/* One semaphore for each pair of units. */
static unsigned int semaphore_of(unsigned int from, unsigned int to)
{
	return from * (KESTREL_UNIT_COUNT - 1) + (to < from ? to : to - 1);
}

/* Each `after` becomes a signal behind the one command and a wait before the other. */
static int give_semaphores(struct command_list *list)
{
	unsigned int *position[KESTREL_UNIT_COUNT];
	int ret = 0;

	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++) {
		position[u] = calloc(list->count + 1, sizeof(unsigned int));
		if (!position[u])
			ret = -ENOMEM;
	}
	for (unsigned int i = 0; i < list->count && !ret; i++) {
		struct command *command = &list->commands[i];

		position[command->unit][command->unit_index] = i;
		command->signals = command->waits = 0;
	}
	for (unsigned int i = 0; i < list->count && !ret; i++) {
		struct command *command = &list->commands[i];

		for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++) {
			unsigned int semaphore;

			if (!command->after[u])
				continue;
			semaphore = semaphore_of(u, command->unit);
			command->waits |= (uint16_t)(1u << semaphore);
			list->commands[position[u][command->after[u] - 1]].signals |=
				(uint16_t)(1u << semaphore);
		}
	}
	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++)
		free(position[u]);
	return ret;
}

/* How far the commands [begin, end) of the list have been put in their final order. */
struct limiter {
	struct command_list *list;
	/* All that have been put. */
	struct command *ordered;
	unsigned int count;
	unsigned int begin, end;
	/* By unit: the next command in the list, and how many have been put. */
	unsigned int next[KESTREL_UNIT_COUNT], put[KESTREL_UNIT_COUNT];
	/* By semaphore: signals that nothing has waited for. */
	unsigned int given[KESTREL_ISA_SEMAPHORES];
};

static void limiter_skip(struct limiter *limiter, unsigned int unit)
{
	while (limiter->next[unit] < limiter->end &&
	       limiter->list->commands[limiter->next[unit]].unit != unit)
		limiter->next[unit]++;
}

/* Whether a command may come now; `strict`: without too many signals ahead. */
static bool limiter_takes(const struct limiter *limiter, const struct command *command,
			  bool strict)
{
	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++)
		if (command->after[u] > limiter->put[u])
			return false;
	for (unsigned int s = 0; strict && s < KESTREL_ISA_SEMAPHORES; s++)
		if (command->signals >> s & 1 && limiter->given[s] >= SIGNALS_AHEAD)
			return false;
	return true;
}

/* The first command in the list that may come now; a list in order always has one. */
static unsigned int limiter_pick(const struct limiter *limiter)
{
	unsigned int best = limiter->end;

	for (int strict = 1; strict >= 0 && best == limiter->end; strict--)
		for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++)
			if (limiter->next[u] < best &&
			    limiter_takes(limiter, &limiter->list->commands[limiter->next[u]],
					  strict))
				best = limiter->next[u];
	return best;
}

/*
 * One signal for all that have been given from a unit to another and not been waited
 * for: the first command that waits for one waits for the last one, and stands for those
 * behind it. All that it then waits for has been put, so that nothing can wait in a circle.
 */
static void limiter_join(struct limiter *limiter, unsigned int from, unsigned int to)
{
	const unsigned int semaphore = semaphore_of(from, to), bit = 1u << semaphore;
	struct command *first = NULL;
	unsigned int last = 0;

	for (unsigned int i = limiter->next[to]; i < limiter->end; i++) {
		struct command *command = &limiter->list->commands[i];

		if (command->unit != to || !(command->waits & bit))
			continue;
		if (command->after[from] > limiter->put[from])
			break;
		last = command->after[from];
		if (!first) {
			first = command;
			continue;
		}
		command->waits &= (uint16_t)~bit;
		command->after[from] = 0;
	}
	if (!first)
		return;
	for (unsigned int i = limiter->count; i-- > limiter->begin;) {
		struct command *command = &limiter->ordered[i];

		if (command->unit == from && command->unit_index + 1 >= first->after[from] &&
		    command->unit_index + 1 != last)
			command->signals &= (uint16_t)~bit;
	}
	first->after[from] = last;
	limiter->given[semaphore] = 1;
}

/* Puts a command, and joins the signals that would become too many by it. */
static void limiter_put(struct limiter *limiter, const struct command *command)
{
	const unsigned int unit = command->unit;
	bool preempt = limiter->count == limiter->begin &&
		       limiter->list->commands[limiter->begin].preempt_before;

	for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++) {
		unsigned int signal, wait;

		if (u == unit)
			continue;
		signal = semaphore_of(unit, u);
		wait = semaphore_of(u, unit);
		if (command->signals >> signal & 1) {
			if (limiter->given[signal] >= SIGNALS_AHEAD)
				limiter_join(limiter, unit, u);
			limiter->given[signal]++;
		}
		limiter->given[wait] -= command->waits >> wait & 1u;
	}
	limiter->ordered[limiter->count] = *command;
	limiter->ordered[limiter->count++].preempt_before = preempt;
	limiter->put[unit]++;
	limiter->next[unit]++;
	limiter_skip(limiter, unit);
}

/*
 * A unit does not run so far ahead of another that signals overflow: its commands
 * wait in the stream until the other's have come. Where those wait for more of the same
 * unit, signals are joined instead.
 */
static int limit_signals(struct command_list *list)
{
	struct limiter limiter = {
		.list = list, .ordered = calloc(list->count + 1, sizeof(*limiter.ordered)),
	};

	if (!limiter.ordered)
		return -ENOMEM;
	for (; limiter.begin < list->count; limiter.begin = limiter.end) {
		limiter.end = limiter.begin + 1;
		while (limiter.end < list->count && !list->commands[limiter.end].preempt_before)
			limiter.end++;
		for (unsigned int u = 0; u < KESTREL_UNIT_COUNT; u++) {
			limiter.next[u] = limiter.begin;
			limiter_skip(&limiter, u);
		}
		while (limiter.count < limiter.end)
			limiter_put(&limiter, &list->commands[limiter_pick(&limiter)]);
	}
	for (unsigned int i = 0; i < limiter.count; i++)
		list->commands[i] = limiter.ordered[i];
	free(limiter.ordered);
	return 0;
}

int schedule(const struct target *target, struct command_list *list, bool thin)
{
	uint64_t total;
	int ret = find_dependencies(list, thin);

	if (!ret)
		ret = predict_run(target, list, NULL, &total);
	if (!ret)
		ret = order_commands(list);
	if (!ret)
		ret = give_semaphores(list);
	return ret ? ret : limit_signals(list);
}
