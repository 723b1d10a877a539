#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks lw11.json from the text of docs/abe-format.md alone, with py_ecc 8 for the curve.

Shares no code with the library. Not part of the test suite, since it needs a package that nothing
else here needs: `pip install py_ecc==8.0.0`, then `python3 check.py` (a minute).
"""
import datetime
import hashlib
import hmac
import json
import os
import re
import struct

from py_ecc.bls.hash_to_curve import hash_to_G2
from py_ecc.bls.point_compression import compress_G1, compress_G2
from py_ecc.fields import optimized_bls12_381_FQ12 as FQ12
from py_ecc.optimized_bls12_381 import G1, G2, add, curve_order, field_modulus, multiply, neg
from py_ecc.optimized_bls12_381 import pairing
from py_ecc.optimized_bls12_381 import FQ

P, R = field_modulus, curve_order
TAG = b"ACESO-LW11-V01-"


def sha(data):
    return hashlib.sha256(data).digest()


def extract(salt, ikm):
    return hmac.new(salt, ikm, hashlib.sha256).digest()


def expand(prk, info, length=32):
    out, block, n = b"", b"", 0
    while len(out) < length:
        n += 1
        block = hmac.new(prk, block + info + bytes([n]), hashlib.sha256).digest()
        out += block
    return out[:length]


def scalar(prk, info):
    return int.from_bytes(expand(prk, info, 64), "big") % R


# GT: 12 coefficients [w][v][u]; py_ecc has polynomials in w with u = w^6 - 1.

def gt_from_bytes(data):
    c = [int.from_bytes(data[48 * i:48 * i + 48], "big") for i in range(12)]
    poly = [0] * 12
    for i in range(12):
        w, v, u = i // 6, i // 2 % 3, i % 2
        e = w + 2 * v
        if u == 0:
            poly[e] += c[i]
        else:
            poly[e] -= c[i]
            poly[e + 6] += c[i]
    return FQ12([x % P for x in poly])


def gt_coefficients(f):
    poly = [int(x) for x in f.coeffs]
    out = []
    for i in range(12):
        w, v, u = i // 6, i // 2 % 3, i % 2
        e = w + 2 * v
        out.append(poly[e + 6] if u else (poly[e] + poly[e + 6]) % P)
    return out


def gt_bytes(f):
    return b"".join(c.to_bytes(48, "big") for c in gt_coefficients(f))


W = FQ12([0, 1] + [0] * 10)
ONE = FQ12.one()


def half(f, which):
    """a or b of f = a + b w, as an element of Fp6 inside Fp12."""
    c = gt_coefficients(f)[6 * which:6 * which + 6]
    return gt_from_bytes(b"".join(x.to_bytes(48, "big") for x in c + [0] * 6))


def torus(f):
    return gt_bytes((ONE + half(f, 0)) / half(f, 1))[:288]


def torus_open(data):
    g = gt_from_bytes(data + bytes(288))
    return (g + W) / (g - W)


def g1_bytes(p):
    return compress_G1(p).to_bytes(48, "big")


def g2_bytes(p):
    return b"".join(x.to_bytes(48, "big") for x in compress_G2(p))


def g1_open(data):
    n = int.from_bytes(data, "big")
    x = n & ((1 << 381) - 1)
    y = pow(x ** 3 + 4, (P + 1) // 4, P)
    assert data[0] & 0xC0 == 0x80 and (y * y - x ** 3 - 4) % P == 0
    if (y > P - y) != bool(data[0] & 0x20):
        y = P - y
    return (FQ(x), FQ(y), FQ(1))


def hash_gid(gid):
    return hash_to_G2(gid, TAG + b"with-BLS12381G2_XMD:SHA-256_SSWU_RO_", hashlib.sha256)


# Policies: a leaf is a string, a gate is (k, [children]).

def normal(kind, k, children):
    def unique(items):
        out = []
        for item in items:
            if not (isinstance(item, str) and item in out):
                out.append(item)
        return out

    def kind_of(gate):
        return "or" if gate[0] == 1 else "and" if gate[0] == len(gate[1]) else "of"

    children = unique(children)
    if kind == "of":
        assert 1 <= k <= len(children)
        kind = "and" if k == len(children) else "or" if k == 1 else "of"
    if kind != "of":
        flat = []
        for child in children:
            same = not isinstance(child, str) and kind_of(child) == kind
            flat += child[1] if same else [child]
        children = unique(flat)
        k = len(children) if kind == "and" else 1
    return children[0] if len(children) == 1 else (k, children)


def cover(attribute, low, high, bits, kind):
    """The fewest prefixes for low..high, in ascending order."""
    name, authority = attribute.split("@")
    out = []
    while low <= high:
        free = 0
        while free < bits and low % (2 << free) == 0 and low + (2 << free) - 1 <= high:
            free += 1
        length = bits - free
        digits = max(1, -(-length // 4))
        out.append(f"{name}.{kind}{length}.{low >> free:0{digits}x}@{authority}")
        low += 1 << free
    return normal("or", 0, out)


def compared(attribute, sign, first, last):
    """What a comparison stands for."""
    if "-" in first:
        values = [datetime.date.fromisoformat(x).toordinal() - 1 for x in (first, last or first)]
        bits, kind = 22, "d"
    else:
        values, bits, kind = [int(first), int(last or first)], 32, "n"
    top = (1 << bits) - 1
    low = {"<": 0, "<=": 0, ">": values[0] + 1}.get(sign, values[0])
    high = {">": top, ">=": top, "<": values[0] - 1}.get(sign, values[1])
    return cover(attribute, low, high, bits, kind)


def parse(text):
    words = re.findall(r"[a-z0-9._@-]+|[(),]|[<>]=?|=", text)

    def chain(sub, word):
        items = [sub()]
        while words and words[0] == word:
            words.pop(0)
            items.append(sub())
        return normal(word, 0, items)

    def either():
        return chain(lambda: chain(factor, "and"), "or")

    def factor():
        word = words.pop(0)
        if "@" in word and words and words[0] == "in":
            words.pop(0)
            return compared(word, "in", *words.pop(0).split(".."))
        if "@" in word and words and words[0][0] in "<=>":
            return compared(word, words.pop(0), words.pop(0), None)
        if "@" in word:
            return word
        if word == "(":
            inner = either()
            assert words.pop(0) == ")"
            return inner
        assert words.pop(0) == "of" and words.pop(0) == "("
        items = [either()]
        while words[0] == ",":
            words.pop(0)
            items.append(either())
        assert words.pop(0) == ")"
        return normal("of", int(word), items)

    tree = either()
    assert not words
    return tree


def show(tree, inside=False):
    if isinstance(tree, str):
        return tree
    k, children = tree
    if 1 < k < len(children):
        return f"{k} of ({', '.join(show(c) for c in children)})"
    text = (" or " if k == 1 else " and ").join(show(c, True) for c in children)
    return f"({text})" if inside else text


def leaves(tree):
    return [tree] if isinstance(tree, str) else [x for c in tree[1] for x in leaves(c)]


def columns(tree):
    return 0 if isinstance(tree, str) else tree[0] - 1 + sum(columns(c) for c in tree[1])


def shares(tree, v):
    at = [1]

    def walk(node, z):
        if isinstance(node, str):
            return [z % R]
        k, children = node
        own = v[at[0]:at[0] + k - 1]
        at[0] += k - 1
        out = []
        for j, child in enumerate(children, 1):
            if k == 1:
                value = z
            elif k == len(children):
                value = own[j - 1] if j < k else z - sum(own)
            else:
                value = z + sum(own[i] * pow(j, i + 1, R) for i in range(k - 1))
            out += walk(child, value)
        return out

    return walk(tree, v[0])


def check_attribute(entry, gid, h, e):
    attribute = entry["attribute"].encode()
    seed = bytes.fromhex(entry["seed"])
    assert seed == sha(attribute.split(b"@")[1])
    prk = extract(TAG + b"AUTHORITY", seed)
    alpha, y = scalar(prk, b"a" + attribute), scalar(prk, b"y" + attribute)
    assert alpha == int(entry["alpha"], 16) and y == int(entry["y"], 16)
    a = e ** alpha
    assert gt_bytes(a).hex() == entry["A"]
    head = len(attribute).to_bytes(2, "big") + attribute
    public = b"\1\1\1" + head + torus(a) + g1_bytes(multiply(G1, y))
    assert public.hex() == entry["public_key"]
    assert sha(public).hex() == entry["public_key_digest"]
    k = add(multiply(G2, alpha), multiply(h, y))
    user = b"\1\1\2" + head + len(gid).to_bytes(2, "big") + gid + g2_bytes(k)
    assert user.hex() == entry["user_key"]
    return {"a": a, "y": multiply(G1, y), "digest": sha(public), "k": k}


def check_header(entry, keys, e):
    cca = entry["form"] == "cca"
    tree = parse(entry["policy"])
    text = show(tree)
    assert text == entry["canonical"]
    context = entry.get("context", "").encode() or bytes.fromhex(entry.get("context_hex", ""))
    context = sha(context)
    secret = bytes.fromhex(entry["sigma" if cca else "seed"])
    head = b"\1\1" + (b"\3" if cca else b"\4") + len(text).to_bytes(4, "big") + text.encode()
    names = leaves(tree)
    digests = sha(b"".join(keys[name]["digest"] for name in names))
    tag = TAG + (b"CCA-RANDOM" if cca else b"CPA-RANDOM")
    prk = extract(tag, secret + sha(head) + digests + context)
    assert prk.hex() == entry["prk"]
    width = 1 + columns(tree)
    v = [scalar(prk, b"v" + j.to_bytes(4, "big")) for j in range(width)]
    w = [0] + [scalar(prk, b"w" + j.to_bytes(4, "big")) for j in range(1, width)]
    body = head
    for x, (name, lam, omega) in enumerate(zip(names, shares(tree, v), shares(tree, w))):
        row, key = entry["rows"][x], keys[name]
        r = scalar(prk, b"r" + x.to_bytes(4, "big"))
        assert [int(row[n], 16) for n in ("lambda", "omega", "r")] == [lam, omega, r]
        c1 = e ** lam * key["a"] ** r
        c3 = add(multiply(key["y"], r), multiply(G1, omega))
        assert row["attribute"] == name and gt_bytes(c1).hex() == row["C1"]
        body += torus(c1) + g1_bytes(multiply(G1, r)) + g1_bytes(c3)
        assert torus_open(torus(c1)) == c1
        assert row["C1_torus"] + row["C2"] + row["C3"] == body[-384:].hex()
    es = gt_bytes(e ** v[0])
    assert es.hex() == entry["e_g1_g2_s"]
    header = body
    if cca:
        mask = expand(extract(TAG + b"CCA-MASK", es), sha(body))
        header += bytes(a ^ b for a, b in zip(secret, mask))
    prk = extract(TAG + b"CCA-KEY", secret) if cca else extract(TAG + b"CPA-KEY", es)
    header += expand(prk, b"confirm" + sha(header) + context)
    assert sha(header).hex() == entry["header_digest"]
    assert header[len(body):].hex() == entry["tail"]
    assert expand(prk, b"key" + sha(header) + context).hex() == entry["key"]
    return header


# ChaCha20-Poly1305, RFC 8439.

def chacha_block(key, counter, nonce):
    def quarter(a, b, c, d):
        for x, y, z, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[x] = (s[x] + s[y]) & 0xffffffff
            mixed = s[z] ^ s[x]
            s[z] = (mixed << n | mixed >> 32 - n) & 0xffffffff

    start = struct.unpack("<16I", b"expand 32-byte k" + key + struct.pack("<I", counter) + nonce)
    s = list(start)
    for _ in range(10):
        for i in range(4):
            quarter(i, i + 4, i + 8, i + 12)
        for i in range(4):
            quarter(i, (i + 1) % 4 + 4, (i + 2) % 4 + 8, (i + 3) % 4 + 12)
    return struct.pack("<16I", *((x + y) & 0xffffffff for x, y in zip(s, start)))


def seal(key, nonce, plain):
    out = bytearray()
    for i in range(0, len(plain), 64):
        block = chacha_block(key, 1 + i // 64, nonce)
        out += bytes(a ^ b for a, b in zip(plain[i:i + 64], block))
    one = chacha_block(key, 0, nonce)
    r = int.from_bytes(one[:16], "little") & 0x0ffffffc0ffffffc0ffffffc0fffffff
    data = bytes(out) + bytes(-len(out) % 16) + struct.pack("<QQ", 0, len(out))
    total = 0
    for i in range(0, len(data), 16):
        total = (total + int.from_bytes(data[i:i + 16] + b"\1", "little")) * r % ((1 << 130) - 5)
    tag = (total + int.from_bytes(one[16:32], "little")) & ((1 << 128) - 1)
    return bytes(out) + tag.to_bytes(16, "little")


def check_ciphertext(entry, keys, e):
    context = TAG + b"PAYLOAD" + sha(entry["associated"].encode())
    assert context.hex() == entry["header"]["context_hex"]
    header = check_header(entry["header"], keys, e)
    key = expand(bytes.fromhex(entry["header"]["key"]), b"payload")
    assert key.hex() == entry["payload_key"]
    payload = entry["piece"].encode() * entry["repeats"]
    pieces = [payload[i:i + 65536] for i in range(0, len(payload), 65536)] or [b""]
    assert len(pieces) == len(entry["chunks"])
    out = b"\1\1\5" + len(header).to_bytes(4, "big") + header
    for i, (piece, chunk) in enumerate(zip(pieces, entry["chunks"])):
        nonce = i.to_bytes(11, "big") + bytes([i + 1 == len(pieces)])
        sealed = seal(key, nonce, piece)
        assert nonce.hex() == chunk["nonce"] and sealed[-16:].hex() == chunk["tag"]
        assert sha(sealed).hex() == chunk["sealed_digest"]
        out += sealed
    assert sha(out).hex() == entry["ciphertext_digest"]


def check_decryption(entry, used, keys, h):
    """Opens an `and` header by pairings: all coefficients are 1."""
    product, c3 = ONE, None
    for row in entry["rows"]:
        if row["attribute"] not in used:
            continue
        product *= torus_open(bytes.fromhex(row["C1_torus"]))
        minus_c2 = neg(g1_open(bytes.fromhex(row["C2"])))
        product *= blst_pairing(minus_c2, keys[row["attribute"]]["k"])
        point = g1_open(bytes.fromhex(row["C3"]))
        c3 = point if c3 is None else add(c3, point)
    product *= blst_pairing(c3, h)
    assert gt_bytes(product).hex() == entry["e_g1_g2_s"]


def blst_pairing(p, q):
    return ONE / pairing(q, p) ** 3


def main():
    folder = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(folder, "lw11.json"), encoding="ascii") as file:
        vectors = json.load(file)
    e = blst_pairing(G1, G2)
    assert gt_bytes(e).hex() == vectors["e_g1_g2"]
    gid = bytes.fromhex(vectors["gid"])
    h = hash_gid(gid)
    assert g2_bytes(h).hex() == vectors["H_gid"]
    keys = {x["attribute"]: check_attribute(x, gid, h, e) for x in vectors["attributes"]}
    for entry in vectors["headers"]:
        check_header(entry, keys, e)
    for entry in vectors["ciphertexts"]:
        check_ciphertext(entry, keys, e)
    opened = vectors["headers"][3]
    check_decryption(opened, leaves(parse(opened["policy"])), keys, h)
    print(f"{len(keys)} keys, {len(vectors['headers'])} headers, "
          f"{len(vectors['ciphertexts'])} ciphertexts: all as documented")


if __name__ == "__main__":
    main()
