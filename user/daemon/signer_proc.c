/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/signer_proc.h"

static const struct proc_kind signer = {
	.program = "sipseal-signer",
	.user = SIGNER_USER,
	.name = "the signer",
	.version = HANDOVER_VERSION,
	.result = HANDOVER_RESULT,
	.msg_len = sizeof(struct handover_msg),
	.text_at = offsetof(struct handover_msg, text),
	.text_len = sizeof(((struct handover_msg *)0)->text),
	/* An answer takes microseconds, START as long as it takes to make the threads.  A machine that
	 * swaps may need seconds; a signer that hangs must not hang us for ever. */
	.timeout_ms = 5000,
	.stop_ms = 2000, /* it has to finish a batch and wipe keys: milliseconds */
};

int signer_proc_init(struct proc *p, const char *libexec, char reterr[SIGNER_ERR_LEN])
{
	return proc_init(p, &signer, libexec, reterr);
}

int signer_proc_spawn(struct proc *p, char reterr[SIGNER_ERR_LEN])
{
	return proc_spawn(p, &signer, reterr);
}

int signer_proc_call(struct proc *p, struct handover_msg *m, const int *fds, unsigned fd_cnt,
		     char reterr[SIGNER_ERR_LEN])
{
	struct handover_msg result;
	int r = proc_call(p, &signer, m, fds, fd_cnt, &result, reterr);

	m->error = r == 1 ? result.error : 0;
	return r;
}

void signer_proc_stop(struct proc *p)
{
	proc_stop(p, &signer);
}
