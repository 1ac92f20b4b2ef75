/* SPDX-License-Identifier: BSD-2-Clause */
#include "signer/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static void unmap(struct source *s)
{
	if (s->region)
		munmap((void *)(uintptr_t)s->region, s->region_len);
	if (s->wants)
		munmap(s->wants, s->wants_len);
	*s = (struct source){ 0 };
}

int source_map(int fd, uint64_t len, int prot, void **ret)
{
	int seals = fcntl(fd, F_GET_SEALS);
	off_t size = lseek(fd, 0, SEEK_END);
	void *p;

	if (seals < 0 || !(seals & F_SEAL_SHRINK) || size < 0 || (uint64_t)size < len)
		return -EINVAL;
	p = mmap(NULL, len, prot, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	*ret = p;
	return 0;
}

static int refuse(char text[200], int error, const char *what)
{
	snprintf(text, 200, "%s: %s", what, strerror(-error));
	return error;
}

/* Map what came and look whether it is what it should be.  What is mapped is in @s even on failure. */
static int pair_map(struct source *s, const int fds[2], uint64_t verdicts_len, uint64_t wants_len,
		    uint32_t workers, char text[200])
{
	void *p;
	int r;

	if (verdicts_len < verdict_region_size() || wants_len < workers * sizeof(*s->wants))
		return refuse(text, -EINVAL, "verdicts or wants are too short");
	if ((r = source_map(fds[0], verdicts_len, PROT_READ, &p)) < 0)
		return refuse(text, r, "verdicts cannot be mapped");
	s->region = p;
	s->region_len = verdicts_len;
	if ((r = source_map(fds[1], wants_len, PROT_READ | PROT_WRITE, &p)) < 0)
		return refuse(text, r, "wants cannot be mapped");
	s->wants = p;
	s->wants_len = wants_len;
	if ((r = verdict_region_check(s->region, s->region_len)) < 0)
		return refuse(text, r, "verdicts have another layout");
	return 0;
}

int sources_take(struct sources *s, const int fds[2], uint64_t verdicts_len, uint64_t wants_len,
		 uint32_t workers, source_ptr *const *noted, unsigned running, char reterr_text[200])
{
	const struct source *current = atomic_load_explicit(&s->current, memory_order_relaxed);
	struct source *place = &s->pairs[current == &s->pairs[0]], new = { 0 };
	int r;

	for (unsigned i = 0; place->region && i < running; i++)
		if (atomic_load_explicit(noted[i], memory_order_acquire) != current)
			return refuse(reterr_text, -EAGAIN, "a worker has not taken the last verdicts yet");
	if ((r = pair_map(&new, fds, verdicts_len, wants_len, workers, reterr_text)) < 0) {
		unmap(&new);
		return r;
	}
	unmap(place);
	*place = new;
	atomic_store_explicit(&s->current, place, memory_order_release);
	return 0;
}

void sources_done(struct sources *s)
{
	atomic_store_explicit(&s->current, NULL, memory_order_relaxed);
	unmap(&s->pairs[0]);
	unmap(&s->pairs[1]);
}
