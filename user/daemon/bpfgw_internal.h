/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bpfgw_internal - what the files of bpfgw share.
 *
 *     bpfgw.c       load, configuration, counters
 *     bpfgw_pin.c   the directory of pins: adopt, pin, take back
 *     bpfgw_prune.c what earlier runs and other ABI versions have left: find, remove
 *     bpfgw_link.c  NICs
 *     bpfgw_fill.c  match tables, limiters
 */
#ifndef SIPSEAL_DAEMON_BPFGW_INTERNAL_H
#define SIPSEAL_DAEMON_BPFGW_INTERNAL_H

#include <limits.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "daemon/bpfgw.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include "gateway.skel.h"
#pragma GCC diagnostic pop

/* "link_" and a number, or the name of a map: bpffs allows no dots. */
#define BPFGW_PIN_LEN 32

struct bpfgw_link {
	unsigned ifindex;     /* 0: not attached by this start */
	bool is_new;          /* made by this start: bpfgw_detach_port() removes it */
};

struct bpfgw {
	struct gateway_bpf *skel;
	char dir[PATH_MAX];   /* <bpffs>/v<ABI> */
	bool is_adopted;
	bool is_pinned;       /* maps and program are in dir */
	bool is_pin_new;      /* and this start put them there */
	uint64_t filled_from[2]; /* serial of the matchset that a copy was filled from; 0: nobody knows */
	struct bpfgw_link links[SIPSEAL_PORTS_MAX];
};

/** bpfgw_fail() - fill reterr.  Return: @error. */
int bpfgw_fail(char reterr[BPFGW_ERR_LEN], int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** bpfgw_dir_check() - Return: 0; -ENOTSUP: @path is no bpffs. */
int bpfgw_dir_check(const char *path, char reterr[BPFGW_ERR_LEN]);

/** bpfgw_pin_path() - Return: 0, -ENAMETOOLONG. */
int bpfgw_pin_path(const struct bpfgw *g, const char *name, char ret[PATH_MAX]);

/** bpfgw_adopt() - give the maps that are pinned in g->dir to the skeleton before it is loaded.  A start or a --detach
 * that was killed may have left some of them, without a link: those are removed.
 * Return: how many; -EPROTO: pins of another ABI or shape. */
int bpfgw_adopt(struct bpfgw *g, char reterr[BPFGW_ERR_LEN]);

/** bpfgw_pin() - pin maps (those that are not yet) and the program; on failure nothing new stays. */
int bpfgw_pin(struct bpfgw *g, char reterr[BPFGW_ERR_LEN]);

/** bpfgw_unpin() - take back what bpfgw_pin() has made in this start. */
void bpfgw_unpin(struct bpfgw *g);

/** bpfgw_link_remove() - detach at once (an unlink alone detaches some time later) and unlink the pin.
 * Return: 0, or negative errno. */
int bpfgw_link_remove(const char *path);

/** bpfgw_link_name() - "link_<ifindex>". */
void bpfgw_link_name(unsigned ifindex, char ret[BPFGW_PIN_LEN]);

/** bpfgw_links_prune() - remove the pinned links, of other ABI versions too, of NICs that are in no port of @c. */
void bpfgw_links_prune(struct bpfgw *g, const struct sipseal_config *c);

/** bpfgw_link_of_other() - the pin of another ABI version for a NIC.  Return: 1 (*ret its path); 0 none. */
int bpfgw_link_of_other(const struct bpfgw *g, unsigned ifindex, char ret[PATH_MAX]);

/** bpfgw_leftover_remove() - remove the pins of our own version if none is that of a link: no NIC uses them.
 * Return: 1 removed; 0 there is a link; negative errno (reterr). */
int bpfgw_leftover_remove(const struct bpfgw *g, char reterr[BPFGW_ERR_LEN]);

/** bpfgw_others_prune() - remove what other ABI versions have left that hold no NIC any more. */
void bpfgw_others_prune(const struct bpfgw *g);

#endif
