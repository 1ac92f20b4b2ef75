/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * checks - the first steps of a start: is all there that a gateway needs?  What is not has been logged, with the
 * remedy; all of it, where that can be told at once.
 */
#ifndef SIPSEAL_DAEMON_CHECKS_H
#define SIPSEAL_DAEMON_CHECKS_H

struct sipseald;

/** checks_machine() - capabilities, bpffs, our programs and their users, forwarding.  Return: enum daemon_exit. */
int checks_machine(struct sipseald *d);

/** checks_nics() - what the mode needs (topology.h), the NICs, how many workers.  Nobody else works on the pins any
 * more.  Return: enum daemon_exit. */
int checks_nics(struct sipseald *d);

#endif
