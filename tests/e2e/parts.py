# SPDX-License-Identifier: Apache-2.0
"""Row streams of sealed parts, taken apart and put together again (docs/records.md)."""

import struct
from dataclasses import dataclass

_HEAD = struct.Struct(">20s16sIBII")


@dataclass
class Row:
    patient: bytes
    record: bytes
    version: int
    level: int
    e: int
    n: int
    sealed: bytes
    proof: bytes


def read(data):
    rows, at = [], 1
    assert data[0] == 1
    while True:
        (size,) = struct.unpack_from(">I", data, at)
        at += 4
        if size == 0:
            break
        head = _HEAD.unpack_from(data, at)
        inside = at + _HEAD.size
        blobs = []
        for _ in range(2):
            (length,) = struct.unpack_from(">I", data, inside)
            blobs.append(data[inside + 4:inside + 4 + length])
            inside += 4 + length
        assert inside == at + size
        rows.append(Row(*head, *blobs))
        at += size
    assert struct.unpack_from(">Q", data, at)[0] == len(rows) and at + 8 == len(data)
    return rows


def write(rows):
    out = [b"\x01"]
    for row in rows:
        body = _HEAD.pack(row.patient, row.record, row.version, row.level, row.e, row.n)
        for blob in (row.sealed, row.proof):
            body += struct.pack(">I", len(blob)) + blob
        out.append(struct.pack(">I", len(body)) + body)
    out.append(struct.pack(">IQ", 0, len(rows)))
    return b"".join(out)
