/* What a fixed rate costs in C: the floor of the tails.
 *
 *   pace sleep CORE RATE MS
 *   pace spin CORE NICE
 *   pace ask PATH FRAMES_FILE RATE WARM_MS RUN_MS
 *
 * sleep is a thread on one core that does nothing but sleep in clock_nanosleep until its
 * next time, RATE times a second, and note how late it was: what the machine does to
 * somebody who wants nothing of it. ask sends a frame at each such time, waits for the
 * answer and notes how long after the intended time it came; when an answer is late, the
 * next call is late too and counts from when it was meant. ask stops sleeping 80 µs
 * before its time and spins, as the benchmark's client in Go does.
 *
 * spin keeps a core busy for ever, NICE as in nice(1): the contention.
 *
 * Output: a line "start_ns interval_ns count", where start is on CLOCK_MONOTONIC; then
 * each latency or lateness in ns as an unsigned 32-bit little-endian number, the k-th of
 * the time start + k * interval. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 1 << 16, SPIN_NS = 80000 };

static void die(const char *what) {
	perror(what);
	exit(1);
}

static uint64_t now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void sleep_until(uint64_t t) {
	struct timespec at = {.tv_sec = (time_t)(t / 1000000000u), .tv_nsec = (long)(t % 1000000000u)};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0) {
	}
}

static uint32_t since(uint64_t t) {
	uint64_t late = now() - t;
	return late > UINT32_MAX ? UINT32_MAX : (uint32_t)late;
}

static int print(uint64_t start, uint64_t interval, const uint32_t *v, size_t n) {
	printf("%llu %llu %zu\n", (unsigned long long)start, (unsigned long long)interval, n);
	fwrite(v, sizeof *v, n, stdout);
	return fflush(stdout) == 0 ? 0 : 1;
}

/* Times a second and milliseconds to an interval and a count. */
static void schedule(const char *rate, const char *ms, uint64_t *interval, size_t *count) {
	uint64_t r = strtoull(rate, NULL, 10);
	if (r < 1 || r > 1000000) exit(2);
	*interval = 1000000000u / r;
	*count = (size_t)(strtoull(ms, NULL, 10) * 1000000u / *interval);
}

static void pin(const char *core) {
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET(atoi(core), &one);
	if (sched_setaffinity(0, sizeof one, &one) < 0) die("affinity");
}

_Noreturn static void spin(char **arg) {
	pin(arg[0]);
	if (setpriority(PRIO_PROCESS, 0, atoi(arg[1])) < 0) die("setpriority");
	puts("READY");
	fflush(stdout);
	for (volatile uint64_t turns = 0;; turns++) {
	}
}

static int sleeper(char **arg) {
	uint64_t interval;
	size_t count;
	pin(arg[0]);
	prctl(PR_SET_TIMERSLACK, 1); /* no part of the lateness is of our own asking */
	schedule(arg[1], arg[2], &interval, &count);
	uint32_t *late = calloc(count + 1, sizeof *late);
	uint64_t start = now() + 2000000;
	for (size_t i = 0; i < count; i++) {
		sleep_until(start + i * interval);
		late[i] = since(start + i * interval);
	}
	return print(start, interval, late, count);
}

static uint32_t length_at(const uint8_t *p) {
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Sends a frame and waits for the answer to it. */
static void call(int fd, const uint8_t *frame, size_t n) {
	static uint8_t in[BUFFER];
	size_t have = 0;
	if (write(fd, frame, n) != (ssize_t)n) die("write"); /* a frame is far shorter than the socket's buffer */
	while (have < 4 || have < 4 + (size_t)length_at(in)) {
		ssize_t r = read(fd, in + have, sizeof in - have);
		if (r <= 0) die("read");
		have += (size_t)r;
	}
}

static uint8_t *read_file(const char *path, size_t *n) {
	struct stat st;
	FILE *f = fopen(path, "rb");
	if (!f || fstat(fileno(f), &st) < 0) die(path);
	uint8_t *b = malloc((size_t)st.st_size + 1);
	*n = fread(b, 1, (size_t)st.st_size, f);
	fclose(f);
	return b;
}

static int dial(const char *path) {
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (strlen(path) >= sizeof a.sun_path) exit(2);
	strcpy(a.sun_path, path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) < 0) die("connect");
	return fd;
}

static int ask(char **arg) {
	size_t n, at = 0, warm, count;
	uint64_t interval;
	uint8_t *frames = read_file(arg[1], &n);
	int fd = dial(arg[0]);
	schedule(arg[2], arg[3], &interval, &warm);
	schedule(arg[2], arg[4], &interval, &count);
	uint32_t *latency = calloc(count + 1, sizeof *latency);
	prctl(PR_SET_TIMERSLACK, 1); /* as the client in Go */
	uint64_t start = now() + 2000000;
	for (size_t i = 0; i < warm + count; i++) {
		uint64_t t = start + i * interval;
		if (t > now() + SPIN_NS) sleep_until(t - SPIN_NS);
		while (now() < t) {
		}
		call(fd, frames + at, 4 + (size_t)length_at(frames + at));
		if (i >= warm) latency[i - warm] = since(t);
		at += 4 + (size_t)length_at(frames + at);
		if (at >= n) at = 0;
	}
	return print(start + warm * interval, interval, latency, count);
}

int main(int argc, char **argv) {
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc == 5 && strcmp(argv[1], "sleep") == 0) return sleeper(argv + 2);
	if (argc == 4 && strcmp(argv[1], "spin") == 0) spin(argv + 2);
	if (argc == 7 && strcmp(argv[1], "ask") == 0) return ask(argv + 2);
	fprintf(stderr, "usage: pace sleep CORE RATE MS | pace spin CORE NICE | pace ask PATH FRAMES RATE WARM_MS RUN_MS\n");
	return 2;
}
