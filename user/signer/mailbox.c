/* SPDX-License-Identifier: BSD-2-Clause */
#include "signer/mailbox.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xsk/socket.h"

#define RESERVE (MAILBOX_PLACES / 8)

static_assert((MAILBOX_PLACES & (MAILBOX_PLACES - 1)) == 0, "masks below");

/* ticket: n: free for the n-th that is put; n + 1: it is there */
struct place {
	_Atomic uint64_t ticket;
	uint64_t flow;
	struct sipseal_meta meta;
	uint32_t nic, len;
	char frame[XSK_FRAME_SIZE];
};

struct mailbox {
	_Atomic uint64_t put;    /* writers */
	char pad0[56];
	_Atomic uint64_t taken;  /* the owner */
	_Atomic bool is_asleep;
	int fd;
	char pad1[48];
	struct place places[MAILBOX_PLACES];
};

int mailbox_new(struct mailbox **ret)
{
	struct mailbox *m = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int r;

	if (m == MAP_FAILED)
		return -ENOMEM;
	m->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (m->fd < 0) {
		r = -errno;
		munmap(m, sizeof(*m));
		return r;
	}
	for (uint64_t i = 0; i < MAILBOX_PLACES; i++)
		atomic_store_explicit(&m->places[i].ticket, i, memory_order_relaxed);
	*ret = m;
	return 0;
}

void mailbox_free(struct mailbox *m)
{
	if (!m)
		return;
	close(m->fd);
	munmap(m, sizeof(*m));
}

static bool is_full(const struct mailbox *m, uint64_t put, bool is_urgent)
{
	/* signed: others may have put, and the owner taken, beyond `put` since it was read */
	int64_t used = (int64_t)(put - atomic_load_explicit(&m->taken, memory_order_relaxed));

	return used >= MAILBOX_PLACES - (is_urgent ? 0 : RESERVE);
}

/* Return: NULL: no room. */
static struct place *place_take(struct mailbox *m, bool is_urgent, uint64_t *ret_number)
{
	uint64_t put = atomic_load_explicit(&m->put, memory_order_relaxed), ticket;
	struct place *p;

	for (;;) {
		p = &m->places[put & (MAILBOX_PLACES - 1)];
		ticket = atomic_load_explicit(&p->ticket, memory_order_acquire);
		if (ticket < put || is_full(m, put, is_urgent))
			return NULL;
		/* another one was faster: `put` is read again, and that one has come further */
		if (ticket > put)
			put = atomic_load_explicit(&m->put, memory_order_relaxed);
		else if (atomic_compare_exchange_weak_explicit(&m->put, &put, put + 1, memory_order_relaxed,
							       memory_order_relaxed))
			break;
	}
	*ret_number = put;
	return p;
}

static void wake(struct mailbox *m)
{
	uint64_t one = 1;
	ssize_t n;

	/* orders the ticket before the look: the owner does it the other way round */
	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_load_explicit(&m->is_asleep, memory_order_relaxed) || !atomic_exchange(&m->is_asleep, false))
		return;
	n = write(m->fd, &one, sizeof(one));
	(void)n; /* it fails only where it is readable already */
}

bool mailbox_put(struct mailbox *m, const struct mail *in)
{
	struct place *p;
	uint64_t number;

	if (in->frame.len > sizeof(p->frame))
		return false;
	p = place_take(m, in->meta.flags & SIPSEAL_META_F_EMERGENCY, &number);
	if (!p)
		return false;
	p->meta = in->meta;
	p->nic = in->nic;
	p->flow = in->flow;
	p->len = (uint32_t)in->frame.len;
	memcpy(p->frame, in->frame.p, in->frame.len);
	atomic_store_explicit(&p->ticket, number + 1, memory_order_release);
	wake(m);
	return true;
}

static uint64_t taken(const struct mailbox *m)
{
	return atomic_load_explicit(&m->taken, memory_order_relaxed);
}

static bool is_there(const struct mailbox *m, uint64_t number)
{
	const struct place *p = &m->places[number & (MAILBOX_PLACES - 1)];

	return atomic_load_explicit(&p->ticket, memory_order_acquire) == number + 1;
}

bool mailbox_peek(const struct mailbox *m, struct mail *ret)
{
	uint64_t number = taken(m);
	const struct place *p = &m->places[number & (MAILBOX_PLACES - 1)];

	if (!is_there(m, number))
		return false;
	*ret = (struct mail){ p->meta, p->nic, p->flow, slice_of(p->frame, p->len) };
	return true;
}

void mailbox_drop(struct mailbox *m)
{
	uint64_t number = taken(m);

	atomic_store_explicit(&m->places[number & (MAILBOX_PLACES - 1)].ticket, number + MAILBOX_PLACES,
			      memory_order_release);
	atomic_store_explicit(&m->taken, number + 1, memory_order_relaxed);
}

int mailbox_fd(const struct mailbox *m)
{
	return m->fd;
}

bool mailbox_sleep(struct mailbox *m)
{
	atomic_store(&m->is_asleep, true);
	atomic_thread_fence(memory_order_seq_cst);
	if (!is_there(m, taken(m)))
		return true;
	atomic_store(&m->is_asleep, false);
	return false;
}

void mailbox_awake(struct mailbox *m, bool is_readable)
{
	uint64_t cnt;
	ssize_t n;

	atomic_store(&m->is_asleep, false);
	if (!is_readable)
		return;
	n = read(m->fd, &cnt, sizeof(cnt));
	(void)n;
}

uint64_t mailboxes_flow(const struct mailboxes *m, const uint8_t src[16], const uint8_t dst[16])
{
	char flow[32];

	memcpy(flow, src, 16);
	memcpy(flow + 16, dst, 16);
	return siphash(m->key, slice_of(flow, sizeof(flow)));
}
