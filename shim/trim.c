/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving memory back when it gets quiet. What the start, a client or a burst of output has needed
 * would stay for ever otherwise: free memory between what is in use, the lower part of the stack,
 * and the pages of the program that an idle loop does not run, which are private where only one
 * shim is.
 *
 *	work ──► trim_later ──► a moment without work ──► trim
 *
 * So a shim that is idle never wakes for it, and a busy one is not slowed by faults. Dropped pages
 * of the program come back from the page cache, 16 at a time.
 */
#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#undef EV_NONE /* libev has another */
#include "base/mem.h"
#include "shim/shim.h"

#define QUIET_S     0.2
#define STACK_BELOW (96 * 1024UL) /* of the 128 KiB that the kernel makes, with a gap below */
#define STACK_USED  512           /* by what gives it back */

struct range {
	uintptr_t begin, end;
};

struct ranges {
	struct range of[48];
	size_t n;
};

/* What an idle loop runs and reads, where static.ld has put that together. */
extern const char __start_idle_text[] __attribute__((weak));
extern const char __stop_idle_text[] __attribute__((weak));
extern const char __start_idle_rodata[] __attribute__((weak));
extern const char __stop_idle_rodata[] __attribute__((weak));

/* What could be written is not in the file. */
static int add_ranges(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct ranges *r = arg;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum && r->n < ARRAY_SIZE(r->of); i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];
		uintptr_t begin = info->dlpi_addr + h->p_vaddr;

		if (h->p_type != PT_LOAD || h->p_flags & PF_W)
			continue;
		r->of[r->n].begin = begin;
		r->of[r->n++].end = begin + h->p_memsz;
	}
	return 0;
}

static void drop(uintptr_t begin, uintptr_t end, uintptr_t page)
{
	begin &= ~(page - 1);
	if (begin < end)
		(void)madvise((void *)begin, end - begin, MADV_DONTNEED);
}

static void drop_file_pages(uintptr_t page)
{
	const struct range keep[] = {
		{ (uintptr_t)__start_idle_text, (uintptr_t)__stop_idle_text },
		{ (uintptr_t)__start_idle_rodata, (uintptr_t)__stop_idle_rodata },
	};
	struct ranges r = { .n = 0 };

	/* Listed first: the headers that say it are in such pages. */
	(void)dl_iterate_phdr(add_ranges, &r);
	for (size_t i = 0; i < r.n; i++) {
		uintptr_t begin = r.of[i].begin;

		for (size_t k = 0; k < ARRAY_SIZE(keep); k++) {
			if (keep[k].begin < begin || keep[k].end > r.of[i].end)
				continue;
			drop(begin, keep[k].begin & ~(page - 1), page);
			begin = (keep[k].end + page - 1) & ~(page - 1);
		}
		drop(begin, r.of[i].end, page);
	}
}

/* A function of its own, so that its frame is below all that is in use. */
static __attribute__((noinline)) void drop_stack(uintptr_t page)
{
	uintptr_t end = ((uintptr_t)__builtin_frame_address(0) - STACK_USED) & ~(page - 1);

	(void)madvise((void *)(end - STACK_BELOW), STACK_BELOW, MADV_DONTNEED);
}

void trim(struct shim *shim)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	log_trim_memory(&shim->session.log);
	(void)malloc_trim(0);
	drop_file_pages(page);
	drop_stack(page);
}

static void on_quiet(struct ev_loop *loop, ev_timer *w, int events)
{
	struct shim *shim = w->data;

	(void)loop;
	(void)events;
	if (shim->worked)
		trim_later(shim);
	else
		trim(shim);
}

void trim_init(struct shim *shim)
{
	ev_timer_init(&shim->quiet_timer, on_quiet, 0., 0.);
	shim->quiet_timer.data = shim;
}

void trim_later(struct shim *shim)
{
	shim->worked = ev_is_active(&shim->quiet_timer);
	if (shim->worked)
		return;
	ev_timer_set(&shim->quiet_timer, QUIET_S, 0.);
	ev_timer_start(shim->loop, &shim->quiet_timer);
}
