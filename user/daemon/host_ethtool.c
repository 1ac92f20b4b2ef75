/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/ethtool.h>
#include <linux/sockios.h>

#include "daemon/host_internal.h"

/* Checksums, scatter and gather, segmentation of every kind, VLAN tags beside the frame. */
#define TX_PREFIX "tx-"

#define BLOCK_BITS 32

/* Kernels have 64 features; room for twice as many. */
#define BLOCKS_MAX 4

struct features {
	int fd;
	const char *name;      /* of the NIC */
	unsigned cnt;
	struct ethtool_gstrings *names;
};

struct get {
	struct ethtool_gfeatures head;
	struct ethtool_get_features_block blocks[BLOCKS_MAX];
};

struct set {
	struct ethtool_sfeatures head;
	struct ethtool_set_features_block blocks[BLOCKS_MAX];
};

static int call(const struct features *f, void *request)
{
	struct ifreq ifr = { .ifr_data = request };
	int r;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", f->name);
	r = ioctl(f->fd, SIOCETHTOOL, &ifr);
	return r < 0 ? -errno : r;
}

static int count(struct features *f)
{
	struct {
		struct ethtool_sset_info head;
		uint32_t len;
	} q = { .head = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ull << ETH_SS_FEATURES } };
	int r = call(f, &q);

	if (r < 0)
		return r;
	if (!q.head.sset_mask || q.len > BLOCKS_MAX * BLOCK_BITS)
		return -EOPNOTSUPP;
	f->cnt = q.len;
	return 0;
}

static int names_get(struct features *f)
{
	int r = count(f);

	if (r < 0)
		return r;
	f->names = calloc(1, sizeof(*f->names) + (size_t)f->cnt * ETH_GSTRING_LEN);
	if (!f->names)
		return -ENOMEM;
	f->names->cmd = ETHTOOL_GSTRINGS;
	f->names->string_set = ETH_SS_FEATURES;
	f->names->len = f->cnt;
	return call(f, f->names);
}

static bool is_tx(const struct features *f, unsigned i)
{
	const char *name = (const char *)f->names->data + (size_t)i * ETH_GSTRING_LEN;

	return !strncmp(name, TX_PREFIX, strlen(TX_PREFIX));
}

static unsigned blocks(const struct features *f)
{
	return (f->cnt + BLOCK_BITS - 1) / BLOCK_BITS;
}

static int state_get(const struct features *f, struct get *ret)
{
	*ret = (struct get){ .head = { .cmd = ETHTOOL_GFEATURES, .size = blocks(f) } };
	return call(f, ret);
}

/* Does one stay on?  Software GSO of the stack itself (tx-generic-segmentation) falls with scatter and gather. */
static int check(const struct features *f, const struct set *want)
{
	struct get now;
	int r = state_get(f, &now);

	for (unsigned b = 0; r >= 0 && b < blocks(f); b++)
		if (now.blocks[b].active & want->blocks[b].valid)
			return -EOPNOTSUPP;
	return r < 0 ? r : 0;
}

static int switch_off(const struct features *f)
{
	struct set want = { .head = { .cmd = ETHTOOL_SFEATURES, .size = blocks(f) } };
	struct get now;
	int r = state_get(f, &now);

	if (r < 0)
		return r;
	for (unsigned i = 0; i < f->cnt; i++) {
		const struct ethtool_get_features_block *b = &now.blocks[i / BLOCK_BITS];

		if (is_tx(f, i))
			want.blocks[i / BLOCK_BITS].valid |=
				(b->available & ~b->never_changed) & 1u << i % BLOCK_BITS;
	}
	r = call(f, &want);
	return r < 0 ? r : check(f, &want);
}

int host_offloads_off(const char *name)
{
	CLEANUP(closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct features f = { .fd = fd, .name = name };
	int r;

	if (fd < 0)
		return -errno;
	r = names_get(&f);
	if (r >= 0)
		r = switch_off(&f);
	free(f.names);
	return r;
}
