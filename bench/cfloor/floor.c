/* The floor: what a trip over a Unix stream socket costs in C.
 *
 *   floor serve PATH REPLY_BYTES
 *   floor ask PATH HELLO_FILE FRAMES_FILE WINDOW CONNECTIONS WARM_MS RUN_MS [PID...]
 *
 * A frame is a 32-bit big-endian length and that many bytes. The server answers every
 * frame with one of REPLY_BYTES; it blocks in read and serves one connection at a time.
 * The client sends frames from a file, keeps WINDOW of them in flight on
 * each connection and takes any frames as answers: it can ask this server or ml-bridge,
 * whose hello (HELLO_FILE, may be empty) it sends first.
 *
 * Output: a line "calls ns cpu_ns", where ns is the measured time and cpu_ns the CPU time
 * of this process and the PIDs in it; then each latency in ns as an unsigned 32-bit
 * little-endian number. With WINDOW > 1 the k-th answer counts as that of the k-th
 * frame, so a server that answers out of order only moves time between calls. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 1 << 16, MAX_WINDOW = 64, MAX_CONNS = 64, MAX_CALLS = 1 << 25 };

static void die(const char *what) {
	perror(what);
	exit(1);
}

static uint64_t clock_ns(clockid_t id) {
	struct timespec t;
	if (clock_gettime(id, &t) < 0) return 0; /* a server that is gone */
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t now(void) { return clock_ns(CLOCK_MONOTONIC); }

/* The CPU clock of another process; the arithmetic is clock_getcpuclockid(3)'s. */
static uint64_t cpu_of(char **pids) {
	uint64_t sum = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	for (; *pids; pids++) sum += clock_ns((clockid_t)((~(unsigned)atoi(*pids)) << 3 | 2));
	return sum;
}

static uint32_t length_at(const uint8_t *p) {
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Whole frames at the front of b; *used gets their bytes. */
static int frames_in(const uint8_t *b, size_t n, size_t *used) {
	int found = 0;
	*used = 0;
	while (n - *used >= 4 && n - *used >= 4 + (size_t)length_at(b + *used)) {
		*used += 4 + (size_t)length_at(b + *used);
		found++;
	}
	return found;
}

static void write_all(int fd, const uint8_t *b, size_t n) {
	while (n > 0) {
		ssize_t w = write(fd, b, n);
		if (w < 0 && errno == EINTR) continue;
		if (w <= 0) die("write");
		b += w;
		n -= (size_t)w;
	}
}

static struct sockaddr_un address(const char *path) {
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof a.sun_path) {
		fprintf(stderr, "floor: socket path too long\n");
		exit(2);
	}
	strcpy(a.sun_path, path);
	return a;
}

/* ---- server ---- */

static void serve_one(int fd, size_t reply_bytes) {
	static uint8_t in[BUFFER], out[BUFFER];
	size_t have = 0, used;
	uint32_t n = (uint32_t)reply_bytes - 4;
	for (;;) {
		ssize_t r = read(fd, in + have, sizeof in - have);
		if (r < 0 && errno == EINTR) continue;
		if (r <= 0) return;
		have += (size_t)r;
		size_t fill = 0;
		for (int k = frames_in(in, have, &used); k > 0; k--) {
			if (fill + reply_bytes > sizeof out) {
				write_all(fd, out, fill);
				fill = 0;
			}
			uint8_t head[4] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
			memcpy(out + fill, head, 4);
			fill += reply_bytes;
		}
		if (fill > 0) write_all(fd, out, fill);
		memmove(in, in + used, have - used);
		have -= used;
	}
}

static int serve(const char *path, size_t reply_bytes) {
	struct sockaddr_un a = address(path);
	int ln = socket(AF_UNIX, SOCK_STREAM, 0);
	if (reply_bytes < 4 || reply_bytes > BUFFER) return 2;
	if (ln < 0 || bind(ln, (struct sockaddr *)&a, sizeof a) < 0 || listen(ln, 128) < 0) die("listen");
	puts("READY");
	fflush(stdout);
	for (;;) {
		int fd = accept(ln, NULL, NULL);
		if (fd < 0) die("accept");
		serve_one(fd, reply_bytes);
		close(fd);
	}
}

/* ---- client ---- */

struct conn {
	int fd;
	size_t have, next; /* bytes in in[]; index of the frame to send next */
	unsigned sent, answered;
	uint64_t at[MAX_WINDOW]; /* when the frames in flight left, by sent % MAX_WINDOW */
	uint8_t in[BUFFER];
};

static struct {
	uint8_t *bytes;
	size_t *start, count; /* count frames; start has count + 1 entries */
} frames;

static uint32_t *latency;
static size_t calls;
static int recording;

static uint8_t *read_file(const char *path, size_t *n) {
	struct stat st;
	FILE *f = fopen(path, "rb");
	if (!f || fstat(fileno(f), &st) < 0) die(path);
	uint8_t *b = malloc((size_t)st.st_size + 1);
	*n = fread(b, 1, (size_t)st.st_size, f);
	fclose(f);
	return b;
}

static void load_frames(const char *path) {
	size_t n, at = 0, used;
	frames.bytes = read_file(path, &n);
	frames.count = (size_t)frames_in(frames.bytes, n, &used);
	if (frames.count == 0 || used != n) {
		fprintf(stderr, "floor: %s: no whole frames\n", path);
		exit(2);
	}
	frames.start = malloc((frames.count + 1) * sizeof *frames.start);
	for (size_t i = 0; i <= frames.count; i++) {
		frames.start[i] = at;
		if (i < frames.count) at += 4 + (size_t)length_at(frames.bytes + at);
	}
}

static void open_conn(struct conn *c, const char *path, const uint8_t *hello, size_t n, size_t first) {
	struct sockaddr_un a = address(path);
	c->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&a, sizeof a) < 0) die("connect");
	c->next = first;
	if (n == 0) return;
	write_all(c->fd, hello, n);
	size_t used = 0;
	while (used == 0) {
		ssize_t r = read(c->fd, c->in + c->have, sizeof c->in - c->have);
		if (r <= 0) die("hello");
		c->have += (size_t)r;
		frames_in(c->in, c->have, &used);
	}
	c->have = 0;
}

/* Fills the window: one write unless the frames' end comes between. */
static void ask(struct conn *c, unsigned window) {
	while (c->sent - c->answered < window) {
		size_t k = window - (c->sent - c->answered);
		if (k > frames.count - c->next) k = frames.count - c->next;
		uint64_t t = now();
		for (size_t i = 0; i < k; i++) c->at[(c->sent + i) % MAX_WINDOW] = t;
		write_all(c->fd, frames.bytes + frames.start[c->next], frames.start[c->next + k] - frames.start[c->next]);
		c->sent += (unsigned)k;
		c->next = (c->next + k) % frames.count;
	}
}

static void take(struct conn *c) {
	size_t used;
	ssize_t r = read(c->fd, c->in + c->have, sizeof c->in - c->have);
	if (r <= 0) die("read");
	c->have += (size_t)r;
	int k = frames_in(c->in, c->have, &used);
	if (k == 0) return;
	uint64_t t = now();
	for (; k > 0; k--, c->answered++)
		if (recording && calls < MAX_CALLS) latency[calls++] = (uint32_t)(t - c->at[c->answered % MAX_WINDOW]);
	memmove(c->in, c->in + used, c->have - used);
	c->have -= used;
}

/* One connection blocks in read; several are waited for together. */
static void run(struct conn *cs, int n, unsigned window, uint64_t ms, int ep) {
	uint64_t end = now() + ms * 1000000u;
	struct epoll_event ready[MAX_CONNS];
	while (now() < end) {
		if (n == 1) {
			ask(cs, window);
			take(cs);
			continue;
		}
		for (int i = epoll_wait(ep, ready, MAX_CONNS, 100); i > 0; i--) {
			struct conn *c = ready[i - 1].data.ptr;
			take(c);
			ask(c, window);
		}
	}
}

static int client(char **arg) {
	static struct conn cs[MAX_CONNS];
	size_t hello_n;
	uint8_t *hello = read_file(arg[1], &hello_n);
	unsigned window = (unsigned)atoi(arg[3]);
	int n = atoi(arg[4]), ep = epoll_create1(0);
	if (window < 1 || window > MAX_WINDOW || n < 1 || n > MAX_CONNS) return 2;
	load_frames(arg[2]);
	latency = malloc(MAX_CALLS * sizeof *latency);
	for (int i = 0; i < n; i++) {
		open_conn(&cs[i], arg[0], hello, hello_n, frames.count * (size_t)i / (size_t)n);
		struct epoll_event e = {.events = EPOLLIN, .data.ptr = &cs[i]};
		if (epoll_ctl(ep, EPOLL_CTL_ADD, cs[i].fd, &e) < 0) die("epoll_ctl");
		ask(&cs[i], window);
	}
	run(cs, n, window, strtoull(arg[5], NULL, 10), ep);
	recording = 1;
	uint64_t cpu = cpu_of(arg + 7), began = now();
	run(cs, n, window, strtoull(arg[6], NULL, 10), ep);
	uint64_t took = now() - began;
	cpu = cpu_of(arg + 7) - cpu;
	printf("%zu %llu %llu\n", calls, (unsigned long long)took, (unsigned long long)cpu);
	fwrite(latency, sizeof *latency, calls, stdout);
	return fflush(stdout) == 0 ? 0 : 1;
}

int main(int argc, char **argv) {
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc == 4 && strcmp(argv[1], "serve") == 0) return serve(argv[2], (size_t)atoi(argv[3]));
	if (argc >= 9 && strcmp(argv[1], "ask") == 0) return client(argv + 2);
	fprintf(stderr, "usage: floor serve PATH REPLY_BYTES | floor ask PATH HELLO FRAMES WINDOW CONNS WARM_MS RUN_MS [PID...]\n");
	return 2;
}
