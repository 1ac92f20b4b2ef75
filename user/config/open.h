/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * open - what config.c, load.c and trunk.c share: an open configuration, and reading one trunk for it.
 */
#ifndef SIPSEAL_CONFIG_OPEN_H
#define SIPSEAL_CONFIG_OPEN_H

#include "config/digest.h"
#include "config/schema.h"

struct config {
	struct gateway *g;
	struct defaults defaults;
	char *dir;               /* absolute: relative paths of the main file start here */
	char *trunks_dir;        /* absolute */
	bool is_cert_broken;
};

/** defaults_read() - the mapping `defaults` of the main file @root.  Faults go to the report. */
void defaults_read(struct load *l, const struct node *root, struct defaults *ret);

/**
 * trunk_read() - a trunk on top of l->defaults.  Faults go to the report; a trunk with faults is given, too.
 * @file: where it stands; copied.  @is_managed: its file was made by us
 * Return: NULL without memory (l->is_out_of_memory).
 */
struct trunk *trunk_read(struct load *l, const char *file, const struct node *map, bool is_managed);

/** trunk_read_text() - the same from the text of a trunk file; NULL also where it holds no mapping. */
struct trunk *trunk_read_text(struct load *l, const char *file, const char *text, size_t len);

/** load_all() - the main file, and all trunks into c->g->trunks.  Return: 0, -EINVAL, -ENOMEM. */
int load_all(struct config *c, const char *text, size_t len, struct config_report *report);

#endif
