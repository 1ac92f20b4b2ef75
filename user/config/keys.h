/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keys - the schema tables of the two objects.
 */
#ifndef SIPSEAL_CONFIG_KEYS_H
#define SIPSEAL_CONFIG_KEYS_H

#include "config/schema.h"

/** keys_file - the top of sipseal.yaml; target struct gateway.  The trunks themselves are read by
 * config_load(), for they need `defaults` first: those keys are taken note of in struct load. */
extern const struct schema_key keys_file[];

/** keys_trunk - one trunk; target struct trunk. */
extern const struct schema_key keys_trunk[];

/** keys_geolocation - extras.geolocation of a trunk; target struct trunk. */
extern const struct schema_key keys_geolocation[];

/** keys_verification - verification of a trunk; target struct trunk. */
extern const struct schema_key keys_verification[];

/** keys_read_numbers() - a file of numbers, one per line, for numbers_file.  In numbers_file.c. */
void keys_read_numbers(struct load *l, const struct schema_key *k, const struct node *n, void *target);

/** keys_add_number() - append "+18005550100" and the like to the trunk; reports at @pos.  want_quote: a
 * refused text may be shown (it stands in the configuration itself). */
void keys_add_number(struct load *l, struct trunk *t, const struct model_pos *pos, const char *text,
		     bool want_quote);

/* keys_get_x() - values of the target as JSON, in keys_get_gateway.c and keys_get_trunk.c; target as above. */
json_t *keys_get_interfaces(const void *gateway);
json_t *keys_get_sip_ports(const void *gateway);
json_t *keys_get_emergency(const void *gateway);
json_t *keys_get_workers(const void *gateway);
json_t *keys_get_umem_frames(const void *gateway);
json_t *keys_get_metrics(const void *gateway);
json_t *keys_get_https_ca(const void *gateway);

json_t *keys_get_name(const void *trunk);
json_t *keys_get_carrier(const void *trunk);
json_t *keys_get_core(const void *trunk);
json_t *keys_get_numbers(const void *trunk);
json_t *keys_get_numbers_file(const void *trunk);
json_t *keys_get_origid(const void *trunk);
json_t *keys_get_rules(const void *trunk);
json_t *keys_get_orig_from(const void *trunk);
json_t *keys_get_dest_from(const void *trunk);
json_t *keys_get_default_number(const void *trunk);
json_t *keys_get_geolocation(const void *trunk);
json_t *keys_get_civic(const void *trunk);

#endif
