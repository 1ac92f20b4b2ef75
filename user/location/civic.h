/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * civic - a civic address as the configuration gives it (RFC 4119, RFC 5139).
 */
#ifndef SIPSEAL_LOCATION_CIVIC_H
#define SIPSEAL_LOCATION_CIVIC_H

#include <stddef.h>

#define CIVIC_VALUE_MAX 128  /* bytes of one value */

/* Values are UTF-8; "" = not given. */
struct civic_address {
	char country[CIVIC_VALUE_MAX + 1], region[CIVIC_VALUE_MAX + 1], county[CIVIC_VALUE_MAX + 1],
	     city[CIVIC_VALUE_MAX + 1], street[CIVIC_VALUE_MAX + 1], postal[CIVIC_VALUE_MAX + 1],
	     building[CIVIC_VALUE_MAX + 1], floor[CIVIC_VALUE_MAX + 1], unit[CIVIC_VALUE_MAX + 1],
	     room[CIVIC_VALUE_MAX + 1], landmark[CIVIC_VALUE_MAX + 1];
};

/** civic_field() - where the value of key @name is stored, or NULL: no such key. */
char *civic_field(struct civic_address *a, const char *name);

/** civic_keys() - all keys, NULL-terminated, for error messages. */
const char *const *civic_keys(void);

/**
 * civic_check() - country is two letters (upper-cased in place), values are valid UTF-8 without controls,
 * country, region, city and street are there.
 * Return: 0, or -EINVAL with the key in *reterr_key and what is wrong in *reterr_text (static strings).
 */
int civic_check(struct civic_address *a, const char **reterr_key, const char **reterr_text);

#endif
