/* SPDX-License-Identifier: BSD-2-Clause */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/generation_internal.h"

static void port_fill(const struct sipseald *d, unsigned i, struct sipseal_port *port)
{
	*port = (struct sipseal_port){
		.ifindex = d->nics[i].ifindex,
		.side = d->ports[i].side,
		.queues = (uint16_t)d->nics[i].queues,
		.mtu = (uint16_t)(d->nics[i].mtu < UINT16_MAX ? d->nics[i].mtu : UINT16_MAX),
	};
	topology_port(d, i, port);
	for (unsigned q = 0; q < d->nics[i].queues; q++)
		port->worker[q] = (uint8_t)(q % d->workers);
}

static void config_fill(const struct sipseald *d, struct sipseal_config *c)
{
	const struct gateway *g = d->gateway;

	*c = (struct sipseal_config){
		.abi_version = SIPSEAL_ABI_VERSION,
		.generation = d->generation,
		.heartbeat_limit_ns = g->heartbeat_ms * 1000000ull,
		.on_signer_failure = g->on_signer_failure,
		.unmatched_invite = g->unmatched_invite,
		.other_transports = g->other_transports,
		.fast_path_forward = d->is_forwarding,
		.regulatory_enabled = daemon_is_regulatory(d),
		.withhold_options = g->withhold_options,
		.sip_port_cnt = (uint16_t)g->sip_port_cnt,
	};
	memcpy(c->sip_ports, g->sip_ports, sizeof(c->sip_ports));
	for (unsigned i = 0; i < g->emergency_cnt; i++) {
		c->emergency[i].len = (uint8_t)strnlen(g->emergency[i], SIPSEAL_EMERGENCY_LEN);
		memcpy(c->emergency[i].digits, g->emergency[i], c->emergency[i].len);
	}
	for (unsigned i = 0; i < d->port_cnt; i++)
		port_fill(d, i, &c->ports[i]);
}

int generation_publish(struct sipseald *d)
{
	struct sipseal_config c;
	int r;

	config_fill(d, &c);
	r = bpfgw_config_set(d->bpf, &c);
	if (r == 0)
		settle_begin(d);
	return r;
}

/* What the signer reads of the gateway; regulatory.enabled as it will be in force. */
static int gateway_put(struct change *x)
{
	struct gateway g = *x->gateway;
	int r;

	if (x->want->regulatory >= 0)
		g.regulatory_enabled = x->want->regulatory > 0;
	else if (x->d->regulatory >= 0)
		g.regulatory_enabled = x->d->regulatory > 0;
	r = image_gateway_put(x->d->image, &g);
	return r < 0 ? fault_set(x->f, "internal", "policy: %s", strerror(-r)) : 0;
}

static int image_change(struct change *x)
{
	int r = image_begin(x->d->image, x->generation);

	if (r < 0)
		return fault_set(x->f, "internal", "policy: %s", strerror(-r));
	x->is_image_open = true;
	if ((r = gateway_put(x)) < 0 || (r = change_credentials_put(x)) < 0)
		return r;
	return change_trunks_put(x);
}

static int tables_change(struct change *x)
{
	char err[BPFGW_ERR_LEN] = "";
	int r = bpfgw_fill(x->d->bpf, x->d->match, x->generation, err);

	if (r == -E2BIG)
		return fault_set(x->f, "too_many", "%s", *err ? err : "the match tables are full");
	return r < 0 ? fault_set(x->f, "internal", "match tables: %s", *err ? err : strerror(-r))
		     : 0;
}

static int persist(struct change *x)
{
	if (!x->want->persist || x->want->persist(x->want->ctx, x->f) >= 0)
		return 0;
	return fault_set(x->f, "storage",
			 "the change cannot be stored"); /* unless it said so itself */
}

/* Everything that can be refused. */
static int prepare(struct change *x)
{
	int r;

	if ((r = change_trunks_begin(x)) < 0)
		return r;
	/* before keys are taken and tables touched: what the last change retired is free then, and
	 * the idle copies have followed the active ones */
	settle_wait(x->d);
	if ((r = change_credentials_begin(x)) < 0 || (r = change_trunks_match(x)) < 0 ||
	    (r = image_change(x)) < 0 || (r = tables_change(x)) < 0)
		return r;
	return persist(x);
}

static void undo(struct change *x)
{
	if (x->is_image_open)
		image_abort(x->d->image);
	change_trunks_undo(x);
	change_credentials_undo(x);
}

static void regulatory_apply(struct change *x, bool was)
{
	struct sipseald *d = x->d;

	if (!x->is_first && daemon_is_regulatory(d) == was)
		return;
	d->regulatory_since = (int64_t)(clock_real_ms() / 1000);
	d->alarm_at_ns = 0; /* expiry.c says so at once */
	if (!x->is_first)
		log_notice("event=regulatory enabled=%s",
			   daemon_is_regulatory(d) ? "true" : "false");
}

static void apply(struct change *x)
{
	struct sipseald *d = x->d;
	struct config *old = d->config;
	bool was = daemon_is_regulatory(d);

	d->generation = x->generation;
	if (x->want->config) {
		d->config = x->want->config;
		d->gateway = config_gateway(d->config);
	}
	if (x->want->regulatory >= 0)
		d->regulatory = x->want->regulatory;
	image_commit(d->image);
	if (!x->is_first) {
		int r = generation_publish(d);

		assert(r == 0); /* it refuses numbers that config_fill() cannot give */
		(void)r;
	}
	change_trunks_apply(x);
	change_credentials_apply(x);
	if (!x->is_first) /* at the first time there is no XDP yet */
		topology_trunks(d);
	if (x->want->config)
		config_close(old);
	regulatory_apply(x, was);
}

static int run(struct change *x)
{
	int r = prepare(x);

	if (r < 0)
		undo(x);
	else
		apply(x);
	free(x->trunks);
	return r < 0 ? -EINVAL : 0;
}

int generation_change(struct sipseald *d, const struct generation_change *c, struct fault *f,
		      uint32_t *ret_generation)
{
	struct change x = {
		.d = d,
		.want = c,
		.f = f,
		.generation = generation_next(d->generation),
		.now_ns = clock_mono_ns(),
		.gateway = c->config ? config_gateway(c->config) : d->gateway,
	};
	int r = run(&x);

	if (r < 0) {
		log_info("event=generation_refused code=%s put=%zu drop=%zu",
			 f->code ? f->code : "?", c->put_cnt,
			 c->drop_cnt); /* whoever asked says so aloud */
		return r;
	}
	log_notice(
		"event=generation n=%u put=%zu drop=%zu trunks=%zu certificates=%zu took_ms=%llu",
		d->generation, c->put_cnt, c->drop_cnt, live_cnt(d->live),
		live_credential_cnt(d->live),
		(unsigned long long)((clock_mono_ns() - x.now_ns) / 1000000));
	if (ret_generation)
		*ret_generation = d->generation;
	return 0;
}

static int tables_new(struct sipseald *d, struct fault *f)
{
	int r;

	if ((r = live_new(&d->live)) < 0 ||
	    (r = image_new(d->policy.region, d->policy.len, SIPSEAL_TRUNKS_MAX, CREDENTIALS_MAX,
			   &d->image)) < 0 ||
	    (r = matchset_new(d->gateway->sip_ports, d->gateway->sip_port_cnt, &d->match)) < 0)
		return fault_set(f, "internal", "policy: %s", strerror(-r));
	return 0;
}

int generation_start(struct sipseald *d, struct fault *f)
{
	struct generation_change c = { .regulatory = -1 };
	struct change x = { .d = d,
			    .want = &c,
			    .f = f,
			    .is_first = true,
			    .gateway = d->gateway,
			    .generation = generation_next(bpfgw_generation(d->bpf)),
			    .now_ns = clock_mono_ns() };
	int r = tables_new(d, f);

	if (r < 0)
		return r;
	c.put = config_trunks_take(d->config, &c.put_cnt);
	r = run(&x);
	for (size_t i = 0; r < 0 && i < c.put_cnt; i++)
		trunk_free(c.put[i]);
	free(c.put);
	return r;
}
