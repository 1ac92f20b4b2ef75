/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/log.h"
#include "daemon/callevents_internal.h"

#define BUFFER_LEN (256 * 1024) /* some 400 events; more in one turn take another write */
#define LOG_EVERY_NS (60ull * 1000000000)

struct event_sink {
	int fd;
	char *path;
	bool is_mid_line; /* the file ends within a line: ours could not be taken back, or that of a
			     daemon that died */
	int error;	  /* errno of the last failure */
	uint64_t lost;	  /* lines since the last flush that told them */
	uint64_t lost_unlogged, logged_ns;
	size_t len;
	char buffer[BUFFER_LEN];
};

void event_sink_close(struct event_sink *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	free(s->path);
	free(s);
}

/* Return: descriptor, or negative errno.  Neither a FIFO nor a device: those may block. */
static int open_file(const char *path)
{
	const int flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	CLEANUP(closep) int fd = open(path, flags);
	struct stat st;

	if (fd < 0 && errno == ENOENT) {
		fd = open(path, flags | O_CREAT | O_EXCL, 0640);
		if (fd >= 0 && fchmod(fd, 0640) < 0) /* whatever the umask */
			return -errno;
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return TAKE_FD(fd);
}

static bool ends_mid_line(int fd)
{
	struct stat st;
	char last;

	return fstat(fd, &st) == 0 && st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 &&
	       last != '\n';
}

int event_sink_open(const char *path, struct event_sink **ret)
{
	CLEANUP(event_sink_closep) struct event_sink *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->fd = open_file(path);
	if (s->fd < 0)
		return s->fd;
	s->path = strdup(path);
	if (!s->path)
		return -ENOMEM;
	s->is_mid_line = ends_mid_line(s->fd);
	*ret = TAKE(s);
	return 0;
}

static size_t lines_in(const char *p, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += p[i] == '\n';
	return n;
}

/* Return: bytes that were written; less than @len: s->error. */
static size_t write_all(struct event_sink *s, const char *p, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(s->fd, p + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			s->error = n < 0 ? errno : EIO;
			break;
		}
		done += (size_t)n;
	}
	return done;
}

/* The last @len bytes are part of a line: away with them. */
static void take_back(struct event_sink *s, size_t len)
{
	struct stat st;

	s->is_mid_line = fstat(s->fd, &st) < 0 || st.st_size < (off_t)len ||
			 ftruncate(s->fd, st.st_size - (off_t)len) < 0;
}

static void write_lines(struct event_sink *s)
{
	size_t done = 0, whole;

	if (s->is_mid_line)
		s->is_mid_line = write_all(s, "\n", 1) != 1;
	if (!s->is_mid_line)
		done = write_all(s, s->buffer, s->len);
	for (whole = done; whole && s->buffer[whole - 1] != '\n'; whole--)
		;
	if (whole < done)
		take_back(s, done - whole);
	s->lost += lines_in(s->buffer + whole, s->len - whole);
	s->len = 0;
}

void event_sink_add(struct event_sink *s, const char *line, size_t len)
{
	if (len > sizeof(s->buffer) - s->len)
		write_lines(s);
	memcpy(s->buffer + s->len, line, len);
	s->len += len;
}

uint64_t event_sink_flush(struct event_sink *s, uint64_t now_ns)
{
	uint64_t lost;

	if (s->len)
		write_lines(s);
	lost = s->lost;
	s->lost = 0;
	s->lost_unlogged += lost;
	if (s->lost_unlogged && (!s->logged_ns || now_ns - s->logged_ns >= LOG_EVERY_NS)) {
		log_err("event=events_file_lost file=%s lines=%llu error=\"%s\"", s->path,
			(unsigned long long)s->lost_unlogged, strerror(s->error));
		s->lost_unlogged = 0;
		s->logged_ns = now_ns;
	}
	return lost;
}
