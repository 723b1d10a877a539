# SPDX-License-Identifier: Apache-2.0
"""The chain as a stranger sees it: events by their names, from the interfaces' source. Keccak-256
is written out here, since what the program computes is what is looked at."""

import json
import re
import urllib.request
from pathlib import Path

INTERFACES = Path(__file__).resolve().parents[2] / "contracts/src/interfaces"
_MASK = (1 << 64) - 1


def _rotations():
    shift, x, y = [[0] * 5 for _ in range(5)], 1, 0
    for t in range(24):
        shift[x][y] = (t + 1) * (t + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % 5
    return shift


def _constants():
    constants, state = [], 1
    for _ in range(24):
        word = 0
        for j in range(7):
            if state & 1:
                word ^= 1 << ((1 << j) - 1)
            state = state << 1 ^ (0x171 if state & 0x80 else 0)
        constants.append(word)
    return constants


_SHIFT, _CONSTANT = _rotations(), _constants()


def _rotate(word, by):
    return (word << by | word >> (64 - by)) & _MASK if by else word


def _permute(a):
    for constant in _CONSTANT:
        c = [a[x][0] ^ a[x][1] ^ a[x][2] ^ a[x][3] ^ a[x][4] for x in range(5)]
        d = [c[x - 1] ^ _rotate(c[(x + 1) % 5], 1) for x in range(5)]
        b = [[0] * 5 for _ in range(5)]
        for x in range(5):
            for y in range(5):
                b[y][(2 * x + 3 * y) % 5] = _rotate(a[x][y] ^ d[x], _SHIFT[x][y])
        a = [[b[x][y] ^ (~b[(x + 1) % 5][y] & b[(x + 2) % 5][y]) for y in range(5)]
             for x in range(5)]
        a[0][0] ^= constant
    return a


def keccak256(data):
    rate = 136
    data = bytearray(data) + b"\x01"
    data += bytes(-len(data) % rate)
    data[-1] |= 0x80
    state = [[0] * 5 for _ in range(5)]
    for start in range(0, len(data), rate):
        for i in range(rate // 8):
            word = int.from_bytes(data[start + 8 * i:start + 8 * i + 8], "little")
            state[i % 5][i // 5] ^= word
        state = _permute(state)
    return b"".join(state[i % 5][i // 5].to_bytes(8, "little") for i in range(4))


def event_topics():
    """topic -> name, of every event that the four contracts declare."""
    topics = {}
    for path in INTERFACES.glob("*.sol"):
        source = re.sub(r"//[^\n]*", "", path.read_text(encoding="utf-8"))
        for name, arguments in re.findall(r"\bevent\s+(\w+)\s*\(([^)]*)\)", source):
            types = [a.split()[0] for a in arguments.split(",") if a.strip()]
            topic = keccak256(f"{name}({','.join(types)})".encode())
            topics["0x" + topic.hex()] = name
    return topics


class Chain:
    """JSON-RPC over one URL."""

    def __init__(self, url):
        self.url = url
        self.topics = event_topics()

    def call(self, method, *params, timeout=30):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        request = urllib.request.Request(self.url, body.encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            reply = json.load(answer)
        if "error" in reply:
            raise RuntimeError(f"{method}: {reply['error']}")
        return reply["result"]

    def block(self):
        return int(self.call("eth_blockNumber"), 16)

    def events(self):
        """Every event of the contracts so far, oldest first: (name, address, topics, data)."""
        logs = self.call("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"})
        return [(self.topics[log["topics"][0]], log["address"], log["topics"][1:], log["data"])
                for log in logs if log["topics"] and log["topics"][0] in self.topics]

    def counts(self):
        """name -> how often."""
        found = {}
        for name, *_ in self.events():
            found[name] = found.get(name, 0) + 1
        return found
