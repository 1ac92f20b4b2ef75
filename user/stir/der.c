/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>

#include "stir/der.h"

int der_next(struct der *d, uint8_t *ret_tag, struct der *ret_value)
{
	size_t head = 2, len;

	if (d->len < 2)
		return -EBADMSG;
	len = d->p[1];
	if (len == 0x80 || len > 0x82) /* indefinite; 64 KiB is far over any certificate we read */
		return -EBADMSG;
	if (len > 0x80) {
		head += len - 0x80;
		if (d->len < head)
			return -EBADMSG;
		len = head == 3 ? d->p[2] : (size_t)d->p[2] << 8 | d->p[3];
		if (len < (head == 3 ? 0x80 : 0x100))
			return -EBADMSG;
	}
	if (len > d->len - head)
		return -EBADMSG;
	*ret_tag = d->p[0];
	*ret_value = (struct der){ d->p + head, len };
	*d = (struct der){ d->p + head + len, d->len - head - len };
	return 0;
}

int der_expect(struct der *d, uint8_t tag, struct der *ret_value)
{
	struct der rest = *d, value;
	uint8_t got;

	if (der_next(&rest, &got, &value) < 0 || got != tag)
		return -EBADMSG;
	*ret_value = value;
	*d = rest;
	return 0;
}
