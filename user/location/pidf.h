/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pidf - renders a civic address into a PIDF-LO template with libxml2 (RFC 4119, 5139, 5491).
 * Daemon and CLI only: the signer fills templates (location/template.h) and links no XML.
 */
#ifndef SIPSEAL_LOCATION_PIDF_H
#define SIPSEAL_LOCATION_PIDF_H

#include "location/civic.h"
#include "location/template.h"

enum pidf_form {
	PIDF_RFC,      /* valid by the RFC schemas */
	PIDF_LEGACY,   /* exactly the form of the product's first example (street in A6, no/expires, ...) */
};

/** pidf_render() - Return: 0; -EINVAL address that XML cannot carry; -E2BIG; -ENOMEM. */
int pidf_render(const struct civic_address *a, enum pidf_form form, struct pidf_template *ret);

#endif
