/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uri - SIP, SIPS, TEL and URN URIs and the name-addr / addr-spec around them
 * (RFC 3261 s19.1, s20, s25.1; RFC 3966).
 *
 * Memory: slices into the input.  Threads: no state.
 */
#ifndef SIPSEAL_SIP_URI_H
#define SIPSEAL_SIP_URI_H

#include <stdbool.h>

#include "base/slice.h"

enum sip_scheme { SIP_SCHEME_OTHER, SIP_SCHEME_SIP, SIP_SCHEME_SIPS, SIP_SCHEME_TEL, SIP_SCHEME_URN };

struct sip_uri {
	enum sip_scheme scheme;
	struct slice raw;      /* the whole URI */
	struct slice user;     /* userinfo before ':' and '@', user-params (";npdi") included; tel: the number
	                          with its parameters; urn: all after "urn:"; p == NULL where there is none */
	struct slice host;     /* without port; IPv6 with its brackets */
	struct slice params;   /* after the host: ";user=phone;..." or empty */
};

/** sip_uri_parse() - Return: 0, or -EBADMSG. */
int sip_uri_parse(struct slice s, struct sip_uri *ret);

/** sip_param_get() - value of a ";name=value" parameter, name in any case, value unquoted if it
 * was quoted.  Return: 1 found with value, 0 found without value, -ENOENT. */
int sip_param_get(struct slice params, struct slice name, struct slice *ret_value);

/**
 * sip_param_next() - take the next ";name=value" parameter.
 * @params: the rest; advanced behind the parameter
 * @name:   the name
 * @value:  the value with its quotes or angle brackets; p == NULL where there is no '='
 * Semicolons inside quoted strings or "<...>" do not separate; blanks and folds may stand around
 * ';' and '='.
 * Return: 1, 0 nothing left, -EBADMSG.
 */
int sip_param_next(struct slice *params, struct slice *name, struct slice *value);

/**
 * sip_params_take() - the ";name=value..." of one value of a comma list.
 * @value:  what follows the address, sent-by ...; advanced behind the comma
 * Return: 0; -EBADMSG unbalanced quotes or brackets, something else than ';' or ',' in front, or
 * nothing after the comma.
 */
int sip_params_take(struct slice *value, struct slice *ret_params);

/* One value of From, To, P-Asserted-Identity ... */
struct sip_addr {
	struct slice display;  /* display name without quotes, or empty */
	struct slice uri;
	struct slice params;   /* header parameters after the address: ";tag=..." or empty */
};

/**
 * sip_addr_next() - take the next comma-separated address from a header value.
 * @value: the rest of the value; advanced behind the comma; empty when all are taken
 * Without "<>" every ";param" belongs to the header (RFC 3261 s20).  Commas, semicolons and angle
 * brackets inside quoted strings or "<...>" do not separate.
 * Return: 1 and *ret, 0 nothing left, -EBADMSG.
 */
int sip_addr_next(struct slice *value, struct sip_addr *ret);

#endif
