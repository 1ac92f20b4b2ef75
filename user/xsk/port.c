/* SPDX-License-Identifier: BSD-2-Clause */
#include "xsk/port.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

static int kick_socket(int fd)
{
	return sendto(fd, NULL, 0, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0) < 0 ? -errno : 0;
}

static const struct port_ops socket_ops = { .kick = kick_socket };

static bool is_ring_size(uint32_t n)
{
	return n && n <= UMEM_FRAMES_MAX && (n & (n - 1)) == 0;
}

static int ring_map(int fd, const struct xdp_ring_offset *off, off_t page, uint32_t size,
		    size_t entry, struct ring *ret)
{
	uint64_t len = off->desc + (uint64_t)size * entry;
	char *map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, page);

	if (map == MAP_FAILED)
		return -errno;
	*ret = (struct ring){
		.producer = (_Atomic uint32_t *)(map + off->producer),
		.consumer = (_Atomic uint32_t *)(map + off->consumer),
		.flags = (_Atomic uint32_t *)(map + off->flags),
		.desc = map + off->desc,
		.size = size,
		.mask = size - 1,
		.map = map,
		.map_len = len,
	};
	return 0;
}

static void ring_unmap(struct ring *r)
{
	if (r->map)
		munmap(r->map, r->map_len);
	r->map = NULL;
}

void port_close(struct port *p)
{
	ring_unmap(&p->fill);
	ring_unmap(&p->comp);
	ring_unmap(&p->rx);
	ring_unmap(&p->tx);
	closep(&p->fd);
	p->fd = -1;
}

static int rings_map(struct port *p, const struct port_cfg *cfg)
{
	struct xdp_mmap_offsets off;
	socklen_t len = sizeof(off);
	int r;

	if (getsockopt(cfg->fd, SOL_XDP, XDP_MMAP_OFFSETS, &off, &len) < 0)
		return -errno;
	if (len != sizeof(off))
		return -EINVAL; /* kernel before 5.4: rings without flags */
	if ((r = ring_map(cfg->fd, &off.fr, (off_t)XDP_UMEM_PGOFF_FILL_RING, cfg->fill_size,
			  sizeof(uint64_t), &p->fill)) < 0 ||
	    (r = ring_map(cfg->fd, &off.cr, (off_t)XDP_UMEM_PGOFF_COMPLETION_RING, cfg->comp_size,
			  sizeof(uint64_t), &p->comp)) < 0 ||
	    (r = ring_map(cfg->fd, &off.rx, XDP_PGOFF_RX_RING, cfg->rx_size,
			  sizeof(struct xdp_desc), &p->rx)) < 0)
		return r;
	if (!cfg->tx_size)
		return 0;
	return ring_map(cfg->fd, &off.tx, XDP_PGOFF_TX_RING, cfg->tx_size,
			sizeof(struct xdp_desc), &p->tx);
}

int port_open(const struct port_cfg *cfg, struct umem *u, struct port *ret)
{
	struct port p = { .fd = cfg->fd, .index = cfg->index, .queue = cfg->queue, .mtu = cfg->mtu,
			  .umem = u, .ops = &socket_ops };
	int r = -EINVAL;

	if (is_ring_size(cfg->fill_size) && is_ring_size(cfg->comp_size) &&
	    is_ring_size(cfg->rx_size) && (!cfg->tx_size || is_ring_size(cfg->tx_size)))
		r = rings_map(&p, cfg);
	if (r < 0) {
		port_close(&p);
		return r;
	}
	*ret = p;
	return 0;
}

unsigned port_recv(struct port *p, struct xdp_desc ret[PORT_BATCH])
{
	uint32_t n = ring_peek(&p->rx, PORT_BATCH);

	for (uint32_t i = 0; i < n; i++)
		ret[i] = *ring_desc(&p->rx, i);
	if (n)
		ring_release(&p->rx, n);
	p->fill_out -= n < p->fill_out ? n : p->fill_out;
	return n;
}

/* Void descriptors that the kernel has consumed: free the chunks that it did not complete.  Their
 * entries are still in the ring, for the port takes no new frames meanwhile. */
static void voids_end(struct port *p)
{
	if (!p->is_void || ring_unsent(&p->tx))
		return;
	for (uint32_t i = p->void_begin; i != p->void_end; i++) {
		const struct xdp_desc *d = (struct xdp_desc *)p->tx.desc + (i & p->tx.mask);

		if (umem_state_at(p->umem, d->addr) == UMEM_VOID)
			umem_move(p->umem, d->addr, UMEM_VOID, UMEM_FREE);
	}
	p->is_void = false;
}

void port_reap(struct port *p)
{
	uint32_t n;

	while ((n = ring_peek(&p->comp, PORT_BATCH)) > 0) {
		for (uint32_t i = 0; i < n; i++)
			umem_complete(p->umem, *ring_addr(&p->comp, i));
		ring_release(&p->comp, n);
	}
	voids_end(p);
}

static void tx_submit(struct port *p)
{
	uint32_t n = p->tx_new;

	p->tx_new = 0;
	if (n)
		ring_submit(&p->tx, n);
}

/* All that is queued and not taken becomes void. */
static void tx_void(struct port *p)
{
	uint32_t n = ring_unsent(&p->tx);

	if (p->is_void || !n)
		return;
	p->is_void = true;
	p->void_end = p->tx.next;
	p->void_begin = p->tx.next - n;
	for (uint32_t i = p->void_begin; i != p->void_end; i++) {
		struct xdp_desc *d = (struct xdp_desc *)p->tx.desc + (i & p->tx.mask);

		d->len = 0;
		if (umem_state_at(p->umem, d->addr) == UMEM_TX)
			umem_move(p->umem, d->addr, UMEM_TX, UMEM_VOID);
		p->send_errors++;
	}
}

/* Kick until the ring is empty.  EAGAIN: budget of one call or completion ring full; EBUSY: the device
 * dropped a frame, which is completed all the same; ENOBUFS: no memory for the skb just now. */
static int tx_drain(struct port *p)
{
	uint32_t left = ring_unsent(&p->tx);
	int tries = PORT_RETRIES, r = 0;

	while (left && tries) {
		uint32_t before = left;

		r = p->ops->kick(p->fd);
		port_reap(p);
		left = ring_unsent(&p->tx);
		p->send_errors += r == -EBUSY;
		if (r < 0 && r != -EAGAIN && r != -EBUSY && r != -ENOBUFS && r != -EINTR)
			break;
		if (left >= before)
			tries--;
	}
	return left ? (r < 0 ? r : -EAGAIN) : 0;
}

int port_flush(struct port *p, uint64_t now_ns, uint64_t limit_ns)
{
	int r;

	tx_submit(p);
	r = tx_drain(p);
	if (r == 0) {
		p->pending_ns = 0;
		return 0;
	}
	if (!p->pending_ns)
		p->pending_ns = now_ns;
	if (r == -ENETDOWN || r == -ENXIO || now_ns - p->pending_ns > limit_ns)
		tx_void(p);
	return r;
}

static bool has_room(const struct port *p, unsigned n)
{
	const uint32_t *count = p->umem->count;

	return !p->is_void && ring_reserve(&p->tx, p->tx_new + n) >= p->tx_new + n &&
	       count[UMEM_FREE] >= n && count[UMEM_TX] + count[UMEM_VOID] + n <= p->umem->tx_max;
}

bool port_tx_room(struct port *p, unsigned n)
{
	if (!p->tx.size || n > p->tx.size)
		return false;
	port_reap(p);
	if (has_room(p, n))
		return true;
	tx_submit(p);
	tx_drain(p);
	return has_room(p, n);
}

void port_tx_put(struct port *p, uint64_t addr, uint32_t len)
{
	struct xdp_desc *d = ring_desc(&p->tx, p->tx_new);

	assert(!p->is_void && len <= XSK_FRAME_SIZE - addr % XSK_FRAME_SIZE);
	umem_move(p->umem, addr, UMEM_HELD, UMEM_TX);
	*d = (struct xdp_desc){ .addr = addr, .len = len };
	p->tx_new++;
}

void port_fill(struct port *p, uint32_t reserve)
{
	const uint32_t *count = p->umem->count;
	uint32_t out = count[UMEM_TX] + count[UMEM_VOID];
	uint32_t keep = reserve > out ? reserve - out : 0; /* what is out is part of the reserve */
	uint32_t want = p->fill_target > p->fill_out ? p->fill_target - p->fill_out : 0;
	uint32_t n = count[UMEM_FREE] > keep ? count[UMEM_FREE] - keep : 0;

	n = ring_reserve(&p->fill, want < n ? want : n);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t addr = (uint64_t)umem_get(p->umem);

		umem_move(p->umem, addr, UMEM_HELD, UMEM_RX);
		*ring_addr(&p->fill, i) = addr;
	}
	if (n)
		ring_submit(&p->fill, n);
	p->fill_out += n;
}
