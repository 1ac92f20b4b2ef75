/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * schema - one declarative table per mapping of the configuration: name, type, range or allowed
 * words, where the value goes.  What a table cannot say is a setter (one value) or a check over
 * several keys (config/check.h).
 *
 * The tables: config/keys_gateway.c and config/keys_trunk.c.  Defaults are those of gateway_new() and
 * trunk_new().  Problems go to the report of the load; parsing never stops at one.
 * The same tables turn a target back into JSON (config/render.h): what setters stored, `get` finds.
 */
#ifndef SIPSEAL_CONFIG_SCHEMA_H
#define SIPSEAL_CONFIG_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "config/node.h"

#define SCHEMA_PATH_MAX 256
#define SCHEMA_KEYS_MAX 32 /* of one mapping */

/* `defaults`: a trunk with their values, and which keys of it stand for a decision of the operator. */
struct defaults {
	struct trunk *base;
	bool has_carrier_peers, has_attestation, has_attestation_other;
	uint8_t digest[16];
};

struct digest;

/* One load: what setters and checks need besides their node. */
struct load {
	struct gateway *g;
	struct config_report *report;
	const char *file;            /* being read; belongs to the trunk or gateway that is being filled */
	const char *dir;             /* relative paths start here: absolute directory of the main file */
	char path[SCHEMA_PATH_MAX];  /* dotted key of what is being looked at */
	const struct defaults *defaults; /* NULL: before they are known */
	struct digest *digest;       /* of the trunk being read: what its files hold goes in, too */
	bool is_confined;            /* paths come from the control socket: inside certificates.root only */
	bool has_anchors;            /* certificates.trust_anchors is given */
	bool is_cert_broken;         /* the gateway's certificates are given, but not right */
	bool is_out_of_memory;
};

struct schema_key;
typedef void schema_set_fn(struct load *l, const struct schema_key *k, const struct node *n, void *target);

enum schema_type {
	SCHEMA_WORD,     /* one of words */
	SCHEMA_BOOL,     /* true | false */
	SCHEMA_UINT,     /* min..max */
	SCHEMA_STRING,   /* min..max bytes; "" leaves NULL where min is 0; check */
	SCHEMA_MAP,      /* keys */
	SCHEMA_LIST,     /* min..max items; begin empties the list, set takes an item */
	SCHEMA_CUSTOM,   /* set */
};

struct schema_word {
	const char *word;    /* NULL ends the list */
	unsigned value;
};

struct schema_key {
	const char *name;    /* NULL ends the table */
	enum schema_type type;
	size_t off, size;    /* of the member in the target; MAP: off of the target of its keys */
	unsigned long min, max;
	const struct schema_word *words;
	const struct schema_key *keys;          /* CUSTOM: what set applies to a mapping, if it does */
	const char *(*check)(const char *text); /* what is wrong, or NULL */
	const char *allowed;                    /* for messages about type and check */
	void (*begin)(struct load *l, const struct node *n, void *target); /* before a MAP or LIST */
	schema_set_fn *set;
	bool is_alias;                          /* the same member has a key elsewhere: not rendered */
	json_t *(*get)(const void *target);     /* LIST and CUSTOM: the value; null: leave it out */
};

#define SCHEMA_MEMBER(type, member) .off = offsetof(type, member), .size = sizeof(((type *)0)->member)

/** schema_apply() - the values of a mapping into @target; unknown and duplicate keys are reported. */
void schema_apply(struct load *l, const struct schema_key *keys, const struct node *map, void *target);

/** schema_unknown() - the message for a key that is not in the table; @name: where it stands, or NULL. */
void schema_unknown(struct load *l, const struct schema_key *keys, const struct node *name);

/** schema_value() - one value by one line of a table, into @target + off. */
void schema_value(struct load *l, const struct schema_key *k, const struct node *n, void *target);

/** schema_text() - the text of a scalar that is a value; reports and returns NULL otherwise. */
const char *schema_text(struct load *l, const struct node *n, const char *allowed);

/** load_error(), load_warning() - at the position of @n (NULL: of the file), about l->path. */
void load_error(struct load *l, const struct node *n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void load_warning(struct load *l, const struct node *n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** load_push() - append to l->path; give the returned length to load_pop(). */
size_t load_push(struct load *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void load_pop(struct load *l, size_t len);

/** load_pos() - position of a node in the file being read. */
struct model_pos load_pos(const struct load *l, const struct node *n);

/** load_grow() - room for one more element in a malloc'd array of @cnt.  Return: false: no memory. */
bool load_grow(struct load *l, void *array, size_t cnt, size_t size);

/** load_strdup() - replaces the string at *dst. */
void load_strdup(struct load *l, char **dst, const char *text);

/* @lead and "LINE:COL" for messages; nothing where there are no lines (JSON). */
struct load_at { char text[48]; };
struct load_at load_at(const char *lead, unsigned line, unsigned col);

/** A value as messages quote it: at most this many bytes. */
#define QUOTE_FMT "\"%.64s\""

#endif
