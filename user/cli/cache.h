/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cache - what `cert cache` and `cert prefetch` share: one entry of the fetcher's cache.
 */
#ifndef SIPSEAL_CLI_CACHE_H
#define SIPSEAL_CLI_CACHE_H

#include <jansson.h>

#include "cli/cli.h"

#define CACHE_PATH "/v1/certificates/cache"

/** cache_entry() - what is known of @x5u; the caller's reference.
 * Return: NULL: *ret_exit is CLI_NOT_FOUND and nothing has been printed, or as client_call(). */
json_t *cache_entry(const struct cli *cli, const char *x5u, int *ret_exit);

#endif
