/* SPDX-License-Identifier: BSD-2-Clause */
#include "fetcher/fetch_budget.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Out of memory is an error of the one who asks, not the end of the process. */
#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(e) ((e)->is_lost = true)
#include <uthash.h>

enum kind { KIND_STRANGER, KIND_KNOWN, KIND_OURS };

static const unsigned parallel_max[] = {
	[KIND_STRANGER] = FETCH_PARALLEL_MAX - BUDGET_KNOWN_SPARE - BUDGET_OURS_SPARE,
	[KIND_KNOWN] = FETCH_PARALLEL_MAX - BUDGET_OURS_SPARE,
	[KIND_OURS] = FETCH_PARALLEL_MAX,
};

static const unsigned hung_max[] = {
	[KIND_STRANGER] = BUDGET_HUNG_MAX * 3 / 4,
	[KIND_KNOWN] = BUDGET_HUNG_MAX,
	[KIND_OURS] = UINT32_MAX,
};

struct host {
	UT_hash_handle hh;
	uint64_t used_ns;            /* when last */
	struct fetch_host is;
	unsigned active;
	uint32_t slots[FETCH_HOST_MAX]; /* whose fetches are under way; ours are not among them */
	unsigned slot_cnt;
	uint64_t tat;                /* theoretical arrival time (GCRA), ns */
	bool is_known, is_lost;
};

struct trunk {
	UT_hash_handle hh;
	uint64_t used_ns;
	uint32_t slot;
	unsigned strangers;          /* under way */
	unsigned active;
	uint64_t tat;
	bool is_lost;
};

struct budget {
	struct host *hosts;
	struct trunk *trunks;
	unsigned active;
	uint64_t hung[BUDGET_HUNG_MAX]; /* until when each look-up may go on, ns */
	unsigned hung_at;               /* the oldest */
};

static bool bucket_has(uint64_t tat, uint64_t now_ns, unsigned rate, unsigned burst)
{
	uint64_t step = 1000000000u / rate;

	return tat <= now_ns + (burst - 1) * step;
}

static void bucket_take(uint64_t *tat, uint64_t now_ns, unsigned rate)
{
	*tat = (*tat > now_ns ? *tat : now_ns) + 1000000000u / rate;
}

int budget_new(struct budget **ret)
{
	struct budget *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	*ret = b;
	return 0;
}

void budget_free(struct budget *b)
{
	struct host *h, *h_next;
	struct trunk *t, *t_next;

	if (!b)
		return;
	HASH_ITER(hh, b->hosts, h, h_next) {
		HASH_DEL(b->hosts, h);
		free(h);
	}
	HASH_ITER(hh, b->trunks, t, t_next) {
		HASH_DEL(b->trunks, t);
		free(t);
	}
	free(b);
}

/* Who gives way first: strangers before known hosts, the older before the newer. */
static bool host_yields(const struct host *a, const struct host *b)
{
	return a->is_known != b->is_known ? b->is_known : a->used_ns < b->used_ns;
}

static void hosts_trim(struct budget *b)
{
	struct host *h, *next, *victim = NULL;

	if (HASH_COUNT(b->hosts) < BUDGET_HOSTS_MAX)
		return;
	HASH_ITER(hh, b->hosts, h, next) {
		if (!h->active && (!victim || host_yields(h, victim)))
			victim = h;
	}
	if (victim) /* there is one: fewer can be active than there are places */
		HASH_DEL(b->hosts, victim);
	free(victim);
}

static struct host *host_get(struct budget *b, const char *name, uint64_t now_ns)
{
	struct host *h;

	HASH_FIND_STR(b->hosts, name, h);
	if (!h) {
		hosts_trim(b);
		h = calloc(1, sizeof(*h));
		if (!h)
			return NULL;
		snprintf(h->is.host, sizeof(h->is.host), "%s", name);
		HASH_ADD_STR(b->hosts, is.host, h);
		if (h->is_lost) {
			free(h);
			return NULL;
		}
	}
	h->used_ns = now_ns;
	return h;
}

static void trunks_trim(struct budget *b)
{
	struct trunk *t, *next, *victim = NULL;

	if (HASH_COUNT(b->trunks) < BUDGET_TRUNKS_MAX)
		return;
	HASH_ITER(hh, b->trunks, t, next) {
		if (!t->active && (!victim || t->used_ns < victim->used_ns))
			victim = t;
	}
	if (victim)
		HASH_DEL(b->trunks, victim);
	free(victim);
}

static struct trunk *trunk_get(struct budget *b, uint32_t slot, uint64_t now_ns)
{
	struct trunk *t;

	HASH_FIND(hh, b->trunks, &slot, sizeof(slot), t);
	if (!t) {
		trunks_trim(b);
		t = calloc(1, sizeof(*t));
		if (!t)
			return NULL;
		t->slot = slot;
		HASH_ADD(hh, b->trunks, slot, sizeof(t->slot), t);
		if (t->is_lost) {
			free(t);
			return NULL;
		}
	}
	t->used_ns = now_ns;
	return t;
}

static unsigned hung_cnt(const struct budget *b, uint64_t now_ns)
{
	unsigned cnt = 0;

	for (unsigned i = 0; i < BUDGET_HUNG_MAX; i++)
		cnt += b->hung[i] > now_ns;
	return cnt;
}

static const char *shared_fault(const struct budget *b, enum kind kind, uint64_t now_ns)
{
	if (b->active >= parallel_max[kind])
		return "too many fetches at a time";
	if (hung_cnt(b, now_ns) >= hung_max[kind])
		return "too many name look-ups that do not end";
	return NULL;
}

static unsigned host_fetches(const struct host *h, uint32_t slot)
{
	unsigned cnt = 0;

	for (unsigned i = 0; i < h->slot_cnt; i++)
		cnt += h->slots[i] == slot;
	return cnt;
}

static void host_leave(struct host *h, uint32_t slot)
{
	unsigned i = 0;

	while (i < h->slot_cnt && h->slots[i] != slot)
		i++;
	if (i < h->slot_cnt)
		h->slots[i] = h->slots[--h->slot_cnt];
}

static const char *host_fault(const struct host *h, uint32_t slot, uint64_t now_ns)
{
	if (h->active >= FETCH_HOST_MAX)
		return "too many fetches at a time of this host";
	if (host_fetches(h, slot) >= BUDGET_TRUNK_HOST)
		return "too many fetches at a time of this host for one trunk";
	if (!bucket_has(h->tat, now_ns, FETCH_HOST_RATE, BUDGET_HOST_BURST))
		return "too many fetches per second of this host";
	return NULL;
}

static const char *trunk_fault(const struct trunk *t, enum kind kind, uint64_t now_ns)
{
	unsigned burst = BUDGET_BURST - (kind == KIND_STRANGER ? BUDGET_BURST_SPARE : 0);

	if (t->active >= BUDGET_TRUNK_ALL || (kind == KIND_STRANGER && t->strangers >= BUDGET_TRUNK_MAX))
		return "too many fetches at a time of this trunk";
	if (!bucket_has(t->tat, now_ns, FETCH_TRUNK_RATE, burst))
		return "too many fetches per second of this trunk";
	return NULL;
}

static const char *take_fault(const struct budget *b, const struct budget_ticket *k, enum kind kind,
			      uint64_t now_ns)
{
	const char *why = shared_fault(b, kind, now_ns);

	/* strangers can use up the buckets of the host that our CRL is at: they do not bind our own */
	if (why || kind == KIND_OURS)
		return why;
	why = host_fault(k->host, k->slot, now_ns);
	return why ? why : trunk_fault(k->trunk, kind, now_ns);
}

int budget_take(struct budget *b, const char *host, uint32_t slot, uint64_t now_ns,
		struct budget_ticket *ret, const char **reterr_text)
{
	bool is_ours = slot == BUDGET_OURS;
	struct budget_ticket k = { .host = host_get(b, host, now_ns), .slot = slot,
				   .trunk = is_ours ? NULL : trunk_get(b, slot, now_ns) };
	enum kind kind;
	const char *why;

	if (!k.host || (!k.trunk && !is_ours))
		return -ENOMEM;
	kind = is_ours ? KIND_OURS : k.host->is_known ? KIND_KNOWN : KIND_STRANGER;
	why = take_fault(b, &k, kind, now_ns);
	if (why) {
		*reterr_text = why;
		return -EAGAIN;
	}
	k.is_stranger = kind == KIND_STRANGER;
	b->active++;
	k.host->active++;
	if (k.trunk) {
		bucket_take(&k.host->tat, now_ns, FETCH_HOST_RATE);
		bucket_take(&k.trunk->tat, now_ns, FETCH_TRUNK_RATE);
		k.host->slots[k.host->slot_cnt++] = slot; /* below FETCH_HOST_MAX: host_fault() */
		k.trunk->active++;
		k.trunk->strangers += k.is_stranger;
	}
	*ret = k;
	return 0;
}

void budget_drop(struct budget *b, const struct budget_ticket *k)
{
	b->active--;
	k->host->active--;
	if (!k->trunk)
		return;
	host_leave(k->host, k->slot);
	k->trunk->active--;
	k->trunk->strangers -= k->is_stranger;
}

void budget_give(struct budget *b, const struct budget_ticket *k, const struct fetch_result *r)
{
	struct host *h = k->host;

	budget_drop(b, k);
	/* an answer of any kind: made-up paths of a good host do not make it a stranger */
	h->is_known = r->status != 0 && r->error != -ETIMEDOUT;
	if (r->error == 0) {
		h->is.ok++;
		return;
	}
	h->is.failed++;
	snprintf(h->is.last_error, sizeof(h->is.last_error), "%s", r->text);
}

void budget_hung(struct budget *b, uint64_t now_ns)
{
	b->hung[b->hung_at++ % BUDGET_HUNG_MAX] = now_ns + BUDGET_HUNG_NS;
}

static int worse(const void *a, const void *b)
{
	const struct fetch_host *x = &(*(struct host *const *)a)->is, *y = &(*(struct host *const *)b)->is;

	if (x->failed != y->failed)
		return x->failed > y->failed ? -1 : 1;
	return strcmp(x->host, y->host);
}

unsigned budget_hosts(const struct budget *b, struct fetch_host *ret, unsigned max)
{
	struct host *all[BUDGET_HOSTS_MAX], *h, *next;
	unsigned cnt = 0;

	HASH_ITER(hh, b->hosts, h, next) {
		if (cnt < BUDGET_HOSTS_MAX && (h->is.ok || h->is.failed))
			all[cnt++] = h;
	}
	qsort(all, cnt, sizeof(*all), worse);
	if (cnt > max)
		cnt = max;
	for (unsigned i = 0; i < cnt; i++)
		ret[i] = all[i]->is;
	return cnt;
}
