// SPDX-License-Identifier: GPL-2.0-only
/* Copyright The Kestrel authors */

/* sparse cannot read what this expands to. */
#ifndef __CHECKER__
#define CREATE_TRACE_POINTS
#include "kestrel_trace.h"
#endif
