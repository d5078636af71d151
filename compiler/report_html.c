// SPDX-License-Identifier: MIT
#include <string.h>

#include "error.h"
#include "report.h"
#include "report_page.h"

#define MARK "@REPORT@"

int report_html(const struct buffer *json, struct error *error, struct buffer *page)
{
	const char *mark = strstr(report_page, MARK);
	const char *rest = mark + strlen(MARK);

	buffer_append(page, report_page, (size_t)(mark - report_page));
	buffer_append(page, json->data, json->bytes - 1);
	buffer_append(page, rest, strlen(rest) + 1);
	return page->failed ? error_memory(error) : 0;
}
