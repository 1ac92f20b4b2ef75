/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * digest - what a trunk was made from, in 16 bytes (SHA-256, cut): a reload compares these.
 *
 * A mapping counts by its keys and values, whatever their order, quotes or comments are; JSON and YAML of
 * the same contents are the same.  Files that a key names count by what they hold.
 */
#ifndef SIPSEAL_CONFIG_DIGEST_H
#define SIPSEAL_CONFIG_DIGEST_H

#include "config/node.h"

#define DIGEST_LEN 16

struct digest;

/** digest_new() - Return: NULL without memory. */
struct digest *digest_new(void);
void digest_free(struct digest *d);
DEFINE_FREEP(struct digest *, digest_free)

/** digest_begin() - forget everything. */
void digest_begin(struct digest *d);

/** digest_bytes() - contents of a file, or another digest. */
void digest_bytes(struct digest *d, const void *data, size_t len);
/** digest_node() - a tree. */
void digest_node(struct digest *d, const struct node *n);

/** digest_end() - Return: 0, -ENOMEM: a step before has failed. */
int digest_end(struct digest *d, uint8_t ret[DIGEST_LEN]);

#endif
