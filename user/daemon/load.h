/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load - the gateway from a file, or from the arguments of --attach, with every message printed.
 */
#ifndef SIPSEAL_DAEMON_LOAD_H
#define SIPSEAL_DAEMON_LOAD_H

#include "config/assemble.h"
#include "daemon/options.h"

/** load_config() - what the daemon was started with: its file, or the arguments of --attach.
 * Return: as config_open(); nothing is printed. */
int load_config(const struct options *opt, struct config **ret, struct config_report *report);

/** load_start() - the same at start.  Return: enum daemon_exit; messages are on stderr. */
int load_start(const struct options *opt, struct config **ret);

/** load_report() - messages to stderr, as raw lines: file:line:col stands at the start, where editors look. */
void load_report(const struct config_report *r);

/** load_assembled() - certificates and keys.  Return: enum daemon_exit; messages are on stderr. */
int load_assembled(const struct gateway *g, struct assembled **ret);

/** load_attach_text() - the configuration that the arguments of --attach stand for.
 * @trunks_dir: NULL where there is none
 * Return: malloc'd text, or NULL without memory. */
char *load_attach_text(const struct options *opt, const char *trunks_dir);

#endif
