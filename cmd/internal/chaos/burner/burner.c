/* Threads that take the processors when others did, and do nothing else.
 *
 * Standard input says when, in ns but for the first two numbers of either line:
 *
 *   THREADS PERIOD
 *   RUNS AT FOR AT FOR ...      for each thread
 *
 * A thread computes at each AT for so long as FOR says, by its own CPU clock, and sleeps
 * in between; after a period from the beginning. A run that it could not begin in time, or
 * that took longer, makes the next ones late and not shorter. READY is printed when all of
 * them begin. They end when they are killed.
 *
 * To read a thread's CPU clock has the kernel bring its books up to date, and a scheduler
 * that does so finds out at once whose turn it is: a thread that looked again and again gave
 * way to others that a peer would have kept waiting for a third longer. So it is read only
 * when the time that was missing has passed by the clock on the wall.
 *
 * It is in C because Go's runtime has threads of its own, which would take the processors
 * besides: half as much again as a peer that uses little.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

struct burner {
	pthread_t thread;
	int64_t runs, *at, *used; /* used is what is to be used by the end of a run, in the period */
};

static int64_t period, began;

static int64_t now(clockid_t clock) {
	struct timespec t;
	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void *burn(void *arg) {
	const struct burner *b = arg;
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	int64_t first = now(CLOCK_THREAD_CPUTIME_ID);
	for (int64_t round = 0;; round++)
		for (int64_t i = 0; i < b->runs; i++) {
			int64_t at = began + round * period + b->at[i];
			int64_t due = first + round * b->used[b->runs - 1] + b->used[i];
			struct timespec t = {.tv_sec = at / 1000000000, .tv_nsec = at % 1000000000};
			while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
				;
			for (int64_t left; (left = due - now(CLOCK_THREAD_CPUTIME_ID)) > 0;)
				for (int64_t until = now(CLOCK_MONOTONIC) + left; now(CLOCK_MONOTONIC) < until;)
					;
		}
}

static int64_t number(int64_t least) {
	int64_t n;
	if (scanf("%" SCNd64, &n) != 1 || n < least) {
		fprintf(stderr, "burner: the input makes no sense\n");
		exit(2);
	}
	return n;
}

int main(void) {
	int64_t n = number(0);
	period = number(1);
	struct burner *all = calloc(n + 1, sizeof *all);
	for (int64_t i = 0; i < n; i++) {
		struct burner *b = &all[i];
		b->runs = number(1);
		b->at = calloc(b->runs, sizeof *b->at);
		b->used = calloc(b->runs, sizeof *b->used);
		int64_t used = 0;
		for (int64_t k = 0; k < b->runs; k++) {
			b->at[k] = number(0);
			b->used[k] = used += number(1);
		}
	}
	began = now(CLOCK_MONOTONIC);
	for (int64_t i = 0; i < n; i++)
		if (pthread_create(&all[i].thread, NULL, burn, &all[i]) != 0) {
			perror("burner: pthread_create");
			return 1;
		}
	fprintf(stderr, "READY\n");
	for (;;)
		pause();
}
