// SPDX-License-Identifier: MIT
/*
 * Sends the system to sleep, suspend-to-idle, until the alarm of its real-time clock
 * wakes it up. Prints how many milliseconds that took; ends with 0 when it has slept.
 *
 * usage: kestrel-sleep SECONDS
 *
 * The alarm comes as a timer that wakes the system, since a kernel need not have a
 * device for the clock itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/timerfd.h>

/* Of the clock that also goes while the system sleeps. */
static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

static int alarm_set(long seconds)
{
	/* Again and again: one that came before the system slept would not wake it up. */
	struct itimerspec alarm = {
		.it_value.tv_sec = seconds, .it_interval.tv_sec = seconds,
	};
	int timer = timerfd_create(CLOCK_BOOTTIME_ALARM, TFD_CLOEXEC);

	return timer < 0 || timerfd_settime(timer, 0, &alarm, NULL) ? -errno : 0;
}

static int system_sleep(void)
{
	int fd = open("/sys/power/state", O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0 || write(fd, "freeze", 6) != 6)
		ret = -errno;
	if (fd >= 0)
		close(fd);
	return ret;
}

int main(int argc, char **argv)
{
	long seconds = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
	long long before = now_ms();
	int ret;

	if (seconds <= 0) {
		fprintf(stderr, "usage: kestrel-sleep SECONDS\n");
		return 2;
	}
	ret = alarm_set(seconds);
	if (!ret)
		ret = system_sleep();
	if (ret)
		fprintf(stderr, "kestrel-sleep: %s\n", strerror(-ret));
	else
		printf("%lld\n", now_ms() - before);
	return ret ? 1 : 0;
}
