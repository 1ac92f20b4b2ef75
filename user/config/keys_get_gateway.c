// SPDX-License-Identifier: BSD-2-Clause
#include "config/keys.h"
#include "config/render.h"

json_t *keys_get_interfaces(const void *gateway)
{
	const struct gateway *g = gateway;
	json_t *list = json_array();

	for (unsigned i = 0; i < g->interface_cnt; i++) {
		const struct interface *n = &g->interfaces[i];

		list = render_append(list,
				     json_pack("{s:o, s:s}", "name", render_text(n->name), "side",
					       n->side == SIPSEAL_SIDE_CORE	 ? "core"
					       : n->side == SIPSEAL_SIDE_CARRIER ? "carrier"
										 : "both"));
	}
	return list;
}

json_t *keys_get_sip_ports(const void *gateway)
{
	const struct gateway *g = gateway;
	json_t *list = json_array();

	for (unsigned i = 0; i < g->sip_port_cnt; i++)
		list = render_append(list, json_integer(g->sip_ports[i]));
	return list;
}

json_t *keys_get_emergency(const void *gateway)
{
	const struct gateway *g = gateway;
	json_t *list = json_array();

	for (unsigned i = 0; i < g->emergency_cnt; i++)
		list = render_append(list, render_text(g->emergency[i]));
	return list;
}

json_t *keys_get_workers(const void *gateway)
{
	const struct gateway *g = gateway;

	return g->workers ? json_integer(g->workers) : json_string("auto");
}

json_t *keys_get_umem_frames(const void *gateway)
{
	return json_integer(((const struct gateway *)gateway)->umem_frames);
}

json_t *keys_get_https_ca(const void *gateway)
{
	const struct gateway *g = gateway;

	return render_text(g->https_ca ? g->https_ca : "system");
}

json_t *keys_get_metrics(const void *gateway)
{
	const struct gateway *g = gateway;

	return render_text(g->metrics ? g->metrics : "off");
}
