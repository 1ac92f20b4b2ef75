// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <string.h>

#include <yaml.h>

#include "config/tree.h"

/* Open collections while parsing. */
struct level {
	struct node *parent;
	struct node **tail;      /* where the next child is linked */
	bool is_value;           /* mapping: the next child is a value */
};

struct parse {
	yaml_parser_t yaml;
	struct node_tree *tree;
	struct config_report *report;
	const char *file;
	struct level stack[NODE_DEPTH_MAX];
	unsigned depth, documents;
	struct node *root;
};

static int refuse(struct parse *p, yaml_mark_t mark, const char *what)
{
	struct model_pos pos = { p->file, (unsigned)mark.line + 1, (unsigned)mark.column + 1 };

	config_report_add(p->report, true, &pos, NULL, "%s", what);
	return -EINVAL;
}

/* libyaml's own words for broken YAML. */
static int refuse_syntax(struct parse *p)
{
	struct model_pos pos = { p->file, (unsigned)p->yaml.problem_mark.line + 1,
				 (unsigned)p->yaml.problem_mark.column + 1 };

	if (p->yaml.error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (p->yaml.error == YAML_READER_ERROR)
		pos.line = pos.col = 0; /* knows a byte offset only */
	if (p->yaml.error == YAML_READER_ERROR)
		config_report_add(p->report, true, &pos, NULL, "is no UTF-8 text: %s at byte %zu",
				  p->yaml.problem, p->yaml.problem_offset);
	else
		config_report_add(p->report, true, &pos, NULL, "is no YAML: %s%s%s", p->yaml.problem,
				  p->yaml.context ? ", " : "", p->yaml.context ? p->yaml.context : "");
	return -EINVAL;
}

/* Links a new node where the next child belongs. */
static struct node *add_node(struct parse *p, enum node_kind kind, yaml_mark_t mark, int *ret_error)
{
	struct level *l = p->depth ? &p->stack[p->depth - 1] : NULL;
	struct node *n;

	if (p->tree->node_cnt >= NODE_CNT_MAX) {
		*ret_error = refuse(p, mark, "the file holds too many values, 4000000 are allowed");
		return NULL;
	}
	if (l && l->parent->kind == NODE_MAPPING && !l->is_value && kind != NODE_SCALAR) {
		*ret_error = refuse(p, mark, "a key must be a word");
		return NULL;
	}
	n = tree_node(p->tree, kind);
	if (!n) {
		*ret_error = -ENOMEM;
		return NULL;
	}
	n->line = (unsigned)mark.line + 1;
	n->col = (unsigned)mark.column + 1;
	if (!l) {
		p->root = n;
		return n;
	}
	*l->tail = n;
	l->tail = &n->next;
	if (l->parent->kind == NODE_SEQUENCE || l->is_value)
		l->parent->cnt++;
	l->is_value = !l->is_value;
	return n;
}

static int add_scalar(struct parse *p, const yaml_event_t *e)
{
	struct node *n;
	int r = 0;

	if (e->data.scalar.anchor)
		return refuse(p, e->start_mark, "anchors (&) are not allowed, write the value where it is meant");
	if (e->data.scalar.tag)
		return refuse(p, e->start_mark, "tags (!) are not allowed");
	n = add_node(p, NODE_SCALAR, e->start_mark, &r);
	if (!n)
		return r;
	if (!tree_text(p->tree, n, (const char *)e->data.scalar.value, e->data.scalar.length))
		return -ENOMEM;
	n->is_quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	return 0;
}

static int open_collection(struct parse *p, enum node_kind kind, const yaml_event_t *e,
			   const yaml_char_t *anchor, const yaml_char_t *tag)
{
	struct node *n;
	int r = 0;

	if (anchor)
		return refuse(p, e->start_mark, "anchors (&) are not allowed, write the value where it is meant");
	if (tag)
		return refuse(p, e->start_mark, "tags (!) are not allowed");
	if (p->depth == NODE_DEPTH_MAX)
		return refuse(p, e->start_mark, "is nested too deeply, 16 levels are allowed");
	n = add_node(p, kind, e->start_mark, &r);
	if (!n)
		return r;
	p->stack[p->depth++] = (struct level){ n, &n->first, false };
	return 0;
}

static int take_event(struct parse *p, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (p->documents++)
			return refuse(p, e->start_mark, "a second document (---) is not allowed");
		return 0;
	case YAML_SCALAR_EVENT:
		return add_scalar(p, e);
	case YAML_SEQUENCE_START_EVENT:
		return open_collection(p, NODE_SEQUENCE, e, e->data.sequence_start.anchor,
				       e->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return open_collection(p, NODE_MAPPING, e, e->data.mapping_start.anchor,
				       e->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		p->depth--;
		return 0;
	case YAML_ALIAS_EVENT:
		return refuse(p, e->start_mark, "aliases (*) are not allowed, write the value where it is meant");
	default:
		return 0;
	}
}

static int take_all(struct parse *p)
{
	bool is_end = false;
	yaml_event_t e;
	int r = 0;

	while (r == 0 && !is_end) {
		if (!yaml_parser_parse(&p->yaml, &e))
			return refuse_syntax(p);
		r = take_event(p, &e);
		is_end = e.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&e);
	}
	return r;
}

/* An empty document is one empty plain scalar. */
static bool is_nothing(const struct node *n)
{
	return !n || (n->kind == NODE_SCALAR && !n->is_quoted && !*n->text && !n->has_nul);
}

int node_parse_yaml(const char *pos_file, const char *text, size_t len, struct config_report *report,
		    struct node_tree **ret, const struct node **ret_root)
{
	CLEANUP(node_tree_freep) struct node_tree *tree = tree_new();
	struct parse p = { .tree = tree, .report = report, .file = pos_file };
	int r;

	if (!tree || !yaml_parser_initialize(&p.yaml))
		return -ENOMEM;
	yaml_parser_set_input_string(&p.yaml, (const unsigned char *)text, len);
	r = take_all(&p);
	yaml_parser_delete(&p.yaml);
	if (r < 0)
		return r;
	*ret_root = is_nothing(p.root) ? NULL : p.root;
	*ret = TAKE(tree);
	return 0;
}
