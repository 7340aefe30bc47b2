#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A client of berth-shim without dependencies, written from docs/PROTOCOL.md alone.

usage: berth_client.py SOCKET state | wait | monitor [AFTER] | resize ROWS COLS | attach [PARAMETERS]

Answers are printed as JSON, one a line. attach connects stdin, stdout and stderr to the process, whose exit
code becomes ours (255: unknown); PARAMETERS is the JSON object for Attach.
"""
import contextlib
import json
import os
import select
import socket
import struct
import sys

DATA, GAP, EOF, EXIT = 1, 2, 3, 6
STDIN = 0


class Shim:
    """One connection; calls are answered in order."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(address)
        self.buffer = b""

    def receive(self):
        """More bytes into the buffer; False at the end of the connection."""
        data = self.socket.recv(65536)
        self.buffer += data
        return bool(data)

    def call(self, method, parameters=None, **flags):
        """Call, and yield the parameters of each answer."""
        message = {"method": "io.berth.Shim." + method, "parameters": parameters or {}, **flags}
        self.socket.sendall(json.dumps(message).encode() + b"\0")
        more = True
        while more:
            while b"\0" not in self.buffer:
                if not self.receive():
                    raise ConnectionError("the shim has gone")
            text, self.buffer = self.buffer.split(b"\0", 1)
            answer = json.loads(text)
            if "error" in answer:
                raise RuntimeError(answer["error"], answer.get("parameters"))
            more = answer.get("continues", False)
            yield answer.get("parameters", {})

    def frames(self):
        """The whole frames that have come: type, stream, payload."""
        while len(self.buffer) >= 8:
            kind, stream, _, length = struct.unpack_from(">BBHI", self.buffer)
            if len(self.buffer) < 8 + length:
                return
            payload, self.buffer = self.buffer[8:8 + length], self.buffer[8 + length:]
            yield kind, stream, payload

    def attach(self, parameters):
        """Connect our standard streams until the end; the exit code, None when it is unknown."""
        begin = next(self.call("Attach", parameters, upgrade=True))
        inputs, code, more = [self.socket] + [STDIN] * begin["stdin"], None, True
        while True:
            for kind, stream, payload in self.frames():
                if kind == DATA:
                    with open(stream, "wb", closefd=False) as out:
                        out.write(payload)
                elif kind == GAP:
                    print("%d bytes were skipped" % struct.unpack(">Q", payload), file=sys.stderr)
                elif kind == EXIT:
                    flags, _, _signal, number, _when = struct.unpack(">BBHIQ", payload)
                    code = number if flags & 1 else None
            if not more:
                return code
            for ready in select.select(inputs, [], [])[0]:
                if ready is self.socket:
                    more = self.receive()
                    continue
                data = os.read(STDIN, 16384)
                with contextlib.suppress(BrokenPipeError):  # the shim has gone: what it said is still to be read
                    self.socket.sendall(struct.pack(">BBHI", DATA if data else EOF, STDIN, 0, len(data)) + data)
                if not data:
                    inputs.remove(STDIN)


def main(address, command, *args):
    if command == "attach":
        code = Shim(address).attach(json.loads(args[0]) if args else {})
        return 255 if code is None else code
    numbers = dict(zip({"monitor": ["after"], "resize": ["rows", "cols"]}.get(command, []), map(int, args)))
    for answer in Shim(address).call(command.capitalize(), numbers, more=command == "monitor"):
        print(json.dumps(answer), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) > 2 else __doc__)
