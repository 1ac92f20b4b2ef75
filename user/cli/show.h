/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * show - answers of the daemon as text for people.
 */
#ifndef SIPSEAL_CLI_SHOW_H
#define SIPSEAL_CLI_SHOW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

void show_status(FILE *f, const json_t *status);
void show_stats(FILE *f, const json_t *stats);
void show_trunks(FILE *f, const json_t *trunks);
void show_trunk(FILE *f, const json_t *trunk);

/** show_reasons() - "steered 12, kernel 900": counters that are not zero.  Return: malloc'd, or
 * NULL. */
char *show_reasons(const json_t *counters);

#endif
