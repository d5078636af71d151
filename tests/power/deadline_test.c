// SPDX-License-Identifier: MIT
/*
 * A deadline of a fence raises the clock, from shortly before it until the job has
 * ended; a job without one leaves it alone. power-script lets user space set the
 * clock, to the lowest, and names the directory of devfreq in DEVFREQ.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* The C library's own may be older: the one beside the DRM headers. */
#include <../linux/sync_file.h>

#include "../kselftest/kestrel.h"

#include "kselftest_harness.h"

/*
 * A job of about 60 million cycles on the slow port, so many of them one by one: few, so
 * that a slow CPU has submitted them long before they end.
 */
#define COPY_BYTES	30720u
#define COPIES		64
#define JOBS		4
/* How long before it a deadline counts, with what a timer may be early. */
#define LEAD_S		0.06

static int64_t now_ns(void)
{
	return deadline(0);
}

/* In Hz; 0 when it cannot be read. */
static unsigned long attribute_read(const char *name)
{
	const char *directory = getenv("DEVFREQ");
	char path[384], text[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory ? directory : "", name);
	file = fopen(path, "r");
	if (!file || !fgets(text, sizeof(text), file))
		text[0] = 0;
	if (file)
		fclose(file);
	return strtoul(text, NULL, 10);
}

static int clock_wait(unsigned long hertz)
{
	int64_t end = deadline(LONG_TIMEOUT_S);

	while (attribute_read("cur_freq") != hertz) {
		if (now_ns() > end)
			return -ETIME;
		usleep(2000);
	}
	return 0;
}

FIXTURE(deadline)
{
	struct client client;
	uint32_t done;
	unsigned long low, high;
};

FIXTURE_SETUP(deadline)
{
	self->low = attribute_read("min_freq");
	self->high = attribute_read("max_freq");
	ASSERT_GT(self->low, 0);
	ASSERT_GT(self->high, self->low);
	ASSERT_EQ(client_open(&self->client, 0), 0);
	ASSERT_EQ(syncobj_create(self->client.fd, &self->done), 0);
	ASSERT_EQ(clock_wait(self->low), 0);
}

FIXTURE_TEARDOWN(deadline)
{
	client_close(&self->client);
}

/* Some jobs, the last of which signals; together two seconds at the lowest clock. */
static int jobs_submit(struct client *client, uint32_t done)
{
	size_t size = stream_copies(client, 0, 0, 32768, COPY_BYTES, COPIES);
	int ret = 0;

	for (int i = 1; !ret && i < JOBS; i++)
		ret = client_submit(client, 0, size, 0);
	return ret ? ret : client_submit(client, 0, size, done);
}

/* Looks at the clock until the jobs have ended: its highest, in Hz. */
static unsigned long clock_watch(struct client *client, uint32_t done)
{
	unsigned long highest = 0;

	while (syncobj_wait(client->fd, done, 0, deadline(0.002)) == -ETIME) {
		unsigned long now = attribute_read("cur_freq");

		if (now > highest)
			highest = now;
	}
	return highest;
}

TEST_F(deadline, a_job_without_one_leaves_the_clock_alone)
{
	int64_t start = now_ns();

	ASSERT_EQ(jobs_submit(&self->client, self->done), 0);
	EXPECT_EQ(clock_watch(&self->client, self->done), self->low);
	EXPECT_EQ(syncobj_status(self->client.fd, self->done), 0);
	printf("# without a deadline: %lld ms\n", (long long)(now_ns() - start) / 1000000);
}

TEST_F(deadline, one_that_is_over_raises_it_until_the_job_has_ended)
{
	int64_t start = now_ns();

	ASSERT_EQ(jobs_submit(&self->client, self->done), 0);
	ASSERT_EQ(deadline_set(self->client.fd, self->done, 0), -ETIME);
	EXPECT_EQ(clock_watch(&self->client, self->done), self->high);
	EXPECT_EQ(syncobj_status(self->client.fd, self->done), 0);
	printf("# with a deadline: %lld ms\n", (long long)(now_ns() - start) / 1000000);
	EXPECT_EQ(clock_wait(self->low), 0);
	/* Of a fence that has signalled nobody asks anything. */
	EXPECT_EQ(deadline_set(self->client.fd, self->done, 0), 0);
	usleep(100000);
	EXPECT_EQ(attribute_read("cur_freq"), self->low);
}

TEST_F(deadline, one_to_come_raises_it_shortly_before)
{
	unsigned long clock = self->low;
	int64_t needed;

	ASSERT_EQ(jobs_submit(&self->client, self->done), 0);
	/* The far one is forgotten for the near one; a later one changes nothing. */
	ASSERT_EQ(deadline_set(self->client.fd, self->done, INT64_MAX), -ETIME);
	needed = deadline(0.4);
	ASSERT_EQ(deadline_set(self->client.fd, self->done, needed), -ETIME);
	ASSERT_EQ(deadline_set(self->client.fd, self->done, deadline(1000)), -ETIME);
	while (clock == self->low &&
	       syncobj_wait(self->client.fd, self->done, 0, deadline(0.002)) == -ETIME) {
		clock = attribute_read("cur_freq");
		if (now_ns() < needed - (int64_t)(LEAD_S * 1e9))
			EXPECT_EQ(clock, self->low);
	}
	EXPECT_EQ(clock, self->high);
	EXPECT_EQ(syncobj_wait(self->client.fd, self->done, 0, deadline(LONG_TIMEOUT_S)), 0);
	EXPECT_EQ(clock_wait(self->low), 0);
}

TEST_F(deadline, of_a_sync_file)
{
	struct drm_syncobj_handle handle = {
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
	};
	struct sync_set_deadline set = { .deadline_ns = 1 };

	ASSERT_EQ(jobs_submit(&self->client, self->done), 0);
	handle.handle = self->done;
	handle.fd = -1;
	ASSERT_EQ(device_ioctl(self->client.fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &handle), 0);
	EXPECT_EQ(ioctl(handle.fd, SYNC_IOC_SET_DEADLINE, &set), 0);
	EXPECT_EQ(clock_watch(&self->client, self->done), self->high);
	EXPECT_EQ(clock_wait(self->low), 0);
	close(handle.fd);
}

TEST_F(deadline, ends_with_a_job_that_is_killed)
{
	uint32_t queue;

	ASSERT_EQ(queue_create_patient(self->client.fd, self->client.vm, 4, &queue), 0);
	ASSERT_EQ(queue_destroy(self->client.fd, self->client.queue), 0);
	self->client.queue = queue;
	ASSERT_EQ(client_submit(&self->client, 0, stream_endless(&self->client, 0), self->done),
		  0);
	ASSERT_EQ(deadline_set(self->client.fd, self->done, 0), -ETIME);
	EXPECT_EQ(clock_wait(self->high), 0);
	usleep(200000);
	EXPECT_EQ(attribute_read("cur_freq"), self->high);
	ASSERT_EQ(queue_destroy(self->client.fd, queue), 0);
	EXPECT_EQ(syncobj_status(self->client.fd, self->done), -ECANCELED);
	EXPECT_EQ(clock_wait(self->low), 0);
}

TEST_HARNESS_MAIN
