# SPDX-License-Identifier: Apache-2.0
"""The command line, and the documents of exec and update."""
import os

from .case import ACCEPTED, REFUSED, STRICT, Case, text_of
from .files import make

IDS = ("", ".", "..", "...", "a/b", "/a", "../x", "a\nb", "-x", "--", ".hid", "é", "a b", "a;b", "a%sb", "%n%n%n", "a\\b", "a\tb", "a\x1b[2J", "a\x7f", "a:b", "a@b", "a*", "a?", "$a", "a'b", 'a"b', "a|b", "~", "a,b", "a=b",
       "x" * 201, "x" * 255, "x" * 256, "x" * 1024, "x" * 100000, "\u202eabc", "a\u0000"[:1] + "\u00a0", "{}", "[x]", "#", "!", "<a>")


def ids():
    for value in IDS:
        name = repr(value) if len(value) < 40 else f"{len(value)} bytes"
        for verb, argv in {"create": ["create", "--bundle", "{w}/b", "--", value], "run": ["run", "--bundle", "{w}/b", "--", value], "state": ["state", "--", value],
                           "delete --force": ["delete", "--force", "--", value], "exec": ["exec", "--", value, "true"]}.items():
            if verb == "delete --force" and len(value) > 0:
                continue
            yield Case(f"id {name}: {verb}", REFUSED, "id|usage|argument|exist|long", command=argv)


def command_line():
    rows = {
        "an unknown command": (["frobnicate"], "frobnicate|unknown", 3), "an empty command": ([""], "", 3), "a command of 100 000 bytes": (["x" * 100000], "", 3), "a command of control characters": (["a\n\x1b[2J%s"], "", 3),
    }
    for name, (argv, words, status) in rows.items():
        yield Case(f"command line: {name}", REFUSED, words, command=argv, status=status)
    wrong = {
        "no id": ["create"], "two ids": ["create", "a", "b"], "state of none": ["state"], "kill of none": ["kill"], "exec of none": ["exec"], "update of none": ["update"],
        "an unknown option": ["create", "--frob", "{id}"], "an unknown short option": ["create", "-Z", "{id}"], "a missing value": ["create", "--bundle"],
        "an empty option": ["create", "--=x", "{id}"], "a flag with a wrong value": ["create", "--no-pivot=maybe", "{id}"], "--preserve-fds x": ["create", "--preserve-fds", "x", "{id}"],
        "--preserve-fds -1": ["create", "--preserve-fds", "-1", "{id}"], "--preserve-fds 10^9": ["create", "--bundle", "{w}/b", "--preserve-fds", "1000000000", "{id}"],
        "--preserve-fds 10^20": ["create", "--preserve-fds", "1" + "0" * 20, "{id}"], "--preserve-fds of closed ones": ["create", "--bundle", "{w}/b", "--preserve-fds", "5", "{id}"],
        "--shim maybe": ["create", "--bundle", "{w}/b", "--shim", "maybe", "{id}"], "--stdio frob": ["create", "--bundle", "{w}/b", "--stdio", "frob", "{id}"],
        "--shim-cgroup ..": ["create", "--bundle", "{w}/b", "--shim-cgroup", "/../x", "{id}"], "--container-log-max -1": ["create", "--bundle", "{w}/b", "--container-log-max", "-1", "{id}"],
        "--container-log-files 0": ["create", "--bundle", "{w}/b", "--container-log-files", "0", "{id}"], "--stdin frob": ["create", "--bundle", "{w}/b", "--stdin", "frob", "{id}"],
        "--exit-command relative": ["create", "--bundle", "{w}/b", "--exit-command", "x", "{id}"], "--exit-command-timeout -5": ["create", "--bundle", "{w}/b", "--exit-command", "/bin/true", "--exit-command-timeout", "-5", "{id}"],
        "--root of nothing": ["--root", "", "list"], "--log-format xml": ["--log-format", "xml", "list"], "--log to a directory": ["--log", "/", "list"],
        "--log to no directory": ["--log", "/no/such/log", "list"], "--cgroup-manager frob": ["--cgroup-manager", "frob", "list"], "--rootless frob": ["--rootless", "frob", "list"],
        "both cgroup managers": ["--systemd-cgroup", "--cgroup-manager", "cgroupfs", "list"], "an unknown global option": ["--frob", "list"], "a global option of 100 000 bytes": ["--" + "x" * 100000, "list"],
        "list in a format": ["list", "--format", "frob"], "wait for nothing": ["wait"], "explain in a format": ["explain", "--bundle", "{w}/b", "--format", "xml"],
        "control characters": ["create", "--\x1b[2J\n\r", "{id}"], "format characters": ["create", "--%s%n%n%n", "{id}"], "not UTF-8": ["create", b"--\xff\xfe", "{id}"],
    }
    for name, argv in wrong.items():
        yield Case(f"command line: {name}", REFUSED, "", command=argv, usage=True, status=1)
    for signal in ("", "FROB", "SIGFROB", "-1", "65", "1000", "99999999999999999999", "9x", "TERM KILL", "%s", "sig", "SIGRTMAX+1", "\x1b"):
        yield Case(f"kill with {signal!r}", REFUSED, "signal", command=["kill", "{id}", signal] if not signal.startswith("-") else ["kill", "--", "{id}", signal], live=True)


USERS = ("", "-1", "+1", " 1", "1 ", "0x1", "1e3", "4294967295", "4294967296", "9223372036854775808", "18446744073709551616", "a:b", "١", "root", "1:", ":", ":5", "1:2:3", "1:-1", "1:x", "1.0", "0:4294967295",
         "1\n", "\x1b", "%d", "00x", "x" * 100000, "1;2", "1,2", "--user")


def exec_options():
    for user in USERS:
        name = repr(user) if len(user) < 40 else f"{len(user)} bytes"
        yield Case(f"exec --user={name}", REFUSED, "user|uid|gid|id", command=["exec", f"--user={user}", "{id}", "true"], live=True)
    for option, words in (("--cap=CAP_FROB", "cap"), ("--cap=", "cap"), ("--cwd=relative", "cwd"), ("--cwd=/no/such", "cwd|chdir|directory"), ("--env=x", "env"), ("--env==x", "env"),
                          ("--additional-gids=-1", "gid|group"), ("--additional-gids=x", "gid|group"), ("--additional-gids=4294967295", "gid|group"), ("--process=/no/such", "process"),
                          ("--process=/", "process"), ("--process={w}/x/fifo", "process|JSON"), ("--process=/dev/zero", "process"), ("--process=/proc/self/mem", "process"), ("--process=", "process"),
                          ("--cgroup=..", "cgroup"), ("--cgroup=/../x", "cgroup"), ("--cgroup=/no/such", "cgroup"), ("--cgroup=frob:/x", "cgroup|controller"), ("--pid-file=/no/such/pid", "pid"),
                          ("--console-socket=/no/such", "console|terminal|tty"), ("--preserve-fds=99", "preserve|descriptor"), ("--ttl=x", "ttl"), 
                          ("--apparmor=a\nb", "apparmor"), ("--process-label=a\nb", "label")):
        yield Case(f"exec {option!r}", REFUSED, words, command=["exec", option, "{id}", "true"], live=True, prepare=make("{w}/x/fifo", "a FIFO"))
    for argv in (["no-such"], ["/no/such"], ["/etc/passwd"], ["/bin"], [""], ["x" * 300], ["/" + "x" * 5000], ["true", "x" * 130000][:1] + ["\x00"[:0]][:0] + ["/bin/nothing"][:0] or ["true"]):
        if argv != ["true"]:
            yield Case(f"exec of {argv[0][:40]!r}", REFUSED, "exec|executable|no such|permission|long|directory", command=["exec", "{id}", *argv], live=True)
    good = {"args": ["/bin/true"], "cwd": "/"}
    documents = {
        "empty": b"", "null": b"null", "an array": b"[]", "cut": b'{"args":["true"],"cwd"', "two": b'{"args":["true"],"cwd":"/"}{}', "not UTF-8": b'{"args":["\xff"],"cwd":"/"}', "NUL": b'{"args":["a\\u0000b"],"cwd":"/"}',
        "a raw NUL": b'{"args":["a\0b"],"cwd":"/"}', "doubled": b'{"args":["true"],"args":["false"],"cwd":"/"}', "deep": b'{"args":' + b"[" * 100000, "17 MiB": b" " * (17 << 20) + b"{}",
        "no args": text_of({"cwd": "/"}).encode(), "no cwd": text_of({"args": ["true"]}).encode(), "empty args": text_of({**good, "args": []}).encode(), "a relative cwd": text_of({**good, "cwd": "x"}).encode(),
        "uid -1": text_of({**good, "user": {"uid": -1}}).encode(), "uid 2^32-1": text_of({**good, "user": {"uid": 2**32 - 1}}).encode(), "uid a string": text_of({**good, "user": {"uid": "0"}}).encode(),
        "uid true": text_of({**good, "user": {"uid": True}}).encode(), "uid null": text_of({**good, "user": {"uid": None}}).encode(), "args a string": text_of({**good, "args": "true"}).encode(),
        "env without =": text_of({**good, "env": ["x"]}).encode(), "caps a string": text_of({**good, "capabilities": "x"}).encode(), "a bad limit": text_of({**good, "rlimits": [{"type": "x", "soft": 1, "hard": 1}]}).encode(),
        "effective beyond permitted": text_of({**good, "capabilities": {"effective": ["CAP_KILL"]}}).encode(), "oomScoreAdj 1001": text_of({**good, "oomScoreAdj": 1001}).encode(), "umask 01000": text_of({**good, "user": {"umask": 512}}).encode(),
    }
    for name, text in documents.items():
        yield Case(f"process.json: {name}", REFUSED, "process|JSON|args|cwd|large", command=["exec", "--process", "{w}/x/p", "{id}"], live=True, prepare=lambda w, t=text: w.write(w.scratch + "/p", t))
    for name, text in {"an unknown property": {**good, "frob": 1}, "an unknown capability": {**good, "capabilities": {"bounding": ["CAP_FROB"]}}, "another case": {"Args": ["/bin/true"], "cwd": "/"}}.items():
        yield Case(f"process.json: {name}", STRICT, "process", command=["exec", "--process", "{w}/x/p", "{id}"], live=True, prepare=lambda w, t=text: w.write(w.scratch + "/p", text_of(t)))


def update():
    for option in ("--pids-limit=x", "--pids-limit=-2", "--pids-limit=99999999999999999999", "--memory=-2", "--memory=x", "--memory=1e9", "--memory=99999999999G", "--memory=", "--cpu-share=-1", "--cpu-share=x", "--cpu-quota=x",
                   "--cpu-period=-1", "--cpuset-cpus=x", "--cpuset-cpus=4000", "--cpuset-mems=x", "--cpuset-mems=4000", "--blkio-weight=9", "--blkio-weight=1001", "--blkio-weight=-1", "--cpu-idle=2", "--memory-swap=x", "--frob=1",
                   "--l3-cache-schema=L3:0=f", "--resources=/no/such", "--resources=/", "--resources=/dev/zero", "--resources={w}/x/fifo"):
        yield Case(f"update {option}", REFUSED, "", command=["update", option, "{id}"], live=True, prepare=make("{w}/x/fifo", "a FIFO"))
    documents = {
        "empty": b"", "null": b"null", "an array": b"[]", "a string": b'"x"', "cut": b'{"pids":', "two": b"{}{}", "a NUL": b"{}\0", "deep": b"[" * 100000, "17 MiB": b" " * (17 << 20), "not UTF-8": b'{"x":"\xff"}', "doubled": b'{"pids":{},"pids":{}}',
        "pids a string": b'{"pids":"5"}', "pids.limit a string": b'{"pids":{"limit":"5"}}', "pids.limit 1.5": b'{"pids":{"limit":1.5}}', "memory.limit -2": b'{"memory":{"limit":-2}}', "swap below memory": b'{"memory":{"limit":9000000,"swap":5}}',
        "unified cgroup.procs": b'{"unified":{"cgroup.procs":"1"}}', "unified ..": b'{"unified":{"../x.y":"1"}}', "unified a number": b'{"unified":{"memory.max":1}}', "hugepage ..": b'{"hugepageLimits":[{"pageSize":"../../x","limit":1}]}',
        "devices a string": b'{"devices":"x"}', "a device rule without access": b'{"devices":[{"allow":true}]}', "weight 5": b'{"blockIO":{"weight":5}}', "cpus x": b'{"cpu":{"cpus":"x"}}', "idle 2": b'{"cpu":{"idle":2}}',
    }
    for name, text in documents.items():
        yield Case(f"resources.json: {name}", REFUSED, "resources|JSON|memory|pids|large|weight|unified|devices|cpu", command=["update", "--resources", "{w}/x/r", "{id}"], live=True, prepare=lambda w, t=text: w.write(w.scratch + "/r", t))
    for name, text in {"an unknown property": b'{"frob":1}', "an unknown limit": b'{"pids":{"limit":50,"frob":1}}', "another case": b'{"Pids":{"limit":50}}'}.items():
        yield Case(f"resources.json: {name}", STRICT, "resources", command=["update", "--resources", "{w}/x/r", "{id}"], live=True, prepare=lambda w, t=text: w.write(w.scratch + "/r", t))


def cases():
    for part in (ids, command_line, exec_options, update):
        yield from part()
