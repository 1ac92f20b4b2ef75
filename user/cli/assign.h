/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * assign - KEY=VALUE of the command line as JSON: dotted keys stay dotted (the daemon nests them), numbers,
 * true and false are what they look like, keys that are lists take VALUE,VALUE or a JSON array.
 */
#ifndef SIPSEAL_CLI_ASSIGN_H
#define SIPSEAL_CLI_ASSIGN_H

#include <jansson.h>

#include "cli/cli.h"

/** assign_take() - one KEY=VALUE into @object; a key given twice is refused.
 * Return: 0, or CLI_USAGE, CLI_FAILED (the error has been printed). */
int assign_take(const struct cli *cli, const char *arg, json_t *object);

/** assign_civic() - 'country=US,region=CA,street=1 Market Street, Suite 3': a comma belongs to the value
 * unless a key of civic_keys() follows.  Return: as assign_take(). */
int assign_civic(const struct cli *cli, const char *text, json_t **ret);

#endif
