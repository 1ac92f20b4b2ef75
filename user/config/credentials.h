/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * credentials - the part of assemble() that finds, reads and judges certificates.
 */
#ifndef SIPSEAL_CONFIG_CREDENTIALS_H
#define SIPSEAL_CONFIG_CREDENTIALS_H

#include "config/assemble.h"

/** credentials_assemble() - fills a->credentials, a->compiled_credentials and the credential of each of
 * a->trunks.  Faults go to the report.  Return: 0, -ENOMEM. */
int credentials_assemble(const struct gateway *g, const struct assemble_opts *opts, struct assembled *a,
			 struct config_report *report);

/** credentials_open_error() - what confined_open() returned, for people. */
const char *credentials_open_error(int r);

/** credentials_key_error() - what opening a key or credential_add() returned, for people. */
const char *credentials_key_error(int r);

#endif
