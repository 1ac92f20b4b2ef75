/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * sipblast.h - what sipblast tells its BPF program: the frame, and where in it the serial number of the message stands.
 */
#ifndef SIPSEAL_BENCH_SIPBLAST_H
#define SIPSEAL_BENCH_SIPBLAST_H

#include <linux/types.h>

#define BLAST_PLACES 8
#define BLAST_HEADS  42 /* bytes of Ethernet, IPv4 and UDP */
#define BLAST_CSUM   40 /* where the checksum of UDP stands */

struct blast {
	__u32 len;                    /* of the frame */
	__u32 ifindex;                /* out of which it goes */
	__u32 sum;                    /* of all that UDP's checksum covers, with 0 in all places */
	__u32 repeat;                 /* copies of each message */
	__u32 apart;                  /* so many messages lie between two copies, less one */
	/* offsets in the frame; 0 ends a list */
	__u32 serial[BLAST_PLACES];   /* eight digits: the serial number */
	__u32 called[BLAST_PLACES];   /* four: the last ones of it */
	__u32 caller[BLAST_PLACES];   /* four: the same, the last one first */
	__u64 head[BLAST_CSUM / 8];
};

#endif
