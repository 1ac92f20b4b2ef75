/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * time_arg - moments on the command line.
 */
#ifndef SIPSEAL_CLI_TIME_ARG_H
#define SIPSEAL_CLI_TIME_ARG_H

#include <stdint.h>

/** time_arg_parse() - RFC 3339 ("2026-01-01T00:00:00Z", offsets allowed) or seconds since 1970.
 * Return: 0, or -EINVAL. */
int time_arg_parse(const char *s, int64_t *ret);

#endif
