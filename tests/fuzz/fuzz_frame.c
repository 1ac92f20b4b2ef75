/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a frame.  What parses is sent on, whole and in fragments, and the whole one must
 * parse to the same again.
 */
#include <stdlib.h>

#include "wire/frame.h"

static char payload[70000], frame[70000];

static void check(bool is_right)
{
	if (!is_right)
		abort();
}

static void round_trip(const struct wire_out *o)
{
	struct wire_frame f;
	ssize_t n = wire_fragment_emit(o, o->in->payload, 0, frame, sizeof(frame));

	check(n > 0);
	if (wire_frame_cnt(o, o->in->payload.len) != 1)
		return;
	check(wire_frame_parse(slice_of(frame, n), &f) == 0);
	check(slice_eq(f.payload, o->in->payload));
	check(o->is_reply || f.l3.len == o->in->l3.len);
	check(!memcmp(f.src, o->is_reply ? o->in->dst : o->in->src, 16));
	check(f.dst_port == (o->is_reply ? o->in->src_port : o->in->dst_port));
}

static void grow(const struct wire_out *o, size_t len)
{
	int cnt = wire_frame_cnt(o, len);
	ssize_t max = (ssize_t)o->in->l2.len + o->mtu;  /* VLAN tags are beside the MTU */
	size_t sum = 0;

	for (int i = 0; i < cnt; i++) {
		ssize_t n = wire_fragment_emit(o, slice_of(payload, len), i, frame, (size_t)max);

		check(n > 14 && n <= max);
		sum += (size_t)n;
	}
	check(cnt < 0 || sum > len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_frame f;
	struct wire_out o = {.in = &f, .mtu = 1500, .ip_id = 7};

	if (wire_frame_parse(slice_of((const char *)data, size), &f) < 0)
		return 0;
	for (int i = 0; i < 4; i++) {
		o.is_reply = i & 1;
		o.want_ttl_dec = i & 2;
		o.mtu = 65535;
		round_trip(&o);
		o.mtu = (uint16_t)(1280 + f.src_port % 8192);
		grow(&o, f.payload.len);
		grow(&o, f.payload.len + f.dst_port);
	}
	return 0;
}
