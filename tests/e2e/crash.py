#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of a process in the middle of each step of the story, which is then completed: nothing
lost, nothing twice. Each story kills one process in each step, at a moment that varies. With
ACESO_E2E_CRASH=all there are as many stories as it takes to kill every process in every step at
every moment."""

import contextlib
import itertools
import os
import sqlite3
import sys

import resources
from network import SAMPLE, Network, sample_bundle
from tap import equal, expect, main, until

SCHOOL = "medical-school"
EVERYBODY = ("ca", "hospital-a", "hospital-b", SCHOOL, "patient-1", "chain")
ONCE = ("RelationshipCreated", "TermsSet", "BatchAnchored", "RequestMade", "CredentialAccepted",
        "ConsentGiven", "RequestApproved", "EntryOpened", "ConsentRevoked", "EntryRemoved")
MOMENTS = ("at once", "written down", "on its way", "in a block")


def rows(node, table):
    """How many rows; -1 while the table cannot be read."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{node.data}/node.db?mode=ro",
                                                uri=True)) as base:
            return base.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    except sqlite3.Error:
        return -1


class Story:
    """One story in which processes die."""

    def __init__(self, tap, network, turn, everybody):
        self.tap, self.network, self.turn, self.everybody = tap, network, turn, everybody
        self.steps = 0
        self.killed = {}

    def process(self, name):
        return self.network.chain if name == "chain" else self.network[name]

    def serves(self, name):
        return (name == "chain" or name in self.network.nodes) and self.process(name).alive()

    def recovered(self, before, height):
        """Waits until the chain has again what it had, and every node has seen that."""
        rpc = self.network.chain.rpc

        def again():
            now = rpc.counts()
            return all(now.get(name, 0) >= count for name, count in before.items())
        until(again, "the chain has again what it lost")
        while rpc.block() <= height:
            rpc.call("evm_mine")
        head = rpc.block()
        for name in self.network.nodes:
            if self.serves(name):
                until(lambda name=name: self.network.ask(name, "status").get("block", 0) >= head,
                      f"{name} sees block {head}")

    def moment(self, name, actor):
        """Something that comes about while the command runs, to be looked for."""
        node = self.network[actor]
        if name == "written down":
            before = rows(node, "operation")
            return lambda: rows(node, "operation") > before
        if name == "on its way":
            before = {n: rows(self.network[n], "outbox") for n in self.network.nodes}
            return lambda: any(rows(self.network[n], "outbox") > max(count, 0)
                               for n, count in before.items())
        if name == "in a block":
            before = self.network.chain.rpc.block()
            return lambda: self.network.chain.rpc.block() > before
        return lambda: True

    def step(self, words, victims, actor, *arguments):
        """Runs a command of `actor` and kills one of `victims` under it; its output."""
        if self.everybody:
            victims = [v for v in EVERYBODY if self.serves(v)]
        victim = victims[self.turn % len(victims)]
        moment = MOMENTS[(self.steps + self.turn // len(victims) + self.turn) % len(MOMENTS)]
        self.steps += 1
        process = self.process(victim)
        with self.tap.check(f"{words}: {victim} dies {moment}", vital=True):
            reached = self.moment(moment, actor)
            rpc = self.network.chain.rpc
            before, height = rpc.counts(), rpc.block()
            with self.network.begin(actor, *arguments) as command:
                until(lambda: reached() or not command.running(), moment)
                midway = command.running()
                process.kill()
                process.start()
                code, out, err = command.end()
            process.ready()
            if code and victim == "chain" and arguments[1] == "fetch":
                # A chain that lost the approval does not have it for a moment: one asks again.
                code, out, err = until(lambda: self.again(actor, arguments), "the approval is back")
            if not midway:
                self.tap.say("the command had ended before")
            self.killed[victim] = self.killed.get(victim, 0) + midway
            expect(code == 0, f"{actor}: {' '.join(map(str, arguments))}: {code}: {err}{out}")
            expect(not err, f"it complains: {err}")
            if victim == "chain":
                self.recovered(before, height)
        return out

    def again(self, actor, arguments):
        done = self.network.run(actor, *arguments, wait=5)
        return done if done[0] == 0 else None

    def node(self, name, role):
        """A new party, whose funds are in the state on disk."""
        node = self.network.node(name, role)
        self.network.chain.rpc.call("evm_mine")
        self.network.chain.settle()
        return node

    def join(self, name, role, inviter, victims, *admit):
        network = self.network
        self.node(name, role)
        group = network[inviter].role
        invitation = network.write(f"{name}.invitation", network.do(inviter, group, "invite"))
        request = network.write(f"{name}.request", network.do(name, "join", invitation))
        out = self.step(f"{name} is admitted", victims, inviter, group, "admit", request, *admit)
        network.do(name, "accept", network.write(f"{name}.admission", out))
        network.up(name)

    def consortium(self):
        network = self.network
        network.begin_chain()
        self.node("ca", "ca")
        network.up("ca")
        self.step("the contracts are deployed", ["ca", "chain"], "ca", "ca", "deploy")
        self.join("hospital-a", "hospital", "ca", ["ca", "chain"])
        self.join("hospital-b", "hospital", "ca", ["chain", "ca"])
        self.join(SCHOOL, "institute", "ca", ["ca", "chain"], "--category", SCHOOL)
        self.step("an attribute begins", ["hospital-a", "chain"], "hospital-a", "hospital",
                  "attribute", "registered")
        self.step("another begins", ["chain", "hospital-b"], "hospital-b", "hospital",
                  "attribute", "accredited")
        for name in ("hospital-a", SCHOOL):
            self.step(f"it is issued to {name}", ["hospital-b", "chain"], "hospital-b",
                      "hospital", "issue", "accredited", "--to", network[name].address)
        self.step("its key is obtained", ["hospital-b", "hospital-a"], "hospital-a", "hospital",
                  "obtain", "--from", "hospital-b")

    def record(self, bundle):
        network = self.network
        self.join("patient-1", "patient", "hospital-a", ["hospital-a", "chain"])
        self.step("the patient enrols", ["patient-1", "hospital-a", "chain", "hospital-b"],
                  "patient-1", "patient", "enrol")
        address = network.meet("patient-1", set())
        for name in ("hospitalInformation", "practitionerInformation"):
            self.step("a directory is taken in", ["hospital-a"], "hospital-a", "hospital",
                      "import", SAMPLE / f"{name}.json.gz")
        self.step("a record is taken in", ["hospital-a", "chain"], "hospital-a", "hospital",
                  "import", bundle, "--patient", address)
        self.step("it is signed", ["hospital-a", "patient-1", "chain"], "patient-1", "patient",
                  "sign")

    def sharing(self):
        network = self.network
        out = self.step("the school asks", [SCHOOL, "chain"], SCHOOL, "institute", "request",
                        "--hospital", "hospital-a", "--patient", network["patient-1"].address,
                        "--purpose", "HRESCH", "--level", "high")
        request = out.split()[-1]
        network.patiently("patient-1", request)
        self.step("the patient approves", ["patient-1", "hospital-a", "chain"], "patient-1",
                  "patient", "approve", request)
        self.step("the hospital approves", ["hospital-a", "chain"], "hospital-a", "hospital",
                  "approve", request)
        for name in (SCHOOL, "hospital-a"):
            network.status(name, request, "approved")
        view = network.files / "view.ndjson"
        self.step("the school fetches", ["hospital-a", SCHOOL, "chain", "hospital-b"], SCHOOL,
                  "institute", "fetch", request, "--out", view)
        return request, view

    def revoke(self, request):
        self.step("the patient revokes", ["patient-1", "hospital-a", "chain"], "patient-1",
                  "patient", "revoke", request)
        until(lambda: "ConsentRevoked" in self.network.chain.rpc.counts(), "revoked on chain")
        self.network.refused(SCHOOL, "institute", "fetch", request, "--out",
                             self.network.files / "after.ndjson", wait=5)

    def told_once(self, bundle, view):
        network, whole = self.network, resources.entries(bundle)
        with self.tap.check("each thing is on the chain exactly once"):
            wanted = {name: 1 for name in ONCE} | {"HospitalRegistered": 2, "KeysPublished": 2}

            def counts():
                found = network.chain.rpc.counts()
                return {name: found.get(name, 0) for name in wanted}
            until(lambda: min(counts().values()) > 0, "every event")
            equal(counts(), wanted, "events")
        with self.tap.check("the record is there once, as it was"):
            out = network.files / "patient.ndjson"
            network.do("patient-1", "patient", "read", "--out", out)
            equal(resources.lines(out), whole, "what the patient reads")
        with self.tap.check("the school read it once, as it was"):
            lines = resources.lines(view)
            ids, strange = resources.match(lines, whole)
            equal(strange, [], "strange resources")
            equal(len(ids), len(lines), "resources")
            expect(len(lines) > len(whole) / 2, f"only {len(lines)} resources")
        with self.tap.check("most deaths came midway"):
            self.tap.say(self.killed)
            expect(sum(self.killed.values()) > self.steps / 2, f"{self.killed} of {self.steps}")


def tell(tap, turn, everybody):
    bundle = sample_bundle()
    with Network(f"crash-{turn}") as network:
        story = Story(tap, network, turn, everybody)
        story.consortium()
        story.record(bundle)
        request, view = story.sharing()
        story.revoke(request)
        story.told_once(bundle, view)


def program(tap):
    everybody = os.environ.get("ACESO_E2E_CRASH") == "all"
    turns = len(EVERYBODY) * len(MOMENTS) if everybody else 2
    for turn in itertools.islice(itertools.count(), turns):
        tell(tap, turn, everybody)


if __name__ == "__main__":
    sys.exit(main(program))
