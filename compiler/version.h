/* SPDX-License-Identifier: MIT */
#ifndef COMPILER_VERSION_H
#define COMPILER_VERSION_H

#define COMPILER_VERSION "0.1"

#endif
