# SPDX-License-Identifier: Apache-2.0
"""Where the cases run: name spaces, file systems and cgroups of their own; and what there is before and after one."""
import hashlib
import os
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))))
ROOT_DIRS = ("bin", "dev", "etc", "proc", "sys", "tmp", "run", "var", "root")
APPLETS = ("true", "false", "sleep", "sh", "cat", "echo")
# The program itself reads nothing of these; whoever starts it may have them.
ENV = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


def enter(build, berth, runtime):
    """Run ourselves as the child of nsinit: private mounts and processes, all gone at the end."""
    work = tempfile.mkdtemp(prefix="berth-hostile.", dir="/var/tmp")
    child = None

    def stop(signum, _frame):
        if child:
            child.terminate()  # ends all that is in there
        raise SystemExit(128 + signum)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        for helper in ("nsinit", "probe"):
            shutil.copy(os.path.join(build, "tests/helpers", helper), work)
        made = subprocess.run([os.path.join(TOP, "scripts/make-rootfs"), "busybox", work + "/rootfs"], capture_output=True)
        if made.returncode:
            sys.exit("hostile: cannot make a root file system: " + made.stderr.decode())
        program = shutil.which(runtime) if runtime else berth
        if not program or not os.path.exists(program):
            sys.exit(f"hostile: no program to test: {runtime or berth} (make all)")
        os.mkdir(work + "/bin")
        for path in (program,) if runtime else (program, os.path.join(build, "berth"), os.path.join(build, "berth-shim")):
            name = "program" if path == program else os.path.basename(path)
            shutil.copy(path, os.path.join(work, "bin", name))
        child = subprocess.Popen([work + "/nsinit", "--pid", sys.executable, *sys.argv, "--inside", work])
        return child.wait()
    finally:
        if child:
            child.wait()
        sweep_cgroups(os.path.basename(work).rsplit(".", 1)[1])
        shutil.rmtree(work, ignore_errors=True)


def sweep_cgroups(tag):
    for _ in range(50):
        left = [d for d, _, _ in os.walk("/sys/fs/cgroup", topdown=False) if "h" + tag in d]
        for d in left:
            try:
                os.rmdir(d)
            except OSError:
                pass
        if not left:
            return
        time.sleep(0.02)


class Result:
    def __init__(self, status, out, err, seconds, rss, hung):
        self.status, self.out, self.err = status, out, err
        self.seconds, self.rss, self.hung = seconds, rss, hung
        self.log = b""


class World:
    def __init__(self, work, build, kind, timeout):
        self.build, self.timeout = build, timeout
        self.tag = "h" + os.path.basename(work).rsplit(".", 1)[1].lower()
        mount = ["mount", "-t", "tmpfs", "-o", "mode=755,size=2g", "tmp", "/tmp"]
        # Read before /tmp hides it; the sources may be there.
        self.kept = {n: open(f"{work}/{n}", "rb").read() for n in ("probe", "rootfs/bin/busybox")}
        bins = {n: open(f"{work}/bin/{n}", "rb").read() for n in os.listdir(work + "/bin")}
        subprocess.run(mount, check=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "run", "/run"], check=True)
        os.makedirs("/run/lock")
        if kind == "cgroup2" and not os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
            subprocess.run(["mount", "-t", "cgroup2", "cgroup2", "/sys/fs/cgroup"], check=True)
        self.dir = "/tmp/w"
        for d in ("", "/bin", "/o", "/kept", "/canary", "/canary/dir"):
            os.mkdir(self.dir + d, 0o755)
        for name, content in bins.items():
            self.write(f"{self.dir}/bin/{name}", content, 0o755)
        # Not the machine's own: runtimes change the owner of what they are given as standard input.
        os.mknod(self.dir + "/kept/null", 0o20666, os.makedev(1, 3))
        os.chmod(self.dir + "/kept/null", 0o666)
        subprocess.run(["mount", "--bind", self.dir + "/kept/null", "/dev/null"], check=True)
        self.program = self.dir + "/bin/program"
        for name, content in self.kept.items():
            self.write(f"{self.dir}/kept/{os.path.basename(name)}", content, 0o755)
        for name in ("secret", "null", "console", "ptmx", "dir/core"):
            self.write(f"{self.dir}/canary/{name}", name.encode(), 0o644)
        self.state, self.bundle, self.scratch = (self.dir + d for d in ("/s", "/b", "/x"))
        self.count = 0
        self.fresh()
        self.settle = set()
        self.settle = self.inventory()

    @staticmethod
    def write(path, content, mode=0o644):
        with open(path, "wb") as f:
            f.write(content.encode() if isinstance(content, str) else content)
            os.fchmod(f.fileno(), mode)

    def fresh(self):
        """Bundle, state root and scratch directory of one case."""
        for d in (self.state, self.bundle, self.scratch):
            if os.path.islink(d) or os.path.isfile(d):
                os.unlink(d)
            shutil.rmtree(d, ignore_errors=True)
            os.mkdir(d, 0o700 if d == self.state else 0o755)
        root = self.bundle + "/rootfs"
        os.mkdir(root)
        for d in ROOT_DIRS:
            os.mkdir(f"{root}/{d}")
        for program in ("busybox", "probe"):
            os.link(f"{self.dir}/kept/{program}", f"{root}/bin/{program}")
        for applet in APPLETS:
            os.symlink("busybox", f"{root}/bin/{applet}")
        self.write(root + "/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
        self.write(root + "/etc/group", "root:x:0:\n")
        self.count += 1
        self.id = f"{self.tag}-{self.count}"

    # ---- running

    def run(self, argv, env=None, closed=(), limits=None, before=None, stdin=None, argv0=None, cwd=None):
        """One command, its output in files: a container could hold a pipe open."""
        paths = [self.dir + "/o/out", self.dir + "/o/err"]

        def child():
            import resource
            for what, value in (limits or {}).items():
                resource.setrlimit(getattr(resource, what), value)
            if before:
                before()
            for fd in closed:
                os.close(fd)

        with open(paths[0], "wb") as out, open(paths[1], "wb") as err:
            start = time.monotonic()
            p = subprocess.Popen(argv, executable=argv0 or argv[0] if argv else argv0, stdin=stdin or subprocess.DEVNULL, stdout=out, stderr=err,
                                 env=ENV if env is None else env, cwd=cwd or self.bundle,
                                 preexec_fn=child if closed or limits or before else None)
            fd, hung = os.pidfd_open(p.pid), False
            if not select.select([fd], [], [], self.timeout)[0]:
                hung = True
                p.kill()
            os.close(fd)
            _, status, usage = os.wait4(p.pid, 0)
            p.returncode = os.waitstatus_to_exitcode(status)
            seconds = time.monotonic() - start
        out, err = (open(path, "rb").read(100000) for path in paths)
        return Result(p.returncode, out, err, seconds, usage.ru_maxrss, hung)

    # ---- what there is

    def processes(self):
        for p in os.listdir("/proc"):
            if not p.isdigit() or int(p) in (1, os.getpid()):
                continue
            try:
                text = open(f"/proc/{p}/stat").read()
            except OSError:
                continue
            name, rest = text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2:].split()
            if rest[0] not in "ZX":
                yield f"process {p} {name} start {rest[19]}"

    def cgroups(self):
        for d, _, _ in os.walk("/sys/fs/cgroup"):
            if self.tag in d:
                yield "cgroup " + d

    @staticmethod
    def tree(top, skip=()):
        for d, dirs, files in os.walk(top):
            dirs[:] = [n for n in dirs if os.path.join(d, n) not in skip]
            for n in dirs + files:
                yield os.path.join(d, n)

    def canary(self):
        for path in [self.dir + "/canary", *self.tree(self.dir + "/canary")]:
            s = os.lstat(path)
            content = hashlib.sha1(open(path, "rb").read()).hexdigest() if stat.S_ISREG(s.st_mode) else ""
            yield f"canary {path} {s.st_ino} {s.st_mode:o} {s.st_uid} {s.st_gid} {s.st_mtime_ns} {content}"

    def inventory(self):
        """One line for each thing that exists."""
        lines = set(self.processes()) | set(self.cgroups()) | set(self.canary())
        for line in open("/proc/self/mountinfo"):
            # Without the options of superblocks: those of cgroup2 are the whole machine's.
            lines.add("mount " + line.split(" - ")[0] + " " + line.split(" - ")[1].split()[0])
        lines |= {"link " + n for n in os.listdir("/sys/class/net")}
        lines |= {"key " + line.split(None, 7)[-1].strip() for line in open("/proc/keys") if self.tag in line}
        # The cache of compiled filters stays, and so does the directory of short socket names.
        lines |= {"file " + p for p in self.tree("/tmp", (self.dir + "/o", self.dir + "/canary", self.dir + "/kept"))
                  if not p.startswith((self.state + "/.seccomp", self.state + "/.s"))}
        lines |= {"file " + p for p in self.tree("/run")}
        return lines

    def end_processes(self):
        for line in set(self.processes()) - {x for x in self.settle if x.startswith("process")}:
            try:
                os.kill(int(line.split()[1]), signal.SIGKILL)
            except OSError:
                pass

    def end_mounts(self):
        for line in reversed(open("/proc/self/mountinfo").read().splitlines()):
            point = line.split()[4]
            if point.startswith("/tmp/") or point.startswith("/run/"):
                subprocess.run(["umount", "-l", point], stderr=subprocess.DEVNULL)
