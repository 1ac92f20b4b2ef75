/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log - one line per event on stderr, `event=NAME key=value ...`.
 *
 * Levels: err = the operator must act; warning = we go on without; notice = a state changed;
 * info = off the hot path; debug = anything.  Only daemon/, the processes' main.c and cli/ log
 * above debug; all others return errors.  Under systemd ($JOURNAL_STREAM) lines get <N> prefixes.
 * Threads: any.
 */
#ifndef SIPSEAL_LOG_H
#define SIPSEAL_LOG_H

enum log_level { LOG_L_ERR = 3, LOG_L_WARNING = 4, LOG_L_NOTICE = 5, LOG_L_INFO = 6, LOG_L_DEBUG = 7 };

/** log_set_level() - lines above this level are not written (default: notice). */
void log_set_level(enum log_level level);

/** log_set_name() - process name at the start of each line; a string that stays. */
void log_set_name(const char *name);

void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_err(...)     log_line(LOG_L_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_L_WARNING, __VA_ARGS__)
#define log_notice(...)  log_line(LOG_L_NOTICE, __VA_ARGS__)
#define log_info(...)    log_line(LOG_L_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_L_DEBUG, __VA_ARGS__)

#endif
