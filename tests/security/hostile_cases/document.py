# SPDX-License-Identifier: Apache-2.0
"""The document as text: syntax, characters, sizes, numbers, names (section "JS" of the list of hostile inputs)."""
from .case import ACCEPTED, BASE, REFUSED, STRICT, Case, Gone, Pairs, Raw, base, put, text_of

PLACE = r"config\.json: .*JSON: line \d+, column \d+"
MIB = 1 << 20


def syntax():
    good = text_of(BASE)
    whole = {
        "empty": "", "a space": " ", "a line feed": "\n", "a brace": "{", "a bracket": "[", "a quote": '"', "null bytes": "\0\0\0\0",
        "a comma behind the last value": good[:-1] + ",}", "a comma in an empty object": '{"a":{,}}', "two commas": '{"a":1,,"b":2}',
        "no colon": '{"a" 1}', "no value": '{"a":}', "no key": "{1:2}", "a key that is a word": "{a:1}", "single quotes": "{'a':1}",
        "a comment at the start": "// c\n" + good, "a comment at the end": good + "// c", "a C comment": good.replace("{", "{/* c */", 1),
        "a hash comment": "# c\n" + good, "NaN": '{"a":NaN}', "Infinity": '{"a":Infinity}', "minus Infinity": '{"a":-Infinity}',
        "True": '{"a":True}', "nul": '{"a":nul}', "undefined": '{"a":undefined}', "hexadecimal": '{"a":0x10}', "octal": '{"a":01}',
        "a plus sign": '{"a":+1}', "a bare minus": '{"a":-}', "a point without digits": '{"a":1.}', "a point first": '{"a":.5}',
        "an exponent without digits": '{"a":1e}', "two documents": good + good, "a second value": good + " 1", "a brace too many": good + "}",
        "text behind the end": good + " x", "a NUL behind the end": good + "\0", "a mismatched bracket": '{"a":[1}', "YAML": "ociVersion: 1.0.2\n",
        "XML": "<config/>", "a form feed": "\f" + good, "a vertical tab": good + "\v", "a no-break space": "\u00a0" + good,
        "a line separator": good + "\u2028", "an escaped letter": '{"a":"\\x41"}', "an escape at the end": '{"a":"\\', "half an escape": '{"a":"\\u12"}',
        "an escape of letters": '{"a":"\\uZZZZ"}', "a raw line feed in a string": '{"a":"b\nc"}', "a raw tab in a string": '{"a":"b\tc"}',
        "a raw NUL in a string": '{"a":"b\0c"}', "a raw escape character in a string": '{"a":"b\x1bc"}', "no end of a string": '{"a":"b}',
    }
    for name, text in whole.items():
        yield Case("syntax: " + name, REFUSED, PLACE, text.encode())
    for name, text in {"an array": "[]", "null": "null", "a string": '"x"', "a number": "1", "true": "true", "false": "false"}.items():
        yield Case("syntax: a document that is " + name, REFUSED, r"config\.json.*expected an object", text.encode())
    yield Case("syntax: an empty object", REFUSED, "ociVersion", b"{}")
    spaced = " \t\r\n" + good.replace(",", " ,\n\t").replace(":", " :\r\n ") + "\n\n"
    yield Case("syntax: all kinds of space are allowed", ACCEPTED, doc=spaced.encode())


def truncated():
    good = text_of(BASE).encode()
    for n in range(1, len(good), max(1, len(good) // 120)):
        yield Case(f"cut off after {n} bytes", REFUSED, PLACE, good[:n])


def damaged():
    """One byte replaced, all over the text: wherever it is no longer JSON, or no longer UTF-8."""
    good = text_of(BASE).encode()
    for n in range(0, len(good), max(1, len(good) // 60)):
        yield Case(f"byte {n} is 0xff", REFUSED, PLACE, good[:n] + b"\xff" + good[n + 1:])
        yield Case(f"byte {n} is NUL", REFUSED, PLACE, good[:n] + b"\0" + good[n + 1:])


def characters():
    bad = {
        "0xff": b"\xff", "0xfe": b"\xfe", "a lone continuation": b"\x80", "a cut sequence of 2": b"\xc3", "a cut sequence of 3": b"\xe2\x82",
        "a cut sequence of 4": b"\xf0\x9f\x98", "an over-long slash": b"\xc0\xaf", "an over-long NUL": b"\xc0\x80", "an over-long of 3": b"\xe0\x80\xaf",
        "an over-long of 4": b"\xf0\x80\x80\xaf", "an encoded surrogate": b"\xed\xa0\x80", "an encoded pair": b"\xed\xa0\xbd\xed\xb8\x80",
        "beyond U+10FFFF": b"\xf4\x90\x80\x80", "5 bytes": b"\xf8\x88\x80\x80\x80", "6 bytes": b"\xfc\x84\x80\x80\x80\x80", "Latin-1": b"caf\xe9 ",
        "\\u0000": b"\\u0000", "a lone high surrogate": b"\\ud800", "a lone low surrogate": b"\\udc00", "surrogates the wrong way round": b"\\udc00\\ud800",
        "two high surrogates": b"\\ud800\\ud800", "a surrogate and a letter": b"\\ud83dx",
    }
    places = {"a key": '{"ociVersion":"1.0.2","@":1}', "an unknown string": '{"ociVersion":"1.0.2","x":"a@b"}'}
    for value in ("hostname", "process.args", "process.env", "process.cwd", "root.path", "linux.cgroupsPath"):
        text = ["true", "a@b"] if value == "process.args" else ["PATH=/bin", "A=a@b"] if value == "process.env" else "/a@b"
        places[value] = text_of(base((value, text)))
    for what, data in bad.items():
        for where, text in places.items():
            yield Case(f"characters: {what} in {where}", REFUSED, PLACE, text.encode().replace(b"@", data))
    good = text_of(BASE)
    yield Case("characters: a byte order mark", REFUSED, PLACE, b"\xef\xbb\xbf" + good.encode())
    yield Case("characters: UTF-16", REFUSED, PLACE, good.encode("utf-16"))
    yield Case("characters: UTF-32", REFUSED, PLACE, good.encode("utf-32"))
    yield Case("characters: an emoji as a surrogate pair", ACCEPTED, doc=text_of(base(("annotations", {"a": Raw('"\\ud83d\\ude00"')}))).encode())


def deep(where, opening, name, closing, depth):
    return text_of(base((where, Raw(opening * depth + ("1" if name == "objects" else "") + closing * depth)))).encode()


def depths():
    for depth in (65, 1000, 100000, 1000000):
        for name, opening, closing in (("arrays", "[", "]"), ("objects", '{"a":', "}")):
            if depth == 1000000 and name == "objects":
                continue
            for where in ("frob", "annotations", "linux"):
                yield Case(f"depth: {depth} {name} in {where}", REFUSED, "too deep|nest", lambda w=where, t=(opening, name, closing, depth): deep(w, *t))
        yield Case(f"depth: {depth} arrays that are not closed", REFUSED, "too deep|nest", lambda d=depth: b"[" * d)
    yield Case("depth: 60 arrays in an unknown property", STRICT, "frob", base(("frob", Raw("[" * 60 + "]" * 60))))


def sizes():
    yield Case("size: 16 MiB and one byte", REFUSED, r"config\.json.*(large|limit|16)", lambda: b" " * (16 * MIB + 1 - 2) + b"{}")
    yield Case("size: an annotation of 2 MiB less 8 bytes", ACCEPTED, doc=lambda: base(("annotations", {"a": "x" * (2 * MIB - 8)})))
    yield Case("size: an annotation of 2 MiB", REFUSED, "annotations: larger than", lambda: base(("annotations", {"a": "x" * 2 * MIB})))
    yield Case("size: an annotation of 400 000 control characters", REFUSED, "annotations: larger than", lambda: base(("annotations", {"a": "\x01" * 400000})))
    yield Case("size: an annotation of 15 MiB", REFUSED, "annotations: larger than", lambda: base(("annotations", {"a": "x" * (15 * MIB)})))
    yield Case("size: an annotation of 17 MiB", REFUSED, r"config\.json.*(large|limit|16)", lambda: base(("annotations", {"a": "x" * (17 * MIB)})))
    yield Case("size: 100 000 annotations", ACCEPTED, doc=lambda: base(("annotations", {f"{i:x}": "" for i in range(100000)})))
    yield Case("size: 200 000 annotations", REFUSED, "annotations: larger than", lambda: base(("annotations", {f"k{i}": "v" for i in range(200000)})))
    yield Case("size: 2 000 000 values", REFUSED, "too many values", lambda: base(("frob", Raw("[" + "0," * 1999999 + "0]"))))
    yield Case("size: 2 000 000 empty arrays", REFUSED, "too many values", lambda: base(("frob", Raw("[" + "[]," * 1999999 + "0]"))))
    yield Case("size: 1 100 000 keys", REFUSED, "too many values", lambda: base(("frob", Raw("{" + ",".join(f'"{i:x}":0' for i in range(1100000)) + "}"))))
    yield Case("size: 100 000 keys that are all the same", REFUSED, "frob|twice|duplicate", lambda: base(("frob", Raw("{" + ",".join(['"k":0'] * 100000) + "}"))))
    yield Case("size: a key of 1 MiB", STRICT, "xxxx", lambda: base(("x" * MIB, 1)))
    yield Case("size: a number of 1 MiB", REFUSED, "hostname|JSON", lambda: base(("hostname", Raw("1" * MIB))))
    yield Case("size: a version of 1 MiB", REFUSED, "ociVersion", lambda: base(("ociVersion", "1." * (MIB // 2))))


def doubled():
    def twice(path):
        """The object at path has each of its keys twice."""
        document = base()
        at = document
        for step in path:
            at = at[step]
        pairs = Pairs(*[(k, v) for k, v in at.items()], next(iter(at.items())))
        if not path:
            return pairs
        put(document, ".".join(f"[{s}]" if isinstance(s, int) else s for s in path).replace(".[", "["), pairs)
        return document

    for path in ([], ["process"], ["process", "user"], ["process", "capabilities"], ["process", "rlimits", 0], ["root"], ["mounts", 0],
                 ["mounts", 1], ["linux"], ["linux", "resources"], ["linux", "resources", "devices", 0], ["linux", "namespaces", 0]):
        yield Case(f"doubled: the first key of {path or 'the document'}", REFUSED, "twice|duplicate", twice(path))
    for name, key in {"an escape": '"\\u0061rgs"', "a surrogate escape": '"\\u0061\\u0072gs"'}.items():
        text = text_of(BASE).replace('"args":["true"]', '"args":["false"],' + key + ':["true"]')
        yield Case(f"doubled: args, once with {name}", REFUSED, "args", text.encode())
    yield Case("doubled: an annotation", REFUSED, "annotations|twice|duplicate", base(("annotations", Pairs(("a", "b"), ("a", "c")))))
    yield Case("doubled: an unknown key", REFUSED, "frob|twice|duplicate", base(("frob", Pairs(("x", 1), ("x", 1)))))
    yield Case("doubled: a sysctl", REFUSED, "twice|duplicate", base(("linux.sysctl", Pairs(("net.ipv4.ip_forward", "0"), ("net.ipv4.ip_forward", "1")))))


def versions():
    for text in ("", "abc", "1", "1.0", "v1.0.2", "1.0.2.3", "01.0.2", "1.00.2", "1.0.02", "1..2", "1.0.", ".0.2", "-1.0.2", "1.0.2-", "1.0.2+", "1.0.2-a..b",
                 "1.0.2 ", " 1.0.2", "1.0.2\n", "1,0,2", "1.0.x", "1.0.2_", "١.٠.٢", "%s%n", "0.9.0", "2.0.0", "99.0.0", "10.0.0", "0.0.0", "1e0.0.0"):
        yield Case(f"version: {text!r}", REFUSED, "ociVersion", base(("ociVersion", text)))
    yield Case("version: missing", REFUSED, "ociVersion", base(("ociVersion", Gone)))
    for text in ("1.0.0", "1.9.9", "1.3.0-dev", "1.0.2+build", "1.2.3-rc.1+x.y", "1.99999999999999999999.0"):
        yield Case(f"version: {text}", ACCEPTED, doc=base(("ociVersion", text)))
    yield Case("version: the early format", ACCEPTED, doc=base(("ociVersion", "1.0.0-rc1")))


def unknown():
    for path in ("frob", "process.frob", "process.user.frob", "process.capabilities.frob", "process.rlimits[0].frob", "root.frob", "mounts[0].frob",
                 "linux.frob", "linux.resources.frob", "linux.resources.devices[0].frob", "linux.namespaces[0].frob", "linux.resources.memory.frob"):
        yield Case(f"unknown: {path}", STRICT, path.replace("[", r"\[").replace(".", r"\.") + ".*unknown", base((path, 1)))
    for value in (None, "", {}, [], {"deep": {"deeper": [1, 2]}}):
        yield Case(f"unknown: frob is {value}", STRICT, "frob", base(("frob", value)))
    for good, bad in (("process.noNewPrivileges", "noNewprivileges"), ("process.args", "Args"), ("root.readonly", "readOnly"), ("hostname", "hostName")):
        parent, _, name = good.rpartition(".")
        path = f"{parent}.{bad}" if parent else bad
        document = base((good, Gone), (path, (BASE[parent] if parent else BASE)[name]))
        yield Case(f"unknown: {path} for {name}", STRICT, f"{parent}.*{bad}", document)
    document = base()
    document["Process"] = document.pop("process")
    yield Case("unknown: Process for process", STRICT, "Process", document)


def cases():
    for part in (syntax, truncated, damaged, characters, depths, sizes, doubled, versions, unknown):
        yield from part()
