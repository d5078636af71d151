#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Find out what the kernel that is built against has, and print a header that
# says so. Kbuild calls this with the compiler and the flags that it would use
# for a file of the module:
#
#	probe.sh COMPILER FLAG...

set -u

compiler=$1
shift

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# try HEADER FUNCTION-BODY FLAG...: whether this compiles.
try()
{
	header=$1
	body=$2
	shift 2
	{
		printf '#include <%s>\n' "$header"
		printf 'void kestrel_probe(void);\nvoid kestrel_probe(void)\n{\n%s\n}\n' "$body"
	} >"$work/probe.c"
	"$compiler" "$@" -Werror -c -o "$work/probe.o" "$work/probe.c" >"$work/log" 2>&1
}

# probe MACRO HEADER FUNCTION-BODY FLAG...: define MACRO when this compiles.
probe()
{
	macro=$1
	shift
	if try "$@"; then
		printf '#define %s 1\n' "$macro"
	else
		printf '/* %s is not there */\n' "$macro"
	fi
}

# Without this nothing below means anything: the compiler or its flags are wrong.
if ! try linux/kernel.h 'might_sleep();' "$@"; then
	cat "$work/log" >&2
	echo "probe.sh: cannot compile against these kernel headers" >&2
	exit 1
fi

echo '/* Made by probe.sh for one kernel. */'
probe KESTREL_HAVE_SCHED_JOB_CLIENT_ID drm/gpu_scheduler.h \
	'(void)drm_sched_job_init(NULL, NULL, 1, NULL, 0);' "$@"
probe KESTREL_HAVE_SCHED_INIT_ARGS drm/gpu_scheduler.h \
	'struct drm_sched_init_args args = { .num_rqs = 1 }; (void)drm_sched_init(NULL, &args);' \
	"$@"
probe KESTREL_HAVE_SHMEM_PUT_PAGES_LOCKED drm/drm_gem_shmem_helper.h \
	'drm_gem_shmem_put_pages_locked(NULL);' "$@"
probe KESTREL_HAVE_HUGE_MOUNT drm/drm_gem.h \
	'(void)drm_gem_huge_mnt_create(NULL, "within_size");' "$@"
probe KESTREL_HAVE_SYSTEM_DFL_WQ linux/workqueue.h \
	'(void)system_dfl_wq;' "$@"
probe KESTREL_HAVE_WEDGED_EVENT drm/drm_drv.h \
	'(void)drm_dev_wedged_event(NULL, DRM_WEDGE_RECOVERY_REBIND, NULL);' "$@"
# Where namespaces are no strings, an identifier works; a string does everywhere.
if try linux/module.h '} MODULE_IMPORT_NS(KESTREL); static inline void kestrel_probe_end(void) {' \
	"$@"; then
	echo '/* KESTREL_HAVE_STRING_NAMESPACES is not there */'
else
	echo '#define KESTREL_HAVE_STRING_NAMESPACES 1'
fi
