/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check - contradictions between keys, which no single line of a schema table can see.
 */
#ifndef SIPSEAL_CONFIG_CHECK_H
#define SIPSEAL_CONFIG_CHECK_H

#include "config/schema.h"

/** check_gateway() - the main file but for its trunks; @root is its mapping. */
void check_gateway(struct load *l, const struct node *root);

/** check_trunk() - one trunk after its mapping @map was applied on top of the defaults; also gives
 * attestation_other its default, which depends on attestation. */
void check_trunk(struct load *l, struct trunk *t, const struct node *map);

/** check_twins() - keys that stand in two places must say the same. */
void check_twins(struct load *l, const struct node *map);

/** check_x5u() - warnings about a URL that is legal but that verifiers may refuse. */
void check_x5u(struct load *l, const struct node *certificates);

/** check_cert() - cert_path, key_path and x5u are given together or not at all.  A value that was refused
 * already counts as given.  Return: the key that is missing, or NULL. */
const char *check_cert(const struct cert_config *c, const struct node *certificates);

/** check_fetch() - what inbound verification takes from the gateway: trust anchors, CRL, the network.  Says to all
 * that follows whether there are anchors (l->has_anchors); @root as check_gateway(), which calls it. */
void check_fetch(struct load *l, const struct node *root);

/** check_verification() - also resolves verification.is_enabled: where no mapping gives `enabled` it is what
 * l->has_anchors says.  For `defaults` and for trunks; @map as check_trunk(), which calls it. */
void check_verification(struct load *l, struct trunk *t, const struct node *map);

/** check_unverified() - a warning about trunks that are not verified though nobody has said so. */
void check_unverified(struct load *l, const struct node *root);

/** check_trunks() - all trunks together: names, carrier peers with core prefixes.  @is_broken says
 * which of l->g->trunks had errors: their peers are not compared. */
void check_trunks(struct load *l, bool *is_broken);

#endif
