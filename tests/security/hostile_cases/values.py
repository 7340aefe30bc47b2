# SPDX-License-Identifier: Apache-2.0
"""Values of the right type that mean nothing, contradict each other, or reach for what is not the container's."""
import os
import zlib

from .case import ACCEPTED, BASE, EITHER, REFUSED, STRICT, Case, Gone, base, with_ns, without_ns

CG = "linux.cgroupsPath"
RES = "linux.resources."
CAPS = "process.capabilities."


def refuse(group, words, *edits, **rest):
    return Case(f"{group}: {rest.pop('name', None) or '; '.join(f'{p} = {short(v)}' for p, v in edits)}", REFUSED, words, base(*edits), **rest)


def accept(group, *edits, expect=ACCEPTED, words="", **rest):
    return Case(f"{group}: {rest.pop('name', None) or '; '.join(f'{p} = {short(v)}' for p, v in edits)}", expect, words, base(*edits), **rest)


def short(value):
    text = "removed" if value is Gone else repr(value)
    return text if len(text) < 150 else f"{text[:60]}... ({len(text)}, {zlib.crc32(text.encode('utf-8', 'replace')):08x})"


def process():
    for path in ("process", "root", "process.args", "process.cwd", "root.path"):
        yield refuse("required", path.split(".")[-1], (path, Gone))
    for value in ([], [""], ["", "x"], ["no-such-command"], ["/no/such/command"], ["/etc/passwd"], ["/bin"], ["/"], ["./x"], ["x" * 300], ["/" + "x" * 300],
                  ["/" + "x/" * 3000]):
        yield refuse("args", "args|exec|executable|no such|permission|too long|directory", ("process.args", value))
    for value in ("", "relative", "./x", "../..", "x" * 5000, "/" + "x" * 5000, "/" + "x" * 300, "/bin/busybox", "/proc/self/fd/9", "/proc/1/cwd/../../x/\x01"):
        yield refuse("cwd", "cwd|directory|chdir", ("process.cwd", value))
    for value in (["novalue"], ["=x"], [""], ["A=b", "="], ["A"], ["A=" + "x" * 200000]):
        yield refuse("env", "env|argument list|exec", ("process.env", value))
    yield accept("env", ("process.env", ["PATH=/bin", *(f"A{i}=b" for i in range(60000))]), name="60 000 entries")
    yield refuse("env", "env|argument list|too long|exec", ("process.env", [f"A{i}=" + "x" * 100 for i in range(100000)]), name="more than the kernel takes")
    yield refuse("args", "argument list|too long|exec", ("process.args", ["true", "x" * 200000]), name="one of 200 000 bytes")
    yield accept("args", ("process.args", ["true"] + ["xxxxxxxxxx"] * 300000), name="300 000 of them", expect=EITHER, words="argument list|too long|exec")
    for field in ("hostname", "domainname"):
        for value in ("x" * 65, "x" * 4096, "a\nb", "a\x1bb", "\x7f"):
            yield refuse(field, field, (field, value))
        yield accept(field, (field, "x" * 64))
        yield refuse(field, "UTS namespace", (field, "x"), without_ns("uts"))
    yield Case("terminal: a console socket without a terminal", REFUSED, "console socket", options=["--console-socket", "{w}/x/sock"], portable=False)
    for value in ("RLIMIT_FROB", "NOFILE", "rlimit_nofile", "", "RLIMIT_NOFILE "):
        yield refuse("rlimits", r"rlimits\[0\]\.type", ("process.rlimits", [{"type": value, "soft": 1, "hard": 1}]))
    yield refuse("rlimits", r"rlimits\[0\]\.soft", ("process.rlimits", [{"type": "RLIMIT_CORE", "soft": 2, "hard": 1}]))
    yield refuse("rlimits", "twice", ("process.rlimits", [{"type": "RLIMIT_CORE", "soft": 1, "hard": 1}] * 2))
    for missing in ("type", "soft", "hard"):
        limit = {"type": "RLIMIT_CORE", "soft": 1, "hard": 1}
        del limit[missing]
        yield refuse("rlimits", rf"rlimits\[0\]\.{missing}", ("process.rlimits", [limit]))
    for what in ("NOFILE", "FSIZE", "CPU", "AS", "STACK", "DATA", "NPROC", "CORE", "MEMLOCK", "SIGPENDING", "MSGQUEUE", "LOCKS", "RSS", "RTTIME"):
        # Never a limit of the runtime itself: it has to end well whatever becomes of the process.
        yield accept("rlimits", ("process.rlimits", [{"type": "RLIMIT_" + what, "soft": 0, "hard": 0}]), expect=EITHER)
    yield accept("capabilities", (CAPS + "bounding", ["CAP_FROB"]), (CAPS + "effective", []), (CAPS + "permitted", []), expect=STRICT, words="CAP_FROB")
    yield accept("capabilities", (CAPS + "bounding", BASE["process"]["capabilities"]["bounding"] + ["cap_frob", "", "KILL%n"]), expect=STRICT, words="unknown capability")
    yield accept("capabilities", (CAPS + "ambient", ["CAP_SYS_ADMIN"]), expect=STRICT, words="ambient")
    yield refuse("capabilities", r"effective: CAP_SYS_ADMIN is not in the permitted set", (CAPS + "effective", ["CAP_SYS_ADMIN"]))
    for value in ("a\nb", "x" * 5000, "\x7f"):
        yield refuse("labels", "apparmorProfile", ("process.apparmorProfile", value))
        yield refuse("labels", "selinuxLabel", ("process.selinuxLabel", value))
        yield refuse("labels", "mountLabel", ("linux.mountLabel", value))
    for ids in ([0] * 65537, [-1], [2**32 - 1], [2**32], ["0"], [1.5]):
        yield refuse("additionalGids", "additionalGids", ("process.user.additionalGids", ids))
    for policy, more in (("SCHED_FROB", {}), ("SCHED_OTHER", {"priority": 5}), ("SCHED_FIFO", {"priority": 0}), ("SCHED_FIFO", {"priority": 100}),
                         ("SCHED_OTHER", {"nice": 20}), ("SCHED_OTHER", {"nice": -21}), ("SCHED_DEADLINE", {}), ("SCHED_DEADLINE", {"runtime": 9, "deadline": 5}),
                         ("SCHED_DEADLINE", {"runtime": 5, "deadline": 9, "period": 6}), ("SCHED_OTHER", {"runtime": 5}), ("SCHED_OTHER", {"flags": ["x"]})):
        yield refuse("scheduler", "process.scheduler", ("process.scheduler", {"policy": policy, **more}))
    for value in ({"class": "x"}, {"class": "IOPRIO_CLASS_BE", "priority": 8}, {"priority": 1}, {"class": "IOPRIO_CLASS_BE", "priority": -1}):
        yield refuse("ioPriority", "process.ioPriority", ("process.ioPriority", value))
    for value in ("x", "0-", "-1", "3-1", "99999", "0x1", "1" * 5000):
        yield refuse("affinity", "execCPUAffinity.initial", ("process.execCPUAffinity", {"initial": value}))
        yield refuse("memoryPolicy", "linux.memoryPolicy", ("linux.memoryPolicy", {"mode": "MPOL_BIND", "nodes": value}))
    for value in ({"mode": "MPOL_FROB"}, {"mode": "MPOL_BIND"}, {"mode": "MPOL_LOCAL", "nodes": "0"}, {"mode": "MPOL_BIND", "nodes": "0", "flags": ["x"]}, {}):
        yield refuse("memoryPolicy", "linux.memoryPolicy", ("linux.memoryPolicy", value))
    for value in ({"domain": "linux"}, {"domain": "FROB"}, {}, {"domain": ""}):
        yield refuse("personality", "linux.personality", ("linux.personality", value))


def mounts():
    def mount(words, expect=REFUSED, **m):
        return Case(f"mounts: {short(m)}", expect, words, base(("mounts[+]", {"type": "tmpfs", "source": "tmpfs", **m})), portable=expect == REFUSED)

    for value in ("", "/", "//", "/.", "/..", "/../..", "/x/..", ".", "..", "x/..", "/" + "x" * 300, "/" + "x/" * 3000):
        yield mount(r"mounts\[3\]\.destination", destination=value)
    for value in ("rel", "a/b/../c", "./x"):
        yield Case(f"mounts: destination {value}", STRICT, "destination.*not absolute",
                   base(("root.readonly", False), ("mounts[+]", {"type": "tmpfs", "source": "tmpfs", "destination": value})))
    yield Case("mounts: ../../x stays below the root", ACCEPTED, doc=base(("root.readonly", False), ("mounts[+]", {"type": "tmpfs", "source": "t", "destination": "/../../x"})))
    for kind in ("frob", "", "bind", "../ext4", "a" * 5000, "tmpfs\n", "ext4 ", "nodev"):
        yield mount("mounts|mount|file system type", destination="/tmp", type=kind)
    for option in ("frob", "RO", "ro ", "size=x", "size=-1", "mode=99999", "=x", "size=1\n", "propagation", "sideways", "context=a:b,ro", "x" * 5000, "rbindd", "idmap=1-2"):
        yield mount("mounts|option|mount", destination="/tmp", options=[option])
    for option in ("size=1m", "mode=755", "frob"):
        yield Case(f"mounts: a bind with {option}", REFUSED, "mount|option", base(("mounts[+]", {"destination": "/tmp", "type": "bind", "source": "{w}/canary", "options": ["bind", option]})))
    for source in ("", "/no/such/source", "no/such", "/" + "x" * 300, "/" + "x/" * 3000, "{w}/canary/secret/below"):
        yield Case(f"mounts: a bind from {short(source)}", REFUSED, "source|mount",
                   base(("mounts[+]", {"destination": "/tmp", "type": "bind", "source": source, "options": ["bind"]})))
    yield Case("mounts: a file on a directory", REFUSED, "mount.*/tmp|not a directory",
               base(("mounts[+]", {"destination": "/tmp", "type": "bind", "source": "{w}/canary/secret", "options": ["bind"]})))
    yield Case("mounts: a directory on a file", REFUSED, "mount.*/etc/passwd|not a directory",
               base(("mounts[+]", {"destination": "/etc/passwd", "type": "bind", "source": "{w}/canary/dir", "options": ["bind"]})))
    yield Case("mounts: through a file", REFUSED, "passwd", base(("mounts[+]", {"destination": "/etc/passwd/x", "type": "tmpfs", "source": "t"})))
    for destination in ("/proc/self", "/proc/1", "/proc/sys/kernel", "/proc/fs", "/proc/self/attr", "/proc/1/ns"):
        yield mount("proc", destination=destination)
    yield Case("mounts: a directory on /proc", REFUSED, "/proc", base(("mounts[+]", {"destination": "/proc", "type": "bind", "source": "{w}/canary", "options": ["bind"]})))
    for value in ("sideways", "SHARED", "private ", "rw", 7):
        yield refuse("propagation", "rootfsPropagation", ("linux.rootfsPropagation", value))
    for count in (2000,):
        yield Case(f"mounts: {count} on one place", ACCEPTED, doc=base(("mounts", BASE["mounts"] + [{"destination": "/tmp", "type": "bind", "source": "/tmp/w/canary", "options": ["bind"]}] * 200)),
                   portable=False)
    yield Case("mounts: 20 000 options", ACCEPTED, doc=base(("mounts[+]", {"destination": "/tmp", "type": "tmpfs", "source": "t", "options": ["ro", "rw"] * 10000})), portable=False)
    for name in ("maskedPaths", "readonlyPaths"):
        for value in ("", "relative", "/", "//", "/.", "/..", "/x/..", "/" + "x" * 300, "/" + "x/" * 3000):
            yield refuse(name, rf"{name}\[0\]", (f"linux.{name}", [value]))
        yield refuse(name, name, (f"linux.{name}", ["/proc/sys"]), without_ns("mount"), (("linux.readonlyPaths" if name == "maskedPaths" else "linux.maskedPaths"), []))
        yield accept(name, (f"linux.{name}", ["/no/such", "/proc/kcore", "/proc/kcore"] * 200), name="many, doubled, missing")


def devices():
    def device(words, **d):
        return refuse("devices", words, ("linux.devices", [{"path": "/dev/x", "type": "c", "major": 1, "minor": 3, **d}]))

    for value in ("", "relative", "/", "/dev/../x", "../x", "/dev/..", "/" + "x" * 300, "/" + "x/" * 3000):
        yield device(r"devices\[0\]\.path", path=value)
    for value in ("z", "", "cc", "C", "char", "a"):
        yield device(r"devices\[0\]\.type", type=value)
    for mode in (0o10000, 2**32, -1, 0o60666):
        yield device("fileMode", fileMode=mode)
    yield refuse("devices", "major|minor", ("linux.devices", [{"path": "/dev/x", "type": "c"}]))
    for rule, words in (({"allow": True}, "access"), ({"allow": True, "access": ""}, "access"), ({"allow": True, "access": "x"}, "access"), ({"access": "r"}, "allow"),
                        ({"allow": True, "access": "r", "type": "z"}, "type"), ({"allow": True, "access": "r", "type": "cc"}, "type")):
        yield refuse("device rules", rf"devices\[0\]\.{words}", (RES + "devices", [rule]))
    yield accept("device rules", (RES + "devices", [{"allow": False, "access": "rwmx"}]), expect=STRICT, words="access")


def namespaces():
    for entry, words in (({"type": "frob"}, "does not exist"), ({}, "type"), ({"type": ""}, "type"), ({"type": "PID"}, "does not exist"), ({"type": "pid"}, "twice"),
                         ({"type": "net"}, "does not exist"), ({"type": "time\x01"}, "does not exist"), ({"type": "cgroup", "path": "relative"}, "path")):
        yield refuse("namespaces", rf"namespaces\[5\].*({words})", with_ns(entry))
    others = {"network": "ipc", "ipc": "uts", "uts": "mnt", "pid": "net"}
    for kind, other in others.items():
        for path, words in ((f"/proc/self/ns/{other}", "namespace"), ("/no/such", "no such file"), ("relative", "absolute"), ("{w}/canary/secret", "namespace"),
                            ("{w}/canary", "namespace"), ("/dev/zero", "namespace"), ("{w}/x/fifo", "namespace"), ("/" + "x" * 5000, "path|long")):
            document = base(without_ns(kind))
            document["linux"]["namespaces"] = document["linux"]["namespaces"] + [{"type": kind, "path": path}]
            yield Case(f"namespaces: {kind} at {short(path)}", REFUSED, words, document, prepare=fifo)
    maps = [{"containerID": 0, "hostID": 100000, "size": 10}]
    yield refuse("mappings", "user namespace", ("linux.uidMappings", maps))
    yield refuse("mappings", "user namespace", ("linux.gidMappings", maps))
    yield refuse("mappings", "mappings", with_ns("user"))
    yield refuse("mappings", "gidMappings", with_ns("user"), ("linux.uidMappings", maps))
    yield refuse("mappings", "uidMappings", with_ns("user"), ("linux.gidMappings", maps))
    for column, bad in (("containerID", [{"containerID": 0, "hostID": 1, "size": 10}, {"containerID": 9, "hostID": 100, "size": 1}]),
                        ("hostID", [{"containerID": 0, "hostID": 1, "size": 10}, {"containerID": 10, "hostID": 10, "size": 1}]),
                        ("size", [{"containerID": 0, "hostID": 1, "size": 2**32 - 1}]), ("size", [{"containerID": 2**32 - 2, "hostID": 1, "size": 2}]),
                        ("size", [{"containerID": 0, "hostID": 1, "size": 0}]), ("uidMappings", [{"containerID": i, "hostID": i, "size": 1} for i in range(341)])):
        yield refuse("mappings", column, with_ns("user"), ("linux.uidMappings", bad), ("linux.gidMappings", maps))
    yield refuse("mappings", "unmapped uid", with_ns("user"), ("linux.uidMappings", maps), ("linux.gidMappings", maps), ("process.user.uid", 10))
    yield refuse("mappings", "unmapped gid", with_ns("user"), ("linux.uidMappings", maps), ("linux.gidMappings", maps), ("process.user.gid", 10))
    yield refuse("mappings", "unmapped gid", with_ns("user"), ("linux.uidMappings", maps), ("linux.gidMappings", maps), ("process.user.additionalGids", [10]))
    yield refuse("timeOffsets", "timeOffsets", ("linux.timeOffsets", {"monotonic": {"secs": 1}}))
    yield refuse("timeOffsets", "timeOffsets.realtime", with_ns("time"), ("linux.timeOffsets", {"realtime": {"secs": 1}}))
    for name in ("", ".", "..", "a/b", "a:b", "a b", "x" * 16, "a\nb", "../x"):
        yield refuse("netDevices", "netDevices", ("linux.netDevices", {name: {}}))
        if name:
            yield refuse("netDevices", "netDevices", ("linux.netDevices", {"nosuch0": {"name": name}}))
    for name in ("%s", "%d%d", "%", "a%n", "%%d"):
        yield refuse("netDevices", "netDevices", ("linux.netDevices", {"nosuch0": {"name": name}}))
    yield refuse("netDevices", "nosuch0", ("linux.netDevices", {"nosuch0": {}}))
    yield refuse("netDevices", "NET namespace", ("linux.netDevices", {"nosuch0": {}}), without_ns("network"))


def fifo(world):
    os.mkfifo(world.scratch + "/fifo")


def cgroups():
    for value in ("..", "../x", "/../x", "/x/../../y", "../../../{id}", "/", "//", ".", "/.", "a\nb", "a\x01b", "/" + "x" * 300, "/" + "x/" * 3000, "/a/./../b"):
        yield refuse("cgroupsPath", "cgroupsPath", (CG, value))
    for value in ("/{id}/" + "a/" * 20 + "b", "/{id}/./a//b", "{id}/relative", "/{id} with space", "/{id}%s%n", "/{id};reboot"):
        yield accept("cgroupsPath", (CG, value), expect=EITHER)
    for key in ("cgroup.procs", "cgroup.kill", "cgroup.freeze", "cgroup.type", "cgroup.subtree_control", "cgroup.threads", "../x.max", "a/b.max", "memory.max/..", "/memory.max",
                "memory", ".max", "memory.", "", "..", "memory.max\n", "memory max", "x" * 300 + ".max", "%s.%n"):
        yield refuse("unified", "unified|empty key", (RES + "unified", {key: "1"}))
    for value in ("1\x01", "x" * 5000, "\x7f", "x" * (1 << 20)):
        yield refuse("unified", "unified.memory.high", (RES + "unified", {"memory.high": value}))
    yield refuse("unified", "frob", (RES + "unified", {"frob.max": "1"}))
    for size in ("", "2", "MB", "0MB", "2mb", "2TB", "-2MB", "../../x", "2MB/..", "2MB\n", "1" * 20 + "MB", " 2MB", "2 MB", "02MB"):
        yield refuse("hugepageLimits", "pageSize", (RES + "hugepageLimits", [{"pageSize": size, "limit": 1}]))
    yield refuse("hugepageLimits", "twice", (RES + "hugepageLimits", [{"pageSize": "2MB", "limit": 1}] * 2))
    for value in ("x", "a-b", "0;1", "0\n1", "all"):
        yield refuse("cpuset", "cpus", (RES + "cpu", {"cpus": value}))
        yield refuse("cpuset", "mems", (RES + "cpu", {"mems": value}))
    yield refuse("cpuset", "cpu", (RES + "cpu", {"cpus": "4000"}))
    yield refuse("memory", "swap", (RES + "memory", {"swap": 1 << 30}))
    yield refuse("memory", "swap", (RES + "memory", {"limit": 1 << 30, "swap": 1 << 20}))
    for weight in (1, 9, 1001, -1, 2**32):
        yield refuse("blockIO", "weight", (RES + "blockIO", {"weight": weight}))
    yield refuse("blockIO", "weightDevice", (RES + "blockIO", {"weightDevice": [{"major": 8, "minor": 0}]}))
    for name in ("", "a b", "a/b", "a\nb", "x" * 16, "a:b"):
        yield refuse("network", "priorities|name", (RES + "network", {"priorities": [{"name": name, "priority": 1}]}))
    for name in ("", "a b", "a/b", "../x", "a\nb", "x" * 300):
        yield refuse("rdma", "rdma", (RES + "rdma", {name: {"hcaHandles": 1}}))
    yield refuse("rdma", "rdma.x", (RES + "rdma", {"x": {}}))
    for value in ("..", ".", "a/b", "../x", "/x", "info", "mon_groups", "x" * 300, "a\nb"):
        yield refuse("intelRdt", "closID", ("linux.intelRdt", {"closID": value}))
    yield refuse("intelRdt", "schemata", ("linux.intelRdt", {"schemata": ["L3:0=f\nMB:0=1"]}))
    for value in ("L3:0=f\x01", "\x7f"):
        yield refuse("intelRdt", "l3CacheSchema", ("linux.intelRdt", {"l3CacheSchema": value}))


def sysctls():
    for key in ("kernel.core_pattern", "kernel/core_pattern", "vm.overcommit_memory", "fs.file-max", "kernel.panic", "kernel.hostname", "kernel.modprobe", "dev.cdrom.info", "abi.vsyscall32",
                "debug.exception-trace", "crypto.fips_enabled", "net", "net.", "", ".", "..", "/", "net/ipv4/../../kernel/panic", "net/../kernel/panic", "net.ipv4.", ".net.ipv4", "net..ipv4",
                "net//ipv4", "net/./ipv4", "net/ipv4/", "/net/ipv4/x", "kernel.shm_rmid_forced.x", "kernel.shmmax/../panic", "fs.mqueue.../x", "../net.ipv4.ip_forward", "net.ipv4.ip_forward\n",
                "NET.ipv4.ip_forward", "x" * 5000, "net." + "x" * 300, "kernel.msgmax+net.x", "kernel.%s"):
        yield refuse("sysctl", "sysctl", ("linux.sysctl", {key: "1"}) if key else ("linux.sysctl", {"": "1"}))
    for value in ("1\n2", "1\x01", "x" * 5000, "1\r", "\n"):
        yield refuse("sysctl", "sysctl", ("linux.sysctl", {"net.ipv4.ip_forward": value}))
    for key, kind in (("net.ipv4.ip_forward", "network"), ("kernel.shmmax", "ipc"), ("fs.mqueue.msg_max", "ipc"), ("kernel.domainname", "uts"), ("user.max_user_namespaces", "user")):
        yield refuse("sysctl", "not allowed in the hosts", ("linux.sysctl", {key: "1"}), without_ns(kind), ("hostname", Gone))
    yield refuse("sysctl", "sysctl|net.ipv4.frob", ("linux.sysctl", {"net.ipv4.frob": "1"}))
    yield refuse("sysctl", "sysctl|ip_forward", ("linux.sysctl", {"net.ipv4.ip_forward": "frob"}))
    document = base(without_ns("network"), ("linux.sysctl", {"net.ipv4.ip_forward": "0"}))
    document["linux"]["namespaces"] = document["linux"]["namespaces"] + [{"type": "network", "path": "/proc/self/ns/net"}]
    yield Case("sysctl: in the host's network namespace by its path", REFUSED, "host", document)


def hooks():
    for kind in ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"):
        where = rf"hooks\.{kind}\[0\]"
        for hook, words in (({"path": "bin/true"}, r"\.path"), ({"path": ""}, r"\.path"), ({}, r"\.path"), ({"path": "/bin/true", "timeout": 0}, r"\.timeout"),
                            ({"path": "/bin/true", "timeout": -1}, r"\.timeout"), ({"path": "/bin/true", "env": [7]}, r"\.env"), ({"path": "../true"}, r"\.path")):
            yield refuse("hooks", where + words, (f"hooks.{kind}", [hook]))
        if kind == "poststop":
            continue
        for path, words in (("/no/such/hook", "no such file"), ("/etc/passwd", "permission denied"), ("/bin", "permission denied|directory"), ("/" + "x" * 300, "too long"),
                            ("{w}/x/fails", "hook" if kind != "startContainer" else "no such file")):
            yield Case(f"hooks: {kind} {short(path)}", REFUSED, words, base((f"hooks.{kind}", [{"path": path}])), prepare=scripts, verb="run", portable=False)
    yield Case("hooks: prestart hangs", REFUSED, "timeout|timed out", base(("hooks.prestart", [{"path": "{w}/x/hangs", "timeout": 1}])), prepare=scripts)
    yield Case("hooks: prestart leaves a child with our pipes", ACCEPTED, doc=base(("hooks.prestart", [{"path": "{w}/x/forks"}])), prepare=scripts)
    yield Case("hooks: prestart writes a lot and fails", REFUSED, "prestart hook", base(("hooks.prestart", [{"path": "{w}/x/floods"}])), prepare=scripts)
    yield Case("hooks: prestart says what could be taken for a log", REFUSED, "prestart hook", base(("hooks.prestart", [{"path": "{w}/x/injects"}])), prepare=scripts)
    yield Case("hooks: prestart kills itself", REFUSED, "prestart hook", base(("hooks.prestart", [{"path": "{w}/x/dies"}])), prepare=scripts)
    yield Case("hooks: prestart does not read its state", ACCEPTED, doc=base(("hooks.prestart", [{"path": "/bin/true"}]), ("annotations", {"a": "x" * 1000000})))


def scripts(world):
    for name, text in {"fails": "exit 3", "hangs": "exec sleep 100", "forks": "(sleep 0.3 &) ; exit 0", "floods": "head -c 3000000 /dev/zero; exit 1",
                       "injects": "printf 'a\\nlevel=error\\033[2J\\r\"}' >&2; exit 1", "dies": "kill -9 $$"}.items():
        world.write(f"{world.scratch}/{name}", "#!/bin/sh\n" + text + "\n", 0o755)


def seccomp():
    def profile(words, expect=REFUSED, **p):
        document = base(("linux.seccomp", {"defaultAction": "SCMP_ACT_ALLOW", **p}))
        return Case(f"seccomp: {short(p)}", expect, words, document, portable=expect == REFUSED)

    def rule(words, expect=REFUSED, **r):
        return profile(words, expect, syscalls=[{"names": ["getcwd"], "action": "SCMP_ACT_ERRNO", **r}])

    for action in ("", "ALLOW", "scmp_act_allow", "SCMP_ACT_FROB", "SCMP_ACT_ALLOW "):
        yield profile("defaultAction", defaultAction=action)
        yield rule(r"syscalls\[0\]\.action", action=action)
    yield profile("defaultAction", defaultAction="SCMP_ACT_NOTIFY")
    yield profile("defaultErrnoRet", defaultErrnoRet=5)
    yield profile("defaultErrnoRet", defaultAction="SCMP_ACT_ERRNO", defaultErrnoRet=4096)
    for value in (["SCMP_ARCH_FROB"], ["x86_64"], [""]):
        yield profile("architectures", architectures=value)
    for value in (["FROB"], ["SECCOMP_FILTER_FLAG_FROB"], [""]):
        yield profile("flags", flags=value)
    yield rule("names", names=[])
    yield rule("names", names=[""])
    yield rule("frob", STRICT, names=["frob", "getcwd"])
    yield rule("errnoRet", errnoRet=4096)
    yield rule("errnoRet", action="SCMP_ACT_ALLOW", errnoRet=1)
    for arg, words in (({"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}, "index"), ({"index": 0, "value": 1, "op": "EQ"}, "op"), ({"index": 0, "value": 1}, "op"), ({"index": 0, "op": "SCMP_CMP_EQ"}, "value"),
                       ({"value": 1, "op": "SCMP_CMP_EQ"}, "index"), ({"index": 0, "value": 2**64, "op": "SCMP_CMP_EQ"}, "value"), ({"index": 0, "value": -1, "op": "SCMP_CMP_EQ"}, "value")):
        yield rule(rf"args\[0\]\.{words}", args=[arg])
    yield profile("listenerPath", syscalls=[{"names": ["getcwd"], "action": "SCMP_ACT_NOTIFY"}])
    yield profile("listener|socket", syscalls=[{"names": ["getcwd"], "action": "SCMP_ACT_NOTIFY"}], listenerPath="/" + "x" * 200)
    yield profile("listener|no such file", syscalls=[{"names": ["getcwd"], "action": "SCMP_ACT_NOTIFY"}], listenerPath="/no/such/agent")
    yield profile("write", syscalls=[{"names": ["write"], "action": "SCMP_ACT_NOTIFY"}], listenerPath="/x")
    yield profile("listenerMetadata", listenerMetadata="x")
    yield profile("listenerPath", STRICT, listenerPath="/x")
    # Nothing allowed: at start the process dies of it, which is no refusal and no success either; it must be clean.
    yield profile("", EITHER, defaultAction="SCMP_ACT_ERRNO")


def cases():
    for part in (process, mounts, devices, namespaces, cgroups, sysctls, hooks, seccomp):
        yield from part()
