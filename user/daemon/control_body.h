/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control_body - the body of a request: one JSON object, bounded before it is built.
 *
 * jansson recurses per level and takes some 300 bytes for an empty object of two: depth and number of values are
 * counted in the text first, so that a body of CONTROL_BODY_MAX cannot become a gigabyte.
 */
#ifndef SIPSEAL_DAEMON_CONTROL_BODY_H
#define SIPSEAL_DAEMON_CONTROL_BODY_H

#include <jansson.h>

#define CONTROL_VALUES_MAX     300000 /* the longest list of numbers that CONTROL_BODY_MAX holds has 200,000 */
#define CONTROL_CONTAINERS_MAX 10000  /* objects and arrays; a trunk has a dozen, and one per number rule */

struct control_body_error {
	char text[200];     /* printable ASCII */
	unsigned line, col; /* 1-based */
};

/**
 * control_body_parse() - Return: 0; -EINVAL: it is not what we take (*reterr); -ENOMEM.
 * Refused: no object, duplicate keys, NUL, broken UTF-8, more than CONTROL_DEPTH_MAX levels, too many values.
 */
int control_body_parse(const char *text, size_t len, json_t **ret, struct control_body_error *reterr);

#endif
