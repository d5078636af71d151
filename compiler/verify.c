// SPDX-License-Identifier: MIT
#include "verify.h"

int verify_stream(const struct target *target, const struct stream_segment *segment,
		  const struct buffer *commands, struct error *error)
{
	(void)target; (void)segment; (void)commands; (void)error;
	return 0;
}
