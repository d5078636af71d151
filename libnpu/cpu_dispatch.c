// SPDX-License-Identifier: MIT
/* Which build of the inner loops this processor can run. */
#include "cpu_kernels.h"

extern const struct cpu_kernels cpu_kernels_portable;

#if defined(__x86_64__)
extern const struct cpu_kernels cpu_kernels_avx2;
extern const struct cpu_kernels cpu_kernels_avx512;

const struct cpu_kernels *cpu_kernels_list(size_t i)
{
	const struct cpu_kernels *list[3] = { &cpu_kernels_portable };
	size_t count = 1;

	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx2"))
		list[count++] = &cpu_kernels_avx2;
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
	    __builtin_cpu_supports("avx512vnni"))
		list[count++] = &cpu_kernels_avx512;
	return i < count ? list[i] : NULL;
}
#else
const struct cpu_kernels *cpu_kernels_list(size_t i)
{
	return i ? NULL : &cpu_kernels_portable;
}
#endif

const struct cpu_kernels *cpu_kernels_get(void)
{
	const struct cpu_kernels *best = &cpu_kernels_portable;

	for (size_t i = 0; cpu_kernels_list(i); i++)
		best = cpu_kernels_list(i);
	return best;
}
