// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "config/tree.h"

/* Of one object.  The schema has at most 32 keys in one mapping: an object with more than this
 * cannot be right, and looking for a key among its neighbours stays cheap. */
#define OBJECT_KEYS_MAX 256

struct build {
	struct node_tree *tree;
	struct config_report *report;
};

/* An object being entered, and where: for messages. */
struct where {
	const struct where *outer;
	const char *key;
	size_t len;
};

static size_t put_path(const struct where *w, char *dst, size_t cap)
{
	size_t n = w->outer ? put_path(w->outer, dst, cap) : 0;

	if (w->key && n < cap)
		n += (size_t)snprintf(dst + n, cap - n, "%s%.*s", n ? "." : "",
				      (int)(w->len < 64 ? w->len : 64), w->key);
	return n;
}

static int refuse(struct build *b, const struct where *w, const char *what)
{
	char path[256] = "";

	put_path(w, path, sizeof(path));
	config_report_add(b->report, true, NULL, path, "%s", what);
	return -EINVAL;
}

static int make(struct build *b, const json_t *json, const struct where *w, unsigned depth,
		struct node **ret);

/* Value of a key of a mapping that is being built. */
static struct node *find(const struct node *map, const char *key, size_t len)
{
	for (struct node *k = map->first; k; k = k->next->next) {
		if (strncmp(k->text, key, len) == 0 && !k->text[len])
			return k->next;
	}
	return NULL;
}

static int append(struct build *b, struct node *map, const char *key, size_t len,
		  struct node *value)
{
	struct node *k = tree_node(b->tree, NODE_SCALAR), **tail = &map->first;

	if (!k || !tree_text(b->tree, k, key, len))
		return -ENOMEM;
	while (*tail)
		tail = &(*tail)->next->next;
	*tail = k;
	k->next = value;
	map->cnt++;
	return 0;
}

/* The mapping that @key of @map stands for, made where it is not there. */
static int enter(struct build *b, struct node *map, const struct where *w, struct node **ret)
{
	struct node *inner = find(map, w->key, w->len);
	int r = 0;

	if (inner && inner->kind != NODE_MAPPING)
		return refuse(
			b, w,
			"stands twice: as a value and with keys below it, allowed: one of the two");
	if (!inner) {
		inner = tree_node(b->tree, NODE_MAPPING);
		r = inner ? append(b, map, w->key, w->len, inner) : -ENOMEM;
	}
	if (r == 0)
		*ret = inner;
	return r;
}

static int merge(struct build *b, struct node *map, const json_t *object, const struct where *w,
		 unsigned depth);

/* One member; "a.b" is b of a.  @depth counts the mappings that are open, @map included. */
static int member(struct build *b, struct node *map, const char *key, size_t len,
		  const json_t *value, const struct where *outer, unsigned depth)
{
	const char *dot = memchr(key, '.', len);
	struct where w = { outer, key, dot ? (size_t)(dot - key) : len };
	struct node *inner = NULL;
	int r;

	if (memchr(key, '\0', len))
		return refuse(b, outer, "has a key that holds a NUL byte");
	if (depth >= NODE_DEPTH_MAX && (dot || json_is_object(value) || json_is_array(value)))
		return refuse(b, &w, "is nested too deeply, 16 levels are allowed");
	if (dot) {
		if (dot == key || dot + 1 == key + len)
			return refuse(b, &w, "is no key: nothing before or behind a dot");
		if ((r = enter(b, map, &w, &inner)) < 0)
			return r;
		return member(b, inner, dot + 1, len - w.len - 1, value, &w, depth + 1);
	}
	inner = find(map, key, len);
	if (inner && inner->kind == NODE_MAPPING && json_is_object(value))
		return merge(b, inner, value, &w, depth + 1);
	if (inner)
		return refuse(b, &w, "stands twice, allowed: once");
	if ((r = make(b, value, &w, depth, &inner)) < 0)
		return r;
	return append(b, map, key, len, inner);
}

static int merge(struct build *b, struct node *map, const json_t *object, const struct where *w,
		 unsigned depth)
{
	json_t *o = (json_t *)object; /* jansson's iterators are not const */
	int r = 0;

	if (json_object_size(object) > OBJECT_KEYS_MAX)
		return refuse(b, w, "has too many keys, 256 are allowed");
	for (void *i = json_object_iter(o); i && r == 0; i = json_object_iter_next(o, i))
		r = member(b, map, json_object_iter_key(i), json_object_iter_key_len(i),
			   json_object_iter_value(i), w, depth);
	return r;
}

static int make_list(struct build *b, const json_t *json, const struct where *w, unsigned depth,
		     struct node *list)
{
	struct node **tail = &list->first;
	int r = 0;

	for (size_t i = 0; i < json_array_size(json) && r == 0; i++) {
		const json_t *item = json_array_get(json, i);

		if (depth >= NODE_DEPTH_MAX && (json_is_object(item) || json_is_array(item)))
			return refuse(b, w, "is nested too deeply, 16 levels are allowed");
		if ((r = make(b, item, w, depth, tail)) < 0)
			return r;
		tail = &(*tail)->next;
		list->cnt++;
	}
	return r;
}

static int make_scalar(struct build *b, const json_t *json, const struct where *w, struct node *n)
{
	char digits[24];
	const char *s = digits;
	size_t len;

	if (json_is_string(json)) {
		n->is_quoted = true;
		return tree_text(b->tree, n, json_string_value(json), json_string_length(json))
			       ? 0
			       : -ENOMEM;
	}
	if (json_is_real(json))
		return refuse(b, w, "is no whole number");
	if (json_is_integer(json))
		snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, json_integer_value(json));
	else
		s = json_is_true(json) ? "true" : json_is_false(json) ? "false" : "null";
	len = strlen(s);
	return tree_text(b->tree, n, s, len) ? 0 : -ENOMEM;
}

/* @depth: collections that are open around @json. */
static int make(struct build *b, const json_t *json, const struct where *w, unsigned depth,
		struct node **ret)
{
	enum node_kind kind = json_is_object(json)  ? NODE_MAPPING
			      : json_is_array(json) ? NODE_SEQUENCE
						    : NODE_SCALAR;
	struct node *n;
	int r;

	if (b->tree->node_cnt >= NODE_CNT_MAX)
		return refuse(b, w, "holds too many values, 4000000 are allowed");
	n = tree_node(b->tree, kind);
	if (!n)
		return -ENOMEM;
	if (kind == NODE_SCALAR)
		r = make_scalar(b, json, w, n);
	else if (kind == NODE_SEQUENCE)
		r = make_list(b, json, w, depth + 1, n);
	else
		r = merge(b, n, json, w, depth + 1);
	if (r == 0)
		*ret = n;
	return r;
}

int node_from_json(const json_t *json, struct config_report *report, struct node_tree **ret,
		   const struct node **ret_root)
{
	CLEANUP(node_tree_freep) struct node_tree *tree = tree_new();
	struct build b = { tree, report };
	struct where top = { NULL, NULL, 0 };
	struct node *root;
	int r = tree ? make(&b, json, &top, 0, &root) : -ENOMEM;

	if (r < 0)
		return r;
	*ret_root = root;
	*ret = TAKE(tree);
	return 0;
}

/* What JSON writes as a whole number, and nothing that would lose a byte: no "+1", "007", "-0". */
static bool is_integer(const char *s, json_int_t *ret)
{
	const char *digits = s + (*s == '-');
	char *end;
	intmax_t v;

	if (!*digits || strspn(digits, "0123456789") != strlen(digits) || (*digits == '0' && s[1]))
		return false;
	errno = 0;
	v = strtoimax(s, &end, 10);
	if (errno || *end)
		return false;
	*ret = v;
	return true;
}

static json_t *scalar_to_json(const struct node *n)
{
	json_int_t v;

	if (n->is_quoted)
		return json_string(n->text);
	if (node_is_null(n))
		return json_null();
	if (strcmp(n->text, "true") == 0 || strcmp(n->text, "false") == 0)
		return json_boolean(*n->text == 't');
	return is_integer(n->text, &v) ? json_integer(v) : json_string(n->text);
}

static json_t *put_all(const struct node *n, json_t *dst)
{
	int r = dst ? 0 : -1;

	for (const struct node *c = n->first; c && r == 0; c = c->next) {
		const struct node *key = n->kind == NODE_MAPPING ? c : NULL;

		if (key)
			c = c->next;
		r = key ? json_object_set_new(dst, key->text, node_to_json(c))
			: json_array_append_new(dst, node_to_json(c));
	}
	if (r < 0) {
		json_decref(dst);
		return NULL;
	}
	return dst;
}

json_t *node_to_json(const struct node *n)
{
	if (n->kind == NODE_SCALAR)
		return scalar_to_json(n);
	return put_all(n, n->kind == NODE_MAPPING ? json_object() : json_array());
}
