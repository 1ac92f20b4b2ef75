/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * api_paths - files that a client of the API names: which ones it may, and what it may learn of them.
 *
 * Every such path resolves inside certificates.root, regular files only.  The daemon reads them as root, so:
 *
 *   reach   a client that is not root can name only what it could reach itself: it may search each directory
 *           from certificates.root down to the file, by owner, group and mode, and only root may write
 *           there.  A directory per tenant (root:acme 0750) therefore keeps one tenant's key from another's
 *           trunks; the key itself stays root's, mode 0600.  The same holds for changing a trunk that has a
 *           key of its own.
 *   read    of numbers_file, whose numbers are shown, it could read the file as well
 *   quiet   what a line of numbers_file says is never part of an answer
 *
 * Symbolic links are for root.  Access lists (ACLs) are not looked at.
 */
#ifndef SIPSEAL_DAEMON_API_PATHS_H
#define SIPSEAL_DAEMON_API_PATHS_H

#include <jansson.h>

#include "daemon/control.h"
#include "daemon/fault.h"
#include "trunk/model.h"

/** api_paths_check() - the paths in the keys of a trunk (nested or dotted), by their text alone.
 * Return: 0; -EINVAL: *f is `invalid`, with each key. */
int api_paths_check(const json_t *body, struct fault *f);

/**
 * api_paths_confine() - may @who name the files of @body?  numbers_file becomes relative to @root, which is how
 * files of trunks that were made by the API have it.
 * Return: 0; -EINVAL: *f is `invalid` or `forbidden`.
 */
int api_paths_confine(const char *root, const struct control_client *who, json_t *body, struct fault *f);

/** api_paths_own() - may @who change a trunk with certificates @c of its own?  Return: 0; -EINVAL: `forbidden`. */
int api_paths_own(const char *root, const struct control_client *who, const struct cert_config *c, struct fault *f);

/** api_paths_quiet() - take the content of lines of numbers_file out of the report; the line numbers stay. */
void api_paths_quiet(struct fault *f);

#endif
