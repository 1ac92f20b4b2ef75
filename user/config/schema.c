// SPDX-License-Identifier: BSD-2-Clause
#include "config/schema.h"

#include <stdarg.h>
#include <string.h>

struct model_pos load_pos(const struct load *l, const struct node *n)
{
	return (struct model_pos){ l->file, n ? n->line : 0, n ? n->col : 0 };
}

static void add_message(struct load *l, bool is_error, const struct node *n, const char *fmt, va_list ap)
{
	struct model_pos pos = load_pos(l, n);
	CLEANUP(freep) char *text = NULL;

	if (vasprintf(&text, fmt, ap) < 0) {
		text = NULL;
		l->is_out_of_memory = true;
		return;
	}
	config_report_add(l->report, is_error, &pos, l->path, "%s", text);
}

void load_error(struct load *l, const struct node *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_message(l, true, n, fmt, ap);
	va_end(ap);
}

void load_warning(struct load *l, const struct node *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_message(l, false, n, fmt, ap);
	va_end(ap);
}

size_t load_push(struct load *l, const char *fmt, ...)
{
	size_t len = strlen(l->path);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(l->path + len, sizeof(l->path) - len, fmt, ap);
	va_end(ap);
	return len;
}

void load_pop(struct load *l, size_t len)
{
	l->path[len] = '\0';
}

bool load_grow(struct load *l, void *array, size_t cnt, size_t size)
{
	void **p = array, *n;

	if (cnt & (cnt - 1)) /* room is a power of two */
		return true;
	n = realloc(*p, (cnt ? cnt * 2 : 1) * size);
	if (!n) {
		l->is_out_of_memory = true;
		return false;
	}
	*p = n;
	return true;
}

void load_strdup(struct load *l, char **dst, const char *text)
{
	free(*dst);
	*dst = strdup(text);
	if (!*dst)
		l->is_out_of_memory = true;
}

struct load_at load_at(const char *lead, unsigned line, unsigned col)
{
	struct load_at at = { "" };

	if (line)
		snprintf(at.text, sizeof(at.text), "%.24s%u:%u", lead, line, col);
	return at;
}

static const char *kind_name(const struct node *n)
{
	if (node_is_null(n))
		return "has no value";
	if (n->kind == NODE_SEQUENCE)
		return "is a list";
	return n->kind == NODE_MAPPING ? "is a mapping" : "is a single value";
}

const char *schema_text(struct load *l, const struct node *n, const char *allowed)
{
	if (n->kind != NODE_SCALAR || node_is_null(n)) {
		load_error(l, n, "%s, allowed: %s", kind_name(n), allowed);
		return NULL;
	}
	if (n->has_nul) {
		load_error(l, n, "holds a NUL byte, allowed: %s", allowed);
		return NULL;
	}
	return n->text;
}

static void store(void *dst, size_t size, unsigned long v)
{
	uint8_t u8 = (uint8_t)v;
	uint16_t u16 = (uint16_t)v;
	uint32_t u32 = (uint32_t)v;

	if (size == sizeof(u8))
		memcpy(dst, &u8, size);
	else if (size == sizeof(u16))
		memcpy(dst, &u16, size);
	else
		memcpy(dst, &u32, sizeof(u32));
}

/* "a, b, c" of the words that this version takes. */
static void list_words(const struct schema_word *w, char *dst, size_t cap)
{
	size_t len = 0;

	for (; w->word; w++) {
		if (len < cap)
			len += (size_t)snprintf(dst + len, cap - len, "%s%s", len ? ", " : "", w->word);
	}
}

static void set_word(struct load *l, const struct schema_key *k, const struct node *n, char *dst)
{
	char allowed[160] = "";
	const char *s;

	list_words(k->words, allowed, sizeof(allowed));
	s = schema_text(l, n, allowed);
	if (!s)
		return;
	for (const struct schema_word *w = k->words; w->word; w++) {
		if (strcmp(w->word, s))
			continue;
		store(dst, k->size, w->value);
		return;
	}
	load_error(l, n, QUOTE_FMT " is not allowed, allowed: %s", s, allowed);
}

/* YAML 1.2: on, off, yes and no are words, and a quoted true is one too. */
static void set_bool(struct load *l, const struct schema_key *k, const struct node *n, char *dst)
{
	const char *s = schema_text(l, n, "true, false");

	if (!s)
		return;
	if (!n->is_quoted && (strcmp(s, "true") == 0 || strcmp(s, "false") == 0))
		store(dst, k->size, *s == 't');
	else
		load_error(l, n, "%s" QUOTE_FMT " is no boolean, allowed: true, false",
			   n->is_quoted ? "the text " : "", s);
}

static void set_uint(struct load *l, const struct schema_key *k, const struct node *n, char *dst)
{
	char allowed[64];
	unsigned long v = 0;
	const char *s;
	size_t len;

	snprintf(allowed, sizeof(allowed), "%lu to %lu", k->min, k->max);
	s = schema_text(l, n, allowed);
	if (!s)
		return;
	len = strlen(s);
	/* 010 is eight to some readers of YAML and ten to others */
	if (n->is_quoted || !len || strspn(s, "0123456789") != len || (*s == '0' && len > 1)) {
		load_error(l, n, "%s" QUOTE_FMT " is no number, allowed: %s",
			   n->is_quoted ? "the text " : "", s, allowed);
		return;
	}
	if (len < 10) /* longer ones are out of every range */
		v = strtoul(s, NULL, 10);
	if (len >= 10 || v < k->min || v > k->max) {
		load_error(l, n, "%.64s is out of range, allowed: %s", s, allowed);
		return;
	}
	store(dst, k->size, v);
}

static void set_string(struct load *l, const struct schema_key *k, const struct node *n, char *dst)
{
	const char *s = schema_text(l, n, k->allowed), *wrong = NULL;
	size_t len = s ? strlen(s) : 0;

	if (!s)
		return;
	if (len < k->min)
		wrong = "is empty";
	else if (len > k->max)
		wrong = "is too long";
	else if (len && k->check)
		wrong = k->check(s);
	if (wrong) {
		load_error(l, n, QUOTE_FMT " %s, allowed: %s", s, wrong, k->allowed);
		return;
	}
	if (len) {
		load_strdup(l, (char **)dst, s);
		return;
	}
	free(*(char **)dst);
	*(char **)dst = NULL;
}

static void set_map(struct load *l, const struct schema_key *k, const struct node *n, char *target)
{
	if (n->kind != NODE_MAPPING) {
		load_error(l, n, "%s, allowed: a mapping", kind_name(n));
		return;
	}
	if (k->begin)
		k->begin(l, n, target);
	schema_apply(l, k->keys, n, target + k->off);
}

static void set_list(struct load *l, const struct schema_key *k, const struct node *n, char *target)
{
	size_t i = 0;

	if (n->kind != NODE_SEQUENCE) {
		load_error(l, n, "%s, allowed: a list of %s", kind_name(n), k->allowed);
		return;
	}
	if (n->cnt < k->min || n->cnt > k->max) {
		load_error(l, n, "has %zu items, allowed: %lu to %lu", n->cnt, k->min, k->max);
		return;
	}
	if (k->begin)
		k->begin(l, n, target);
	for (const struct node *item = n->first; item; item = item->next) {
		size_t len = load_push(l, "[%zu]", i++);

		k->set(l, k, item, target);
		load_pop(l, len);
	}
}

void schema_value(struct load *l, const struct schema_key *k, const struct node *n, void *target)
{
	char *dst = (char *)target + k->off;

	switch (k->type) {
	case SCHEMA_WORD:   set_word(l, k, n, dst); break;
	case SCHEMA_BOOL:   set_bool(l, k, n, dst); break;
	case SCHEMA_UINT:   set_uint(l, k, n, dst); break;
	case SCHEMA_STRING: set_string(l, k, n, dst); break;
	case SCHEMA_MAP:    set_map(l, k, n, target); break;
	case SCHEMA_LIST:   set_list(l, k, n, target); break;
	case SCHEMA_CUSTOM: k->set(l, k, n, target); break;
	}
}

void schema_unknown(struct load *l, const struct schema_key *keys, const struct node *name)
{
	char allowed[512] = "";
	size_t len = 0;

	for (const struct schema_key *k = keys; k->name; k++) {
		if (len < sizeof(allowed))
			len += (size_t)snprintf(allowed + len, sizeof(allowed) - len, "%s%s",
						len ? ", " : "", k->name);
	}
	load_error(l, name, "unknown key, allowed: %s", allowed);
}

void schema_apply(struct load *l, const struct schema_key *keys, const struct node *map, void *target)
{
	const struct node *seen[SCHEMA_KEYS_MAX] = { NULL };

	for (const struct node *name = map->first; name; name = name->next->next) {
		size_t len = load_push(l, "%s%.64s", *l->path ? "." : "", name->text), i = 0;

		while (keys[i].name && (name->has_nul || strcmp(keys[i].name, name->text)))
			i++;
		if (!keys[i].name) {
			schema_unknown(l, keys, name);
		} else if (seen[i]) {
			load_error(l, name, "stands twice%s; allowed: once",
				   load_at(", first at ", seen[i]->line, seen[i]->col).text);
		} else {
			seen[i] = name;
			schema_value(l, &keys[i], name->next, target);
		}
		load_pop(l, len);
	}
}
