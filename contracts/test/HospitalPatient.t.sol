// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Category} from "../src/Codes.sol";
import {HospitalPatient} from "../src/HospitalPatient.sol";
import {IAddressMapping} from "../src/interfaces/IAddressMapping.sol";
import {IHospitalPatient} from "../src/interfaces/IHospitalPatient.sol";
import {Story} from "./Story.sol";
import {vm} from "./Vm.sol";

contract HospitalPatientTest is Story {
    function setUp() public {
        enrol();
    }

    // Creation

    function test_initialize_setsTheFirstTerms() public {
        (uint32 e, uint32 n) = hpsc.epochs();
        check(e == 1 && n == 1);
        equal(hpsc.levels(), TABLE);
        equal(hpsc.termsDigest(), keccak256(abi.encode(firstTerms())));
        equal(hpsc.nonce(), 1);
        (uint64 number, bytes32 root) = hpsc.lastBatch();
        check(number == 0 && root == 0);
        IAddressMapping.Relationship memory terms = termsOf(1, otherPatient);
        bytes memory signature = sign(OTHER_PATIENT_KEY, relationshipDigest(terms));
        vm.expectEmit(amsc.predictRelationship(1, otherPatient));
        emit IHospitalPatient.TermsSet(
            1, 1, "policy", TABLE, "patient keys", "keys", keccak256(headers), headers
        );
        vm.prank(hospital);
        amsc.createRelationship(terms, signature, headers);
    }

    function test_initialize_isForTheFactoryOnce() public {
        IHospitalPatient.Terms memory terms = firstTerms();
        vm.expectRevert(
            abi.encodeWithSelector(IHospitalPatient.HospitalPatientNotFactory.selector, hospital)
        );
        vm.prank(hospital);
        hpsc.initialize(terms, TABLE, 1, headers);
        vm.expectRevert(IHospitalPatient.HospitalPatientAlreadyInitialized.selector);
        vm.prank(address(amsc));
        hpsc.initialize(terms, TABLE, 1, headers);
        vm.expectRevert(
            abi.encodeWithSelector(IHospitalPatient.HospitalPatientNotFactory.selector, hospital)
        );
        vm.prank(hospital);
        hpsc.voidNonce(1);
    }

    function test_initialize_revertsWithHugeNonce() public {
        HospitalPatient fresh = new HospitalPatient(address(this));
        IHospitalPatient.Terms memory terms = firstTerms();
        vm.expectRevert(
            abi.encodeWithSelector(
                IHospitalPatient.HospitalPatientBadNonce.selector, uint256(1) << 24, 0
            )
        );
        fresh.initialize(terms, TABLE, 1 << 24, headers);
    }

    function test_implementation_isLocked() public {
        bytes4 locked = IHospitalPatient.HospitalPatientNotInitialized.selector;
        IHospitalPatient.Epoch memory next = nextEpoch();
        IHospitalPatient.Override memory change;
        IHospitalPatient.Batch memory batch;
        IHospitalPatient.Terms memory terms = firstTerms();
        vm.expectRevert(
            abi.encodeWithSelector(IHospitalPatient.HospitalPatientNotFactory.selector, hospital)
        );
        vm.prank(hospital);
        hpscCode.initialize(terms, TABLE, 1, headers);
        vm.expectRevert(locked);
        hpscCode.advanceEpoch(next, "", headers);
        vm.expectRevert(locked);
        hpscCode.advanceSwitch(1, terms, "", "", "");
        vm.expectRevert(locked);
        hpscCode.setOverride(change, "");
        vm.expectRevert(locked);
        hpscCode.anchorBatch(batch, "");
        vm.expectRevert(locked);
        hpscCode.hospital();
        vm.expectRevert(locked);
        hpscCode.patient();
        vm.expectRevert(locked);
        hpscCode.consentTerms(school, 3);
        vm.expectRevert(locked);
        vm.prank(address(amsc));
        hpscCode.voidNonce(0);
    }

    function test_constructor_revertsWithZeroAddress() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                IHospitalPatient.HospitalPatientNotFactory.selector, address(0)
            )
        );
        new HospitalPatient(address(0));
    }

    function test_createRelationship_revertsWithBadTable() public {
        uint256[6] memory bad = [uint256(0x43121), 0x50, 0x60, 0x70, 0x80, uint256(1) << 128];
        for (uint256 i = 0; i < bad.length; ++i) {
            createWithTable(bad[i], true);
        }
    }

    function test_fuzz_createRelationship_takesExactlyGoodTables(uint256 table) public {
        // Half of the tables are cut down to good ones.
        if (table & 1 == 0) {
            table = table & 0x33333333333333333333333333333330;
        }
        bool bad = table >> 128 != 0 || table & 15 != 0;
        for (uint256 i = 0; i < 32; ++i) {
            bad = bad || (table >> (4 * i)) & 15 > 4;
        }
        createWithTable(table, bad);
    }

    function test_fuzz_createRelationship_judgesEachLevel(uint8 category, uint8 level) public {
        uint256 place = category % 31 + 1;
        uint256 given = level % 16;
        createWithTable(given << (4 * place), given > 4);
    }

    function test_createRelationship_judgesHeaders() public {
        IAddressMapping.Relationship memory terms = termsOf(1, otherPatient);
        bytes memory signature = sign(OTHER_PATIENT_KEY, relationshipDigest(terms));
        vm.expectRevert(
            abi.encodeWithSelector(
                IHospitalPatient.HospitalPatientBadHeaders.selector,
                terms.headersDigest,
                keccak256(hex"02")
            )
        );
        vm.prank(hospital);
        amsc.createRelationship(terms, signature, hex"02");
        vm.expectRevert(
            abi.encodeWithSelector(
                IHospitalPatient.HospitalPatientHeadersTooLong.selector, 32_769, 32_768
            )
        );
        vm.prank(hospital);
        amsc.createRelationship(terms, signature, new bytes(32_769));
        // None at all: they stay off the chain.
        vm.prank(hospital);
        amsc.createRelationship(terms, signature, "");
    }

    // Epochs

    function test_advanceEpoch_setsNewTerms() public {
        IHospitalPatient.Epoch memory next = nextEpoch();
        bytes memory signature = sign(PATIENT_KEY, epochDigest(next));
        vm.expectEmit(address(hpsc));
        emit IHospitalPatient.TermsSet(
            2, 1, "policy 2", 0x22220, "patient keys 2", "keys 2", keccak256(headers), headers
        );
        vm.prank(hospital);
        hpsc.advanceEpoch(next, signature, headers);
        (uint32 e, uint32 n) = hpsc.epochs();
        check(e == 2 && n == 1);
        equal(hpsc.levels(), 0x22220);
        equal(hpsc.nonce(), 2);
        equal(
            hpsc.termsDigest(),
            keccak256(
                abi.encode(
                    bytes32("policy 2"),
                    bytes32("patient keys 2"),
                    bytes32("keys 2"),
                    keccak256(headers)
                )
            )
        );
        vm.expectRevert(badEpoch(2, 1));
        vm.prank(hospital);
        hpsc.advanceEpoch(next, signature, headers);
    }

    function test_advanceEpoch_revertsWithWrongNumbers() public {
        IHospitalPatient.Epoch memory next = nextEpoch();
        next.patientEpoch = 3;
        refuseEpoch(next, badEpoch(3, 1));
        next.patientEpoch = 1;
        refuseEpoch(next, badEpoch(1, 1));
        next = nextEpoch();
        next.hospitalEpoch = 2;
        refuseEpoch(next, badEpoch(2, 2));
        next = nextEpoch();
        next.nonce = 0;
        refuseEpoch(next, badNonce(0, 1));
        next.nonce = 2;
        refuseEpoch(next, badNonce(2, 1));
        next = nextEpoch();
        next.levels = 0x50;
        refuseEpoch(
            next, abi.encodeWithSelector(IHospitalPatient.HospitalPatientBadLevels.selector, 0x50)
        );
        next = nextEpoch();
        next.headersDigest = "other";
        refuseEpoch(
            next,
            abi.encodeWithSelector(
                IHospitalPatient.HospitalPatientBadHeaders.selector,
                bytes32("other"),
                keccak256(headers)
            )
        );
        next = nextEpoch();
        next.deadline = uint64(block.timestamp - 1);
        refuseEpoch(next, expired(next.deadline));
    }

    function test_advanceEpoch_needsBoth() public {
        IHospitalPatient.Epoch memory next = nextEpoch();
        bytes memory signature = sign(PATIENT_KEY, epochDigest(next));
        vm.expectRevert(notHospital(1, otherHospital));
        vm.prank(otherHospital);
        hpsc.advanceEpoch(next, signature, headers);
        vm.expectRevert(notHospital(1, patient));
        vm.prank(patient);
        hpsc.advanceEpoch(next, signature, headers);
        bytes memory wrong = sign(HOSPITAL_KEY, epochDigest(next));
        vm.expectRevert(badSignature());
        vm.prank(hospital);
        hpsc.advanceEpoch(next, wrong, headers);
        vm.prank(ca);
        amsc.suspendHospital(1, true);
        vm.expectRevert(suspended());
        vm.prank(hospital);
        hpsc.advanceEpoch(next, signature, headers);
    }

    function test_advanceEpoch_refusesReplays() public {
        HospitalPatient other = begin(2, otherHospital, PATIENT_KEY);
        IHospitalPatient.Epoch memory next = nextEpoch();
        bytes memory signature = sign(PATIENT_KEY, epochDigest(next));
        vm.expectRevert(badSignature());
        vm.prank(otherHospital);
        other.advanceEpoch(next, signature, headers);
        HospitalPatient neighbour = begin(1, hospital, OTHER_PATIENT_KEY);
        vm.expectRevert(
            abi.encodeWithSelector(
                IHospitalPatient.HospitalPatientBadSignature.selector, otherPatient
            )
        );
        vm.prank(hospital);
        neighbour.advanceEpoch(next, signature, headers);
        vm.chainId(block.chainid + 1);
        vm.expectRevert(badSignature());
        vm.prank(hospital);
        hpsc.advanceEpoch(next, signature, headers);
    }

    function test_advanceEpoch_followsTheNewKey() public {
        vm.prank(ca);
        amsc.replaceHospitalKey(1, stranger);
        IHospitalPatient.Epoch memory next = nextEpoch();
        bytes memory signature = sign(PATIENT_KEY, epochDigest(next));
        vm.expectRevert(notHospital(1, hospital));
        vm.prank(hospital);
        hpsc.advanceEpoch(next, signature, headers);
        vm.prank(stranger);
        hpsc.advanceEpoch(next, signature, headers);
    }

    function test_advanceSwitch_changesNothingElse() public {
        bytes memory fresh = hex"0badcafe";
        vm.prank(ca);
        amsc.suspendHospital(1, true);
        vm.expectEmit(address(hpsc));
        emit IHospitalPatient.TermsSet(
            1, 2, "policy", TABLE, "patient keys", "new keys", keccak256(fresh), fresh
        );
        vm.prank(hospital);
        hpsc.advanceSwitch(2, firstTerms(), "new keys", keccak256(fresh), fresh);
        (uint32 e, uint32 n) = hpsc.epochs();
        check(e == 1 && n == 2);
        equal(hpsc.levels(), TABLE);
        equal(hpsc.nonce(), 1);
        equal(
            hpsc.termsDigest(),
            keccak256(
                abi.encode(
                    bytes32("policy"),
                    bytes32("patient keys"),
                    bytes32("new keys"),
                    keccak256(fresh)
                )
            )
        );
    }

    function test_advanceSwitch_reverts() public {
        IHospitalPatient.Terms memory terms = firstTerms();
        vm.expectRevert(notHospital(1, otherHospital));
        vm.prank(otherHospital);
        hpsc.advanceSwitch(2, terms, "", "", "");
        vm.startPrank(hospital);
        vm.expectRevert(badEpoch(1, 3));
        hpsc.advanceSwitch(3, terms, "", "", "");
        vm.expectRevert(badEpoch(1, 1));
        hpsc.advanceSwitch(1, terms, "", "", "");
        vm.expectRevert(
            abi.encodeWithSelector(
                IHospitalPatient.HospitalPatientBadHeaders.selector,
                bytes32("x"),
                keccak256(headers)
            )
        );
        hpsc.advanceSwitch(2, terms, "", "x", headers);
        bytes32 held = hpsc.termsDigest();
        terms.policyDigest = "wider";
        vm.expectRevert(
            abi.encodeWithSelector(
                IHospitalPatient.HospitalPatientBadTerms.selector,
                keccak256(abi.encode(terms)),
                held
            )
        );
        hpsc.advanceSwitch(2, terms, "", "", "");
        vm.stopPrank();
    }

    // Levels

    function test_levelFor_readsTheTable() public view {
        equal(hpsc.levelFor(school, 0), 0);
        equal(hpsc.levelFor(school, uint8(Category.PHARMACY)), 2);
        equal(hpsc.levelFor(school, uint8(Category.INSURANCE)), 1);
        equal(hpsc.levelFor(school, uint8(Category.MEDICAL_SCHOOL)), 3);
        equal(hpsc.levelFor(school, uint8(Category.HOSPITAL)), 4);
        equal(hpsc.levelFor(school, 5), 0);
        equal(hpsc.levelFor(school, 31), 0);
        equal(hpsc.levelFor(school, 32), 0);
        equal(hpsc.levelFor(school, 255), 0);
        equal(hpsc.overrideOf(school), 255);
    }

    function test_setOverride_standsAboveTheTable() public {
        vm.expectEmit(address(hpsc));
        emit IHospitalPatient.OverrideSet(school, 4);
        put(hospital, 4, 1);
        equal(hpsc.overrideOf(school), 4);
        equal(hpsc.levelFor(school, 3), 4);
        equal(hpsc.levelFor(pharmacy, 3), 3);
        (uint8 level, uint32 e, uint256 nonce) = hpsc.consentTerms(school, 3);
        check(level == 4 && e == 1 && nonce == 2);
        put(stranger, 0, 2);
        equal(hpsc.levelFor(school, 3), 0);
        put(hospital, 255, 3);
        equal(hpsc.overrideOf(school), 255);
        equal(hpsc.levelFor(school, 3), 3);
    }

    function test_setOverride_widensOnlyThroughTheHospital() public {
        ask(school, Category.MEDICAL_SCHOOL, 3);
        refuseOverride(stranger, 4, 1, notHospital(1, stranger));
        refuseOverride(stranger, 255, 1, notHospital(1, stranger));
        put(stranger, 3, 1);
        put(stranger, 2, 2);
        refuseOverride(stranger, 3, 3, notHospital(1, stranger));
        vm.prank(ca);
        amsc.suspendHospital(1, true);
        refuseOverride(hospital, 3, 3, suspended());
        put(hospital, 1, 3);
    }

    function test_setOverride_reverts() public {
        bytes memory bad =
            abi.encodeWithSelector(IHospitalPatient.HospitalPatientBadLevel.selector, uint8(5));
        refuseOverride(hospital, 5, 1, bad);
        refuseOverride(hospital, 4, 0, badNonce(0, 1));
        IHospitalPatient.Override memory change =
            IHospitalPatient.Override(school, 0, 1, uint64(block.timestamp - 1));
        bytes memory signature = sign(PATIENT_KEY, overrideDigest(change));
        vm.expectRevert(expired(change.deadline));
        hpsc.setOverride(change, signature);
        change.deadline = NEVER;
        signature = sign(HOSPITAL_KEY, overrideDigest(change));
        vm.expectRevert(badSignature());
        vm.prank(hospital);
        hpsc.setOverride(change, signature);
    }

    function test_nonce_worksOnceInAllMessages() public {
        IHospitalPatient.Epoch memory next = nextEpoch();
        put(hospital, 4, 1);
        refuseEpoch(next, badNonce(1, 2));
        next.nonce = 2;
        bytes memory signature = sign(PATIENT_KEY, epochDigest(next));
        vm.prank(hospital);
        hpsc.advanceEpoch(next, signature, headers);
        refuseOverride(hospital, 4, 2, badNonce(2, 3));
        vm.prank(patient);
        amsc.voidNonce(1, patient, 3, "");
        refuseOverride(hospital, 4, 3, badNonce(3, 4));
    }

    // Batches

    function test_anchorBatch_chainsTheRoots() public {
        vm.expectEmit(address(hpsc));
        emit IHospitalPatient.BatchAnchored(1, "root 1", 0, 2, 8);
        anchor(1, 0, "root 1");
        anchor(2, "root 1", "root 2");
        (uint64 number, bytes32 root) = hpsc.lastBatch();
        equal(number, 2);
        equal(root, "root 2");
        equal(hpsc.nonce(), 1);
    }

    function test_anchorBatch_reverts() public {
        anchor(1, 0, "root 1");
        refuseBatch(IHospitalPatient.Batch(1, 0, "root 1", 2, 8), badBatch(1, 0));
        refuseBatch(IHospitalPatient.Batch(3, "root 1", "r", 2, 8), badBatch(3, "root 1"));
        refuseBatch(IHospitalPatient.Batch(2, "x", "r", 2, 8), badBatch(2, "x"));
        bytes memory empty =
            abi.encodeWithSelector(IHospitalPatient.HospitalPatientEmptyBatch.selector);
        refuseBatch(IHospitalPatient.Batch(2, "root 1", 0, 2, 8), empty);
        refuseBatch(IHospitalPatient.Batch(2, "root 1", "r", 0, 8), empty);
        refuseBatch(IHospitalPatient.Batch(2, "root 1", "r", 2, 1), empty);
    }

    function test_anchorBatch_needsBoth() public {
        IHospitalPatient.Batch memory batch = IHospitalPatient.Batch(1, 0, "root", 1, 4);
        bytes memory signature = sign(PATIENT_KEY, batchDigest(address(hpsc), batch));
        vm.expectRevert(notHospital(1, stranger));
        vm.prank(stranger);
        hpsc.anchorBatch(batch, signature);
        bytes memory wrong = sign(STRANGER_KEY, batchDigest(address(hpsc), batch));
        vm.expectRevert(badSignature());
        vm.prank(hospital);
        hpsc.anchorBatch(batch, wrong);
        wrong = sign(PATIENT_KEY, batchDigest(address(hpscCode), batch));
        vm.expectRevert(badSignature());
        vm.prank(hospital);
        hpsc.anchorBatch(batch, wrong);
        vm.prank(ca);
        amsc.suspendHospital(1, true);
        vm.expectRevert(suspended());
        vm.prank(hospital);
        hpsc.anchorBatch(batch, signature);
    }

    function test_anchorBatch_refusesMalleableSignatures() public {
        IHospitalPatient.Batch memory batch = IHospitalPatient.Batch(1, 0, "root", 1, 4);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(PATIENT_KEY, batchDigest(address(hpsc), batch));
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        bytes memory mirrored =
            abi.encodePacked(r, bytes32(order - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        vm.expectRevert(badSignature());
        vm.prank(hospital);
        hpsc.anchorBatch(batch, mirrored);
        vm.expectRevert(badSignature());
        vm.prank(hospital);
        hpsc.anchorBatch(batch, "");
    }

    function createWithTable(uint256 table, bool refused) private {
        IAddressMapping.Relationship memory terms = termsOf(1, otherPatient);
        terms.levels = table;
        bytes memory signature = sign(OTHER_PATIENT_KEY, relationshipDigest(terms));
        if (refused) {
            vm.expectRevert(
                abi.encodeWithSelector(IHospitalPatient.HospitalPatientBadLevels.selector, table)
            );
        }
        vm.prank(hospital);
        amsc.createRelationship(terms, signature, headers);
    }

    function put(address from, uint8 level, uint256 nonce) private {
        IHospitalPatient.Override memory change =
            IHospitalPatient.Override(school, level, nonce, NEVER);
        bytes memory signature = sign(PATIENT_KEY, overrideDigest(change));
        vm.prank(from);
        hpsc.setOverride(change, signature);
    }

    function refuseOverride(address from, uint8 level, uint256 nonce, bytes memory fault)
        private
    {
        IHospitalPatient.Override memory change =
            IHospitalPatient.Override(school, level, nonce, NEVER);
        bytes memory signature = sign(PATIENT_KEY, overrideDigest(change));
        vm.expectRevert(fault);
        vm.prank(from);
        hpsc.setOverride(change, signature);
    }

    function refuseEpoch(IHospitalPatient.Epoch memory next, bytes memory fault) private {
        bytes memory signature = sign(PATIENT_KEY, epochDigest(next));
        vm.expectRevert(fault);
        vm.prank(hospital);
        hpsc.advanceEpoch(next, signature, headers);
    }

    function refuseBatch(IHospitalPatient.Batch memory batch, bytes memory fault) private {
        bytes memory signature = sign(PATIENT_KEY, batchDigest(address(hpsc), batch));
        vm.expectRevert(fault);
        vm.prank(hospital);
        hpsc.anchorBatch(batch, signature);
    }

    function badEpoch(uint32 e, uint32 n) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IHospitalPatient.HospitalPatientBadEpoch.selector, e, n);
    }

    function badNonce(uint256 given, uint256 current) private pure returns (bytes memory) {
        return
            abi.encodeWithSelector(
                IHospitalPatient.HospitalPatientBadNonce.selector, given, current
            );
    }

    function badBatch(uint64 number, bytes32 previous) private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            IHospitalPatient.HospitalPatientBadBatch.selector, number, previous
        );
    }

    function badSignature() private view returns (bytes memory) {
        return
            abi.encodeWithSelector(IHospitalPatient.HospitalPatientBadSignature.selector, patient);
    }

    function expired(uint64 deadline) private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            IHospitalPatient.HospitalPatientSignatureExpired.selector, deadline
        );
    }

    function notHospital(uint32 id, address who) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IAddressMapping.AddressMappingNotHospital.selector, id, who);
    }

    function suspended() private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            IAddressMapping.AddressMappingHospitalSuspended.selector, uint32(1)
        );
    }
}
