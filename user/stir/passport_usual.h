/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * passport_usual - the JSON of nearly all PASSporTs, read without a JSON parser.
 *
 * RFC 8225 s9 leaves one way to write the header and the claims of a plain "shaken" call: members in order, no
 * white space.  What is written so, with values of printable ASCII that need no escape, is read here, in a tenth of
 * the time; whatever differs in a single byte is left to jansson.  Both give the same for the same text: a test
 * compares them.  Private to passport_parse.c.
 */
#ifndef SIPSEAL_STIR_PASSPORT_USUAL_H
#define SIPSEAL_STIR_PASSPORT_USUAL_H

#include "stir/passport.h"

/** passport_usual_header() - Return: false: not usual, *p is as it was. */
bool passport_usual_header(struct slice json, struct passport_parsed *p);

/** passport_usual_claims() - by the rules of @p's ppt.  Return: false: not usual, *p is as it was. */
bool passport_usual_claims(struct slice json, struct passport_parsed *p);

#endif
