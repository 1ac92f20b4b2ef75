/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * template - a rendered PIDF-LO with holes, pointer-free, so that it can lie in the policy.
 * Pure: no I/O, no allocation, no XML library.
 */
#ifndef SIPSEAL_LOCATION_TEMPLATE_H
#define SIPSEAL_LOCATION_TEMPLATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/slice.h"

#define PIDF_TEMPLATE_MAX 4096
#define PIDF_HOLES_MAX    8

enum pidf_hole_kind {
	PIDF_HOLE_ENTITY,      /* user@host of the presentity, XML-escaped by nature (digits, '.', '-', '@', '+') */
	PIDF_HOLE_TIMESTAMP,   /* 2026-01-01T00:00:00Z, 20 bytes */
	PIDF_HOLE_EXPIRY,      /* the same form, timestamp + 24 h */
	PIDF_HOLE_TUPLE_ID,    /* 16 hex digits after a fixed letter */
	PIDF_HOLE_EXPIRY_1H,   /* timestamp + 1 h: what the legacy form shows */
};

struct pidf_hole {
	uint16_t off;          /* in text; the hole itself has no bytes there */
	uint16_t kind;         /* enum pidf_hole_kind */
};

struct pidf_template {
	uint32_t len, hole_cnt;
	struct pidf_hole holes[PIDF_HOLES_MAX];  /* by offset */
	char text[PIDF_TEMPLATE_MAX];            /* CRLF line ends, last one included */
};

struct pidf_values {
	struct slice entity;   /* "+12155550112@example.net"; bytes outside [A-Za-z0-9.+@_-] are refused */
	int64_t now;           /* seconds */
	char id[17];           /* 16 hex digits */
	bool is_compact;       /* without line ends and blanks between elements and attributes: what a line end
				  stands for is layout, values hold none */
};

/**
 * pidf_fill() - the finished document.  Only values that the template has a hole for are looked at.
 * Return: length; -ENOSPC; -EINVAL: a value that XML would have to escape, an empty entity, a time
 * outside of the years 1970 to 9999, or a template that is not one.
 */
ssize_t pidf_fill(const struct pidf_template *t, const struct pidf_values *v, char *dst, size_t cap);

#endif
