/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bpfgw - the XDP gateway program and its maps: load, pin, fill, attach, count.
 *
 * Everything is pinned under <bpffs>/v<SIPSEAL_ABI_VERSION>/ so that the fast path goes on when the
 * daemon dies; the next start adopts maps and links and replaces the program in place.  The order of a
 * start: bpfgw_open, bpfgw_fill, bpfgw_config_set, bpfgw_attach, then sockets by bpfgw_xsk_set - traffic
 * reaches the signer only after the last step.  Threads: one.
 *
 *     <bpffs>/v5/config ports peers0 ...   maps
 *                prog                      the program, for bpftool
 *                link_<ifindex>            one per NIC; removing it detaches
 *
 * Maps are pinned by the first bpfgw_attach(), not before: a start that fails earlier leaves nothing, one
 * that fails later undoes it by bpfgw_detach_port().
 */
#ifndef SIPSEAL_DAEMON_BPFGW_H
#define SIPSEAL_DAEMON_BPFGW_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "base/cleanup.h"
#include "trunk/matchset.h"

struct bpfgw;

#define BPFGW_ERR_LEN 400

/** bpfgw_open() - load the program; adopt pinned maps of this ABI or create new ones.
 * @bpffs: directory of a mounted bpffs (checked by statfs; created subdirectories are mode 0700)
 * Return: 0; -ENOTSUP no bpffs there; -EPERM capabilities missing; -EPROTO the pins are not of this ABI;
 * other errno.  reterr says what and how to mend it. */
int bpfgw_open(const char *bpffs, struct bpfgw **ret, char reterr[BPFGW_ERR_LEN]);

/** bpfgw_close() - closes descriptors; pins stay. */
void bpfgw_close(struct bpfgw *g);
DEFINE_FREEP(struct bpfgw *, bpfgw_close)

/** bpfgw_was_adopted() - did bpfgw_open() find pins of a former run? */
bool bpfgw_was_adopted(const struct bpfgw *g);

/** bpfgw_generation() - the active generation found in the pins, or 0. */
uint32_t bpfgw_generation(const struct bpfgw *g);

/** bpfgw_fill() - bring the match tables of the copy that belongs to @generation (the idle one) up to date:
 * what matchset_drain() tells, in batches.  The first time after bpfgw_open(), and where @ms is another matchset
 * than the last time, the copy is emptied and filled anew, for nobody knows what is left there.  The caller has
 * waited until no CPU runs the program on what that copy held before (bpfgw_grace()).
 * Return: 0; -EBUSY @generation belongs to the copy in use; -E2BIG too many entries (nothing has changed); other
 * errno.  After a failure the copy is filled anew the next time. */
int bpfgw_fill(struct bpfgw *g, struct matchset *ms, uint32_t generation, char reterr[BPFGW_ERR_LEN]);

/** bpfgw_grace() - wait until no CPU runs the program with a generation that was replaced before (RCU, ms). */
void bpfgw_grace(void);

/** bpfgw_limiter_reset() - a slot gets another trunk: its limiter starts anew.  Return: 0, negative errno. */
int bpfgw_limiter_reset(struct bpfgw *g, uint32_t slot);

/** bpfgw_hops_set() - on NICs of side both, the carriers' next hops are these @cnt now, and no others: those that stay
 * are not touched.  Kept in the pins; ports that are not of side both need none.
 * @hops: in any order
 * Return: 0; -E2BIG over SIPSEAL_HOPS_MAX (nothing has changed); other errno (some have). */
int bpfgw_hops_set(struct bpfgw *g, const struct sipseal_hop_key *hops, size_t cnt);

/** bpfgw_config_set() - publish the global configuration; the generation word flips last.  NICs that an
 * earlier run attached and that are no port any more are detached.  abi_version is filled in. */
int bpfgw_config_set(struct bpfgw *g, const struct sipseal_config *c);
const struct sipseal_config *bpfgw_config(const struct bpfgw *g);

/** bpfgw_attach() - attach to one NIC and pin the link, or update the pinned link in place, also one that
 * another ABI version has pinned: that becomes ours, and what the other version has left goes with its last link.
 * @mode: 0 auto (native, generic where the driver has none), 1 native, 2 generic
 * @port: index; also put into the devmap
 * Return: 0 (ret_is_native says how); -EBUSY another XDP program is there; -ERANGE MTU too large for native
 * XDP; -ENOSPC too few rx queues for it; other errno.  reterr names the remedy. */
int bpfgw_attach(struct bpfgw *g, unsigned port, unsigned ifindex, const char *name, int mode,
		 bool *ret_is_native, char reterr[BPFGW_ERR_LEN]);

/** bpfgw_detach_port() - undo bpfgw_attach() of this start (a start that failed half-way).  A link that was
 * adopted stays, with the new program; pins of maps that this start made go with its last link, unless a link
 * of another ABI version was taken over. */
void bpfgw_detach_port(struct bpfgw *g, unsigned port);

/** bpfgw_xsk_set() - let traffic of a queue in.  The map holds its own reference of the socket. */
int bpfgw_xsk_set(struct bpfgw *g, unsigned port, unsigned queue, int fd);

/** bpfgw_heartbeat_fd() - mmapable array of SIPSEAL_BEATS_MAX u64, see abi.h: heartbeats first, element i belongs to
 * worker i; owned by g. */
int bpfgw_heartbeat_fd(const struct bpfgw *g);

/** bpfgw_counters() - sums over CPUs of one port, by XDP reason.  @port SIPSEAL_PORTS_MAX: what came in on
 * a NIC that is no port (the moment between a change of interfaces and its detaching). */
int bpfgw_counters(const struct bpfgw *g, unsigned port, uint64_t ret[SR_XDP_MAX]);

/** bpfgw_unmatched_peers() - up to @max source/destination pairs of INVITEs that matched no trunk lately.
 * Return: how many, or negative errno. */
struct bpfgw_unmatched { uint8_t src[16], dst[16]; uint16_t src_port, dst_port; uint64_t count; };
int bpfgw_unmatched_peers(const struct bpfgw *g, struct bpfgw_unmatched *ret, unsigned max);

/** bpfgw_detach_all() - unpin links (detaches), maps and the directory of every ABI version below @bpffs.
 * Return: number of links removed, or negative errno. */
int bpfgw_detach_all(const char *bpffs, char reterr[BPFGW_ERR_LEN]);

#endif
