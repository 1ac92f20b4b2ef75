/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cleanup - one ownership idiom: a function declares what it owns with CLEANUP() and gives it
 * away with TAKE().  Destructors accept NULL and half-built objects.
 */
#ifndef SIPSEAL_CLEANUP_H
#define SIPSEAL_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))

/** TAKE() - the value of pointer p, which is NULL from here on. */
#define TAKE(p) ({ __typeof__(p) take_ = (p); (p) = NULL; take_; })

/** TAKE_FD() - the value of descriptor fd, which is -1 from here on. */
#define TAKE_FD(fd) ({ int take_ = (fd); (fd) = -1; take_; })

/** DEFINE_FREEP() - fn##p(T **), for CLEANUP(), from the destructor fn(T *). */
#define DEFINE_FREEP(type, fn) \
	static inline void fn##p(type *p) { if (*p) fn(*p); }

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
