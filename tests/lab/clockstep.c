/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clockstep - another CLOCK_REALTIME for one gateway, without a change of the machine's.
 *
 *   gcc -shared -fPIC -o clockstep.so clockstep.c          the clock: preloaded, adds the number in the file CLOCK_STEP
 *   gcc -DWRAP='"DIR"' -o sipseal-signer clockstep.c       stands for the signer, whose environment sipseald empties
 *
 * The file is mapped, so that a step reaches a process that may open nothing any more.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#ifdef WRAP
int main(int argc, char **argv)
{
	char *env[] = { "LD_PRELOAD=" WRAP "/clockstep.so", "CLOCK_STEP=" WRAP "/step", NULL };

	(void)argc;
	execve(WRAP "/real/sipseal-signer", argv, env);
	return 127;
}
#else
static const volatile int64_t *step; /* seconds */

/* Constructors of other libraries may ask for the time before: they get the true one. */
__attribute__((constructor)) static void begin(void)
{
	int fd = open(getenv("CLOCK_STEP"), O_RDONLY | O_CLOEXEC);
	void *map = mmap(NULL, sizeof(*step), PROT_READ, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		_exit(126);
	step = map;
	close(fd);
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
	static int (*real)(clockid_t, struct timespec *);
	int r;

	if (!real)
		real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	r = real(id, ts);
	if (r == 0 && id == CLOCK_REALTIME && step)
		ts->tv_sec += *step;
	return r;
}

time_t time(time_t *t)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (t)
		*t = ts.tv_sec;
	return ts.tv_sec;
}
#endif
