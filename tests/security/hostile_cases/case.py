# SPDX-License-Identifier: Apache-2.0
"""A case, and the JSON documents that cases are made of."""
import copy
import json
import re

REFUSED = "refused"  # exit status 1, one line with the words, nothing left
ACCEPTED = "accepted"  # runs; nothing left after its deletion
STRICT = "strict"  # accepted, and refused with --strict
LOADS = "loads"  # as far as the document goes; whether this host has the means does not matter
LOADS_NOT_STRICT = "noted"  # the same, and refused with --strict
EITHER = "either"  # up to the host: one of the two, but cleanly


class Raw:
    """JSON text as it is: numbers that Python can't hold, broken text."""

    def __init__(self, text):
        self.text = text


class Pairs:
    """An object from pairs: keys may be there twice."""

    def __init__(self, *pairs):
        self.pairs = pairs


class Gone:
    """The value of an edit that removes a property."""


class Case:
    def __init__(self, name, expect, words="", doc=None, **rest):
        self.name, self.expect, self.words = name, expect, words
        self.doc = doc  # JSON value, bytes, or None: the standard one
        self.prepare = rest.pop("prepare", None)  # called with the world: files around the bundle
        self.options = rest.pop("options", [])  # of create and run
        self.settings = rest.pop("settings", [])  # before the command
        self.command = rest.pop("command", None)  # instead of create or run: the whole command line behind --root
        self.spawn = rest.pop("spawn", {})  # how the program is started: see World.run
        self.live = rest.pop("live", False)  # there is a running container, {id}
        self.twice = rest.pop("twice", False)  # by create and by run
        self.verb = rest.pop("verb", None)  # of create and run, the one that shows it
        # Of a refusal. The callers of exec tell it by 255 from the end of the process.
        self.status = rest.pop("status", 255 if self.command and self.command[0] == "exec" else 1)
        self.usage = rest.pop("usage", False)  # a usage text on standard output is no fault
        self.quiet = rest.pop("quiet", False)  # no word of it can be written
        self.portable = rest.pop("portable", self.command is None and not self.live)
        assert not rest, rest
        if expect in (LOADS, STRICT, LOADS_NOT_STRICT, EITHER):
            self.portable = False


def text_of(value):
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, Pairs):
        return "{" + ",".join(json.dumps(k) + ":" + text_of(v) for k, v in value.pairs) + "}"
    if isinstance(value, dict):
        return "{" + ",".join(json.dumps(k) + ":" + text_of(v) for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(text_of(v) for v in value) + "]"
    return json.dumps(value)


def steps_of(path):
    return [int(s[1:-1]) if s[0] == "[" and s != "[+]" else s for s in re.findall(r"[^.\[\]]+|\[(?:\d+|\+)\]", path)]


def put(document, path, value):
    """Set one property: "mounts[0].type", "mounts[+]" for one more."""
    at, steps = document, steps_of(path)
    for i, step in enumerate(steps[:-1]):
        if isinstance(step, str) and step not in at:
            at[step] = [] if steps[i + 1] == "[+]" or isinstance(steps[i + 1], int) else {}
        at = at[step]
    if value is Gone:
        del at[steps[-1]]
    elif steps[-1] == "[+]":
        at.append(value)
    else:
        at[steps[-1]] = value


CAPS = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
BASE = {
    "ociVersion": "1.0.2",
    "process": {
        "terminal": False, "user": {"uid": 0, "gid": 0}, "args": ["true"], "cwd": "/",
        "env": ["PATH=/bin", "TERM=xterm"],
        "capabilities": {"bounding": CAPS, "effective": CAPS, "permitted": CAPS},
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
        "noNewPrivileges": True,
    },
    "root": {"path": "rootfs", "readonly": True},
    "hostname": "hostile",
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=65536k"]},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
    ],
    "linux": {
        "resources": {"devices": [{"allow": False, "access": "rwm"}]},
        "namespaces": [{"type": t} for t in ("pid", "network", "ipc", "uts", "mount")],
        "maskedPaths": ["/proc/kcore", "/proc/keys"],
        "readonlyPaths": ["/proc/sys", "/proc/sysrq-trigger"],
    },
}


def base(*edits):
    """The standard document with edits: (path, value) pairs."""
    document = copy.deepcopy(BASE)
    for path, value in edits:
        put(document, path, value)
    return document


def without_ns(*types):
    return ("linux.namespaces", [n for n in BASE["linux"]["namespaces"] if n["type"] not in types])


def with_ns(*more):
    return ("linux.namespaces", BASE["linux"]["namespaces"] + [m if isinstance(m, dict) else {"type": m} for m in more])
