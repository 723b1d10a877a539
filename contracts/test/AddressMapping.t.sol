// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {AddressMapping} from "../src/AddressMapping.sol";
import {Category} from "../src/Codes.sol";
import {HospitalPatient} from "../src/HospitalPatient.sol";
import {IAddressMapping} from "../src/interfaces/IAddressMapping.sol";
import {Story} from "./Story.sol";
import {Wallet} from "./Wallet.sol";
import {vm} from "./Vm.sol";

contract AddressMappingTest is Story {
    uint80 private constant WAY = 0x0a0900020a01000520fb;

    function setUp() public {
        deploy();
    }

    // Deployment

    function test_constructor_revertsWithZeroAddress() public {
        vm.expectRevert(IAddressMapping.AddressMappingZeroAddress.selector);
        new AddressMapping(ca, address(0), address(1));
        vm.expectRevert(IAddressMapping.AddressMappingZeroAddress.selector);
        new AddressMapping(ca, address(1), address(0));
    }

    // Hospitals

    function test_registerHospital_givesStableIds() public view {
        equal(amsc.hospitalCount(), 2);
        equal(amsc.hospitalOf(hospital), 1);
        equal(amsc.hospitalOf(otherHospital), 2);
        equal(amsc.hospitalOf(stranger), 0);
        equal(amsc.byLabel("mercy"), 1);
        equal(amsc.byLabel("none"), 0);
        IAddressMapping.Hospital memory held = amsc.hospital(1);
        equal(held.key, hospital);
        check(!held.suspended);
        equal(keccak256(bytes(held.label)), keccak256("mercy"));
        equal(keccak256(bytes(held.url)), keccak256("https://mercy.example"));
        equal(held.sealKey, "s1");
        equal(held.tlsKeyDigest, "t1");
        equal(held.authorityKeysDigest, bytes32(0));
    }

    function test_registerHospital_announces() public {
        vm.expectEmit(address(amsc));
        emit IAddressMapping.HospitalRegistered(3, stranger, "st.j-2", "u", "s", "t");
        vm.prank(ca);
        equal(amsc.registerHospital(stranger, "st.j-2", "u", "s", "t"), 3);
    }

    function test_registerHospital_revertsForOthers() public {
        vm.expectRevert(notOwner(hospital));
        vm.prank(hospital);
        amsc.registerHospital(stranger, "x", "", "", "");
    }

    function test_registerHospital_revertsWithBadLabel() public {
        string[9] memory bad = [
            "",
            "0x12",
            "0x",
            "Mercy",
            "a b",
            "a_b",
            unicode"ä",
            "a@b",
            "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg"
        ];
        for (uint256 i = 0; i < bad.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IAddressMapping.AddressMappingBadLabel.selector, bad[i])
            );
            vm.prank(ca);
            amsc.registerHospital(stranger, bad[i], "", "", "");
        }
    }

    function test_registerHospital_takesLabelsAtTheLimit() public {
        string[4] memory good =
            ["0", "x", "0.x", "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg"];
        for (uint160 i = 0; i < good.length; ++i) {
            vm.prank(ca);
            amsc.registerHospital(address(i + 1), good[i], "", "", "");
        }
    }

    function test_fuzz_registerHospital_takesOnlyTheAlphabet(bytes1 c) public {
        bool good = (c >= 0x61 && c <= 0x7a) || (c >= 0x30 && c <= 0x39) || c == 0x2d || c == 0x2e;
        string memory label = string(abi.encodePacked("a", c));
        if (!good) {
            vm.expectRevert(
                abi.encodeWithSelector(IAddressMapping.AddressMappingBadLabel.selector, label)
            );
        }
        vm.prank(ca);
        amsc.registerHospital(stranger, label, "", "", "");
    }

    function test_registerHospital_revertsWithTakenNames() public {
        vm.startPrank(ca);
        vm.expectRevert(
            abi.encodeWithSelector(IAddressMapping.AddressMappingLabelTaken.selector, "mercy")
        );
        amsc.registerHospital(stranger, "mercy", "", "", "");
        vm.expectRevert(
            abi.encodeWithSelector(IAddressMapping.AddressMappingKeyTaken.selector, hospital)
        );
        amsc.registerHospital(hospital, "x", "", "", "");
        vm.expectRevert(IAddressMapping.AddressMappingZeroAddress.selector);
        amsc.registerHospital(address(0), "x", "", "", "");
        vm.expectRevert(
            abi.encodeWithSelector(IAddressMapping.AddressMappingTooLong.selector, 257, 256)
        );
        amsc.registerHospital(stranger, "x", string(new bytes(257)), "", "");
        vm.stopPrank();
    }

    function test_updateHospital_replacesUrlAndKeys() public {
        vm.expectEmit(address(amsc));
        emit IAddressMapping.HospitalUpdated(1, "new", "s9", "t9");
        vm.prank(ca);
        amsc.updateHospital(1, "new", "s9", "t9");
        IAddressMapping.Hospital memory held = amsc.hospital(1);
        equal(keccak256(bytes(held.url)), keccak256("new"));
        equal(held.sealKey, "s9");
        equal(held.tlsKeyDigest, "t9");
    }

    function test_updateHospital_reverts() public {
        vm.expectRevert(notOwner(hospital));
        vm.prank(hospital);
        amsc.updateHospital(1, "", "", "");
        vm.startPrank(ca);
        vm.expectRevert(unknown(3));
        amsc.updateHospital(3, "", "", "");
        vm.expectRevert(
            abi.encodeWithSelector(IAddressMapping.AddressMappingTooLong.selector, 257, 256)
        );
        amsc.updateHospital(1, string(new bytes(257)), "", "");
        vm.stopPrank();
    }

    function test_suspendHospital_setsAndLifts() public {
        vm.startPrank(ca);
        vm.expectEmit(address(amsc));
        emit IAddressMapping.HospitalSuspended(1);
        amsc.suspendHospital(1, true);
        check(amsc.hospital(1).suspended && amsc.hospitalSuspended(1));
        amsc.requireHospital(1, hospital);
        vm.expectRevert(suspended(1));
        amsc.requireActiveHospital(1, hospital);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAddressMapping.AddressMappingSuspensionUnchanged.selector, uint32(1)
            )
        );
        amsc.suspendHospital(1, true);
        vm.expectEmit(address(amsc));
        emit IAddressMapping.HospitalReinstated(1);
        amsc.suspendHospital(1, false);
        amsc.requireActiveHospital(1, hospital);
        vm.stopPrank();
    }

    function test_suspendHospital_reverts() public {
        vm.expectRevert(notOwner(stranger));
        vm.prank(stranger);
        amsc.suspendHospital(1, true);
        vm.expectRevert(unknown(9));
        vm.prank(ca);
        amsc.suspendHospital(9, true);
        vm.expectRevert(unknown(0));
        amsc.hospital(0);
        vm.expectRevert(unknown(0));
        amsc.hospitalSuspended(0);
    }

    function test_replaceHospitalKey_refusesTheOldKey() public {
        vm.expectEmit(address(amsc));
        emit IAddressMapping.HospitalKeyReplaced(1, hospital, stranger);
        vm.prank(ca);
        amsc.replaceHospitalKey(1, stranger);
        equal(amsc.hospitalOf(stranger), 1);
        equal(amsc.hospitalOf(hospital), 0);
        amsc.requireActiveHospital(1, stranger);
        vm.expectRevert(notHospital(1, hospital));
        amsc.requireHospital(1, hospital);
        vm.expectRevert(notHospital(1, hospital));
        amsc.requireActiveHospital(1, hospital);
    }

    function test_replaceHospitalKey_reverts() public {
        vm.expectRevert(notOwner(hospital));
        vm.prank(hospital);
        amsc.replaceHospitalKey(1, stranger);
        vm.startPrank(ca);
        vm.expectRevert(unknown(7));
        amsc.replaceHospitalKey(7, stranger);
        vm.expectRevert(IAddressMapping.AddressMappingZeroAddress.selector);
        amsc.replaceHospitalKey(1, address(0));
        vm.expectRevert(
            abi.encodeWithSelector(IAddressMapping.AddressMappingKeyTaken.selector, otherHospital)
        );
        amsc.replaceHospitalKey(1, otherHospital);
        vm.stopPrank();
    }

    function test_publishKeys_keepsTheDigest() public {
        vm.expectEmit(address(amsc));
        emit IAddressMapping.KeysPublished(2, "d");
        vm.prank(otherHospital);
        amsc.publishKeys("d");
        equal(amsc.hospital(2).authorityKeysDigest, "d");
        vm.expectRevert(notHospital(0, stranger));
        vm.prank(stranger);
        amsc.publishKeys("d");
        vm.prank(ca);
        amsc.suspendHospital(2, true);
        vm.expectRevert(suspended(2));
        vm.prank(otherHospital);
        amsc.publishKeys("e");
    }

    // The CA's role

    function test_transferOwnership_raisesTheGeneration() public {
        equal(amsc.generation(), 1);
        IAddressMapping.Credential memory old = credentialOf(school, Category.MEDICAL_SCHOOL, 1);
        bytes memory signature = sign(CA_KEY, credentialDigest(old));
        amsc.checkCredential(old, signature);
        vm.prank(ca);
        amsc.transferOwnership(stranger);
        amsc.checkCredential(old, signature);
        vm.expectEmit(address(amsc));
        emit IAddressMapping.GenerationRaised(2, stranger);
        vm.prank(stranger);
        amsc.acceptOwnership();
        equal(amsc.generation(), 2);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAddressMapping.AddressMappingWrongGeneration.selector, uint32(1), uint32(2)
            )
        );
        amsc.checkCredential(old, signature);
        IAddressMapping.Credential memory renewed =
            credentialOf(school, Category.MEDICAL_SCHOOL, 1);
        amsc.checkCredential(renewed, sign(STRANGER_KEY, credentialDigest(renewed)));
        bytes memory byTheOldOne = sign(CA_KEY, credentialDigest(renewed));
        vm.expectRevert(IAddressMapping.AddressMappingBadCredentialSignature.selector);
        amsc.checkCredential(renewed, byTheOldOne);
    }

    function test_renounceOwnership_reverts() public {
        vm.expectRevert(IAddressMapping.AddressMappingNoRenouncing.selector);
        vm.prank(ca);
        amsc.renounceOwnership();
    }

    // Credentials

    function test_checkCredential_reverts() public {
        IAddressMapping.Credential memory good = credentialOf(school, Category.MEDICAL_SCHOOL, 5);
        bytes memory signature = sign(CA_KEY, credentialDigest(good));
        amsc.checkCredential(good, signature);

        good.category = 4;
        vm.expectRevert(IAddressMapping.AddressMappingBadCredentialSignature.selector);
        amsc.checkCredential(good, signature);
        good.category = 0;
        vm.expectRevert(
            abi.encodeWithSelector(IAddressMapping.AddressMappingBadCategory.selector, uint8(0))
        );
        amsc.checkCredential(good, signature);
        good.category = 32;
        vm.expectRevert(
            abi.encodeWithSelector(IAddressMapping.AddressMappingBadCategory.selector, uint8(32))
        );
        amsc.checkCredential(good, signature);
        good.category = 31;
        amsc.checkCredential(good, sign(CA_KEY, credentialDigest(good)));

        good.category = 3;
        vm.warp(good.expiry - 1);
        amsc.checkCredential(good, signature);
        vm.warp(good.expiry);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAddressMapping.AddressMappingCredentialExpired.selector, uint64(5), good.expiry
            )
        );
        amsc.checkCredential(good, signature);
    }

    function test_checkCredential_refusesOtherChainsAndContracts() public {
        IAddressMapping.Credential memory good = credentialOf(school, Category.MEDICAL_SCHOOL, 5);
        bytes32 message = keccak256(abi.encode(CREDENTIAL, good));
        bytes memory elsewhere = sign(CA_KEY, digestOf(address(arsc), message));
        vm.expectRevert(IAddressMapping.AddressMappingBadCredentialSignature.selector);
        amsc.checkCredential(good, elsewhere);
        elsewhere = sign(CA_KEY, digestOn(block.chainid + 1, address(amsc), message));
        vm.expectRevert(IAddressMapping.AddressMappingBadCredentialSignature.selector);
        amsc.checkCredential(good, elsewhere);
    }

    function test_revokeCredential_countsForLowerSerialsToo() public {
        IAddressMapping.Credential memory low = credentialOf(school, Category.MEDICAL_SCHOOL, 5);
        bytes memory lowSignature = sign(CA_KEY, credentialDigest(low));
        vm.expectEmit(address(amsc));
        emit IAddressMapping.CredentialRevoked(school, 6);
        vm.prank(ca);
        amsc.revokeCredential(school, 6);
        vm.expectRevert(revoked(school, 5));
        amsc.checkCredential(low, lowSignature);
        IAddressMapping.Credential memory high = credentialOf(school, Category.MEDICAL_SCHOOL, 7);
        amsc.checkCredential(high, sign(CA_KEY, credentialDigest(high)));
        IAddressMapping.Credential memory other = credentialOf(pharmacy, Category.PHARMACY, 6);
        amsc.checkCredential(other, sign(CA_KEY, credentialDigest(other)));
        vm.expectRevert(revoked(school, 6));
        vm.prank(ca);
        amsc.revokeCredential(school, 6);
        vm.expectRevert(notOwner(stranger));
        vm.prank(stranger);
        amsc.revokeCredential(school, 8);
    }

    function test_acceptCredential_keepsTheNewest() public {
        check(!amsc.credentialLive(school));
        vm.expectRevert(
            abi.encodeWithSelector(IAddressMapping.AddressMappingNoCredential.selector, school)
        );
        amsc.requireCredential(school);
        IAddressMapping.Credential memory given = credentialOf(school, Category.MEDICAL_SCHOOL, 5);
        vm.expectEmit(address(amsc));
        emit IAddressMapping.CredentialAccepted(
            school, 5, 3, "seal key", "tls key", given.expiry, 1
        );
        accept(school, given);
        IAddressMapping.CredentialRecord memory held = amsc.credentialOf(school);
        equal(held.serial, 5);
        equal(held.expiry, given.expiry);
        equal(held.generation, 1);
        equal(held.category, 3);
        check(amsc.credentialLive(school));
        equal(amsc.requireCredential(school), 3);

        accept(school, given);
        given.serial = 4;
        bytes memory signature = sign(CA_KEY, credentialDigest(given));
        vm.expectRevert(
            abi.encodeWithSelector(
                IAddressMapping.AddressMappingCredentialOutdated.selector, uint64(4), uint64(5)
            )
        );
        vm.prank(address(arsc));
        amsc.acceptCredential(school, given, signature);
        given.serial = 6;
        given.category = 4;
        accept(school, given);
        equal(amsc.requireCredential(school), 4);
    }

    function test_acceptCredential_reverts() public {
        IAddressMapping.Credential memory given = credentialOf(school, Category.MEDICAL_SCHOOL, 5);
        bytes memory signature = sign(CA_KEY, credentialDigest(given));
        vm.expectRevert(notAccessRequest(school));
        vm.prank(school);
        amsc.acceptCredential(school, given, signature);
        vm.startPrank(address(arsc));
        vm.expectRevert(
            abi.encodeWithSelector(
                IAddressMapping.AddressMappingNotCredentialOf.selector, pharmacy
            )
        );
        amsc.acceptCredential(pharmacy, given, signature);
        vm.expectRevert(
            abi.encodeWithSelector(IAddressMapping.AddressMappingNoCredential.selector, school)
        );
        amsc.acceptCredential(school, given, "");
        bytes memory selfMade = sign(STRANGER_KEY, credentialDigest(given));
        vm.expectRevert(IAddressMapping.AddressMappingBadCredentialSignature.selector);
        amsc.acceptCredential(school, given, selfMade);
        vm.stopPrank();
    }

    function test_credentialLive_endsByExpiryRevocationAndHandover() public {
        IAddressMapping.Credential memory given = credentialOf(school, Category.MEDICAL_SCHOOL, 5);
        accept(school, given);
        vm.warp(given.expiry);
        check(!amsc.credentialLive(school));
        vm.expectRevert(
            abi.encodeWithSelector(
                IAddressMapping.AddressMappingCredentialExpired.selector, uint64(5), given.expiry
            )
        );
        amsc.requireCredential(school);
        given.serial = 6;
        given.expiry = NEVER;
        accept(school, given);
        equal(amsc.credentialOf(school).expiry, type(uint40).max);
        vm.prank(ca);
        amsc.revokeCredential(school, 6);
        check(!amsc.credentialLive(school));
        vm.expectRevert(revoked(school, 6));
        amsc.requireCredential(school);
        given.serial = 7;
        accept(school, given);
        check(amsc.credentialLive(school));
        vm.prank(ca);
        amsc.transferOwnership(stranger);
        vm.prank(stranger);
        amsc.acceptOwnership();
        check(!amsc.credentialLive(school));
        given.generation = 2;
        given.serial = 1;
        bytes memory signature = sign(STRANGER_KEY, credentialDigest(given));
        vm.expectRevert(revoked(school, 1));
        vm.prank(address(arsc));
        amsc.acceptCredential(school, given, signature);
        given.serial = 7;
        signature = sign(STRANGER_KEY, credentialDigest(given));
        vm.prank(address(arsc));
        amsc.acceptCredential(school, given, signature);
        check(amsc.credentialLive(school));
    }

    // Relationships

    function test_createRelationship_makesTheContract() public {
        equal(amsc.relationship(1, patient), address(0));
        address place = amsc.predictRelationship(1, patient);
        IAddressMapping.Relationship memory terms = termsOf(1, patient);
        bytes memory signature = sign(PATIENT_KEY, relationshipDigest(terms));
        vm.expectEmit(address(amsc));
        emit IAddressMapping.RelationshipCreated(1, patient, place);
        vm.prank(hospital);
        address made = amsc.createRelationship(terms, signature, headers);
        equal(made, place);
        equal(amsc.relationship(1, patient), place);
        equal(HospitalPatient(made).hospital(), 1);
        equal(HospitalPatient(made).patient(), patient);
        equal(amsc.nonceOf(1, patient), 1);
    }

    function test_createRelationship_revertsOnReplay() public {
        IAddressMapping.Relationship memory terms = termsOf(1, patient);
        bytes memory signature = sign(PATIENT_KEY, relationshipDigest(terms));
        vm.prank(hospital);
        address made = amsc.createRelationship(terms, signature, headers);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAddressMapping.AddressMappingRelationshipExists.selector, made
            )
        );
        vm.prank(hospital);
        amsc.createRelationship(terms, signature, headers);
        vm.expectRevert(notHospital(1, otherHospital));
        vm.prank(otherHospital);
        amsc.createRelationship(terms, signature, headers);
        terms.hospital = 2;
        vm.expectRevert(badSignature(patient));
        vm.prank(otherHospital);
        amsc.createRelationship(terms, signature, headers);
        terms.hospital = 1;
        terms.patient = otherPatient;
        vm.expectRevert(badSignature(otherPatient));
        vm.prank(hospital);
        amsc.createRelationship(terms, signature, headers);
    }

    function test_createRelationship_revertsWithChangedTerms() public {
        IAddressMapping.Relationship memory terms = termsOf(1, patient);
        bytes memory signature = sign(PATIENT_KEY, relationshipDigest(terms));
        vm.startPrank(hospital);
        terms.levels = 0x44440;
        vm.expectRevert(badSignature(patient));
        amsc.createRelationship(terms, signature, headers);
        terms = termsOf(1, patient);
        terms.policyDigest = "other";
        vm.expectRevert(badSignature(patient));
        amsc.createRelationship(terms, signature, headers);
        terms = termsOf(1, patient);
        terms.nonce = 1;
        vm.expectRevert(
            abi.encodeWithSelector(IAddressMapping.AddressMappingBadNonce.selector, 1, 0)
        );
        amsc.createRelationship(terms, signature, headers);
        vm.chainId(7);
        terms.nonce = 0;
        vm.expectRevert(badSignature(patient));
        amsc.createRelationship(terms, signature, headers);
        vm.stopPrank();
    }

    function test_createRelationship_revertsAfterTheDeadline() public {
        IAddressMapping.Relationship memory terms = termsOf(1, patient);
        terms.deadline = uint64(block.timestamp);
        bytes memory signature = sign(PATIENT_KEY, relationshipDigest(terms));
        vm.warp(block.timestamp + 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAddressMapping.AddressMappingSignatureExpired.selector, terms.deadline
            )
        );
        vm.prank(hospital);
        amsc.createRelationship(terms, signature, headers);
        vm.warp(terms.deadline);
        vm.prank(hospital);
        amsc.createRelationship(terms, signature, headers);
    }

    function test_createRelationship_revertsForSuspendedHospital() public {
        IAddressMapping.Relationship memory terms = termsOf(1, patient);
        bytes memory signature = sign(PATIENT_KEY, relationshipDigest(terms));
        vm.prank(ca);
        amsc.suspendHospital(1, true);
        vm.expectRevert(suspended(1));
        vm.prank(hospital);
        amsc.createRelationship(terms, signature, headers);
    }

    function test_createRelationship_worksForWallets() public {
        Wallet wallet = new Wallet(patient);
        IAddressMapping.Relationship memory terms = termsOf(1, address(wallet));
        bytes memory signature = sign(PATIENT_KEY, relationshipDigest(terms));
        bytes memory wrong = sign(STRANGER_KEY, relationshipDigest(terms));
        vm.expectRevert(badSignature(address(wallet)));
        vm.prank(hospital);
        amsc.createRelationship(terms, wrong, headers);
        wallet.setMode(Wallet.Mode.SHORT);
        vm.expectRevert(badSignature(address(wallet)));
        vm.prank(hospital);
        amsc.createRelationship(terms, signature, headers);
        wallet.setMode(Wallet.Mode.REVERT);
        vm.expectRevert(badSignature(address(wallet)));
        vm.prank(hospital);
        amsc.createRelationship(terms, signature, headers);
        wallet.setMode(Wallet.Mode.SPIN);
        vm.expectRevert(badSignature(address(wallet)));
        vm.prank(hospital);
        amsc.createRelationship(terms, signature, headers);
        wallet.setMode(Wallet.Mode.ANSWER);
        vm.prank(hospital);
        amsc.createRelationship(terms, signature, headers);
    }

    function test_voidNonce_stopsUnusedSignatures() public {
        IAddressMapping.Relationship memory terms = termsOf(1, patient);
        bytes memory signature = sign(PATIENT_KEY, relationshipDigest(terms));
        vm.expectEmit(address(amsc));
        emit IAddressMapping.NonceVoided(1, patient, 0);
        vm.prank(patient);
        amsc.voidNonce(1, patient, 0, "");
        equal(amsc.nonceOf(1, patient), 1);
        vm.expectRevert(
            abi.encodeWithSelector(IAddressMapping.AddressMappingBadNonce.selector, 0, 1)
        );
        vm.prank(hospital);
        amsc.createRelationship(terms, signature, headers);
        terms.nonce = 1;
        signature = sign(PATIENT_KEY, relationshipDigest(terms));
        vm.prank(hospital);
        amsc.createRelationship(terms, signature, headers);
        equal(amsc.nonceOf(1, patient), 2);
    }

    function test_voidNonce_isCarriedByAnyone() public {
        bytes memory signature =
            sign(PATIENT_KEY, digestOf(address(amsc), keccak256(abi.encode(NONCE_VOID, 1, 0))));
        vm.expectRevert(badSignature(patient));
        vm.prank(stranger);
        amsc.voidNonce(2, patient, 0, signature);
        vm.expectRevert(badSignature(otherPatient));
        vm.prank(stranger);
        amsc.voidNonce(1, otherPatient, 0, signature);
        vm.prank(stranger);
        amsc.voidNonce(1, patient, 0, signature);
        vm.expectRevert(
            abi.encodeWithSelector(IAddressMapping.AddressMappingBadNonce.selector, 0, 1)
        );
        vm.prank(stranger);
        amsc.voidNonce(1, patient, 0, signature);
    }

    function test_voidNonce_reachesTheRelationship() public {
        hpsc = begin(1, hospital, PATIENT_KEY);
        vm.prank(patient);
        amsc.voidNonce(1, patient, 1, "");
        equal(amsc.nonceOf(1, patient), 2);
        equal(hpsc.nonce(), 2);
    }

    // Whitelist

    function test_openEntry_revertsForOthers() public {
        vm.expectRevert(notAccessRequest(hospital));
        vm.prank(hospital);
        amsc.openEntry(1, hospital, school, 1, WAY, later(1));
        vm.expectRevert(notAccessRequest(hospital));
        vm.prank(hospital);
        amsc.leaveEntry(1, school, 1, 1);
        vm.expectRevert(notAccessRequest(hospital));
        vm.prank(hospital);
        amsc.closeEntries(1, school, new uint16[](0));
    }

    function test_openEntry_joinsAndExtends() public {
        vm.expectEmit(address(amsc));
        emit IAddressMapping.EntryOpened(1, school, 1, WAY, later(10), 1);
        (uint24 serial, bool opened) = open(1, school, 1, later(10));
        equal(serial, 1);
        check(opened);
        vm.expectEmit(address(amsc));
        emit IAddressMapping.EntryExtended(1, school, 1, later(20));
        (serial, opened) = open(1, school, 1, later(20));
        check(serial == 1 && !opened);
        open(1, school, 1, later(5));
        IAddressMapping.Entry memory held = amsc.entry(1, school, 1);
        equal(held.vpn, 0x0a090002);
        equal(held.databaseAddress, 0x0a010005);
        equal(held.port, 8443);
        equal(held.expiry, later(20));
        equal(held.live, 3);
        equal(held.serial, 1);
    }

    function test_openEntry_reverts() public {
        open(1, school, 1, later(10));
        vm.startPrank(address(arsc));
        vm.expectRevert(
            abi.encodeWithSelector(
                IAddressMapping.AddressMappingPathDiffers.selector, uint32(1), school, uint16(1)
            )
        );
        amsc.openEntry(1, hospital, school, 1, WAY + 1, later(10));
        vm.expectRevert(notHospital(1, otherHospital));
        amsc.openEntry(1, otherHospital, school, 1, WAY, later(10));
        vm.stopPrank();
        vm.prank(ca);
        amsc.suspendHospital(1, true);
        vm.expectRevert(suspended(1));
        vm.prank(address(arsc));
        amsc.openEntry(1, hospital, school, 1, WAY, later(10));
    }

    function test_openEntry_replacesAnExpiredOne() public {
        open(1, school, 1, later(10));
        vm.warp(later(10));
        vm.expectEmit(address(amsc));
        emit IAddressMapping.EntryRemoved(1, school, 1, 1);
        (uint24 serial, bool opened) = open(1, school, 1, later(10));
        check(serial == 2 && opened);
        equal(amsc.entry(1, school, 1).live, 1);
        (uint32 count, uint24 openings,) = amsc.entrySum(1);
        check(count == 1 && openings == 2);
    }

    function test_leaveEntry_removesTheLast() public {
        open(1, school, 1, later(10));
        open(1, school, 1, later(10));
        vm.startPrank(address(arsc));
        amsc.leaveEntry(1, school, 1, 2);
        equal(amsc.entry(1, school, 1).live, 2);
        amsc.leaveEntry(1, school, 1, 1);
        equal(amsc.entry(1, school, 1).live, 1);
        vm.expectEmit(address(amsc));
        emit IAddressMapping.EntryRemoved(1, school, 1, 1);
        amsc.leaveEntry(1, school, 1, 1);
        amsc.leaveEntry(1, school, 1, 1);
        vm.stopPrank();
        equal(amsc.entry(1, school, 1).serial, 0);
    }

    function test_removeEntry_isForTheHospitalAlone() public {
        open(1, school, 1, later(10));
        open(1, school, 2, later(10));
        vm.expectRevert(notHospital(1, otherHospital));
        vm.prank(otherHospital);
        amsc.removeEntry(1, school, 1);
        vm.expectRevert(notHospital(1, ca));
        vm.prank(ca);
        amsc.removeEntry(1, school, 1);
        vm.prank(hospital);
        amsc.removeEntry(1, school, 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAddressMapping.AddressMappingNoEntry.selector, uint32(1), school, uint16(1)
            )
        );
        vm.prank(hospital);
        amsc.removeEntry(1, school, 1);
        vm.prank(ca);
        amsc.suspendHospital(1, true);
        vm.prank(ca);
        amsc.removeEntry(1, school, 2);
    }

    function test_removeEntry_worksWhileSuspended() public {
        open(1, school, 1, later(10));
        vm.prank(ca);
        amsc.suspendHospital(1, true);
        vm.prank(hospital);
        amsc.removeEntry(1, school, 1);
        equal(amsc.entry(1, school, 1).live, 0);
    }

    function test_sweepEntries_takesOnlyExpiredOnes() public {
        open(1, school, 1, later(10));
        open(1, school, 2, later(20));
        open(1, pharmacy, 1, later(10));
        vm.warp(later(10));
        address[] memory users = new address[](4);
        uint16[] memory databases = new uint16[](4);
        (users[0], users[1], users[2], users[3]) = (school, school, pharmacy, stranger);
        (databases[0], databases[1], databases[2], databases[3]) = (1, 2, 1, 1);
        vm.prank(stranger);
        amsc.sweepEntries(1, users, databases);
        equal(amsc.entry(1, school, 1).live, 0);
        equal(amsc.entry(1, school, 2).live, 1);
        equal(amsc.entry(1, pharmacy, 1).live, 0);
        (uint32 count,,) = amsc.entrySum(1);
        equal(count, 1);
    }

    function test_sweepEntries_reverts() public {
        vm.expectRevert(
            abi.encodeWithSelector(IAddressMapping.AddressMappingTooLong.selector, 65, 64)
        );
        amsc.sweepEntries(1, new address[](65), new uint16[](65));
        vm.expectRevert(
            abi.encodeWithSelector(IAddressMapping.AddressMappingLengthMismatch.selector, 2, 1)
        );
        amsc.sweepEntries(1, new address[](2), new uint16[](1));
        amsc.sweepEntries(1, new address[](64), new uint16[](64));
    }

    function test_isOpen_asksForEverything() public {
        check(!amsc.isOpen(1, school, 1));
        accept(school, credentialOf(school, Category.MEDICAL_SCHOOL, 5));
        open(1, school, 1, later(10));
        check(amsc.isOpen(1, school, 1));
        check(!amsc.isOpen(1, school, 2) && !amsc.isOpen(2, school, 1));
        check(!amsc.isOpen(1, pharmacy, 1));
        vm.prank(ca);
        amsc.suspendHospital(1, true);
        check(!amsc.isOpen(1, school, 1));
        vm.prank(ca);
        amsc.suspendHospital(1, false);
        vm.warp(later(10) - 1);
        check(amsc.isOpen(1, school, 1));
        vm.warp(block.timestamp + 1);
        check(!amsc.isOpen(1, school, 1));
        open(1, school, 1, later(10));
        vm.prank(ca);
        amsc.revokeCredential(school, 5);
        check(!amsc.isOpen(1, school, 1));
    }

    function test_entrySum_isTheSumOfTheHashes() public {
        open(1, school, 1, later(10));
        open(1, school, 7, later(10));
        open(2, school, 1, later(10));
        open(1, pharmacy, 1, later(10));
        vm.prank(hospital);
        amsc.removeEntry(1, school, 1);
        (uint32 count, uint24 opened, uint256 sum) = amsc.entrySum(1);
        check(count == 2 && opened == 3);
        uint256 wanted = weigh(1, school, 7, 2) + weigh(1, pharmacy, 1, 3);
        equal(sum, wanted & type(uint192).max);
        vm.startPrank(hospital);
        amsc.removeEntry(1, school, 7);
        amsc.removeEntry(1, pharmacy, 1);
        vm.stopPrank();
        (count, opened, sum) = amsc.entrySum(1);
        check(count == 0 && opened == 3 && sum == 0);
        (count, opened,) = amsc.entrySum(2);
        check(count == 1 && opened == 1);
    }

    function test_fuzz_entrySum_returnsToZero(uint8[16] calldata steps) public {
        for (uint256 i = 0; i < steps.length; ++i) {
            open(1, address(uint160(steps[i] % 4 + 1)), steps[i] % 3, later(10));
        }
        vm.startPrank(address(arsc));
        uint16[] memory databases = new uint16[](3);
        (databases[1], databases[2]) = (1, 2);
        for (uint160 i = 1; i < 5; ++i) {
            amsc.closeEntries(1, address(i), databases);
        }
        (uint32 count,, uint256 sum) = amsc.entrySum(1);
        check(count == 0 && sum == 0);
        vm.stopPrank();
    }

    function open(uint32 id, address user, uint16 database, uint40 expiry)
        private
        returns (uint24, bool)
    {
        vm.prank(address(arsc));
        return amsc.openEntry(id, id == 1 ? hospital : otherHospital, user, database, WAY, expiry);
    }

    function accept(address institute, IAddressMapping.Credential memory given) private {
        bytes memory signature = sign(CA_KEY, credentialDigest(given));
        vm.prank(address(arsc));
        amsc.acceptCredential(institute, given, signature);
    }

    function later(uint256 time) private view returns (uint40) {
        return uint40(block.timestamp + time);
    }

    function weigh(uint32 id, address user, uint16 database, uint24 serial)
        private
        pure
        returns (uint256)
    {
        uint256 place = uint256(id) << 176 | uint256(uint160(user)) << 16 | database;
        return uint192(uint256(keccak256(abi.encode(place, uint256(WAY) << 24 | serial))));
    }

    function notOwner(address who) private pure returns (bytes memory) {
        return abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, who);
    }

    function unknown(uint32 id) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IAddressMapping.AddressMappingUnknownHospital.selector, id);
    }

    function suspended(uint32 id) private pure returns (bytes memory) {
        return
            abi.encodeWithSelector(IAddressMapping.AddressMappingHospitalSuspended.selector, id);
    }

    function notHospital(uint32 id, address who) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IAddressMapping.AddressMappingNotHospital.selector, id, who);
    }

    function notAccessRequest(address who) private pure returns (bytes memory) {
        return
            abi.encodeWithSelector(IAddressMapping.AddressMappingNotAccessRequest.selector, who);
    }

    function badSignature(address who) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IAddressMapping.AddressMappingBadSignature.selector, who);
    }

    function revoked(address institute, uint64 serial) private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            IAddressMapping.AddressMappingCredentialRevoked.selector, institute, serial
        );
    }
}
