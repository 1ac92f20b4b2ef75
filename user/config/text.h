/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * text - checks of single values, for the schema tables: each returns what is wrong, or NULL.
 */
#ifndef SIPSEAL_CONFIG_TEXT_H
#define SIPSEAL_CONFIG_TEXT_H

/** text_x5u() - an https (lab: http) URL that verifiers fetch; {serial} may stand in it. */
const char *text_x5u(const char *s);

/** text_https() - an https URL that the gateway itself fetches, whatever fetch.allow_private_addresses says. */
const char *text_https(const char *s);

/** text_https_public() - what of such a URL is allowed in laboratories only: addresses, bare names, odd ports.
 * @s: text_https() found nothing */
const char *text_https_public(const char *s);

/** text_header() - a token that may name a header field of our own: none that SIP knows, no compact form. */
const char *text_header(const char *s);

/** text_label() - printable ASCII without quotes and backslashes: part of a quoted display name. */
const char *text_label(const char *s);

/** text_below() - a path that does not climb out of where it starts, by its own words. */
const char *text_below(const char *s);

/** text_host() - a host name or an IP address (IPv6 in brackets), as in a SIP URI. */
const char *text_host(const char *s);

/** text_printable() - printable ASCII only. */
const char *text_printable(const char *s);

/** text_path(), text_absolute() - a file name without control characters. */
const char *text_path(const char *s);
const char *text_absolute(const char *s);

/** text_listen() - "addr:port", an IPv6 address in brackets. */
const char *text_listen(const char *s);

/** text_ifname() - what the kernel takes as the name of a NIC. */
const char *text_ifname(const char *s);

/** text_trunk_name() - [a-z0-9][a-z0-9._-]{0,62}. */
const char *text_trunk_name(const char *s);

/** text_country_code() - 1 to 3 digits, no leading 0. */
const char *text_country_code(const char *s);

/** text_digits() - digits only. */
const char *text_digits(const char *s);

/** text_dial() - digits, '+', '*' and '#': parts of number_rules. */
const char *text_dial(const char *s);

#endif
