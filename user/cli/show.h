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
/** show_verification(), show_verification_tables() - the part of a status about inbound calls: lines, and tables of
 * hosts and clocks. */
void show_verification(FILE *f, const json_t *status);
void show_verification_tables(FILE *f, const json_t *status);

void show_stats(FILE *f, const json_t *stats);
void show_trunks(FILE *f, const json_t *trunks);
void show_trunk(FILE *f, const json_t *trunk);

void show_certificates(FILE *f, const json_t *certificates);

/** show_cache(), show_cache_entry() - certificates of others: all, and one. */
void show_cache(FILE *f, const json_t *answer);
void show_cache_entry(FILE *f, const json_t *entry);

/** show_reload_diff() - what a reload changes, or would. */
void show_reload_diff(FILE *f, const json_t *answer);

/** show_warnings() - the "warnings" of an answer to a change, a line each. */
void show_warnings(FILE *f, const json_t *answer);

/** show_event() - one CallEvent as a line of text. */
void show_event(FILE *f, const json_t *event);

/** show_reasons() - "steered 12, kernel 900": counters that are not zero.  Return: malloc'd, or
 * NULL. */
char *show_reasons(const json_t *counters);

#endif
