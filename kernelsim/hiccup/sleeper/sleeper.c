/* A thread on each processor that only sleeps, to tell when the machine is late.
 *
 *   sleeper EVERY_NS ALLOWED_NS
 *
 * Each sleeps in clock_nanosleep(2) until the next of its points in time, EVERY_NS apart.
 * It misses one where it wakes more than ALLOWED_NS after it. READY is printed when all
 * sleep. At the end of standard input they stop, and print, in ns of CLOCK_MONOTONIC,
 *
 *   log FROM UNTIL FIRST          all slept from, until; 1 when they went before all others
 *   sleeper CPU POINTS WORST      and for each of its misses:
 *   miss LAST DUE WOKE            when it woke the time before, was to wake, and did
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* A stack holds run() and what it calls. Users may keep few pages in memory: 8 MiB mostly,
 * and as much is a thread's stack by default. */
enum { HIGHEST = -20, MOST = 1 << 20, STACK = 64 << 10 };

struct miss { int64_t last, due, woke; };

struct sleeper {
	pthread_t thread;
	int cpu, first;
	int64_t from, until, points, worst;
	struct miss *misses;
	size_t missed, room;
};

static int64_t every, allowed;
static atomic_int stop;
static pthread_barrier_t up;

static void die(const char *what) {
	perror(what);
	exit(1);
}

static int64_t now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void note(struct sleeper *s, int64_t last, int64_t due, int64_t woke) {
	if (s->missed == s->room) {
		s->room = s->room ? 2 * s->room : 1024;
		if (s->room > MOST || !(s->misses = realloc(s->misses, s->room * sizeof *s->misses))) {
			fprintf(stderr, "sleeper: too many misses\n");
			exit(1);
		}
	}
	s->misses[s->missed++] = (struct miss){last, due, woke};
}

/* settle binds the thread and puts it before others: into the real-time class, where its
 * few microseconds make nobody wait, or as far up as it may. */
static void settle(struct sleeper *s) {
	cpu_set_t where;
	CPU_ZERO(&where);
	CPU_SET(s->cpu, &where);
	if (pthread_setaffinity_np(pthread_self(), sizeof where, &where) != 0) {
		fprintf(stderr, "sleeper: processor %d: not ours\n", s->cpu);
		exit(1);
	}
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0); /* else timers may be 50 us late on purpose */
	struct sched_param p = {.sched_priority = 1};
	s->first = pthread_setschedparam(pthread_self(), SCHED_FIFO, &p) == 0;
	if (!s->first)
		setpriority(PRIO_PROCESS, 0, HIGHEST); /* of this thread */
}

static void *run(void *arg) {
	struct sleeper *s = arg;
	settle(s);
	pthread_barrier_wait(&up);
	pthread_barrier_wait(&up); /* now from is set */
	int64_t last = s->from;
	for (int64_t due = s->from + every;; due += every) {
		struct timespec t = {.tv_sec = due / 1000000000, .tv_nsec = due % 1000000000};
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
			;
		int64_t woke = now();
		s->points++;
		if (woke - due > s->worst)
			s->worst = woke - due;
		if (woke - due > allowed)
			note(s, last, due, woke);
		s->until = last = woke;
		if (atomic_load(&stop))
			return NULL;
	}
}

int main(int argc, char **argv) {
	if (argc != 3 || (every = atoll(argv[1])) < 1000 || (allowed = atoll(argv[2])) <= 0) {
		fprintf(stderr, "usage: sleeper EVERY_NS ALLOWED_NS, at least 1000 and more than 0\n");
		return 2;
	}
	cpu_set_t may;
	if (sched_getaffinity(0, sizeof may, &may) != 0)
		die("sched_getaffinity");
	int n = CPU_COUNT(&may);
	struct sleeper *all = calloc(n, sizeof *all);
	if (!all)
		die("calloc");
	pthread_attr_t small;
	if (pthread_attr_init(&small) != 0 || pthread_attr_setstacksize(&small, STACK) != 0)
		die("pthread_attr_setstacksize");
	pthread_barrier_init(&up, NULL, n + 1);
	for (int i = 0, cpu = 0; i < n; cpu++) {
		if (!CPU_ISSET(cpu, &may))
			continue;
		all[i].cpu = cpu;
		if (pthread_create(&all[i].thread, &small, run, &all[i]) != 0)
			die("pthread_create");
		i++;
	}
	pthread_barrier_wait(&up);
	mlockall(MCL_CURRENT); /* or not: where it may not, a page may be missing once */
	int64_t from = now(), until = INT64_MAX;
	int first = 1;
	for (int i = 0; i < n; i++) {
		all[i].from = from + every * i / n; /* they do not all disturb at once */
		first &= all[i].first;
	}
	pthread_barrier_wait(&up);
	puts("READY");
	fflush(stdout);
	char c;
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	atomic_store(&stop, 1);
	for (int i = 0; i < n; i++) {
		pthread_join(all[i].thread, NULL);
		if (all[i].until < until)
			until = all[i].until;
	}
	printf("log %lld %lld %d\n", (long long)from, (long long)until, first);
	for (int i = 0; i < n; i++) {
		struct sleeper *s = &all[i];
		printf("sleeper %d %lld %lld\n", s->cpu, (long long)s->points, (long long)s->worst);
		for (size_t k = 0; k < s->missed; k++)
			printf("miss %lld %lld %lld\n", (long long)s->misses[k].last, (long long)s->misses[k].due, (long long)s->misses[k].woke);
	}
	return fflush(stdout) != 0;
}
