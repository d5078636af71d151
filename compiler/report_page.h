/* SPDX-License-Identifier: MIT */
#ifndef COMPILER_REPORT_PAGE_H
#define COMPILER_REPORT_PAGE_H

/* compiler/report.html, with @REPORT@ where the JSON goes. */
extern const char report_page[];

#endif
