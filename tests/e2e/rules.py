#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The patient's own terms: rules that decide by themselves, also over a crash and while the
hospital is away; an own table, overrides for one institute, an own policy; and the second
authority's key, without which nothing opens."""

import contextlib
import sqlite3
import sys
import uuid

import resources
from chain import keccak256
from network import Network, sample_bundle
from tap import equal, expect, main, until

HOME, AWAY, PATIENT = "hospital-a", "hospital-b", "patient-1"
SCHOOL, PHARMACY, INSURER, OUTSIDER = "medical-school", "pharmacy", "insurance", "outsider"
CATEGORIES = {SCHOOL: SCHOOL, PHARMACY: PHARMACY, INSURER: INSURER, OUTSIDER: PHARMACY}


def twin(network, bundle, name):
    """The same record as another person's: a hospital takes nobody in under two addresses."""
    text = resources.bundle_text(bundle)
    whole = resources.parse(text)
    own = whole["entry"][0]["resource"]["id"].encode()
    path = network.files / f"{name}.json"
    path.write_bytes(text.replace(own, str(uuid.uuid4()).encode()))
    return path


def rows(node, table):
    """How many there are on the node's disk."""
    with contextlib.closing(sqlite3.connect(f"file:{node.data}/node.db?mode=ro", uri=True)) as base:
        return base.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


class Terms:
    def __init__(self, tap, network):
        self.tap, self.network = tap, network

    # What people do.

    def ask(self, name, level, purpose="TREAT", term="5d", patient=PATIENT):
        return self.network.ask(name, "institute", "request", "--hospital", HOME, "--patient",
                                self.network[patient].address, "--purpose", purpose, "--level",
                                level, "--term", term)["request"]

    def seen(self, request, name=PATIENT):
        group = self.network[name].role
        found = [r for r in self.network.ask(name, group, "requests")["requests"]
                 if r["request"] == request]
        return found[0] if found else None

    def by_rule(self, request, state="sent"):
        """The request, once a rule has decided on it."""
        def decided():
            found = self.seen(request)
            return found if found and found.get("decision_state") == state else None
        return until(decided, f"a rule decides on {request[:12]}")

    def looked(self):
        """Every node has seen the newest block: what the rules had to say they said."""
        self.network.chain.rpc.call("evm_mine")
        head = self.network.chain.rpc.block() + 1
        self.network.chain.rpc.call("evm_mine")
        until(lambda: self.network.ask(PATIENT, "status")["block"] >= head, "a new block")

    def not_decided(self, request):
        until(lambda: self.seen(request), "the patient sees the request")
        self.looked()
        found = self.seen(request)
        equal(found["status"], "open", "status")
        expect("rule" not in found, f"a rule decided: {found}")

    def approve(self, request, name):
        """By the hospital; what the institute sees then."""
        self.network.do(HOME, "hospital", "approve", request)
        until(lambda: self.seen(request, name)["status"] == "approved", "the approval is seen")
        return self.seen(request, name)

    def by_hand(self, request, name, *more, patient=PATIENT):
        until(lambda: self.seen(request, patient), "the patient sees the request")
        self.network.do(patient, "patient", "approve", request, *more)
        return self.approve(request, name)

    def fetch(self, request, name):
        out = self.network.files / f"{name}.ndjson"
        out.unlink(missing_ok=True)
        self.network.do(name, "institute", "fetch", request, "--out", out)
        return resources.lines(out)

    def cannot_fetch(self, request, name):
        out = self.network.files / f"{name}-refused.ndjson"
        return self.network.refused(name, "institute", "fetch", request, "--out", out, wait=2)

    def rule(self, *words):
        return self.network.ask(PATIENT, "patient", "rule", *words)["number"]

    def unrule(self, *numbers):
        for number in numbers:
            self.network.do(PATIENT, "patient", "unrule", number)

    def wrong(self, *words, says=""):
        code, out, err = self.network.run(PATIENT, "patient", *words)
        expect(code == 2 and err.startswith("aceso: "), f"{words}: {code}: {out}{err}")
        expect(says in err, f"{words}: {err}")

    def events(self, name):
        return [e for e in self.network.chain.rpc.events() if e[0] == name]

    # The checks.

    def begin(self, bundle):
        network = self.network
        with self.tap.check("a consortium and a record", vital=True):
            network.found()
            network.party(HOME, "hospital")
            network.party(AWAY, "hospital")
            for name, category in CATEGORIES.items():
                network.party(name, "institute", "--category", category)
            network.attributes()
            for name in (SCHOOL, PHARMACY):
                network.accredit(name)
            network.patient(PATIENT)
            network.directories()
            network.take_in(PATIENT, bundle)

    def bad_rules(self):
        with self.tap.check("a rule that means nothing is wrong usage, and none is made"):
            self.wrong("rule", "--then", "maybe", says="allow, deny or ask")
            self.wrong("rule", "--then", "deny", "--level", "low", says="--then allow")
            self.wrong("rule", "--then", "allow", "--category", "bakery", says="category")
            self.wrong("rule", "--then", "allow", "--term", "soon", says="term")
            self.wrong("rule", "--then", "allow", "--level", "none", says="level")
            self.wrong("rule", "--then", "ask", "--institute", "0x12", says="institute")
            self.network.refused(PATIENT, "patient", "rule", "--then", "allow", "--hospital",
                                 AWAY, words=AWAY)
            self.network.refused(PATIENT, "patient", "unrule", 1, words="no such rule")
            equal(self.network.ask(PATIENT, "patient", "rules")["rules"], [], "rules")

    def denied(self):
        with self.tap.check("denied by a rule, on the chain"):
            number = self.rule("--then", "deny", "--category", INSURER, "--purpose", "HPAYMT")
            request = self.ask(INSURER, "medium", "HPAYMT")
            until(lambda: self.seen(request, INSURER)["status"] == "refused", "the refusal")
            found = self.by_rule(request)
            equal((found["rule"], found["decision"]), (number, "deny"), "by rule")
            expect(f"denied by rule {number}" in self.network.do(PATIENT, "patient", "requests"),
                   "the list does not say so")
        with self.tap.check("for another purpose the same insurer is asked about"):
            self.not_decided(self.ask(INSURER, "medium", "COVERAGE"))
        self.unrule(number)

    def allowed(self):
        number = self.rule("--then", "allow", "--category", PHARMACY, "--level", "low", "--term",
                           "7d")
        with self.tap.check("allowed by a rule, fetched and opened"):
            request = self.ask(PHARMACY, "low")
            equal(self.by_rule(request)["rule"], number, "rule")
            equal(self.approve(request, PHARMACY)["granted"], "low", "granted")
            expect(self.fetch(request, PHARMACY), "nothing came")
            expect(f"by rule {number}" in self.network.do(PATIENT, "patient", "requests"),
                   "the list does not say so")
        with self.tap.check("what asks for more than the rule allows is asked about"):
            self.not_decided(self.ask(PHARMACY, "low", term="8d"))
            self.not_decided(self.ask(PHARMACY, "medium"))
        self.unrule(number)

    def allowed_less(self):
        with self.tap.check("a rule that gives less gives less, of level and of term"):
            number = self.rule("--then", "allow", "--category", SCHOOL, "--purpose", "HRESCH",
                               "--level", "medium", "--term", "1d", "--less", "--hospital", HOME)
            request = self.ask(SCHOOL, "high", "HRESCH")
            equal(self.by_rule(request)["rule"], number, "rule")
            equal(self.approve(request, SCHOOL)["granted"], "medium", "granted")
            view = self.fetch(request, SCHOOL)
            given = next(int(e[3][66:130], 16) for e in self.events("ConsentGiven")
                         if e[2][0] == request)
            made = self.network.chain.rpc.call("eth_getBlockByNumber", "latest", False)
            expect(given - int(made["timestamp"], 16) <= 86400, "a longer term")
            expect("Claim" in {r["resourceType"] for r in view}, "no claim at medium")
        self.unrule(number)
        with self.tap.check("no rule gives more than the own table"):
            number = self.rule("--then", "allow", "--level", "complete", "--less")
            request = self.ask(PHARMACY, "complete")
            self.by_rule(request)
            equal(self.approve(request, PHARMACY)["granted"], "low", "granted")
        self.unrule(number)

    def asked(self):
        with self.tap.check("ask goes before an allow that comes after it"):
            first = self.rule("--then", "ask", "--institute", self.network[PHARMACY].address)
            second = self.rule("--then", "allow")
            request = self.ask(PHARMACY, "low")
            self.not_decided(request)
        with self.tap.check("without it the open request is decided by what is left"):
            self.unrule(first)
            equal(self.by_rule(request)["rule"], second, "rule")
            equal(self.approve(request, PHARMACY)["granted"], "low", "granted")
        self.unrule(second)
        with self.tap.check("a rule decides on what is open, not on what the owner decided"):
            mine, open_before = self.ask(SCHOOL, "high"), self.ask(SCHOOL, "high")
            until(lambda: self.seen(mine) and self.seen(open_before), "both are seen")
            self.network.do(PATIENT, "patient", "approve", mine, "--level", "low")
            number = self.rule("--then", "allow", "--category", SCHOOL)
            equal(self.by_rule(open_before)["rule"], number, "rule")
            self.looked()
            expect("rule" not in self.seen(mine), "the owner's decision was replaced")
            equal(self.approve(mine, SCHOOL)["granted"], "low", "granted")
        with self.tap.check("the rules are listed with their numbers"):
            listed = self.network.ask(PATIENT, "patient", "rules")["rules"]
            equal(listed, [{"number": number, "then": "allow", "category": SCHOOL}], "rules")
        self.unrule(number)

    def crash(self):
        network = self.network
        number = self.rule("--then", "allow", "--category", PHARMACY)
        with self.tap.check("kill -9 between request and decision; the hospital away as well"):
            network[HOME].kill()
            network[PATIENT].kill()
            request = self.ask(PHARMACY, "low")
            network.up(PATIENT)
            waits = self.by_rule(request, "waits")
            equal(waits["rule"], number, "rule")
            until(lambda: "not sent yet: " in network.do(PATIENT, "patient", "requests"),
                  "the list says why it waits")
        with self.tap.check("meanwhile the owner does not wait for the hospital"):
            equal(network.ask(PATIENT, "patient", "rules")["rules"][0]["number"], number, "rules")
            other = self.rule("--then", "deny", "--purpose", "HMARKT")
        with self.tap.check("kill -9 while it waits: then it is decided, once"):
            network[PATIENT].kill()
            network.up(PATIENT)
            network.up(HOME)
            equal(self.by_rule(request)["rule"], number, "rule")
            equal(self.approve(request, PHARMACY)["granted"], "low", "granted")
            equal(sum(e[2][0] == request for e in self.events("ConsentGiven")), 1, "consents")
        for name, table in ((PATIENT, "ledger_request"), (PATIENT, "decision"),
                            (PATIENT, "operation"), (HOME, "approval")):
            with self.tap.check(f"kill -9 as soon as {name} has a row more in {table}"):
                before = rows(network[name], table)
                request = self.ask(PHARMACY, "low")
                until(lambda n=name, t=table, b=before: rows(network[n], t) > b, "a row more")
                network[PATIENT].kill()
                network.up(PATIENT)
                equal(self.by_rule(request)["rule"], number, "rule")
                equal(self.approve(request, PHARMACY)["granted"], "low", "granted")
                equal(sum(e[2][0] == request for e in self.events("ConsentGiven")), 1, "consents")
        with self.tap.check("decided before a crash is decided after it"):
            network[PATIENT].kill()
            network.up(PATIENT)
            self.looked()
            equal(self.by_rule(request)["rule"], number, "rule")
            equal(sum(e[2][0] == request for e in self.events("ConsentGiven")), 1, "consents")
        self.unrule(other)
        with self.tap.check("a credential that was revoked meanwhile is not allowed by a rule"):
            network[PATIENT].kill()
            late = self.ask(OUTSIDER, "low")
            network.do("ca", "ca", "revoke", network[OUTSIDER].address)
            network.up(PATIENT)
            self.not_decided(late)
        self.unrule(number)

    def overrides(self):
        network = self.network
        pharmacy, school = network[PHARMACY].address, network[SCHOOL].address
        with self.tap.check("an override above the table"):
            network.do(PATIENT, "patient", "override", pharmacy, "--level", "medium")
            request = self.ask(PHARMACY, "complete")
            equal(self.by_hand(request, PHARMACY)["granted"], "medium", "granted")
            kinds = {r["resourceType"] for r in self.fetch(request, PHARMACY)}
            expect("Claim" in kinds, f"not the medium view: {kinds}")
        with self.tap.check("and below it; more is refused by the own node"):
            network.do(PATIENT, "patient", "override", school, "--level", "low")
            request = self.ask(SCHOOL, "high")
            until(lambda: self.seen(request), "the patient sees it")
            network.refused(PATIENT, "patient", "approve", request, "--level", "high",
                            words="low")
            equal(self.by_hand(request, SCHOOL)["granted"], "low", "granted")
        with self.tap.check("the same again is nothing new; terms lists both"):
            count = len(self.events("OverrideSet"))
            network.do(PATIENT, "patient", "override", school, "--level", "low")
            equal(len(self.events("OverrideSet")), count, "events")
            (terms,) = network.ask(PATIENT, "patient", "terms")["hospitals"]
            equal({o["institute"]: o["level"] for o in terms["overrides"]},
                  {pharmacy.lower(): "medium", school.lower(): "low"}, "overrides")
            equal(terms["levels"], {"pharmacy": "low", "insurance": "medium",
                                    "medical-school": "high", "hospital": "complete"}, "table")
            expect("registered@hospital-a" in terms["policy"], f"policy {terms['policy']}")
        with self.tap.check("nothing at all"):
            network.do(PATIENT, "patient", "override", school, "--level", "none")
            request = self.ask(SCHOOL, "low")
            until(lambda: self.seen(request), "the patient sees it")
            network.refused(PATIENT, "patient", "approve", request, words="none")
        with self.tap.check("what a rule decided before an override is decided again"):
            number = self.rule("--then", "allow", "--category", PHARMACY, "--less")
            request = self.ask(PHARMACY, "complete")
            self.by_rule(request)
            network.do(PATIENT, "patient", "override", pharmacy, "--level", "high")
            self.looked()
            self.by_rule(request)
            equal(self.approve(request, PHARMACY)["granted"], "high", "granted")
            self.unrule(number)
        with self.tap.check("back to the table"):
            for address in (school, pharmacy):
                network.do(PATIENT, "patient", "override", address, "--level", "table")
            equal(network.ask(PATIENT, "patient", "terms")["hospitals"][0]["overrides"], [],
                  "overrides")
            equal(self.by_hand(self.ask(SCHOOL, "high"), SCHOOL)["granted"], "high", "granted")
        with self.tap.check("words that are no level, an address that is none"):
            self.wrong("override", school, "--level", "lots", says="level")
            network.refused(PATIENT, "patient", "override", "0x12", "--level", "low")

    def newcomer(self, name):
        """A patient who has not enrolled yet."""
        network = self.network
        network.node(name, "patient")
        network.join(name, HOME)
        network.up(name)

    def policies(self):
        network = self.network
        network.do(HOME, "hospital", "attribute", "trial")
        network.do(AWAY, "hospital", "attribute", "pharmacist")
        self.newcomer("patient-2")
        before, there = len(self.events("RelationshipCreated")), set(network.addresses())
        with self.tap.check("a policy that is malformed, names strangers, or locks the hospital "
                            "out is refused before anything is signed"):
            for policy, says in (
                    ("registered@hospital-a and", "policy, character "),
                    ("registered@hospital-a & x@hospital-b", "policy, character 23"),
                    ("3 of (registered@hospital-a, accredited@hospital-b)", "policy, character "),
                    ("registered@hospital-c", "registered@hospital-c"),
                    ("registerd@hospital-a", "registerd@hospital-a"),
                    ("registered@hospital-a or missing@hospital-b", "missing@hospital-b"),
                    ("registered@hospital-a and pharmacist@hospital-b",
                     "it lacks pharmacist@hospital-b"),
                    ("grant-4.1@0x" + "ab" * 20, "patient's authority")):
                said = network.refused("patient-2", "patient", "enrol", "--policy", policy)
                expect(says in said, f"{policy}: {said}")
            code, _, err = network.run("patient-2", "patient", "enrol", "--levels", "pharmacy=most")
            expect(code == 2 and "levels" in err, f"a bad table: {code}: {err}")
            equal(len(self.events("RelationshipCreated")), before, "relationships")
        policy = "registered@hospital-a and (accredited@hospital-b or trial@hospital-a)"
        with self.tap.check("an own policy and an own table are signed", vital=True):
            network.do("patient-2", "patient", "enrol", "--policy", policy, "--levels",
                       "pharmacy=high,insurance=high")
            network.meet("patient-2", there)
            (terms,) = network.ask("patient-2", "patient", "terms")["hospitals"]
            equal(terms["policy"], policy, "policy")
            equal(terms["levels"], {"pharmacy": "high", "insurance": "high"}, "table")
            network.refused("patient-2", "patient", "enrol", "--levels", "pharmacy=low",
                            words="enrolled already")
        return policy

    def branches(self, bundle):
        network = self.network
        network.take_in("patient-2", twin(network, bundle, "patient-2"))
        with self.tap.check("one branch of the policy opens"):
            request = self.ask(PHARMACY, "high", patient="patient-2")
            equal(self.by_hand(request, PHARMACY, patient="patient-2")["granted"], "high",
                  "granted")
            expect(self.fetch(request, PHARMACY), "nothing came")
        with self.tap.check("neither branch does not, whatever the hospital approved"):
            other = self.ask(INSURER, "high", patient="patient-2")
            self.by_hand(other, INSURER, patient="patient-2")
            self.cannot_fetch(other, INSURER)
        with self.tap.check("the other branch opens"):
            network.do(HOME, "hospital", "issue", "trial", "--to", network[INSURER].address)
            equal(self.fetch(other, INSURER), self.fetch(request, PHARMACY), "the same view")
        with self.tap.check("whom the own table does not name gets nothing"):
            third = self.ask(SCHOOL, "low", patient="patient-2")
            until(lambda: self.seen(third, "patient-2"), "the patient sees it")
            network.refused("patient-2", "patient", "approve", third, words="none")

    def threshold(self, bundle):
        network = self.network
        self.newcomer("patient-3")
        there = set(network.addresses())
        policy = "2 of (registered@hospital-a, accredited@hospital-b, trial@hospital-a)"
        with self.tap.check("two of three: enrolled, sealed", vital=True):
            network.do("patient-3", "patient", "enrol", "--policy", policy)
            network.meet("patient-3", there)
            network.take_in("patient-3", twin(network, bundle, "patient-3"))
        with self.tap.check("two of three open, one does not"):
            opens = self.ask(INSURER, "medium", patient="patient-3")  # registered and trial
            self.by_hand(opens, INSURER, patient="patient-3")
            expect(self.fetch(opens, INSURER), "nothing came")
            lacks = self.ask("second-school", "high", patient="patient-3")
            self.by_hand(lacks, "second-school", patient="patient-3")
            self.cannot_fetch(lacks, "second-school")
            network.do(HOME, "hospital", "issue", "trial", "--to",
                       network["second-school"].address)
            self.cannot_fetch(lacks, "second-school")
            network.accredit("second-school")
            expect(self.fetch(lacks, "second-school"), "nothing came")

    def second_key(self):
        """The attribute of A_def that the other hospital issues."""
        network = self.network
        network.party("third-school", "institute", "--category", SCHOOL)
        address = network["third-school"].address.lower()
        topic = "0x" + address[2:].rjust(64, "0")
        with self.tap.check("without the second authority's key nothing opens"):
            request = self.ask("third-school", "high")
            self.by_hand(request, "third-school")
            self.cannot_fetch(request, "third-school")
        with self.tap.check("issued and revoked by the second authority before it was fetched"):
            network.accredit("third-school")
            network.do(AWAY, "hospital", "revoke", network["third-school"].address)
            self.cannot_fetch(request, "third-school")
        with self.tap.check("issued again it opens"):
            network.accredit("third-school")
            expect(self.fetch(request, "third-school"), "nothing came")
        with self.tap.check("issue and end stand on the chain between that hospital and them"):
            ids = {e[2][1][-40:]: e[2][0] for e in self.events("HospitalRegistered")}
            away = ids[network[AWAY].address.lower()[2:]]
            opened = [e for e in self.events("InstituteOpened") if e[2][:2] == [away, topic]]
            equal(len(opened), 1, "contracts of the pair")
            hisc = "0x" + opened[0][2][2][-40:]
            digest = "0x" + keccak256(b"accredited@hospital-b").hex()
            recorded = [e for e in self.events("AttributesRecorded")
                        if e[1].lower() == hisc and e[2][:2] == [away, topic]]
            equal(len(recorded), 2, "records")
            for event in recorded:
                expect(digest[2:] in event[3] + "".join(event[2]), f"another digest: {event}")
            ended = [e for e in self.events("Ended") if e[1].lower() == hisc]
            equal(len(ended), 1, "ends")


def program(tap):
    bundle = sample_bundle()
    with Network("rules") as network:
        terms = Terms(tap, network)
        terms.begin(bundle)
        terms.bad_rules()
        terms.denied()
        terms.allowed()
        terms.allowed_less()
        terms.asked()
        terms.crash()
        terms.overrides()
        terms.policies()
        terms.branches(bundle)
        network.party("second-school", "institute", "--category", SCHOOL)
        terms.threshold(bundle)
        terms.second_key()


if __name__ == "__main__":
    sys.exit(main(program))
