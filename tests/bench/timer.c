/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timer: how long commands take, from fork to the end of wait.
 *
 *   timer [--rounds N] [--warmup N] [--before CMD] -- NAME cmd... ::: NAME cmd... [::: ...]
 *
 * The commands run in turn (A B C A B C ...), so that whatever disturbs the machine disturbs all of
 * them alike. --before is run by sh ahead of every sample, outside the measured time, with NAME as
 * $1. Every command must exit with 0: the time of a failure means nothing.
 *
 * Prints one line per command, microseconds: NAME MEDIAN MIN P90 SPREAD, where SPREAD is the
 * distance between the quartiles.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_COMMANDS 16

extern char **environ;

struct command {
	char *name;
	char **argv;
	double *us, *cpu;
};

static void __attribute__((noreturn)) die(const char *what, const char *why)
{
	fprintf(stderr, "timer: %s: %s\n", what, why);
	exit(1);
}

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static double us_of(const struct timeval *tv)
{
	return (double)tv->tv_sec * 1e6 + (double)tv->tv_usec;
}

/* posix_spawn uses vfork, so that our own size is not part of what is measured. */
static double run_one(const char *name, char **argv, double *ret_cpu)
{
	double start = now_us(), end;
	struct rusage usage;
	int status, r;
	pid_t pid;

	r = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	if (r != 0)
		die(argv[0], strerror(r));
	while (wait4(pid, &status, 0, &usage) < 0)
		if (errno != EINTR)
			die("wait4", strerror(errno));
	end = now_us();
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		die(name, "the command failed");
	*ret_cpu = us_of(&usage.ru_utime) + us_of(&usage.ru_stime);
	return end - start;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double quantile(const double *sorted, int n, double q)
{
	double at = q * (n - 1);
	int low = (int)at;

	if (low + 1 >= n)
		return sorted[n - 1];
	return sorted[low] + (at - low) * (sorted[low + 1] - sorted[low]);
}

static int count_arg(const char *s)
{
	long n = strtol(s, NULL, 10);

	if (n < 0 || n > 1000000)
		die(s, "not a count");
	return (int)n;
}

/* Split "NAME cmd... ::: NAME cmd..." in place. */
static int split(char **argv, struct command *ret_commands)
{
	int n = 0;

	while (*argv) {
		if (n == MAX_COMMANDS || !argv[1])
			die("commands", "too many, or one of them empty");
		ret_commands[n].name = argv[0];
		ret_commands[n++].argv = argv + 1;
		while (*argv && strcmp(*argv, ":::") != 0)
			argv++;
		if (*argv)
			*argv++ = NULL;
	}
	return n;
}

int main(int argc, char **argv)
{
	struct command commands[MAX_COMMANDS] = { 0 };
	int rounds = 30, warmup = 2, n, i;
	char *before = NULL;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (i + 1 < argc && strcmp(argv[i], "--rounds") == 0)
			rounds = count_arg(argv[++i]);
		else if (i + 1 < argc && strcmp(argv[i], "--warmup") == 0)
			warmup = count_arg(argv[++i]);
		else if (i + 1 < argc && strcmp(argv[i], "--before") == 0)
			before = argv[++i];
		else
			die(argv[i], "unknown option");
	}
	if (i + 1 >= argc || rounds < 1)
		die("usage",
		    "timer [--rounds N] [--warmup N] [--before CMD] -- NAME cmd... ::: ...");
	n = split(argv + i + 1, commands);
	for (i = 0; i < n; i++) {
		commands[i].us = calloc((size_t)rounds, sizeof(double));
		commands[i].cpu = calloc((size_t)rounds, sizeof(double));
		if (!commands[i].us || !commands[i].cpu)
			die("calloc", strerror(errno));
	}
	for (int round = -warmup; round < rounds; round++)
		for (i = 0; i < n; i++) {
			const char *prepare[] = { "/bin/sh",        "-c", before, "sh",
				                  commands[i].name, NULL };
			double us, cpu;

			if (before)
				run_one("--before", (char **)prepare, &cpu);
			us = run_one(commands[i].name, commands[i].argv, &cpu);
			if (round < 0)
				continue;
			commands[i].us[round] = us;
			commands[i].cpu[round] = cpu;
		}
	for (i = 0; i < n; i++) {
		double *us = commands[i].us, *cpu = commands[i].cpu;

		qsort(us, (size_t)rounds, sizeof(double), by_value);
		qsort(cpu, (size_t)rounds, sizeof(double), by_value);
		printf("%s %.0f %.0f %.0f %.0f %.0f\n", commands[i].name, quantile(us, rounds, 0.5),
		       us[0], quantile(us, rounds, 0.9),
		       quantile(us, rounds, 0.75) - quantile(us, rounds, 0.25),
		       quantile(cpu, rounds, 0.5));
		free(us);
		free(cpu);
	}
	return 0;
}
