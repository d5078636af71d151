// SPDX-License-Identifier: MIT
/* A line on the terminal that tells somebody who waits what is being done. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "npuc.h"

/* Of a terminal of 80 columns; a longer line would not be overwritten by the next. */
#define COLUMNS 79

static int64_t milliseconds_since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)(now.tv_sec - then->tv_sec) * 1000 +
	       (now.tv_nsec - then->tv_nsec) / 1000000;
}

void waiting_begin(struct waiting *waiting)
{
	memset(waiting, 0, sizeof(*waiting));
	waiting->is_terminal = isatty(STDERR_FILENO);
}

void waiting_tell(struct waiting *waiting, const char *format, ...)
{
	char line[256];
	va_list arguments;

	if (!waiting->is_terminal)
		return;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	fprintf(stderr, "\r%.*s\033[K", COLUMNS, line);
	clock_gettime(CLOCK_MONOTONIC, &waiting->told);
	waiting->is_shown = true;
}

void waiting_progress(void *opaque, const struct progress *now)
{
	struct waiting *waiting = opaque;
	char where[80] = "", operators[64], best[48] = "";

	/* What else is searched now is told at once; nobody could read every way. */
	if (!waiting->is_terminal || (now->ways && milliseconds_since(&waiting->told) < 100))
		return;
	if (waiting->what)
		snprintf(where, sizeof(where), "%s", waiting->what);
	else if (now->target_count > 1)
		snprintf(where, sizeof(where), "%s (%u of %u)", now->target, now->target_number,
			 now->target_count);
	else
		snprintf(where, sizeof(where), "%s", now->target);
	if (now->attempt > 1)
		snprintf(where + strlen(where), sizeof(where) - strlen(where), ", attempt %u",
			 now->attempt);
	if (now->operator_count == now->operators_total)
		snprintf(operators, sizeof(operators), "%u operators", now->operators_total);
	else
		snprintf(operators, sizeof(operators), "operators %u-%u of %u",
			 now->first_operator + 1, now->first_operator + now->operator_count,
			 now->operators_total);
	if (now->cycles)
		snprintf(best, sizeof(best), ", best %" PRIu64 " cycles", now->cycles);
	waiting_tell(waiting, "npuc: %s: %s, %u ways%s", where, operators, now->ways, best);
}

void waiting_end(struct waiting *waiting)
{
	if (waiting->is_shown)
		fputs("\r\033[K", stderr);
	waiting->is_shown = false;
}
