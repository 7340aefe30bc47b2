# SPDX-License-Identifier: Apache-2.0
"""Every property of the runtime-spec: each wrong type, null, doubled, in other case; each number at and beyond its ends.

EXAMPLE holds a valid value of every property of tests/spec/runtime-spec-1.3.paths; what is not in there stops the runner, so
that a property which is new to the list cannot go without cases.
"""
import copy
import os
import re

from .case import BASE, CAPS, LOADS, LOADS_NOT_STRICT, REFUSED, Case, Pairs, Raw, put, with_ns
from .world import TOP

MAP = [{"containerID": 0, "hostID": 100000, "size": 65536}]
U32, U64, I64 = 2**32 - 1, 2**64 - 1, 2**63 - 1
ID = (0, U32 - 1)
HOOK = [{"path": "/bin/true", "args": ["true", "x"], "env": ["A=b"], "timeout": 5}]
RATE = [{"major": 8, "minor": 0, "rate": 1048576}]
KINDS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")
THROTTLES = ("throttleReadBpsDevice", "throttleWriteBpsDevice", "throttleReadIOPSDevice", "throttleWriteIOPSDevice")
EXAMPLE = {
    "ociVersion": "1.3.0",
    "hooks": {k: HOOK for k in KINDS},
    "annotations": {"a": "b"}, "hostname": "host", "domainname": "domain",
    "mounts": [{"source": "/tmp", "destination": "/tmp", "options": ["bind"], "type": "bind", "uidMappings": MAP, "gidMappings": MAP}],
    "root": {"path": "rootfs", "readonly": True},
    "process": {
        "args": ["true"], "commandLine": "x", "consoleSize": {"height": 24, "width": 80}, "cwd": "/", "env": ["A=b"], "terminal": False,
        "user": {"uid": 0, "gid": 0, "umask": 18, "additionalGids": [5], "username": "x"},
        "capabilities": {k: CAPS for k in ("bounding", "permitted", "effective", "inheritable", "ambient")},
        "apparmorProfile": "profile", "oomScoreAdj": 0, "selinuxLabel": "a:b:c:s0",
        "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 4}, "noNewPrivileges": True,
        "scheduler": {"policy": "SCHED_OTHER", "nice": 0, "priority": 0, "flags": ["SCHED_FLAG_RESET_ON_FORK"], "runtime": 0, "deadline": 0, "period": 0},
        "rlimits": [{"hard": 1024, "soft": 1024, "type": "RLIMIT_NOFILE"}],
        "execCPUAffinity": {"initial": "0", "final": "0"},
    },
    "linux": {
        "devices": [{"type": "c", "path": "/dev/x", "fileMode": 438, "major": 1, "minor": 3, "uid": 0, "gid": 0}],
        "netDevices": {"eth0": {"name": "eth1"}}, "uidMappings": MAP, "gidMappings": MAP,
        "namespaces": [{"type": "network", "path": "/proc/self/ns/net"}, *({"type": t} for t in ("pid", "ipc", "uts", "mount"))],
        "resources": {
            "unified": {"memory.max": "max"},
            "devices": [{"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rwm"}],
            "pids": {"limit": 100},
            "blockIO": {"weight": 100, "leafWeight": 100, **{k: RATE for k in THROTTLES},
                        "weightDevice": [{"major": 8, "minor": 0, "weight": 100, "leafWeight": 100}]},
            "cpu": {"cpus": "0", "mems": "0", "period": 100000, "quota": 50000, "burst": 0, "realtimePeriod": 1000000, "realtimeRuntime": 0,
                    "shares": 1024, "idle": 0},
            "hugepageLimits": [{"pageSize": "2MB", "limit": 2097152}],
            "memory": {"kernel": -1, "kernelTCP": -1, "limit": 1 << 30, "reservation": 1 << 29, "swap": 1 << 30, "swappiness": 60,
                       "disableOOMKiller": False, "useHierarchy": True, "checkBeforeUpdate": False},
            "network": {"classID": 1, "priorities": [{"name": "lo", "priority": 1}]},
            "rdma": {"mlx5_0": {"hcaHandles": 3, "hcaObjects": 100}},
        },
        "cgroupsPath": "/{id}", "rootfsPropagation": "private",
        "seccomp": {
            "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "flags": ["SECCOMP_FILTER_FLAG_LOG"], "listenerPath": "/run/agent",
            "listenerMetadata": "x", "architectures": ["SCMP_ARCH_X86_64"],
            "syscalls": [{"names": ["getcwd"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1,
                          "args": [{"index": 0, "value": 1, "valueTwo": 2, "op": "SCMP_CMP_EQ"}]}],
        },
        "sysctl": {"net.ipv4.ip_forward": "0"}, "maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"], "mountLabel": "a:b:c:s0",
        "intelRdt": {"closID": "x", "schemata": ["L3:0=f"], "l3CacheSchema": "L3:0=f", "memBwSchema": "MB:0=20", "enableMonitoring": False},
        "memoryPolicy": {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]},
        "personality": {"domain": "LINUX", "flags": []},
        "timeOffsets": {c: {"secs": 1, "nanosecs": 1} for c in ("boottime", "monotonic")},
    },
    "solaris": {}, "windows": {}, "vm": {}, "zos": {}, "freebsd": {},
}
# For other platforms: not looked at.
IGNORED = {"process.commandLine", "process.user.username", "solaris", "windows", "vm", "zos", "freebsd"}
# Objects of which a part alone has no meaning: they are taken from EXAMPLE as a whole.
WHOLE = {"process.ioPriority", "process.scheduler", "linux.seccomp", "linux.memoryPolicy", "linux.personality", "linux.intelRdt",
         "linux.netDevices", "linux.resources.rdma", "linux.timeOffsets", "linux.resources.memory", "linux.resources.cpu"}
RANGE = {
    "uid": ID, "gid": ID, "umask": (0, 0o777), "height": (0, 65535), "width": (0, 65535), "oomScoreAdj": (-1000, 1000),
    "linux.devices[].major": (0, 4095), "linux.devices[].minor": (0, 1048575), "linux.resources.devices[].major": (-1, 4095),
    "linux.resources.devices[].minor": (-1, 1048575), "fileMode": (0, 0o7777), "containerID": (0, None), "hostID": (0, None), "size": (1, None),
    "timeout": (1, None), "process.ioPriority.priority": (0, 7), "nice": (-20, 19), "process.scheduler.priority": (0, 99), "hard": (0, U64), "soft": (0, U64),
    "limit": (-1, I64), "linux.resources.hugepageLimits[].limit": (0, U64), "reservation": (-1, I64), "swap": (-1, I64), "kernel": (-1, I64),
    "kernelTCP": (-1, I64), "quota": (-1, I64), "realtimeRuntime": (-1, I64), "idle": (0, 1), "swappiness": (None, 100), "shares": (0, U64),
    "period": (0, U64), "burst": (0, U64), "realtimePeriod": (0, U64), "weight": (0, 1000), "leafWeight": (0, 1000), "major": (0, 4095),
    "minor": (0, 1048575), "rate": (0, U64), "classID": (0, U32), "linux.resources.network.priorities[].priority": (0, U32), "hcaHandles": (0, U32),
    "hcaObjects": (0, U32), "defaultErrnoRet": (0, 4095), "errnoRet": (0, 4095), "index": (0, 5), "value": (0, U64), "valueTwo": (0, U64),
    "secs": (-2**63, I64), "nanosecs": (0, 999999999), "runtime": (0, U64), "deadline": (0, U64),
}
# null is "not set" for what is no number and no boolean; here it is missed, by itself or by something else.
REQUIRED = {"ociVersion", "root", "process", "root.path", "process.args", "process.cwd", "mounts[].destination"} | {f"hooks.{k}[].path" for k in KINDS} | {
    "process.ioPriority.class", "process.scheduler.policy", "process.rlimits[].type", "linux.devices[].type", "linux.devices[].path",
    "linux.namespaces[].type", "linux.seccomp.defaultAction", "linux.seccomp.syscalls[].action", "linux.seccomp.syscalls[].names",
    "linux.seccomp.syscalls[].args[].op", "linux.resources.hugepageLimits[].pageSize", "linux.resources.network.priorities[].name",
    "linux.memoryPolicy.mode", "linux", "linux.namespaces", "linux.uidMappings", "linux.gidMappings", "mounts[].source",
    "mounts[].uidMappings", "mounts[].gidMappings", "mounts[].options", "process.capabilities.permitted", "linux.seccomp.listenerPath", "linux.memoryPolicy.nodes", "linux.personality.domain", "linux.resources.devices[].access"}
WRONG = {str: (7, True, ["x"], {"x": "y"}), bool: ("true", 1, [True], {"a": True}), int: ("7", True, [7], {"a": 7}, 1.5),
         list: ("x", 7, True, {"a": "b"}), dict: ("x", 7, True, ["x"])}
JUNK = ("x", 7, True, None, [], ["x"], {"a": 1})


def paths():
    with open(os.path.join(TOP, "tests/spec/runtime-spec-1.3.paths"), encoding="utf-8") as f:
        return f.read().split()


def document_for(path):
    """The standard document, in which path exists; also the path with its indexes and names."""
    document, at, example, where = copy.deepcopy(BASE), None, EXAMPLE, ""
    if path.startswith(("linux.uidMappings", "linux.gidMappings")):
        put(document, *with_ns("user"))
        document["linux"].update(uidMappings=MAP, gidMappings=MAP)
    if path.startswith("linux.timeOffsets"):
        put(document, *with_ns("time"))
    at, steps, whole = document, [], False
    for step in path.split("."):
        steps += [step[:-2], 0] if step.endswith("[]") else [next(iter(example))] if step == "*" else [step]
        for s in steps[-(2 if step.endswith("[]") else 1):]:
            example = example[s]
    example = EXAMPLE
    for i, step in enumerate(steps):
        example = example[step]
        where += f"[{step}]" if isinstance(step, int) else "." * bool(where) + step
        generic = re.sub(r"\[\d+\]", "[]", where)
        if i == len(steps) - 1:
            if not isinstance(example, dict) or step not in at:
                at[step] = copy.deepcopy(example)
            return document, at, step, where
        whole = whole or generic in WHOLE or isinstance(steps[i + 1], int)
        if isinstance(step, str) and (whole or step not in at):
            at[step] = copy.deepcopy(example) if whole else {}
        at = at[step]
    raise ValueError(path)


def text_name(value):
    return repr(value) if not isinstance(value, Raw) else value.text if len(value.text) < 30 else value.text[:8] + "..."


def with_value(path, value):
    document, at, step, where = document_for(path)
    at[step] = value
    return document, where


def renamed(path, make):
    """The property replaced by what make(name, value) gives: pairs."""
    document, at, step, where = document_for(path)
    value = at.pop(step)
    pairs = Pairs(*at.items(), *make(step, value))
    steps = re.findall(r"[^.\[\]]+|\[\d+\]", where)
    if len(steps) == 1:
        return pairs, where
    parent = where[:where.rindex(".")]
    put(document, parent, pairs)
    return document, where


def types(path):
    _, at, step, where = document_for(path)
    example, words = at[step], re.escape(where)
    for value in WRONG[type(example)]:
        expect = LOADS if path in IGNORED else REFUSED
        yield Case(f"type: {where} = {text_name(value)}", expect, words, with_value(path, value)[0])
    if path in IGNORED:
        return
    expect = REFUSED if type(example) in (int, bool) or path in REQUIRED else LOADS
    elsewhere = {"linux": "namespace", "linux.namespaces": "namespace", "mounts[].options": "bind",
                 "linux.seccomp.listenerPath": "listenerMetadata",
                 "process.capabilities.permitted": "is not in the permitted set"}
    words = elsewhere.get(path) or (words if "." in where and path not in ("process.args", "process.cwd") else step)
    yield Case(f"type: {where} = null", expect, words, with_value(path, None)[0])
    if isinstance(example, list) and path != "linux.personality.flags":
        kind = type(example[0])
        for value in JUNK:
            if type(value) is not kind or isinstance(value, dict):
                yield Case(f"type: {where}[0] = {text_name(value)}", REFUSED, re.escape(where), with_value(path, [value])[0])


def numbers(path):
    document, at, step, where = document_for(path)
    words = re.escape(where)
    low, high = RANGE.get(path) or RANGE[path.rsplit(".", 1)[1]]
    bad = [Raw(t) for t in ("1.0", "1e3", "0.5", "-0.0", "1E+2", "1" + "0" * 400, "-1" + "0" * 400, "1e400", "-9223372036854775809", "18446744073709551616",
                            "340282366920938463463374607431768211456")]
    bad += [low - 1] if low is not None else [-2]
    bad += [high + 1] if high is not None and high < U64 else []
    bad += [-2] if low is not None and low > -2 and low != -1 else []
    for value in (2**31, U32, U32 + 1, 2**53 + 1, I64, I64 + 1, U64):
        if high is not None and value > high and value != high + 1 and not (step == "swappiness" and value == U64):
            bad.append(value)
    for value in {text_name(v): v for v in bad}.values():
        yield Case(f"number: {where} = {text_name(value)}", REFUSED, words, with_value(path, value)[0])


def edges(path):
    """Accepted values at the ends of the range, where they do not depend on others."""
    low, high = RANGE.get(path) or RANGE[path.rsplit(".", 1)[1]]
    alone = not re.search(r"soft|hard|Mappings|memory|scheduler|fileMode|weight|leafWeight|timeout", path)
    for value in {low, high} if alone else ():
        document, where = with_value(path, value)
        if value is not None and where != "linux.seccomp.defaultErrnoRet":
            yield Case(f"number: {where} = {value}, the end of its range", LOADS, doc=document)


def names(path):
    document, at, step, where = document_for(path)
    if isinstance(step, int) or path in IGNORED:
        return
    text = renamed(path, lambda name, value: [(name, value), (name, value)])[0]
    yield Case(f"doubled: {where}", REFUSED, f"{step}.*(twice|duplicate)|(twice|duplicate).*{step}", text)
    if path.startswith("linux.netDevices.*") or path.startswith("linux.timeOffsets."):
        return
    other = step[0].swapcase() + step[1:]
    parent = where[:-len(step)]
    text = renamed(path, lambda name, value: [(other, value)])[0]
    yield Case(f"other case: {parent}{other}", LOADS_NOT_STRICT, re.escape(parent[:-1]) + f'.*property "{other}"', text)


def cases():
    for path in paths():
        yield from types(path)
        yield from names(path)
        _, at, step, _ = document_for(path)
        if type(at[step]) is int:
            yield from numbers(path)
            yield from edges(path)
