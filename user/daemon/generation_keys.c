/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/credentials.h"
#include "daemon/generation_internal.h"

int key_give(struct sipseald *d, uint32_t key, const struct assembled_credential *a,
	     const char *cert_root, char reterr[SIGNER_ERR_LEN])
{
	CLEANUP(closep) int fd = -1;
	struct handover_msg m = { .type = HANDOVER_CREDENTIAL, .credential = { .id = key } };
	char path[32], text[SIGNER_ERR_LEN] = "";
	int r;

	/* each signer reads from a description of its own (offsets are shared otherwise), and from
	 * the file that goes with the certificate we hold, even where another one has taken its
	 * name meanwhile */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", a->key_fd);
	fd = a->key_fd >= 0 ? open(path, O_RDONLY | O_CLOEXEC)
			    : confined_open(cert_root, a->key_path, true);
	if (fd < 0) {
		snprintf(reterr, SIGNER_ERR_LEN, "%.200s: %s", a->key_path,
			 credentials_key_error(a->key_fd >= 0 ? -errno : fd));
		return 1;
	}
	memcpy(m.credential.point, a->info->point, CERT_POINT_LEN);
	r = signer_proc_call(&d->signer, &m, &fd, 1, text);
	if (r > 0)
		snprintf(reterr, SIGNER_ERR_LEN, "%.150s (with %.150s): %.150s", a->key_path,
			 a->cert_path, text);
	else if (r)
		snprintf(reterr, SIGNER_ERR_LEN, "%.250s", text);
	return r;
}

int key_drop(struct sipseald *d, uint32_t key)
{
	struct handover_msg m = { .type = HANDOVER_CREDENTIAL_DROP, .credential = { .id = key } };
	char text[SIGNER_ERR_LEN] = "";
	int r;

	if (!d->signer.pid)
		return 0; /* they went with it */
	r = signer_proc_call(&d->signer, &m, NULL, 0, text);
	if (r < 0)
		log_warning("event=key_drop key=%u reason=\"%s\"", key, text);
	return r < 0 ? r : 0;
}

/* Return: as key_give(). */
static int give_one(struct sipseald *d, struct live_credential *c, char *reterr)
{
	char text[SIGNER_ERR_LEN] = "";
	int r = key_give(d, c->key, &c->now, d->gateway->cert_root, text);

	c->is_refused = r > 0;
	if (r)
		snprintf(reterr, SIGNER_ERR_LEN, "%.500s", text);
	return r;
}

int generation_keys_give(struct sipseald *d, bool is_first, char *reterr)
{
	struct live_credential *c, *next;

	/* a new signer knows none of those that wait to be dropped */
	while (d->live->retired_cnt)
		rest_give(&d->live->key_rest, d->live->retired[--d->live->retired_cnt],
			  clock_mono_ns(), d->generation);
	HASH_ITER(hh, d->live->credentials, c, next)
	{
		int r = c->now.info ? give_one(d, c, reterr) : 0;

		if (r > 0 && !is_first) {
			log_err("event=key_refused file=%s reason=\"%s\"", c->now.key_path, reterr);
			continue;
		}
		if (r)
			return r;
	}
	return 0;
}
