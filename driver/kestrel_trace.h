/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright The Kestrel authors */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kestrel

#if !defined(_KESTREL_TRACE_H_) || defined(TRACE_HEADER_MULTI_READ)
#define _KESTREL_TRACE_H_

#include <linux/tracepoint.h>

#include "kestrel_job.h"
#include "kestrel_mmu.h"
#include "kestrel_queue.h"

/*
 * DOC: tracepoints
 *
 * Together they give a timeline: a job is submitted, started (handed to the
 * firmware when all that it waits for has happened), and ended. When it ran, in
 * cycles of the NPU, only the firmware knows, and says so at the end.
 *
 * Events and fields are only ever added.
 */

DECLARE_EVENT_CLASS(kestrel_job,
		    TP_PROTO(const struct kestrel_job *job),
		    TP_ARGS(job),
		    TP_STRUCT__entry(__field(u32, queue)
				     __field(u32, asid)
				     __field(u64, seqno)
				     __field(u64, user_tag)),
		    TP_fast_assign(__entry->queue = job->queue->slot;
				   __entry->asid = job->queue->create.asid;
				   __entry->seqno = job->seqno;
				   __entry->user_tag = job->user_tag;),
		    TP_printk("queue=%u asid=%u seqno=%llu user_tag=%#llx", __entry->queue,
			      __entry->asid, __entry->seqno, __entry->user_tag));

DEFINE_EVENT(kestrel_job, kestrel_job_submit,
	     TP_PROTO(const struct kestrel_job *job),
	     TP_ARGS(job));

DEFINE_EVENT(kestrel_job, kestrel_job_start,
	     TP_PROTO(const struct kestrel_job *job),
	     TP_ARGS(job));

TRACE_EVENT(kestrel_job_preempt,
	    TP_PROTO(const struct kestrel_job *job, u32 preemptions),
	    TP_ARGS(job, preemptions),
	    TP_STRUCT__entry(__field(u32, queue)
			     __field(u32, preemptions)
			     __field(u64, seqno)),
	    TP_fast_assign(__entry->queue = job->queue->slot;
			   __entry->preemptions = preemptions;
			   __entry->seqno = job->seqno;),
	    TP_printk("queue=%u seqno=%llu preemptions=%u", __entry->queue, __entry->seqno,
		      __entry->preemptions));

/* event: NULL when a job was lost, or never begun: its cycles are 0 then. */
TRACE_EVENT(kestrel_job_end,
	    TP_PROTO(const struct kestrel_job *job, const struct kestrel_fw_event *event,
		     int error),
	    TP_ARGS(job, event, error),
	    TP_STRUCT__entry(__field(u32, queue)
			     __field(int, error)
			     __field(u64, seqno)
			     __field(u64, user_tag)
			     __field(u64, start_cycle)
			     __field(u64, end_cycle)
			     __field(u64, active_cycles)),
	    TP_fast_assign(__entry->queue = job->queue->slot;
			   __entry->error = error;
			   __entry->seqno = job->seqno;
			   __entry->user_tag = job->user_tag;
			   __entry->start_cycle = event ? event->start_time : 0;
			   __entry->end_cycle = event ? event->end_time : 0;
			   __entry->active_cycles = event ? event->active_cycles : 0;),
	    TP_printk("queue=%u seqno=%llu user_tag=%#llx error=%d start_cycle=%llu end_cycle=%llu active_cycles=%llu",
		      __entry->queue, __entry->seqno, __entry->user_tag, __entry->error,
		      __entry->start_cycle, __entry->end_cycle, __entry->active_cycles));

TRACE_EVENT(kestrel_fault,
	    TP_PROTO(const struct kestrel_mmu_fault *fault),
	    TP_ARGS(fault),
	    TP_STRUCT__entry(__field(u64, va)
			     __field(u32, asid)
			     __field(u32, access)
			     __field(u32, unit)
			     __field(u32, cause)),
	    TP_fast_assign(__entry->va = fault->va;
			   __entry->asid = fault->asid;
			   __entry->access = fault->access;
			   __entry->unit = fault->unit;
			   __entry->cause = fault->cause;),
	    TP_printk("asid=%u va=%#llx access=%u unit=%u cause=%u", __entry->asid, __entry->va,
		      __entry->access, __entry->unit, __entry->cause));

/* level: 1 management core, 2 device, 3 given up. */
TRACE_EVENT(kestrel_reset,
	    TP_PROTO(u32 level),
	    TP_ARGS(level),
	    TP_STRUCT__entry(__field(u32, level)),
	    TP_fast_assign(__entry->level = level;),
	    TP_printk("level=%u", __entry->level));

TRACE_EVENT(kestrel_power,
	    TP_PROTO(bool on),
	    TP_ARGS(on),
	    TP_STRUCT__entry(__field(bool, on)),
	    TP_fast_assign(__entry->on = on;),
	    TP_printk("on=%d", __entry->on));

TRACE_EVENT(kestrel_frequency,
	    TP_PROTO(u32 khz),
	    TP_ARGS(khz),
	    TP_STRUCT__entry(__field(u32, khz)),
	    TP_fast_assign(__entry->khz = khz;),
	    TP_printk("khz=%u", __entry->khz));

#endif /* _KESTREL_TRACE_H_ */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE kestrel_trace
#include <trace/define_trace.h>
