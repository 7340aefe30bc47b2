/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shim's objects. One session (a process, its streams, log and end) and the clients that look
 * at it. Data flows one way:
 *
 *	pipe or pty -> stdio.c -> ring -> logging.c -> file, helper or journal
 *	                           `---> client.c (an offset each) -> socket
 *
 * and input the other: a client's frames wait in its own buffer until stdin takes them. What
 * happened (started, oom, exited, output ended) is state in the session first; clients are then
 * told from it.
 *
 * Rules. Only the flush point (loop.c, before the loop sleeps) sends and frees; call-backs change
 * state. Nothing blocks after "ready". Every queue has a maximum below. Out of memory costs the
 * client that asked, never the shim.
 */
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "shim/history.h"
#include "shim/log_sink.h"
#include "shim/rate.h"
#include "shim/ring.h"
#include "shim/wire/exit_record.h"
#include "shim/wire/frame.h"
#include "shim/wire/handover.h"
#include "shim/wire/varlink.h"

#define SHIM_ATTACH_MAX      64           /* attached clients */
#define SHIM_CLIENTS_MAX     192          /* connections in all: the others call and wait */
#define SHIM_READ_MAX        65536        /* bytes per stream and turn */
#define SHIM_OUT_MAX         (256 * 1024) /* unsent replies of one client; more closes it */
#define SHIM_CALL_FDS        3            /* descriptors with one call */
#define SHIM_PART_S          0.2          /* an unfinished line is logged as P after this */
#define SHIM_REDRAW_S        0.1          /* a program must see within it that the size changes */
#define SHIM_LOG_RETRY_MIN_S 0.0005       /* when the journal takes no more: then twice that ... */
#define SHIM_LOG_RETRY_MAX_S 0.05         /* ... and so on */
#define SHIM_MESSAGE_S       10.0         /* a message or frame must be complete after this */
#define SHIM_DRAIN_S         0.25         /* at most between reaping and publishing the exit */
#define SHIM_END_S           1.0          /* at most between Shutdown and the end */
#define SHIM_REAP_MIN_S      0.001 /* asking how somebody else's child ended: after this ... */
#define SHIM_REAP_MAX_S      0.1   /* ... then twice that, and so on */
#define SHIM_REAP_S          5.0   /* ... and no longer */
#define SHIM_CALLS           500   /* calls, and frames that are no data, at once ... */
#define SHIM_CALLS_KEPT      200   /* ... of which so many for clients that call seldom ... */
#define SHIM_CALLS_PER_S     1000  /* ... regained per second: of all clients together */
#define SHIM_OWN_CALLS       20    /* one that makes fewer at once, and per second, calls seldom */
#define SHIM_CALLS_TICK_S    0.01  /* those that wait get what has come in since */
#define SHIM_ACCEPTS         256   /* connections at once ... */
#define SHIM_ACCEPTS_PER_S   250   /* ... regained per second */
#define SHIM_PATIENCE_S      1.0   /* how long an attached client may hold up the output ... */
#define SHIM_PATIENCE_REFILL 0.02  /* ... regained by this share of the time that passes */

struct shim;
struct resume;

/* The tests replace shims by others whose structures look different. */
#ifdef SHIM_TEST_LAYOUT
#define TEST_LAYOUT char test_layout[SHIM_TEST_LAYOUT];
#else
#define TEST_LAYOUT
#endif

/*
 * What is state here is a row in shim/resume.c as well, or an upgrade loses it; numbers of enums
 * are part of that format.
 */

/* One output stream of the process: a pipe's read end, or the pty's master (as stdout). */
struct source {
	TEST_LAYOUT
	struct shim *shim;
	enum frame_stream stream;
	int fd;       /* invalid: never was, or has ended */
	bool open;    /* more may come */
	bool emptied; /* was empty once since the process was reaped */
	ev_io io;
	struct ring ring;
	struct log_cursor logged;
	uint64_t part_head; /* head when an unfinished line was last looked at */
};

enum session_status { SESSION_CREATED = 0, SESSION_RUNNING = 1, SESSION_EXITED = 2 };

struct session {
	TEST_LAYOUT
	struct shim_handover conf; /* fds in it are owned */
	enum session_status status;
	int64_t started_ns;

	struct source out[2]; /* stdout, stderr */
	int slave_fd;         /* of the pty: as long as it is open the master never hangs up */
	uint16_t rows, cols;  /* of the pty */
	ev_io stdin_io;       /* stdin or the pty takes input again */
	bool stdin_blocked;
	ev_timer reopen_timer;   /* a pty that was hung up */
	ev_timer redraw_timer;   /* it has another size than rows and cols, for a moment */
	ev_timer patience_timer; /* reading waits for a client */
	bool paused;

	struct log_sink log;
	bool has_log;
	ev_timer part_timer; /* unfinished lines */
	ev_io log_io;        /* the helper: has something to say, or takes more */
	ev_io helper_io;     /* it has ended */
	ev_timer log_timer;  /* the journal: try again ... */
	double log_retry;    /* ... after so many seconds */
	ev_timer log_patience_timer;
	double log_patience;                 /* seconds that the log may still hold up the output */
	ev_tstamp log_refilled, log_stalled; /* log_stalled: since when it does; 0: not */
	uint64_t log_at_cut;                 /* what the helper had handled */

	ev_io pid_io;
	ev_timer reap_timer; /* somebody else's child has ended: ask again ... */
	double reap_wait;    /* ... after so many seconds */
	int64_t ended_ns;    /* when it was seen to have ended; 0: not yet */
	bool reaped;         /* exit is filled in; not told yet */
	bool published;      /* told */
	bool record_failed;  /* exit.json could not be written */
	struct exit_record exit;
	int helper_fd;        /* to who runs the exit command; invalid: nobody, or told already */
	ev_timer drain_timer; /* first: publish; then: let the clients go */
	bool released;        /* clients are no longer kept for more output */

	int oom_epfd; /* epoll with EPOLLPRI on memory.events */
	ev_io oom_io;
	uint64_t oom_base; /* kills counted before us */
	bool oom;

	int freeze_epfd; /* epoll with EPOLLPRI on cgroup.events */
	ev_io freeze_io;
	bool frozen;

	struct history history;
	bool ended; /* and told so */
};

enum client_mode { CLIENT_CALLS = 0, CLIENT_ATTACHED = 1 };
enum client_pending {
	PENDING_NONE = 0,
	PENDING_WAIT = 1,
	PENDING_MONITOR = 2,
	PENDING_UPGRADE = 3, /* in the new shim: to be told that all went well */
	PENDING_MAX = PENDING_UPGRADE
};

struct client {
	TEST_LAYOUT
	struct shim *shim;
	int fd;
	ev_io io;
	enum client_mode mode;
	bool dead;      /* closed; freed at the flush point */
	bool gone;      /* ended before it could be looked at: may do nothing that matters */
	bool in_eof;    /* it will send no more */
	bool finishing; /* close when everything is sent */
	uint64_t order; /* of arrival; attached: of attaching */

	struct buf in;  /* received, not consumed */
	struct buf out; /* to send; out_off is sent */
	size_t out_off;
	bool writable;   /* the socket took everything last time */
	ev_tstamp since; /* when the incomplete message began; 0: none */
	struct rate own; /* calls that it may make when others have used up the common ones */
	bool throttled;  /* what it asks for waits for its turn */

	/* CLIENT_CALLS */
	enum client_pending pending;
	bool more, oneway;
	bool state_told;        /* Monitor: its first answer */
	bool missed;            /* ... has to say that events are missing before it */
	uint64_t sequence;      /* ... number of the last event that was told */
	int fds[SHIM_CALL_FDS]; /* came with the message that is next; not handed over */
	int handover_version;   /* Upgrade */

	/* CLIENT_ATTACHED */
	bool writer;        /* may write to stdin */
	bool readonly;      /* asked only to look: has no say about the size either */
	bool ends_stdin;    /* its end of input is that of the process, whatever the mode */
	bool starved;       /* its input waits for stdin */
	size_t frame_off;   /* bytes of its first DATA frame that stdin has taken */
	uint64_t cursor[2]; /* next offset to send, per source */
	bool eof_told[2], exit_told;
	uint16_t rows, cols;         /* how large it is; 0: not said (size.c) */
	bool slow;                   /* has used up its patience: gets gaps */
	double patience;             /* seconds left */
	ev_tstamp refilled, stalled; /* stalled: since when it holds up the output; 0: not */
};

struct shim {
	TEST_LAYOUT
	int test_number;
	struct ev_loop *loop;
	struct session session;
	struct client *clients[SHIM_CLIENTS_MAX];
	unsigned int n_clients, n_attached;
	uint64_t arrivals;
	struct client *once_owner; /* SHIM_STDIN_ONCE: the client that stdin belongs to */
	struct client *mid_frame;  /* its frame is half written to stdin: the others wait */
	int next_input;            /* slot whose input is due first */
	ev_prepare flush;
	ev_periodic dormant;
	ev_timer quiet_timer; /* memory is to be given back */
	bool worked;          /* ... but not yet: something has come up since */
	ev_timer message_timer;
	struct rate calls, accepts;
	ev_timer call_timer; /* somebody is throttled */
	int next_call;       /* slot that is due first */
	int share;           /* calls left of somebody's turn; -1: it is nobody's */
	ev_io listen_io;
	ev_timer accept_timer; /* out of descriptors: try again */
	ev_io dir_io;
	int dir_inotify;
	int fdinfo_fd;               /* /proc/self/fdinfo; invalid: peers can't be looked at */
	int depth;                   /* pid namespaces from that procfs's down to ours */
	bool orphaned;               /* the session's directory is going away */
	bool shutdown;               /* Shutdown was answered */
	bool ending;                 /* only what is queued is still sent */
	int lock_level;              /* of the lock-down that is in force; 0: none */
	bool resumed;                /* from another shim */
	const struct resume *resume; /* while starting, in a shim that goes on; else NULL */
};

/* loop.c */
int loop_init(struct shim *shim, struct err *err);
void loop_done(struct shim *shim);
/* Seconds until an active timer is due, > 0; 0: it is not active. */
double loop_timer_left(const struct shim *shim, const ev_timer *t);
/* Start a timer that had so much left (see above). */
void loop_timer_go_on(struct shim *shim, ev_timer *t, double left);

/* trim.c: giving memory back */
void trim(struct shim *shim);
void trim_init(struct shim *shim);
void trim_later(struct shim *shim); /* there was work that has taken some; when it gets quiet */

/* session.c: life of the process */
/* Begin with shim->session.conf; or go on, with shim->resume. The same for the other modules. */
int session_init(struct shim *shim, struct err *err);
void session_started(struct shim *shim); /* the runtime says so */
void session_look(struct shim *shim);    /* perhaps it has not come to saying so yet */
void session_reaped(struct shim *shim);  /* exit is filled in and on disk */
/* Publish when due; let clients go when due. Called at the flush point. */
void session_step(struct shim *shim);
/* Once nobody needs the shim: go, in a while. At the flush point, when clients have been freed; so
 * it ticks once for each time that the last client has left. */
void session_linger(struct shim *shim);
const char *session_status_name(const struct session *s);
int session_signal(struct shim *shim, int sig, bool all);

/* exit.c */
void exit_watch(struct shim *shim);

/* helper.c: who runs the exit command. Made before the lock-down, told when the record is on disk
 */
int helper_start(struct shim *shim, struct err *err);
void helper_tell(struct shim *shim);

/* stdio.c: streams of the process */
int stdio_init(struct shim *shim, struct err *err);
void stdio_update(struct shim *shim);        /* which sources are read; at the flush point */
bool stdio_emptied(const struct session *s); /* everything written before the exit has been read */
bool stdio_ended(const struct session *s);   /* all streams are at their end */
void stdio_drain(struct shim *shim);         /* the process has been reaped: read what is there */
void stdio_release_slave(struct shim *shim); /* of the pty: from now on it can end */
void stdio_cut(struct shim *shim);           /* end all streams now */
/* Write input; returns bytes taken, 0: none now (watches for room), -EPIPE: nobody reads any more.
 */
ssize_t stdio_write(struct shim *shim, const uint8_t *data, size_t len);
bool stdio_has_input(const struct session *s);
int stdio_close_stdin(struct shim *shim); /* 0, -ENOTTY for a terminal, -EBADF: there is none */
/* redraw: also when it has that size, the process is to see a change. */
int stdio_resize(struct shim *shim, uint16_t rows, uint16_t cols, bool redraw);

/* size.c: whose size the terminal has */
/* The client has said how large it is; 0: no longer anything. */
void size_say(struct client *c, uint16_t rows, uint16_t cols, bool redraw);
void size_gone(struct client *c); /* it is dead */

/* pri_watch.c: a file that signals changes by POLLPRI */
/* *ret_epfd: invalid where the file does not signal. 0 or -errno. */
int pri_watch_open(int fd, int *ret_epfd, struct err *err);
void pri_watch_start(struct shim *shim, ev_io *w, int epfd,
                     void (*on_event)(struct ev_loop *loop, ev_io *w, int events));
/* In on_event: re-arm it. Reading the file acknowledges the change. */
void pri_watch_take(int epfd);

/* oom.c */
int oom_init(struct shim *shim, struct err *err);
void oom_check(struct shim *shim);

/* freeze.c */
int freeze_init(struct shim *shim, struct err *err);
void freeze_check(struct shim *shim);
void freeze_stop(struct shim *shim);

/* listen.c */
int listen_init(struct shim *shim, struct err *err);

/* peer.c: who may connect */
void peer_init(struct shim *shim);
enum peer { PEER_REFUSED, PEER_GONE, PEER_ALLOWED };
enum peer peer_check(const struct shim *shim, int fd);

/* client.c: one connection */
struct client *client_new(struct shim *shim, int fd);
/* One from another shim's hand-over, its fields but the buffers filled in; and when all are there.
 */
void client_resume(struct shim *shim, struct client *c, int slot);
void client_resumed_all(struct shim *shim);
void client_close(struct client *c);
void client_drop_fds(struct client *c);
void client_flush_all(struct shim *shim);
void client_reap(struct shim *shim);
bool client_all_sent(const struct shim *shim); /* nobody is owed anything any more */
bool client_send_queued(struct client *c);
void client_sweep(struct shim *shim);
struct client *client_idlest(struct shim *shim); /* may be NULL */
/* May it ask for one more thing now? false: it is served when its turn comes. */
bool client_may_ask(struct client *c);
/* Room in stdin: go on with input that waits. */
void client_input_ready(struct shim *shim);

/* attach.c: the framed mode of a connection */
void attach_begin(struct client *c);
void attach_input(struct client *c);
void attach_output(struct client *c);
void attach_gone(struct client *c);
/* How many bytes source i may take in before a client that keeps up would lose some. */
size_t attach_room(struct shim *shim, int i, size_t want);
/* Account for clients that hold up the output; arms session.patience_timer. */
void attach_patience(struct shim *shim);

/* ops.c: the methods */
void ops_dispatch(struct client *c, const struct varlink_call *call);
/* Too many connections: say so before closing. */
void ops_refuse(struct client *c);

/* logging.c: the log of a session */
int logging_begin(struct session *s, struct err *err);
int logging_go_on(struct session *s, struct err *err); /* its files are open already */
void logging_watch(struct shim *shim);
/* Something new in the source's ring, or its end. */
void logging_feed(struct source *src);
/* How many bytes the source may take in before some would be lost to the log. */
size_t logging_room(const struct source *src);
/* Account for a log that holds up the output; at the flush point. */
void logging_update(struct shim *shim);
int logging_reopen(struct session *s);      /* 0, -EOPNOTSUPP: there is none; -errno */
void logging_cut(struct shim *shim);        /* the end is near */
bool logging_done(const struct session *s); /* all streams have ended and are logged */
void logging_end(struct shim *shim);        /* the last call */

/*
 * The rules of lockdown.c and filter.c outlive an upgrade, and a new shim's own can only take more
 * away. LOCK_LEVEL numbers them: a new shim adds its own when its number is greater, and refuses to
 * go on under any before LOCK_OLDEST, since it needs something that those do not allow. So what
 * takes away raises the first, and what must have more raises both.
 */
#define LOCK_LEVEL  1
#define LOCK_OLDEST 1

/* lockdown.c: give up everything that serving does not need */
int lockdown(struct shim *shim, struct err *err);
int lockdown_helper(int dir_fd, struct err *err); /* and what writing a log there does not need */

/* filter.c: the system call filter, loaded last */
int filter_load(struct err *err);
