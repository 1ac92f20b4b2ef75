/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verification - pieces of a configuration with and without trust anchors.
 */
#ifndef SIPSEAL_TEST_VERIFICATION_H
#define SIPSEAL_TEST_VERIFICATION_H

#include "report.h"

/* Lines: one, two, four. */
#define ANCHORS "certificates: { trust_anchors: anchors }\n"
#define GW      HEAD_GATEWAY "trunks_dir: /\n"
#define TRUNK   "trunks:\n- name: a\n  carrier: { peers: [192.0.2.1] }\n  attestation: none\n"

#endif
