#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A permissioned Ethereum network on this machine: geth with Clique, one process a node, all on
127.0.0.1. For tests and demonstrations; docs/network.md says how a consortium runs its own.

clique.py run [--directory DIR] [--signers 3] [--endpoints 2] [--chain-id N]

Prints one JSON line with the endpoints' URLs once blocks are made, and runs until it is ended. A
directory that holds a network already is started again as it is. The first endpoint has an unlocked
account with ether, to give to newcomers.

As a module: Clique(directory, signers, endpoints), with kill, start, cut and heal of single nodes.
"""

import argparse
import contextlib
import ctypes
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

GETH = os.environ.get("ACESO_GETH",
                      str(Path(__file__).resolve().parent.parent / ".deps/geth/geth"))
PERIOD = 1
PATIENCE = 300
STILL = 6  # seconds without a block after which something is wrong
PASSWORD = "a network for tests"
WEI = 10 ** 26
P = 2 ** 256 - 2 ** 32 - 977  # secp256k1
G = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
     0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)

_libc = ctypes.CDLL(None)


def _die_with_parent():
    _libc.prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG


def _add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def public_key(secret):
    """Uncompressed, without the leading byte: a node's name in the network."""
    point, at = None, G
    while secret:
        if secret & 1:
            point = _add(point, at)
        at, secret = _add(at, at), secret >> 1
    return "%064x%064x" % point


def free_ports(count):
    holders = [socket.socket() for _ in range(count)]
    for holder in holders:
        holder.bind(("127.0.0.1", 0))
    ports = [holder.getsockname()[1] for holder in holders]
    for holder in holders:
        holder.close()
    return ports


def until(condition, what, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.05)


class Node:
    """One geth: a signer, or an endpoint for others' programs."""

    def __init__(self, directory, name, chain_id):
        self.name, self.chain_id = name, chain_id
        self.directory = directory / name
        self.process = None
        self.facts = {}

    @property
    def url(self):
        return f"http://127.0.0.1:{self.facts['http']}"

    @property
    def ipc(self):
        return str(self.directory / "geth.ipc")

    @property
    def enode(self):
        return f"enode://{self.facts['id']}@127.0.0.1:{self.facts['p2p']}"

    def geth(self, *arguments):
        done = subprocess.run([GETH, "--datadir", str(self.directory), *arguments],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False)
        if done.returncode:
            raise RuntimeError(f"{self.name}: geth {arguments[0]}: {done.stderr[-800:]}")
        return done.stdout

    def make(self):
        """Keys, account and ports."""
        self.directory.mkdir(parents=True)
        secret = secrets.randbelow(2 ** 255) + 1
        (self.directory / "node.key").write_text("%064x" % secret)
        (self.directory / "password").write_text(PASSWORD)
        account = self.directory / "account.key"
        account.write_text(secrets.token_hex(32))
        out = self.geth("account", "import", "--lightkdf", "--password",
                        str(self.directory / "password"), str(account))
        account.unlink()
        p2p, http, engine = free_ports(3)
        self.facts = {"id": public_key(secret), "p2p": p2p, "http": http, "engine": engine,
                      "account": "0x" + out.split("{")[1].split("}")[0].lower()}
        (self.directory / "facts.json").write_text(json.dumps(self.facts))

    def load(self):
        self.facts = json.loads((self.directory / "facts.json").read_text())

    def begin(self, genesis, peers):
        """The first block, and the peers that it always looks for."""
        self.geth("init", "--state.scheme", "hash", str(genesis))
        lines = ["[Node.P2P]", "NoDiscovery = true",
                 "StaticNodes = " + json.dumps([peer.enode for peer in peers])]
        (self.directory / "config.toml").write_text("\n".join(lines) + "\n")

    def start(self):
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen(
                [GETH, "--datadir", str(self.directory), "--config",
                 str(self.directory / "config.toml"), "--networkid", str(self.chain_id),
                 "--nodekey", str(self.directory / "node.key"), "--port", str(self.facts["p2p"]),
                 "--nat", "none", "--netrestrict", "127.0.0.0/8", "--nodiscover",
                 "--ipcpath", self.ipc, "--http", "--http.addr", "127.0.0.1",
                 "--http.port", str(self.facts["http"]), "--http.api", "eth,net,web3,clique",
                 "--authrpc.port", str(self.facts["engine"]), "--syncmode", "full",
                 "--gcmode", "archive", "--state.scheme", "hash", "--cache", "64",
                 "--unlock", self.facts["account"], "--password",
                 str(self.directory / "password"), "--allow-insecure-unlock",
                 "--miner.gasprice", "1", "--txpool.pricelimit", "1", "--gpo.ignoreprice", "1",
                 "--verbosity", "3", *self.extra()],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_die_with_parent)

    def extra(self):
        return []

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self, number=signal.SIGKILL):
        if self.process:
            self.process.send_signal(number)
            self.process.wait()
            self.process = None

    def call(self, method, *parameters):
        """The result of a call; None while the node does not answer."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method,
                           "params": list(parameters)}).encode()
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=20) as reply:
                answer = json.loads(reply.read())
        except (OSError, ValueError, urllib.error.URLError):
            return None
        if "error" in answer:
            raise RuntimeError(f"{self.name}: {method}: {answer['error']}")
        return answer["result"]

    def admin(self, method, *parameters):
        """A call over the node's own socket, where the calls lie that its owner may make."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(parameters)}
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(20)
            link.connect(self.ipc)
            link.sendall(json.dumps(request).encode())
            text = b""
            while True:
                text += link.recv(65536)
                try:
                    return json.loads(text).get("result")
                except ValueError:
                    continue

    def height(self):
        number = self.call("eth_blockNumber")
        return -1 if number is None else int(number, 16)


class Signer(Node):
    """One that makes blocks, once it is told to: signers that start alone would each make the same
    block, and each then waits for the others."""

    def extra(self):
        return ["--miner.etherbase", self.facts["account"]]

    def mine(self):
        """Begins, or goes on after a restart, when it can sign and there are others to hear."""
        until(lambda: int(self.call("net_peerCount") or "0x0", 16) > 0, "a signer has peers")
        until(lambda: self.admin("eth_sign", self.facts["account"], "0x00"), "a signer can sign")
        self.admin("miner_start")

    def step_back(self, number):
        """Takes its newest block back and waits for the others' in its place."""
        self.admin("miner_stop")
        self.admin("debug_setHead", hex(number - 1))
        with contextlib.suppress(TimeoutError):
            until(lambda: self.height() >= number, "the others' block", STILL * 4)
        self.admin("miner_start")


class Clique:
    """Signers and endpoints, each connected with every other."""

    def __init__(self, directory, signers=3, endpoints=2, chain_id=20261):
        self.directory = Path(directory)
        self.signers = [Signer(self.directory, f"signer-{i + 1}", chain_id)
                        for i in range(signers)]
        self.endpoints = [Node(self.directory, f"endpoint-{i + 1}", chain_id)
                          for i in range(endpoints)]
        self.chain_id = chain_id
        self.nodes = self.signers + self.endpoints
        self.closing = threading.Event()
        self.watcher = None

    def make(self):
        for node in self.nodes:
            node.make()
        genesis = self.directory / "genesis.json"
        genesis.write_text(json.dumps(self.genesis(), indent=1))
        for node in self.nodes:
            node.begin(genesis, [peer for peer in self.nodes if peer is not node])

    def genesis(self):
        forks = ("homestead", "eip150", "eip155", "eip158", "byzantium", "constantinople",
                 "petersburg", "istanbul", "berlin", "london")
        config = {f"{fork}Block": 0 for fork in forks}
        config |= {"chainId": self.chain_id, "clique": {"period": PERIOD, "epoch": 30000}}
        signers = sorted(node.facts["account"][2:] for node in self.signers)
        return {"config": config, "difficulty": "1", "gasLimit": "30000000",
                "extradata": "0x" + "00" * 32 + "".join(signers) + "00" * 65,
                "alloc": {self.endpoints[0].facts["account"]: {"balance": str(WEI)}}}

    def open(self):
        """Starts a network that is made here, or as it was left."""
        if (self.directory / "genesis.json").exists():
            for node in self.nodes:
                node.load()
        else:
            self.make()
        self.closing.clear()
        self.watcher = threading.Thread(target=self.watch, daemon=True)
        self.watcher.start()
        self.start()

    def recover(self, signer):
        """Starts one signer again."""
        signer.start()
        signer.mine()
        self.ready()

    def start(self):
        """Starts every node that does not run, and waits until blocks are made."""
        started = [node for node in self.nodes if not node.alive()]
        for node in started:
            node.start()
        for node in started:
            if isinstance(node, Signer):
                node.mine()
        self.ready()

    def watch(self):
        """Two signers that made the same block at the same time may each wait for the other: where
        the chain stands still with signers enough, one of those that differ steps back."""
        last, since = -1, time.monotonic()
        while not self.closing.wait(0.5):
            with contextlib.suppress(OSError, RuntimeError, TypeError, ValueError):
                up = [node for node in self.signers if node.alive()]
                heights = [node.height() for node in up]
                if not up or max(heights) != last:
                    last, since = max(heights, default=-1), time.monotonic()
                elif time.monotonic() - since > STILL and 2 * len(up) > len(self.signers):
                    self.unstick(up, last)
                    since = time.monotonic()

    @staticmethod
    def unstick(up, number):
        heads = [(node.call("eth_getBlockByNumber", hex(number), False) or {}).get("hash")
                 for node in up]
        for node, head in zip(up[1:], heads[1:]):
            if head and heads[0] and head != heads[0]:
                node.step_back(number)
                return

    def ready(self):
        """Waits until the endpoints see new blocks."""
        until(lambda: all(node.height() >= 0 for node in self.endpoints), "the nodes answer")
        start = max(node.height() for node in self.endpoints)
        until(lambda: all(node.height() > start for node in self.endpoints), "blocks are made")

    def close(self):
        self.closing.set()
        if self.watcher:
            self.watcher.join()
        for node in self.nodes:
            node.kill()

    def fund(self, address, wei=10 ** 20):
        """Gives ether to a newcomer; returns once it has it."""
        faucet = self.endpoints[0]
        faucet.call("eth_sendTransaction", {"from": faucet.facts["account"], "to": address,
                                            "value": hex(wei)})
        until(lambda: int(faucet.call("eth_getBalance", address, "latest") or "0x0", 16) >= wei,
              "the ether is there")

    def cut(self, *groups):
        """Parts the network: nodes of different groups do not hear each other any more."""
        self._links(groups, "admin_removePeer")

    def heal(self, *groups):
        self._links(groups, "admin_addPeer")

    @staticmethod
    def _links(groups, method):
        for group in groups:
            others = [node for other in groups if other is not group for node in other]
            for node in group:
                for other in others:
                    if node.alive():
                        node.admin(method, other.enode)


def command_run(arguments):
    network = Clique(arguments.directory, arguments.signers, arguments.endpoints,
                     arguments.chain_id)
    stopped = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.append(True))
    try:
        network.open()
        print(json.dumps({"chainId": network.chain_id,
                          "rpc": [node.url for node in network.endpoints],
                          "signers": [node.facts["account"] for node in network.signers],
                          "faucet": network.endpoints[0].facts["account"]}), flush=True)
        while not stopped:
            time.sleep(0.1)
    finally:
        network.closing.set()
        for node in network.nodes:
            node.kill(signal.SIGTERM)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="make or start a network, until ended")
    run.add_argument("--directory", default=".deps/clique-network")
    run.add_argument("--signers", type=int, default=3, choices=(1, 3, 5, 7))
    run.add_argument("--endpoints", type=int, default=2)
    run.add_argument("--chain-id", type=int, default=20261)
    run.set_defaults(run=command_run)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
