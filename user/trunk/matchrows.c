// SPDX-License-Identifier: BSD-2-Clause
#include "trunk/matchrows.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static size_t key_size(enum matchrows_table table)
{
	static const size_t sizes[MATCHROWS_TABLES] = {
		[MATCHROWS_PEERS] = sizeof(struct sipseal_peer_key),
		[MATCHROWS_PREFIXES] = sizeof(struct sipseal_prefix_key),
		[MATCHROWS_CORES] = sizeof(struct sipseal_core_key),
	};

	return sizes[table];
}

struct matchrow *matchrows_find(const struct matchrows *rows, enum matchrows_table table,
				const union matchrow_key *key)
{
	struct matchrow *row;

	HASH_FIND(hh, rows->rows[table], key, key_size(table), row);
	return row;
}

struct matchrow *matchrows_get(struct matchrows *rows, enum matchrows_table table,
			       const union matchrow_key *key)
{
	struct matchrow *row = matchrows_find(rows, table, key);

	if (row)
		return row;
	row = calloc(1, sizeof(*row));
	if (!row)
		return NULL;
	row->key = *key;
	row->table = (uint8_t)table;
	HASH_ADD_KEYPTR(hh, rows->rows[table], &row->key, key_size(table), row);
	if (!row->hh.tbl) {
		free(row);
		return NULL;
	}
	return row;
}

static void enqueue(struct matchrows *rows, struct matchrow *row, unsigned copy)
{
	if (row->queued & 1 << copy)
		return;
	row->queued |= (uint8_t)(1 << copy);
	row->next[copy] = rows->journal[copy];
	rows->journal[copy] = row;
}

static unsigned prefix_len(const struct matchrow *row)
{
	switch (row->table) {
	case MATCHROWS_PREFIXES:
		return row->key.prefix.prefixlen;
	case MATCHROWS_CORES:
		return row->key.core.prefixlen;
	default:
		return MATCHROWS_LEN_MAX;
	}
}

static void count_port(struct matchrows *rows, const struct matchrow *row)
{
	uint16_t port;

	if (row->table == MATCHROWS_CORES)
		return;
	port = ntohs(row->table == MATCHROWS_PEERS ? row->key.peer.port_be : row->key.prefix.port_be);
	if (!port) /* any */
		return;
	if (row->is_there)
		rows->port_users[port]++;
	else
		rows->port_users[port]--;
	if (rows->port_users[port])
		rows->ports[port / 64] |= 1ULL << (port % 64);
	else
		rows->ports[port / 64] &= ~(1ULL << (port % 64));
}

static void change_presence(struct matchrows *rows, struct matchrow *row, bool is_there)
{
	if (row->is_there == is_there)
		return;
	row->is_there = is_there;
	rows->cnt[row->table] += is_there ? 1 : -1;
	rows->lens[row->table][prefix_len(row)] += is_there ? 1 : -1;
	count_port(rows, row);
}

static bool is_same(const struct matchrow *row, union matchrow_value v)
{
	if (row->table != MATCHROWS_CORES)
		return row->value.group == v.group;
	return memcmp(&row->value.core, &v.core, sizeof(v.core)) == 0; /* three words, no padding */
}

void matchrows_set(struct matchrows *rows, struct matchrow *row, union matchrow_value value)
{
	if (row->is_there && is_same(row, value))
		return;
	row->value = value;
	change_presence(rows, row, true);
	for (unsigned i = 0; i < MATCHROWS_COPIES; i++)
		enqueue(rows, row, i);
}

/* Nobody has to be told of it any more. */
static void free_if_done(struct matchrows *rows, struct matchrow *row)
{
	if (row->is_there || row->queued)
		return;
	HASH_DEL(rows->rows[row->table], row);
	free(row);
}

void matchrows_drop(struct matchrows *rows, struct matchrow *row)
{
	for (unsigned i = 0; i < MATCHROWS_COPIES && row->is_there; i++)
		enqueue(rows, row, i);
	change_presence(rows, row, false);
	free_if_done(rows, row);
}

static int tell(const struct matchset_sink *sink, const struct matchrow *row)
{
	switch (row->table) {
	case MATCHROWS_PEERS:
		return sink->peer(sink->ctx, &row->key.peer, row->is_there ? &row->value.group : NULL);
	case MATCHROWS_PREFIXES:
		return sink->prefix(sink->ctx, &row->key.prefix, row->is_there ? &row->value.group : NULL);
	default:
		return sink->core(sink->ctx, &row->key.core, row->is_there ? &row->value.core : NULL);
	}
}

/* Forget the journal, and what stood in it only to be told. */
static void journal_clear(struct matchrows *rows, unsigned copy)
{
	struct matchrow *row = rows->journal[copy], *next;

	rows->journal[copy] = NULL;
	for (; row; row = next) {
		next = row->next[copy];
		row->queued &= (uint8_t)~(1 << copy);
		free_if_done(rows, row);
	}
}

/* Keys that go come first: a table that is nearly full has room for the others then. */
int matchrows_drain(struct matchrows *rows, unsigned copy, const struct matchset_sink *sink)
{
	for (int is_there = 0; is_there < 2; is_there++) {
		for (struct matchrow *row = rows->journal[copy]; row; row = row->next[copy]) {
			int r = row->is_there == is_there ? tell(sink, row) : 0;

			if (r < 0)
				return r;
		}
	}
	journal_clear(rows, copy);
	return 0;
}

void matchrows_replay(struct matchrows *rows, unsigned copy)
{
	journal_clear(rows, copy);
	for (unsigned table = 0; table < MATCHROWS_TABLES; table++) {
		for (struct matchrow *row = rows->rows[table]; row; row = row->hh.next) {
			if (row->is_there)
				enqueue(rows, row, copy);
		}
	}
}

/* The first @bits of an address, the rest zero. */
static void address_cut(uint8_t dst[16], const uint8_t src[16], unsigned bits)
{
	memset(dst, 0, 16);
	memcpy(dst, src, bits / 8);
	if (bits % 8)
		dst[bits / 8] = src[bits / 8] & (uint8_t)(0xff00 >> bits % 8);
}

/* @key: all but prefixlen and address, which stand in the same place in both LPM keys. */
static const union matchrow_value *longest(const struct matchrows *rows, enum matchrows_table table,
					   union matchrow_key key, const uint8_t addr[16])
{
	_Static_assert(offsetof(struct sipseal_prefix_key, addr) == offsetof(struct sipseal_core_key, addr) &&
		       offsetof(struct sipseal_prefix_key, prefixlen) == offsetof(struct sipseal_core_key, prefixlen),
		       "LPM keys");
	for (int bits = 128; bits >= 0; bits--) {
		const struct matchrow *row;

		if (!rows->lens[table][MATCHROWS_KEY_BITS + bits])
			continue;
		key.core.prefixlen = MATCHROWS_KEY_BITS + (uint32_t)bits;
		address_cut(key.core.addr, addr, (unsigned)bits);
		row = matchrows_find(rows, table, &key);
		if (row && row->is_there)
			return &row->value;
	}
	return NULL;
}

const union matchrow_value *matchrows_carrier(const struct matchrows *rows, const uint8_t addr[16], uint16_t port)
{
	union matchrow_key peer = { .peer = { .port_be = htons(port) } };
	union matchrow_key prefix = { .prefix = { .port_be = htons(port) } };
	const struct matchrow *row;

	memcpy(peer.peer.addr, addr, 16);
	row = matchrows_find(rows, MATCHROWS_PEERS, &peer);
	return row && row->is_there ? &row->value : longest(rows, MATCHROWS_PREFIXES, prefix, addr);
}

const union matchrow_value *matchrows_core(const struct matchrows *rows, uint32_t group, const uint8_t addr[16])
{
	return longest(rows, MATCHROWS_CORES, (union matchrow_key){ .core = { .group_be = htonl(group) } }, addr);
}

static void heirs_free(struct matchrow_heir *h)
{
	while (h) {
		struct matchrow_heir *next = h->next;

		free(h);
		h = next;
	}
}

void matchrows_done(struct matchrows *rows)
{
	for (unsigned table = 0; table < MATCHROWS_TABLES; table++) {
		struct matchrow *row, *next;

		HASH_ITER(hh, rows->rows[table], row, next) {
			HASH_DEL(rows->rows[table], row);
			heirs_free(row->heirs);
			free(row);
		}
	}
}
