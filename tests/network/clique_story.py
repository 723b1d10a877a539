#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The story on a Clique network of geth: three signers, two endpoints that every node may ask. A
signer is lost in the middle and the story goes on; two are lost and it waits; everything is killed,
started again, and goes on where it was.

Environment: ACESO (the program), ACESO_GETH (geth)."""

import re
import signal
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests/e2e"), str(TOP / "tools")]

import resources  # noqa: E402
from clique import Clique  # noqa: E402
from network import Network, sample_bundle  # noqa: E402
from tap import equal, expect, main, until  # noqa: E402

from chain import Chain  # noqa: E402

SCHOOL = "medical-school"
PATIENT = "patient-1"
STILL = 12  # seconds without a block: blocks come every second


class CliqueChain:
    """The network in the place of one chain node."""

    confirmation = "clique"

    def __init__(self, top):
        self.clique = Clique(top / "clique", signers=3, endpoints=2)
        self.clique.open()
        self.url = ",".join(node.url for node in self.clique.endpoints)
        self.rpc = Chain(self.clique.endpoints[0].url)
        self.log = top / "clique/signer-1/log"
        self.name = "signer-1"

    def start(self):
        pass

    def ready(self):
        self.clique.ready()

    def alive(self):
        return True

    def fund(self, address):
        self.clique.fund(address)

    def close(self):
        self.clique.close()


class CliqueNetwork(Network):
    """Nodes whose chain is a Clique network."""

    def make_chain(self):
        return CliqueChain(self.top)


def consortium(tap, network):
    with tap.check("contracts, hospitals and an institute come together", vital=True):
        network.consortium()
    with tap.check("a patient enrols, a record is taken in and signed", vital=True):
        network.patient(PATIENT)
        network.directories()
        network.take_in(PATIENT, sample_bundle())


def fetched(network, request, name):
    out = network.files / name
    network.do(SCHOOL, "institute", "fetch", request, "--out", out)
    return resources.lines(out)


def share_with_one_lost(tap, network):
    signers = network.chain.clique.signers
    with tap.check("one of three signers is lost: a request is made, approved and fetched",
                   vital=True):
        signers[0].kill()
        network.accredit()
        request = network.consent(PATIENT, "high")
        view = fetched(network, request, "one-lost.ndjson")
        expect(len(view) > 50, f"only {len(view)} resources")
    return request, view


def wait_with_two_lost(tap, network, request):
    signers = network.chain.clique.signers
    with tap.check("two are lost: a revocation waits, says so, and holds once one is back",
                   vital=True):
        signers[1].kill()
        height = network.chain.rpc.block()
        with network.begin(PATIENT, "patient", "revoke", request) as command:
            def stands_still():
                ages = re.findall(r"block \d+, (\d+) s ago", network.do(PATIENT, "status"))
                return ages and int(ages[0]) >= STILL
            until(stands_still, "the status tells how old the newest block is")
            expect(command.running(), "the revocation did not wait")
            expect(network.chain.rpc.block() <= height + 1, "blocks were made by one of three")
            network.chain.clique.recover(signers[1])
            code, out, err = command.end()
        expect(code == 0, f"the revocation failed: {err}{out}")
        network.refused(SCHOOL, "institute", "fetch", request, "--out",
                        network.files / "revoked.ndjson")


def survive(tap, network, whole):
    clique = network.chain.clique
    with tap.check("all is killed and started again: everything is as it was", vital=True):
        before = network.chain.rpc.counts()
        for process in [*clique.nodes, *network.nodes.values()]:
            process.kill()
        clique.start()
        for node in network.nodes.values():
            node.start()
        for node in network.nodes.values():
            node.ready()
        equal(network.chain.rpc.counts(), before, "events")
        out = network.files / "again.ndjson"
        network.do(PATIENT, "patient", "read", "--out", out)
        equal(resources.lines(out), whole, "the patient's record")
    with tap.check("and the story goes on"):
        request = network.consent(PATIENT, "medium")
        expect(fetched(network, request, "goes-on.ndjson"), "nothing was read")


def endpoint_lost(tap, network):
    with tap.check("the first endpoint is lost: every node asks the second", vital=True):
        network.chain.clique.endpoints[0].kill(signal.SIGKILL)
        network.chain.rpc = Chain(network.chain.clique.endpoints[1].url)
        request = network.consent(PATIENT, "low")
        expect(fetched(network, request, "second-endpoint.ndjson"), "nothing was read")


def program(tap):
    with CliqueNetwork("clique") as network:
        consortium(tap, network)
        request, _ = share_with_one_lost(tap, network)
        wait_with_two_lost(tap, network, request)
        survive(tap, network, resources.entries(sample_bundle()))
        endpoint_lost(tap, network)


if __name__ == "__main__":
    sys.exit(main(program))
