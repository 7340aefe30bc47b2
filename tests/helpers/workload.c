/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workload VERB [ARG...]: what the containers of the tests run, static, with no shell in the way.
 *
 *   last N              write N bytes ("0123...", a line feed last) and end in the same moment
 *   spew BYTES [MS]     write BYTES of reproducible lines of uneven length (see fill()), with a rest
 *                       of MS after every 64 KiB
 *   check BYTES         read stdin and compare it with what spew writes; says where they differ
 *   unlog STREAM        read a CRI log on stdin, write the payload of the stream ("stdout", "stderr")
 *   heirs N MS          N children, reparented at once, each writes "heir I" after MS; init waits
 *   orphans N MS        the same, but this process ends at once with status 7
 *   raise SIGNAL        die of a signal
 *   hog MIB             touch so much memory, then print "survived"
 *   ignore              ignore TERM, INT, HUP; print "ready"; sleep for ever
 *   catch               print "got N" for each catchable signal; TERM ends with status 43
 *   winsize             print "size RxC" now and at each SIGWINCH; a line "q" on stdin ends it
 *   box                 like an editor: on a raw terminal's alternate screen, a frame as large as
 *                       the screen with its size and what was typed in it. Drawn anew when SIGWINCH
 *                       comes and the size is another than before; "q" ends it
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define CHUNK 65536

static void put(const char *p, size_t n)
{
	while (n) {
		ssize_t w = write(STDOUT_FILENO, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			_exit(99);
		p += w;
		n -= (size_t)w;
	}
}

/*
 * The reproducible stream: a linear congruence chooses letters, and about one byte in 64 is a line
 * feed, so that lines are of every length and no two chunks are alike.
 */
static void fill(char *p, size_t n, unsigned long *state)
{
	for (size_t i = 0; i < n; i++) {
		unsigned int v;

		*state = *state * 6364136223846793005UL + 1442695040888963407UL;
		v = (unsigned int)(*state >> 40);
		p[i] = v % 64 ? (char)('!' + (v >> 6) % 94) : '\n';
	}
}

static int spew(unsigned long total, int rest_ms)
{
	static char buf[CHUNK];
	unsigned long state = 1;

	while (total) {
		size_t n = total < CHUNK ? total : CHUNK;

		fill(buf, n, &state);
		if (n == total)
			buf[n - 1] = '\n';
		put(buf, n);
		total -= n;
		if (rest_ms)
			usleep((useconds_t)rest_ms * 1000);
	}
	return 0;
}

static int check(unsigned long total)
{
	static char want[CHUNK], got[CHUNK];
	unsigned long state = 1, done = 0;
	size_t n;

	while ((n = fread(got, 1, CHUNK, stdin)) > 0) {
		fill(want, n, &state);
		if (done + n == total)
			want[n - 1] = '\n';
		for (size_t i = 0; i < n; i++)
			if (got[i] != want[i]) {
				printf("differs at byte %lu\n", done + i);
				return 1;
			}
		done += n;
	}
	if (done != total) {
		printf("%lu bytes, not %lu\n", done, total);
		return 1;
	}
	printf("same\n");
	return 0;
}

/* "TIME STREAM F|P TEXT": F ends a line, P does not. Anything else in the file is an error. */
static int unlog(const char *stream)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	long number = 0;

	while ((n = getline(&line, &room, stdin)) > 0) {
		char *kind, *tag, *text;

		number++;
		kind = strchr(line, ' ');
		tag = kind ? strchr(kind + 1, ' ') : NULL;
		text = tag && (tag[1] == 'F' || tag[1] == 'P') && tag[2] == ' ' ? tag + 3 : NULL;
		if (!text || line[n - 1] != '\n') {
			fprintf(stderr, "line %ld is none of a log: %.60s\n", number, line);
			return 1;
		}
		if (strncmp(kind + 1, stream, strlen(stream)) || kind + 1 + strlen(stream) != tag)
			continue;
		fwrite(text, 1, (size_t)(line + n - text) - (tag[1] == 'P'), stdout);
	}
	free(line);
	return fflush(stdout) ? 1 : 0;
}

static int heirs(int n, int ms, int stay)
{
	char line[32];

	for (int i = 0; i < n; i++)
		if (fork() == 0) {
			usleep((useconds_t)ms * 1000);
			put(line, (size_t)snprintf(line, sizeof(line), "heir %d\n", i));
			_exit(0);
		}
	if (!stay)
		return 7;
	while (wait(NULL) > 0)
		;
	return 0;
}

static int die_of(int sig)
{
	struct rlimit none = { 0, 0 };
	sigset_t all;

	setrlimit(RLIMIT_CORE, &none);
	signal(sig, SIG_DFL);
	sigemptyset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	/* The first process of a pid name space is spared a signal it sends to itself, but no
	 * fault. */
	if (sig == SIGSEGV)
		*(volatile int *)mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) =
		    1;
	if (sig == SIGILL || sig == SIGABRT)
		__builtin_trap();
	kill(getpid(), sig);
	return 98;
}

static int hog(size_t mib)
{
	for (size_t i = 0; i < mib; i++) {
		char *p = malloc(1 << 20);

		if (!p)
			return 97;
		memset(p, (int)i + 1, 1 << 20);
		__asm__ volatile("" : : "r"(p) : "memory");
	}
	puts("survived");
	return 0;
}

static int catch_signals(void)
{
	sigset_t set;
	char line[32];

	sigfillset(&set);
	sigdelset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	put("ready\n", 6);
	for (;;) {
		int sig = sigwaitinfo(&set, NULL);

		if (sig < 0)
			continue;
		put(line, (size_t)snprintf(line, sizeof(line), "got %d\n", sig));
		if (sig == SIGTERM)
			return 43;
	}
}

static void say_size(int sig)
{
	struct winsize ws = { 0 };
	char line[48];

	(void)sig;
	ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws);
	put(line, (size_t)snprintf(line, sizeof(line), "size %dx%d\n", ws.ws_row, ws.ws_col));
}

static int winsize(void)
{
	struct sigaction sa = { .sa_handler = say_size, .sa_flags = SA_RESTART };
	char line[64];

	sigaction(SIGWINCH, &sa, NULL);
	say_size(0);
	while (fgets(line, sizeof(line), stdin))
		if (line[0] == 'q')
			return 0;
	return 3;
}

/* Alternate screen, no cursor, other codes of the cursor keys, bracketed paste. */
#define BOX_BEGIN "\033[?1049h\033[?25l\033[?1h\033[?2004h"
#define BOX_END   "\033[?2004l\033[?1l\033[?25h\033[?1049l"

struct box {
	int rows, cols;
	char typed[64];
	size_t n;
};

/* From top to bottom, without relying on what the screen shows. */
static void draw_box(const struct box *b)
{
	static char out[1 << 16];
	size_t n = (size_t)sprintf(out, "\033[0m\033[2J");

	for (int row = 1; row <= b->rows; row++) {
		bool edge = row == 1 || row == b->rows;

		n += (size_t)sprintf(out + n, "\033[%d;1H", row);
		for (int col = 1; col <= b->cols && n < sizeof(out) - 256; col++)
			out[n++] = col == 1 || col == b->cols ? (edge ? '+' : '|')
			           : edge                     ? '-'
			                                      : ' ';
	}
	n += (size_t)sprintf(out + n, "\033[2;3H[%dx%d]\033[3;3H> %.*s", b->rows, b->cols,
	                     (int)b->n, b->typed);
	put(out, n);
}

static bool box_size(struct box *b)
{
	struct winsize ws = { 0 };
	bool other;

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws);
	other = ws.ws_row != b->rows || ws.ws_col != b->cols;
	b->rows = ws.ws_row;
	b->cols = ws.ws_col;
	return other;
}

static void on_winch(int sig)
{
	(void)sig;
}

static int box(void)
{
	struct sigaction sa = { .sa_handler = on_winch };
	struct box b = { 0 };
	struct termios t, raw;
	sigset_t winch, none;
	char c;

	sigaction(SIGWINCH, &sa, NULL);
	sigemptyset(&winch);
	sigaddset(&winch, SIGWINCH);
	sigemptyset(&none);
	sigprocmask(SIG_BLOCK, &winch, NULL);
	if (tcgetattr(0, &t) < 0)
		return 95;
	raw = t;
	cfmakeraw(&raw);
	tcsetattr(0, TCSANOW, &raw);
	put(BOX_BEGIN, sizeof(BOX_BEGIN) - 1);
	box_size(&b);
	draw_box(&b);
	for (;;) {
		struct pollfd p = { .fd = 0, .events = POLLIN };

		if (ppoll(&p, 1, NULL, &none) < 0) {
			if (box_size(&b))
				draw_box(&b);
			continue;
		}
		if (read(0, &c, 1) != 1 || c == 'q')
			break;
		if (c == 'L' - '@')
			b.n = 0;
		else if (b.n < sizeof(b.typed))
			b.typed[b.n++] = c < ' ' || c == 127 ? '?' : c;
		draw_box(&b);
	}
	put(BOX_END, sizeof(BOX_END) - 1);
	tcsetattr(0, TCSANOW, &t);
	puts("bye");
	return 7;
}

/* getpid by the 32-bit door of x86-64, which is another architecture to a seccomp filter. */
static int getpid32(void)
{
	long r = -1;
#ifdef __x86_64__
	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
#endif
	printf("getpid %ld\n", r);
	return r < 0;
}

/* notify [TEXT...]: each as one datagram to $NOTIFY_SOCKET, as sd_notify(3) sends it. */
static int notify(char **texts)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (!path) {
		printf("no NOTIFY_SOCKET\n");
		return 1;
	}
	strncpy(sun.sun_path, path, sizeof(sun.sun_path) - 1);
	for (; *texts; texts++)
		if (sendto(fd, *texts, strlen(*texts), 0, (struct sockaddr *)&sun, sizeof(sun)) <
		    0) {
			printf("%s: %s\n", path, strerror(errno));
			return 1;
		}
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	unsigned long n = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	int ms = argc > 3 ? atoi(argv[3]) : 0;

	if (!strcmp(verb, "last")) {
		static char buf[CHUNK];

		for (size_t i = 0; i < CHUNK; i++)
			buf[i] = (char)('0' + i % 10);
		n = n < CHUNK ? n : CHUNK;
		buf[n - 1] = '\n';
		put(buf, n);
		_exit(0);
	}
	if (!strcmp(verb, "spew"))
		return spew(n, ms);
	if (!strcmp(verb, "check"))
		return check(n);
	if (!strcmp(verb, "unlog") && argc > 2)
		return unlog(argv[2]);
	if (!strcmp(verb, "heirs"))
		return heirs((int)n, ms, 1);
	if (!strcmp(verb, "orphans"))
		return heirs((int)n, ms, 0);
	if (!strcmp(verb, "raise"))
		return die_of((int)n);
	if (!strcmp(verb, "hog"))
		return hog(n);
	if (!strcmp(verb, "catch"))
		return catch_signals();
	if (!strcmp(verb, "winsize"))
		return winsize();
	if (!strcmp(verb, "box"))
		return box();
	if (!strcmp(verb, "notify"))
		return notify(argv + 2);
	if (!strcmp(verb, "getpid32"))
		return getpid32();
	if (!strcmp(verb, "ignore")) {
		signal(SIGTERM, SIG_IGN);
		signal(SIGINT, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
		put("ready\n", 6);
		for (;;)
			pause();
	}
	fprintf(stderr, "workload: unknown verb \"%s\"\n", verb);
	return 96;
}
