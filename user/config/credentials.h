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

/** inbound_assemble() - certificates.trust_anchors, crl.path and fetch.https_ca: can they be read?  Faults go to the
 * report.  In inbound.c.  Return: 0, -ENOMEM. */
int inbound_assemble(const struct gateway *g, const struct assemble_opts *opts, struct config_report *report);

/** credentials_open_error() - what confined_open() returned, for people. */
const char *credentials_open_error(int r);

/** credentials_key_error() - what opening a key or credential_add() returned, for people. */
const char *credentials_key_error(int r);

/**
 * credential_assemble() - read and judge one set of certificates, open its key.
 * @cert: complete; @ret: filled as far as it could be read; assembled_credential_done() frees what is in it
 * Return: 0 (faults are in the report: errors make it unusable); -ENOMEM.
 */
int credential_assemble(const struct gateway *g, const struct cert_config *cert, const struct assemble_opts *opts,
			struct assembled_credential *ret, struct config_report *report);
void assembled_credential_done(struct assembled_credential *c);

/** credential_is_usable() - errors other than the validity, which is judged again at each call. */
bool credential_is_usable(const struct cert_info *info);

/** cert_config_is_complete() - cert_path, key_path and x5u are all there. */
bool cert_config_is_complete(const struct cert_config *c);

#endif
