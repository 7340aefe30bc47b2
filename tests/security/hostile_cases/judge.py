# SPDX-License-Identifier: Apache-2.0
"""Runs the cases and says which went wrong."""
import json
import os
import re
import sys
import time

from .case import ACCEPTED, BASE, EITHER, LOADS_NOT_STRICT, REFUSED, STRICT, Case, base, text_of

MESSAGE_MAX = 1060  # what fits into struct err, and the name of the command
LIVE = Case("a running container", ACCEPTED, doc=base(("process.args", ["sleep", "1000"])))
RSS_MAX_KIB = 400 << 10
WAIT_S = 3  # for what has ended to be reaped


class Judge:
    def __init__(self, world, foreign, verbose):
        self.w, self.foreign, self.verbose = world, foreign, verbose
        self.counts = dict.fromkeys(("accepted", "left", "crashed", "hung", "talked"), 0)
        self.slowest, self.rss = (0, ""), (0, "")
        self.times = []

    # ---- one case

    def argv(self, case, command, strict):
        w = self.w
        if case.command is not None:
            return [w.program, *(["--root", w.state] if case.settings is not None else []), *(["--strict"] if strict else []),
                    *(a.replace("{id}", w.id).replace("{w}", w.dir) if isinstance(a, str) else a for a in case.command)]
        settings = [] if self.foreign else ["--log", w.dir + "/o/log", "--log-format", "json"]
        options = [a.replace("{w}", w.dir) for a in case.options]
        return [w.program, "--root", w.state, *settings, *case.settings, *(["--strict"] if strict else []), command,
                "--bundle", w.bundle, *options, w.id]

    def write(self, case):
        document = BASE if case.doc is None else case.doc() if callable(case.doc) else case.doc
        text = document if isinstance(document, bytes) else text_of(document).replace("{w}", self.w.dir).replace("{id}", self.w.id)
        self.w.write(self.w.bundle + "/config.json", text)

    def berth(self, *argv):
        return self.w.run([self.w.program, "--root", self.w.state, *argv])

    def left(self, before, rootfs=True):
        """What is there now and was not before, and the other way round."""
        deadline = time.monotonic() + WAIT_S
        while True:
            after = self.w.inventory()
            diff = {"new: " + x for x in after - before} | {"gone: " + x for x in before - after if not x.startswith("key ")}
            if not rootfs:
                diff = {x for x in diff if f"file {self.w.bundle}/rootfs/" not in x}
            if not diff or time.monotonic() > deadline:
                return sorted(diff)
            time.sleep(0.005)

    def message(self, case, result):
        """What is wrong with a refusal's words."""
        text = result.err.decode("utf-8", "replace")
        lines = text.splitlines()
        if len(lines) != 1 or not text.endswith("\n"):
            yield f"{len(lines)} lines on standard error"
        if len(result.err) > MESSAGE_MAX + 1:
            yield f"a message of {len(result.err)} bytes"
        if re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text) or "\ufffd" in text:
            yield "control characters in the message"
        if result.out and not case.usage:
            yield "words on standard output"
        if case.words and not re.search(case.words, text, re.I):
            yield f"the message does not match /{case.words}/"
        if case.command is None:
            yield from self.log_entry()

    def log_entry(self):
        try:
            records = [json.loads(line) for line in open(self.w.dir + "/o/log", encoding="utf-8")]
        except (OSError, ValueError) as e:
            yield f"the log is not JSON: {e}"
            return
        if len([r for r in records if r.get("level") == "error"]) != 1:
            yield "not one error in the log"

    def refusal(self, case, result, before):
        if result.hung:
            yield f"did not end within {self.w.timeout} s"
        elif result.status < 0 or (result.status > 128 and result.status != case.status):
            yield f"crashed: status {result.status}"
        elif result.status == 0:
            yield "accepted"
        elif result.status != case.status:
            yield f"status {result.status} instead of {case.status}"
        if result.status != 0 and not result.hung and not case.quiet:
            yield from self.message(case, result)
        yield from (f"left behind: {x}" for x in self.left(before))

    def acceptance(self, result, before, deleted, plan=False):
        if result.hung:
            yield f"did not end within {self.w.timeout} s"
        if result.status != 0 and (result.err or not plan):
            yield f"status {result.status}: refused"
        if deleted is not None and deleted.status != 0:
            yield "delete --force failed: " + deleted.err.decode("utf-8", "replace").strip()
        yield from (f"left behind: {x}" for x in self.left(before, rootfs=False))

    def once(self, case, expect, command, strict=False):
        """Run it; yields what is wrong."""
        w = self.w
        w.fresh()
        if case.live:
            self.write(LIVE)
            made = self.berth("run", "--detach", "--shim=never", "--bundle", w.bundle, w.id)
            if made.status:
                yield "no container to try it on: " + made.err.decode("utf-8", "replace")
                return
        self.write(case)
        cleanup = case.prepare(w) if case.prepare else None
        if os.path.exists(w.dir + "/o/log"):
            os.unlink(w.dir + "/o/log")
        before = w.inventory()
        result = w.run(self.argv(case, command, strict), **case.spawn)
        self.note(case, result)
        deleted = None
        if case.live:
            wrong = list(self.refusal(case, result, before) if expect == REFUSED else self.acceptance(result, before, None))
            # What update has set is remembered, until the container goes.
            wrong = [x for x in wrong if expect == REFUSED or not x.endswith("/resources.json")]
            deleted = self.berth("delete", "--force", w.id)
        elif expect == EITHER:
            # A process that dies at once, as one without memory does, was started all the same.
            died = result.status == 139 and not result.err
            expect = ACCEPTED if result.status == 0 or died else REFUSED
            result.status = 0 if died else result.status
        if not case.live:
            if command == "create" and case.command is None and result.status == 0:
                deleted = self.berth("delete", "--force", w.id)
            wrong = list(self.refusal(case, result, before) if expect == REFUSED else self.acceptance(result, before, deleted, command == "explain"))
        if wrong:
            wrong.append("said: " + result.err.decode("utf-8", "replace")[:700].rstrip())
            self.berth("delete", "--force", w.id)
        if callable(cleanup):
            cleanup()
        if wrong:
            w.end_processes()
            w.end_mounts()
        self.tell(case, strict, result)
        yield from wrong

    def note(self, case, result):
        self.times.append(result.seconds)
        self.slowest = max(self.slowest, (result.seconds, case.name))
        self.rss = max(self.rss, (result.rss, case.name))

    def tell(self, case, strict, result):
        if self.verbose:
            print(f"{result.status:3} {result.seconds * 1000:6.1f} ms {case.name}{' (strict)' if strict else ''}: "
                  f"{result.err.decode('utf-8', 'replace').rstrip()}", flush=True)

    def judge(self, case, n):
        """All that is wrong with a case."""
        command = case.verb or ("create" if n % 4 == 0 else "run")
        if case.expect in (REFUSED, ACCEPTED, EITHER):
            wrong = list(self.once(case, case.expect, command))
            if case.twice:
                wrong += self.once(case, case.expect, "run" if command == "create" else "create")
            return wrong
        if case.expect == STRICT:
            return [*self.once(case, ACCEPTED, command), *("with --strict: " + x for x in self.once(case, REFUSED, command, True))]
        wrong = list(self.once(case, ACCEPTED, "explain"))
        if case.expect == LOADS_NOT_STRICT:
            wrong += ("with --strict: " + x for x in self.once(case, REFUSED, command, True))
        return wrong

    # ---- another runtime: counts

    def compare(self, cases):
        must = 0
        for n, case in enumerate(cases):
            if case.expect != REFUSED:
                continue
            must += 1
            wrong = list(self.once(case, REFUSED, "run"))
            kinds = {"accepted": "accepted", "crashed": "crashed", "did not end": "hung", "left behind": "left"}
            found = {kind for text in wrong for start, kind in kinds.items() if text.startswith(start)}
            if any("lines on standard error" in x for x in wrong):
                found.add("talked")
            if "left" in found and "accepted" in found:
                found.discard("left")  # a container that nobody deleted
            for kind in found:
                self.counts[kind] += 1
            if self.verbose and found:
                print(case.name, *sorted(found))
        c = self.counts
        print(f"hostile: {self.foreign}: {must} cases that must be refused: {c['accepted']} accepted, {c['left']} refused with something "
              f"left behind, {c['crashed']} crashes, {c['hung']} hangs of {self.w.timeout:g} s, {c['talked']} refusals of other than one line")
        return 0

    # ---- all

    def all(self, cases, tap):
        start = time.monotonic()
        if self.foreign:
            return self.compare(cases)
        failed = 0
        with tap as out:
            print(f"1..{len(cases)}\n# file tests/security/hostile", file=out)
            for n, case in enumerate(cases):
                wrong = self.judge(case, n)
                name = case.name.replace("#", "\\#")
                text = f"{'not ok' if wrong else 'ok'} {n + 1} {name}\n" + "".join(f"#   {x}\n" for x in wrong)
                out.write(text)
                if wrong:
                    failed += 1
                    sys.stdout.write(text)
                    sys.stdout.flush()
        times = sorted(self.times)
        print(f"hostile: {len(times)} runs in {time.monotonic() - start:.0f} s; median {times[len(times) // 2] * 1000:.1f} ms, "
              f"99 of 100 below {times[int(len(times) * 0.99)] * 1000:.1f} ms, slowest {self.slowest[0] * 1000:.0f} ms ({self.slowest[1]}); "
              f"largest {self.rss[0] >> 10} MiB ({self.rss[1]})")
        if self.rss[0] > RSS_MAX_KIB:
            print(f"not ok - more than {RSS_MAX_KIB >> 10} MiB")
            failed += 1
        print(f"hostile: {len(cases) - failed} passed, {failed} failed")
        return 1 if failed else 0
