# SPDX-License-Identifier: Apache-2.0
"""Files that are something else: config.json, the bundle, the root, pid and console files, the state root and what is in it."""
import os
import socket

from .case import ACCEPTED, BASE, EITHER, REFUSED, Case, base, text_of


def replace(path, kind, world):
    """Something else at path."""
    if os.path.isdir(path) and not os.path.islink(path):
        import shutil
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)
    if kind == "a FIFO":
        os.mkfifo(path)
    elif kind == "a directory":
        os.mkdir(path)
    elif kind == "a socket":
        s = socket.socket(socket.AF_UNIX)
        s.bind(path)
        s.close()
    elif kind == "a file":
        world.write(path, "x")
    elif kind == "a device":
        os.mknod(path, 0o20666, os.makedev(1, 5))
    elif kind == "1 GiB of nothing":
        world.write(path, "")
        os.truncate(path, 1 << 30)
    elif kind == "a loop":
        os.symlink(path, path)
    elif kind == "a chain of 50 links":
        for i in range(50):
            os.symlink(f"{world.scratch}/l{i + 1}", f"{world.scratch}/l{i}")
        os.symlink(f"{world.scratch}/l0", path)
    elif kind == "unreadable memory":
        os.symlink("/proc/self/mem", path)
    elif kind.startswith("a link to "):
        os.symlink(kind[len("a link to "):].replace("{w}", world.dir), path)


def make(path, kind):
    return lambda world: replace(path.replace("{w}", world.dir), kind, world)


KINDS = ("a FIFO", "a directory", "a socket", "a device", "1 GiB of nothing", "a loop", "a chain of 50 links", "unreadable memory", "nothing",
         "a link to /dev/zero", "a link to /dev/full", "a link to nowhere", "a link to {w}/canary", "a link to /dev/tty")


def bundle():
    for kind in KINDS:
        yield Case(f"config.json is {kind}", REFUSED, r"config\.json", prepare=make("{w}/b/config.json", kind))
    for kind in ("a FIFO", "a socket", "a device", "a loop", "nothing", "a file", "a link to nowhere", "a link to {w}/canary/secret", "a link to /dev/zero"):
        yield Case(f"rootfs is {kind}", REFUSED, "rootfs|root", prepare=make("{w}/b/rootfs", kind))
    for path in ("none", "/no/such/root", "/etc/passwd", "", "/", "../../../../..", "/proc/self/fd/9", "x" * 5000, "/" + "x" * 300, "rootfs/bin/busybox"):
        yield Case(f"root.path is {path[:40]} ({len(path)})", EITHER if path in ("/", "../../../../..") else REFUSED, "root|no such|too long|not a directory|exec",
                   base(("root.path", path))) if path not in ("/", "../../../../..") else \
            Case(f"root.path is {path}", REFUSED, "", base(("root.path", path), ("process.args", ["/no/such"])), portable=False)
    for value in ("/no/such/bundle", "/etc/passwd", "/dev/null", "{w}/b/config.json", "/" + "x" * 300, "/" + "x/" * 3000, "{w}/x/fifo"):
        yield Case(f"--bundle {value[:40]} ({len(value)})", REFUSED, "bundle|config", options=["--bundle", value], prepare=make("{w}/x/fifo", "a FIFO"), portable=False)
    for value in ("none", "../../x", "/etc/passwd", "/dev/zero", "", "rootfs", "/" + "x" * 300, "{w}/x/fifo"):
        yield Case(f"--config {value[:40]}", REFUSED, "config|JSON|not found|open|regular|rootfs|passwd|dev|fifo|x" if value else "specification file", options=["--config", value],
                   prepare=make("{w}/x/fifo", "a FIFO"), portable=False)


def outputs():
    for kind in ("a directory", "a loop", "a socket", "a link to {w}/canary/secret", "a FIFO"):
        yield Case(f"--pid-file is {kind}", EITHER, "pid", options=["--pid-file", "{w}/x/pid"], prepare=make("{w}/x/pid", kind)) if False else \
            Case(f"--pid-file is {kind}", ACCEPTED if kind.startswith(("a link", "a loop", "a socket", "a FIFO")) else REFUSED, "pid|directory", options=["--pid-file", "{w}/x/pid"],
                 prepare=make("{w}/x/pid", kind), portable=False)
    for value in ("/no/such/dir/pid", "/proc/pid", "/", "/" + "x" * 300, "{w}/canary/secret/x"):
        yield Case(f"--pid-file {value[:40]}", REFUSED, "pid", options=["--pid-file", value], portable=False)
    terminal = base(("process.terminal", True))
    for kind in ("a directory", "a file", "a FIFO", "nothing", "a socket", "a loop", "a device"):
        yield Case(f"--console-socket is {kind}", REFUSED, "console", terminal, options=["--console-socket", "{w}/x/c"], prepare=make("{w}/x/c", kind), portable=False)
    for option in ("--console-socket", "--pidfd-socket"):
        document = terminal if option == "--console-socket" else BASE
        for value in ("", "/" + "x" * 108, "/no/such/socket", "/" + "x" * 5000):
            yield Case(f"{option} of {len(value)} bytes {value[:20]}", REFUSED, "socket", document, options=[option, value], portable=False)


def state_root():
    def root(name, words, prepare, path="{w}/x/root"):
        return Case(f"state root: {name}", REFUSED, words, command=["--root", path, "create", "--bundle", "{w}/b", "{id}"], prepare=prepare)

    def owned(mode, uid):
        def prepare(world):
            os.mkdir(world.scratch + "/root", mode)
            os.chmod(world.scratch + "/root", mode)
            os.chown(world.scratch + "/root", uid, 0)
        return prepare

    yield root("everybody may write", "writ|mode|permission", owned(0o777, 0))
    yield root("a group may write", "writ|mode|permission", owned(0o770, 0))
    yield root("sticky, and everybody may write", "writ|mode|permission", owned(0o1777, 0))
    yield root("another user's", "belongs|owned", owned(0o700, 7001))
    for kind in ("a FIFO", "a file", "a socket", "a device", "a loop", "a link to nowhere"):
        yield root(f"is {kind}", "root|state", make("{w}/x/root", kind))
    yield root("a link to somebody else's directory", "root|belongs|owned|link|writ", lambda w: (os.mkdir(w.scratch + "/t", 0o777), os.chmod(w.scratch + "/t", 0o777), os.symlink(w.scratch + "/t", w.scratch + "/root")))
    yield root("below a file", "root|directory", None, "{w}/canary/secret/root")
    yield root("on procfs", "root|proc", None, "/proc/berth")
    yield root("of 5 000 bytes", "long", None, "/" + "x/" * 2500)
    yield root("a name of 300 bytes", "long", None, "/tmp/" + "x" * 300)

    for kind in ("a FIFO", "a file", "a socket", "a device", "a loop", "a directory", "a link to {w}/canary", "a link to nowhere"):
        if kind == "a directory":
            continue
        for verb in ("create", "state", "start", "kill", "delete", "exec", "pause", "update", "ps"):
            argv = {"create": ["create", "--bundle", "{w}/b", "{id}"], "exec": ["exec", "{id}", "true"], "kill": ["kill", "{id}", "TERM"],
                    "update": ["update", "--pids-limit", "5", "{id}"]}.get(verb, [verb, "{id}"])
            yield Case(f"state of a container is {kind}: {verb}", REFUSED, "container|exist|directory|state", command=argv,
                       prepare=lambda w, k=kind: replace(f"{w.state}/{w.id}", k, w))

    def garbage(name, content):
        def prepare(world):
            path = f"{world.state}/{world.id}/state.json"
            if content is None or content in KINDS:
                replace(path, content or "nothing", world)
            else:
                world.write(path, content)
        return prepare

    texts = {"empty": b"", "half an object": b'{"version":', "another type": b"[]", "null": b"null", "binary": bytes(range(256)), "no members": b"{}", "another version": b'{"version":99}',
             "deep": b"[" * 100000, "strings for numbers": b'{"version":"1","init":{"pid":"1"}}', "pid 1": b'{"version":1,"init":{"pid":1}}', "pid -1": b'{"version":1,"init":{"pid":-1}}',
             "pid 0": b'{"version":1,"init":{"pid":0}}', "a huge pid": b'{"version":1,"init":{"pid":99999999999999999999}}', "17 MiB": b" " * (17 << 20),
             "a FIFO": "a FIFO", "a directory": "a directory", "a loop": "a loop", "a device": "a device"}
    for name, content in texts.items():
        for verb in ("state", "start", "exec", "pause"):
            argv = ["exec", "{id}", "true"] if verb == "exec" else [verb, "{id}"]
            # Who it was is not known: the container counts as stopped.
            expect = ACCEPTED if verb == "state" and "pid" in name else REFUSED
            yield Case(f"state.json is {name}: {verb}", expect, "state|container|exist|created|JSON|running", command=argv, live=True, prepare=garbage(name, content))


def cases():
    for part in (bundle, outputs, state_root):
        yield from part()
