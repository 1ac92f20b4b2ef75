/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cert - our own certificate chains: read, judge, describe (RFC 8226, ATIS-1000080 profile).
 *
 * Used by the daemon, the CLI and tests for chains that the operator supplies; never for
 * certificates from the street.  Errors are faults that make the chain unusable for signing;
 * warnings are departures from the profile that production certificates show.
 */
#ifndef SIPSEAL_STIR_CERT_H
#define SIPSEAL_STIR_CERT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "stir/tnauthlist.h"

#define CERT_POINT_LEN  65     /* uncompressed P-256 point */
#define CERT_CHAIN_MAX  6
#define CERT_FAULTS_MAX 24

struct cert_fault {
	bool is_error;
	char code[32];         /* stable word: "expired", "key_mismatch", "no_tnauthlist", "curve", ... */
	char text[160];        /* for people, names the certificate (leaf, intermediate 1 ...) */
};

/* One certificate of the chain, for display. */
struct cert_link {
	char name[24];         /* "leaf", "intermediate 1" ..., "root" */
	char subject[256];
	int64_t not_before, not_after;
};

struct cert_info {
	char subject[256], issuer[256];
	char serial[64];       /* lower-case hex, no colons, no leading zero byte */
	int64_t not_before, not_after;   /* seconds since 1970; the latest and earliest of the chain */
	uint8_t point[CERT_POINT_LEN];   /* public key of the leaf */
	struct tnauthlist tnauth;
	unsigned chain_cnt;
	struct cert_link chain[CERT_CHAIN_MAX];
	unsigned fault_cnt, error_cnt;
	struct cert_fault faults[CERT_FAULTS_MAX];
};

struct cert_check_opts {
	int64_t at;              /* moment of the check, seconds */
	bool want_tnauthlist;    /* profile shaken */
	const char *anchors_pem; /* text of trust anchors the chain must end in, or NULL: not checked */
	size_t anchors_len;
};

/**
 * cert_check() - read a PEM chain (leaf first, then intermediates; root optional; a single DER
 * certificate is taken too) and judge it.
 * Return: 0 and *ret (look at error_cnt); -EBADMSG: nothing that is a certificate (reterr_text says
 * where); -E2BIG; -ENOMEM; -EINVAL: the trust anchors cannot be read (text).
 */
int cert_check(const char *pem, size_t len, const struct cert_check_opts *opts,
	       struct cert_info *ret, char reterr_text[160]);

/**
 * cert_anchors_check() - can chains end in one of the certificates of this PEM text?
 * Return: 0; -EINVAL: damaged, too large, or no root among them (reterr_text says it); -ENOMEM (text).
 */
int cert_anchors_check(const char *pem, size_t len, char reterr_text[160]);

/** cert_spc() - the SPC of the leaf, or "" where it has none. */
const char *cert_spc(const struct cert_info *i);

#endif
