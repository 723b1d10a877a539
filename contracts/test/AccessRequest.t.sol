// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessRequest} from "../src/AccessRequest.sol";
import {Category, Purpose, Status} from "../src/Codes.sol";
import {IAccessRequest} from "../src/interfaces/IAccessRequest.sol";
import {IAddressMapping} from "../src/interfaces/IAddressMapping.sol";
import {IHospitalPatient} from "../src/interfaces/IHospitalPatient.sol";
import {Story} from "./Story.sol";
import {vm} from "./Vm.sol";
import {Wallet} from "./Wallet.sol";

contract AccessRequestTest is Story {
    function setUp() public {
        enrol();
    }

    function test_constructor_revertsWithZeroAddress() public {
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(IAccessRequest.AccessRequestZeroAddress.selector);
            new AccessRequest(
                i == 0 ? address(0) : address(1),
                i == 1 ? address(0) : address(1),
                i == 2 ? address(0) : address(1)
            );
        }
    }

    // Requests

    function test_request_isWrittenDown() public {
        IAccessRequest.Ask memory wanted = askOf(3);
        uint256 wantedId = arsc.requestId(school, wanted);
        IAddressMapping.Credential memory credential =
            credentialOf(school, Category.MEDICAL_SCHOOL, 1);
        bytes memory signature = sign(CA_KEY, credentialDigest(credential));
        vm.expectEmit(address(arsc));
        emit IAccessRequest.RequestMade(
            wantedId, 1, patient, school, uint8(Purpose.HRESCH), 3, TERM, wanted.deadline
        );
        vm.prank(school);
        uint256 id = arsc.request(wanted, credential, signature);
        equal(id, wantedId);
        equal(id >> 96, uint160(school));
        equal(uint32(id >> 64), 1);
        equal(uint40(id >> 24), wanted.deadline);
        equal(uint8(id >> 16), uint8(Purpose.HRESCH));
        equal(uint16(id), wanted.number);
        IAccessRequest.Request memory held = arsc.requestOf(id);
        equal(held.hospital, 1);
        equal(held.patient, patient);
        equal(held.institute, school);
        equal(held.purpose, uint8(Purpose.HRESCH));
        equal(held.deadline, wanted.deadline);
        equal(held.status, Status.OPEN);
        equal(held.level, 3);
        equal(held.term, TERM);
        check(held.until == 0 && held.database == 0 && held.serial == 0);
        check(!arsc.consentLive(id));
        equal(arsc.requestOf(id + 1).status, Status.NONE);
        equal(arsc.requestOf(id + 1).institute, address(0));
    }

    function test_request_needsTheCredentialOnce() public {
        IAddressMapping.Credential memory none;
        IAccessRequest.Ask memory wanted = askOf(3);
        vm.expectRevert(
            abi.encodeWithSelector(IAddressMapping.AddressMappingNoCredential.selector, school)
        );
        vm.prank(school);
        arsc.request(wanted, none, noSignature);
        submit(school, Category.MEDICAL_SCHOOL, wanted);
        wanted = askOf(2);
        vm.prank(school);
        arsc.request(wanted, none, noSignature);
        vm.prank(ca);
        amsc.revokeCredential(school, uint64(uint160(school)));
        wanted = askOf(2);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAddressMapping.AddressMappingCredentialRevoked.selector,
                school,
                uint64(uint160(school))
            )
        );
        vm.prank(school);
        arsc.request(wanted, none, noSignature);
    }

    function test_request_revertsWithSelfMadeOrForeignCredential() public {
        IAddressMapping.Credential memory given = credentialOf(school, Category.HOSPITAL, 9);
        bytes memory selfMade = sign(STRANGER_KEY, credentialDigest(given));
        bytes memory good = sign(CA_KEY, credentialDigest(given));
        IAccessRequest.Ask memory wanted = askOf(3);
        vm.expectRevert(IAddressMapping.AddressMappingBadCredentialSignature.selector);
        vm.prank(school);
        arsc.request(wanted, given, selfMade);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAddressMapping.AddressMappingNotCredentialOf.selector, pharmacy
            )
        );
        vm.prank(pharmacy);
        arsc.request(wanted, given, good);
    }

    function test_request_revertsWithBadTerms() public {
        IAccessRequest.Ask memory wanted = askOf(0);
        refuseAsk(wanted, IAccessRequest.AccessRequestBadLevel.selector, 0);
        wanted = askOf(5);
        refuseAsk(wanted, IAccessRequest.AccessRequestBadLevel.selector, 5);
        wanted = askOf(3);
        wanted.purpose = 0;
        refuseAsk(wanted, IAccessRequest.AccessRequestBadPurpose.selector, 0);
        wanted = askOf(3);
        wanted.term = 0;
        refuseAsk(wanted, IAccessRequest.AccessRequestBadTerm.selector, 0);
        wanted.term = 3653 days + 1;
        refuseAsk(wanted, IAccessRequest.AccessRequestBadTerm.selector, 3653 days + 1);
        wanted = askOf(3);
        wanted.deadline = uint64(block.timestamp - 1);
        refuseAsk(wanted, IAccessRequest.AccessRequestBadDeadline.selector, wanted.deadline);
        wanted.deadline = uint64(block.timestamp + 365 days + 1);
        refuseAsk(wanted, IAccessRequest.AccessRequestBadDeadline.selector, wanted.deadline);
        wanted.deadline = uint64(block.timestamp + 365 days);
        wanted.term = 3653 days;
        submit(school, Category.MEDICAL_SCHOOL, wanted);
    }

    function test_request_revertsWithoutRelationship() public {
        IAccessRequest.Ask memory wanted = askOf(3);
        wanted.patient = otherPatient;
        IAddressMapping.Credential memory none;
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessRequest.AccessRequestNoRelationship.selector, uint32(1), otherPatient
            )
        );
        vm.prank(school);
        arsc.request(wanted, none, noSignature);
    }

    function test_request_revertsWhenMadeTwice() public {
        IAccessRequest.Ask memory wanted = askOf(3);
        uint256 id = submit(school, Category.MEDICAL_SCHOOL, wanted);
        IAddressMapping.Credential memory none;
        vm.expectRevert(abi.encodeWithSelector(IAccessRequest.AccessRequestExists.selector, id));
        vm.prank(school);
        arsc.request(wanted, none, noSignature);
        vm.prank(school);
        arsc.withdraw(id);
        vm.expectRevert(abi.encodeWithSelector(IAccessRequest.AccessRequestExists.selector, id));
        vm.prank(school);
        arsc.request(wanted, none, noSignature);
    }

    function test_fuzz_requestId_namesWhatItIsMadeOf(
        address institute,
        uint32 id,
        uint8 purpose,
        uint40 deadline,
        uint16 number
    ) public view {
        uint256 made = arsc.requestId(
            institute, IAccessRequest.Ask(id, patient, purpose, 1, 1, deadline, number)
        );
        equal(bytes32(made), bytes32(abi.encodePacked(institute, id, deadline, purpose, number)));
    }

    // Approval

    function test_approve_opensWhatWasAgreed() public {
        uint256 id = ask(school, Category.MEDICAL_SCHOOL, 3);
        IAccessRequest.Approval memory approval = approvalOf(id, 2);
        approval.term = 5 days;
        bytes memory signature = sign(PATIENT_KEY, approvalDigest(approval));
        vm.expectEmit(address(arsc));
        emit IAccessRequest.ConsentGiven(id, patient, 2, uint64(block.timestamp + 5 days), grant);
        vm.expectEmit(address(arsc));
        emit IAccessRequest.InstituteOpened(1, school, arsc.predictRelation(1, school));
        vm.expectEmit(address(arsc));
        emit IAccessRequest.RequestApproved(id, accessOf(id), sealedAccess);
        send(hospital, approval, signature, 7);
        IAccessRequest.Request memory held = arsc.requestOf(id);
        equal(held.status, Status.APPROVED);
        equal(held.level, 2);
        equal(held.term, 0);
        equal(held.until, block.timestamp + 5 days);
        equal(held.database, 7);
        equal(held.serial, 1);
        check(arsc.consentLive(id));
        check(amsc.isOpen(1, school, 7));
        equal(arsc.relation(1, school), arsc.predictRelation(1, school));
        equal(arsc.relation(2, school), address(0));
        refuse(approval, wrongStatus(id, Status.APPROVED));
    }

    function test_approve_reverts() public {
        uint256 id = ask(school, Category.MEDICAL_SCHOOL, 2);
        IAccessRequest.Approval memory good = approvalOf(id, 2);
        IAccessRequest.Approval memory bad = approvalOf(id, 2);
        bad.level = 3;
        refuse(bad, tooHigh(3, 2));
        bad.level = 0;
        refuse(
            bad, abi.encodeWithSelector(IAccessRequest.AccessRequestBadLevel.selector, uint8(0))
        );
        bad.level = 2;
        bad.term = TERM + 1;
        refuse(
            bad,
            abi.encodeWithSelector(
                IAccessRequest.AccessRequestTermTooLong.selector, TERM + 1, TERM
            )
        );
        bad.term = 0;
        refuse(
            bad, abi.encodeWithSelector(IAccessRequest.AccessRequestBadTerm.selector, uint64(0))
        );
        bad.term = TERM;
        bad.patientEpoch = 2;
        refuse(
            bad,
            abi.encodeWithSelector(
                IAccessRequest.AccessRequestWrongEpoch.selector, uint32(2), uint32(1)
            )
        );
        bad.patientEpoch = 1;
        bad.nonce = 2;
        refuse(bad, abi.encodeWithSelector(IAccessRequest.AccessRequestBadNonce.selector, 2, 1));
        bad.nonce = 1;
        bad.grantDigest = "other";
        refuse(
            bad,
            abi.encodeWithSelector(
                IAccessRequest.AccessRequestBadGrant.selector, bytes32("other"), keccak256(grant)
            )
        );
        bad.grantDigest = keccak256(grant);
        bad.deadline = uint64(block.timestamp - 1);
        refuse(
            bad,
            abi.encodeWithSelector(
                IAccessRequest.AccessRequestSignatureExpired.selector, bad.deadline
            )
        );
        bytes memory signature = sign(PATIENT_KEY, approvalDigest(good));
        send(hospital, good, signature, 1);
    }

    function test_approve_revertsForOtherParties() public {
        begin(2, otherHospital, PATIENT_KEY);
        uint256 id = ask(school, Category.MEDICAL_SCHOOL, 2);
        IAccessRequest.Approval memory approval = approvalOf(id, 2);
        approval.hospital = 2;
        refuse(approval, mismatch(id));
        approval.hospital = 1;
        approval.institute = pharmacy;
        refuse(approval, mismatch(id));
        approval.institute = school;
        approval.patient = otherPatient;
        refuse(approval, mismatch(id));
        approval.patient = patient;
        bytes memory signature = sign(PATIENT_KEY, approvalDigest(approval));
        address[4] memory others = [otherHospital, patient, school, ca];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IAddressMapping.AddressMappingNotHospital.selector, uint32(1), others[i]
                )
            );
            vm.prank(others[i]);
            arsc.approve(approval, signature, grant, "", "a", sealedAccess, pathOf(1));
        }
        refuse(approvalOf(id + 1, 2), wrongStatus(id + 1, Status.NONE));
    }

    function test_approve_needsThePatientsSignature() public {
        uint256 id = ask(school, Category.MEDICAL_SCHOOL, 2);
        IAccessRequest.Approval memory approval = approvalOf(id, 2);
        bytes memory fault = badSignature(patient);
        bytes32 message = keccak256(abi.encode(APPROVAL, approval));
        bytes[4] memory wrong = [
            sign(HOSPITAL_KEY, approvalDigest(approval)),
            sign(PATIENT_KEY, digestOf(address(amsc), message)),
            sign(PATIENT_KEY, digestOn(block.chainid + 1, address(arsc), message)),
            noSignature
        ];
        for (uint256 i = 0; i < wrong.length; ++i) {
            vm.expectRevert(fault);
            vm.prank(hospital);
            arsc.approve(approval, wrong[i], grant, "", "a", sealedAccess, pathOf(1));
        }
        // A signature for one request does not serve for another.
        uint256 next = ask(school, Category.MEDICAL_SCHOOL, 2);
        bytes memory signature = sign(PATIENT_KEY, approvalDigest(approval));
        approval.request = next;
        vm.expectRevert(fault);
        vm.prank(hospital);
        arsc.approve(approval, signature, grant, "", "a", sealedAccess, pathOf(1));
        equal(arsc.requestOf(next).status, Status.OPEN);
        equal(arsc.relation(1, school), address(0));
    }

    function test_approve_staysWithinTheTable() public {
        uint256 id = ask(school, Category.MEDICAL_SCHOOL, 4);
        refuse(approvalOf(id, 4), tooHigh(4, 3));
        IHospitalPatient.Override memory change = IHospitalPatient.Override(school, 1, 1, NEVER);
        hpsc.setOverride(change, sign(PATIENT_KEY, overrideDigest(change)));
        refuse(approvalOf(id, 2), tooHigh(2, 1));
        change.level = 4;
        change.nonce = 2;
        bytes memory signature = sign(PATIENT_KEY, overrideDigest(change));
        vm.prank(hospital);
        hpsc.setOverride(change, signature);
        approve(id, 4);
    }

    function test_approve_needsALiveCredential() public {
        uint256 id = ask(school, Category.MEDICAL_SCHOOL, 3);
        vm.prank(ca);
        amsc.revokeCredential(school, uint64(uint160(school)));
        refuse(
            approvalOf(id, 3),
            abi.encodeWithSelector(
                IAddressMapping.AddressMappingCredentialRevoked.selector,
                school,
                uint64(uint160(school))
            )
        );
    }

    function test_approve_revertsWhileSuspended() public {
        uint256 id = ask(school, Category.MEDICAL_SCHOOL, 3);
        vm.prank(ca);
        amsc.suspendHospital(1, true);
        refuse(
            approvalOf(id, 3),
            abi.encodeWithSelector(
                IAddressMapping.AddressMappingHospitalSuspended.selector, uint32(1)
            )
        );
    }

    function test_approve_revertsAfterTheDeadline() public {
        uint256 id = ask(school, Category.MEDICAL_SCHOOL, 3);
        uint256 end = arsc.requestOf(id).deadline;
        vm.warp(end + 1);
        refuse(
            approvalOf(id, 3),
            abi.encodeWithSelector(IAccessRequest.AccessRequestExpired.selector, id)
        );
        vm.warp(end);
        approve(id, 3);
    }

    function test_approve_revertsWithHugePayloads() public {
        uint256 id = ask(school, Category.MEDICAL_SCHOOL, 3);
        bytes memory fault =
            abi.encodeWithSelector(IAccessRequest.AccessRequestTooLong.selector, 8193, 8192);
        grant = new bytes(8193);
        refuse(approvalOf(id, 3), fault);
        grant = new bytes(8192);
        sealedAccess = new bytes(8193);
        refuse(approvalOf(id, 3), fault);
        sealedAccess = new bytes(8192);
        approve(id, 3);
    }

    function test_approve_dependsOnTheNonce() public {
        uint256 id = ask(school, Category.MEDICAL_SCHOOL, 3);
        IAccessRequest.Approval memory approval = approvalOf(id, 3);
        vm.prank(patient);
        amsc.voidNonce(1, patient, 1, "");
        refuse(
            approval, abi.encodeWithSelector(IAccessRequest.AccessRequestBadNonce.selector, 1, 2)
        );
        // Approvals do not use the nonce up: two signed at once both work.
        uint256 next = ask(school, Category.MEDICAL_SCHOOL, 3);
        IAccessRequest.Approval memory first = approvalOf(id, 3);
        IAccessRequest.Approval memory second = approvalOf(next, 3);
        send(hospital, second, sign(PATIENT_KEY, approvalDigest(second)), 1);
        send(hospital, first, sign(PATIENT_KEY, approvalDigest(first)), 1);
        equal(amsc.nonceOf(1, patient), 2);
    }

    function test_fuzz_approve_neverExceedsWhatWasAsked(
        uint8 asked,
        uint8 given,
        uint64 askedTerm,
        uint64 givenTerm
    ) public {
        asked = asked % 4 + 1;
        given = given % 6;
        IAccessRequest.Ask memory wanted = askOf(asked);
        wanted.term = askedTerm % 3653 days + 1;
        uint256 id = submit(school, Category.HOSPITAL, wanted);
        IAccessRequest.Approval memory approval = approvalOf(id, given);
        approval.term = givenTerm % (2 * wanted.term);
        bytes memory signature = sign(PATIENT_KEY, approvalDigest(approval));
        bool good =
            given != 0 && given <= asked && approval.term != 0 && approval.term <= wanted.term;
        if (!good) vm.expectRevert();
        vm.prank(hospital);
        arsc.approve(approval, signature, grant, "", "a", sealedAccess, pathOf(1));
        equal(arsc.requestOf(id).status, good ? Status.APPROVED : Status.OPEN);
        check(arsc.consentLive(id) == good);
    }

    // No

    function test_refuse_isFinal() public {
        uint256 id = ask(school, Category.MEDICAL_SCHOOL, 3);
        bytes memory signature = sign(PATIENT_KEY, digestOf(address(arsc), structOf(REFUSAL, id)));
        bytes memory wrong = sign(HOSPITAL_KEY, digestOf(address(arsc), structOf(REFUSAL, id)));
        vm.expectRevert(badSignature(patient));
        vm.prank(hospital);
        arsc.refuse(id, wrong);
        wrong = sign(PATIENT_KEY, digestOf(address(arsc), structOf(REVOCATION, id)));
        vm.expectRevert(badSignature(patient));
        arsc.refuse(id, wrong);
        vm.expectEmit(address(arsc));
        emit IAccessRequest.ConsentRefused(id, patient);
        vm.prank(stranger);
        arsc.refuse(id, signature);
        equal(arsc.requestOf(id).status, Status.REFUSED);
        refuse(approvalOf(id, 3), wrongStatus(id, Status.REFUSED));
        vm.expectRevert(wrongStatus(id, Status.REFUSED));
        arsc.refuse(id, signature);
        id = ask(school, Category.MEDICAL_SCHOOL, 3);
        vm.expectRevert(badSignature(patient));
        arsc.refuse(id, signature);
        vm.prank(patient);
        arsc.refuse(id, "");
    }

    function test_deny_isForTheHospital() public {
        uint256 id = ask(school, Category.MEDICAL_SCHOOL, 3);
        vm.expectRevert(notHospital(otherHospital));
        vm.prank(otherHospital);
        arsc.deny(id);
        vm.prank(ca);
        amsc.suspendHospital(1, true);
        vm.expectEmit(address(arsc));
        emit IAccessRequest.RequestDenied(id, 1);
        vm.prank(hospital);
        arsc.deny(id);
        equal(arsc.requestOf(id).status, Status.DENIED);
        vm.expectRevert(wrongStatus(id, Status.DENIED));
        vm.prank(hospital);
        arsc.deny(id);
    }

    function test_withdraw_isForTheInstitute() public {
        uint256 id = ask(school, Category.MEDICAL_SCHOOL, 3);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessRequest.AccessRequestNotParty.selector, pharmacy)
        );
        vm.prank(pharmacy);
        arsc.withdraw(id);
        vm.expectEmit(address(arsc));
        emit IAccessRequest.RequestWithdrawn(id, school);
        vm.prank(school);
        arsc.withdraw(id);
        vm.expectRevert(wrongStatus(id, Status.WITHDRAWN));
        vm.prank(school);
        arsc.withdraw(id);
    }

    function test_expire_closesWhatIsOver() public {
        uint256 open = ask(school, Category.MEDICAL_SCHOOL, 3);
        uint256 given = consented();
        uint256 deadline = arsc.requestOf(open).deadline;
        bytes memory early =
            abi.encodeWithSelector(IAccessRequest.AccessRequestNotExpired.selector, open);
        vm.warp(deadline);
        vm.expectRevert(early);
        arsc.expire(open);
        vm.warp(deadline + 1);
        vm.expectEmit(address(arsc));
        emit IAccessRequest.RequestExpired(open);
        vm.prank(stranger);
        arsc.expire(open);
        vm.expectRevert(wrongStatus(open, Status.EXPIRED));
        arsc.expire(open);
        uint256 until = arsc.requestOf(given).until;
        vm.warp(until - 1);
        check(arsc.consentLive(given));
        vm.expectRevert(
            abi.encodeWithSelector(IAccessRequest.AccessRequestNotExpired.selector, given)
        );
        arsc.expire(given);
        vm.warp(until);
        check(!arsc.consentLive(given));
        arsc.expire(given);
        equal(arsc.requestOf(given).status, Status.EXPIRED);
        equal(amsc.entry(1, school, 1).live, 0);
        vm.expectRevert(wrongStatus(7, Status.NONE));
        arsc.expire(7);
    }

    // Revocation

    function test_revoke_isCarriedByAnyone() public {
        uint256 first = consented();
        uint256 second = consented();
        bytes memory signature =
            sign(PATIENT_KEY, digestOf(address(arsc), structOf(REVOCATION, first)));
        vm.expectEmit(address(arsc));
        emit IAccessRequest.ConsentRevoked(first, patient);
        vm.prank(stranger);
        arsc.revoke(first, signature);
        equal(arsc.requestOf(first).status, Status.REVOKED);
        check(!arsc.consentLive(first) && arsc.consentLive(second));
        check(!relationOf(school).isLive(accessOf(first)));
        equal(amsc.entry(1, school, 1).live, 1);
        check(amsc.isOpen(1, school, 1));
        vm.expectRevert(wrongStatus(first, Status.REVOKED));
        arsc.revoke(first, signature);
        vm.prank(patient);
        arsc.revoke(second, "");
        check(!amsc.isOpen(1, school, 1));
        equal(amsc.entry(1, school, 1).live, 0);
    }

    function test_revoke_reverts() public {
        uint256 id = consented();
        uint256 other = consented();
        bytes memory forOther =
            sign(PATIENT_KEY, digestOf(address(arsc), structOf(REVOCATION, other)));
        vm.expectRevert(badSignature(patient));
        arsc.revoke(id, forOther);
        bytes memory byHospital =
            sign(HOSPITAL_KEY, digestOf(address(arsc), structOf(REVOCATION, id)));
        vm.expectRevert(badSignature(patient));
        arsc.revoke(id, byHospital);
        uint256 open = ask(school, Category.MEDICAL_SCHOOL, 3);
        vm.expectRevert(wrongStatus(open, Status.OPEN));
        vm.prank(patient);
        arsc.revoke(open, "");
    }

    function test_revoke_worksWhateverHappenedToTheOthers() public {
        uint256 id = consented();
        vm.startPrank(ca);
        amsc.suspendHospital(1, true);
        amsc.revokeCredential(school, uint64(uint160(school)));
        amsc.replaceHospitalKey(1, stranger);
        amsc.removeEntry(1, school, 1);
        vm.stopPrank();
        vm.warp(block.timestamp + 365 days);
        revokeBy(PATIENT_KEY, id);
        equal(arsc.requestOf(id).status, Status.REVOKED);
    }

    function test_revoke_worksForWallets() public {
        patient = address(new Wallet(patient));
        IAddressMapping.Relationship memory terms = termsOf(1, patient);
        bytes memory signature = sign(PATIENT_KEY, relationshipDigest(terms));
        vm.prank(hospital);
        amsc.createRelationship(terms, signature, headers);
        uint256 id = consented();
        check(arsc.consentLive(id));
        revokeBy(PATIENT_KEY, id);
        check(!arsc.consentLive(id));
    }

    function test_endConsent_isForEitherSide() public {
        address[2] memory sides = [hospital, school];
        for (uint256 i = 0; i < sides.length; ++i) {
            uint256 id = consented();
            uint256 kept = consented();
            address[3] memory others = [otherHospital, pharmacy, patient];
            for (uint256 j = 0; j < others.length; ++j) {
                vm.expectRevert(notHospital(others[j]));
                vm.prank(others[j]);
                arsc.endConsent(id);
            }
            vm.expectEmit(address(arsc));
            emit IAccessRequest.ConsentEnded(id, sides[i]);
            vm.prank(sides[i]);
            arsc.endConsent(id);
            equal(arsc.requestOf(id).status, Status.ENDED);
            check(!arsc.consentLive(id) && arsc.consentLive(kept));
            vm.expectRevert(wrongStatus(id, Status.ENDED));
            vm.prank(sides[i]);
            arsc.endConsent(id);
        }
    }

    function test_revokeInstitute_endsThePair() public {
        uint256 first = consented();
        uint256 second = consented();
        uint256 elsewhere = ask(pharmacy, Category.PHARMACY, 2);
        approve(elsewhere, 2);
        address[3] memory others = [otherHospital, pharmacy, ca];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(notHospital(others[i]));
            vm.prank(others[i]);
            arsc.revokeInstitute(1, school);
        }
        vm.prank(ca);
        amsc.suspendHospital(1, true);
        vm.prank(hospital);
        arsc.revokeInstitute(1, school);
        vm.prank(ca);
        amsc.suspendHospital(1, false);
        check(!arsc.consentLive(first) && !arsc.consentLive(second));
        check(arsc.consentLive(elsewhere) && amsc.isOpen(1, pharmacy, 1));
        check(!amsc.isOpen(1, school, 1));
        uint256 again = consented();
        check(arsc.consentLive(again) && !arsc.consentLive(first));
        vm.prank(school);
        arsc.revokeInstitute(1, school);
        check(!arsc.consentLive(again));
    }

    function test_revokeInstitute_reverts() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessRequest.AccessRequestNoInstitute.selector, uint32(1), school
            )
        );
        vm.prank(hospital);
        arsc.revokeInstitute(1, school);
        consented();
        vm.expectRevert(
            abi.encodeWithSelector(IAccessRequest.AccessRequestNotParty.selector, hospital)
        );
        vm.prank(hospital);
        arsc.endPair(1, school, hospital);
        // The contract of another pair has no say.
        vm.prank(otherHospital);
        address other = arsc.openInstitute(2, school);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessRequest.AccessRequestNotParty.selector, other)
        );
        vm.prank(other);
        arsc.endPair(1, school, school);
    }

    function test_openInstitute_reverts() public {
        vm.expectRevert(notHospital(school));
        vm.prank(school);
        arsc.openInstitute(1, school);
        vm.startPrank(hospital);
        vm.expectRevert(IAccessRequest.AccessRequestZeroAddress.selector);
        arsc.openInstitute(1, address(0));
        address made = arsc.openInstitute(1, school);
        equal(made, arsc.relation(1, school));
        vm.expectRevert(
            abi.encodeWithSelector(IAccessRequest.AccessRequestInstituteExists.selector, made)
        );
        arsc.openInstitute(1, school);
        vm.stopPrank();
        consented();
        check(amsc.isOpen(1, school, 1));
    }

    // Paths

    function test_reopenPath_bringsALiveConsentBack() public {
        uint256 id = consented();
        vm.expectRevert(abi.encodeWithSelector(IAccessRequest.AccessRequestPathOpen.selector, id));
        vm.prank(hospital);
        arsc.reopenPath(id, pathOf(1));
        vm.prank(hospital);
        amsc.removeEntry(1, school, 1);
        check(arsc.consentLive(id) && !amsc.isOpen(1, school, 1));
        vm.expectRevert(notHospital(otherHospital));
        vm.prank(otherHospital);
        arsc.reopenPath(id, pathOf(1));
        vm.expectEmit(address(arsc));
        emit IAccessRequest.PathReopened(id, 2, 2);
        vm.prank(hospital);
        arsc.reopenPath(id, pathOf(2));
        check(amsc.isOpen(1, school, 2));
        equal(arsc.requestOf(id).database, 2);
        equal(arsc.requestOf(id).level, 3);
        // It counts as before: its end removes the entry.
        revokeBy(PATIENT_KEY, id);
        check(!amsc.isOpen(1, school, 2));
    }

    function test_reopenPath_reverts() public {
        uint256 id = consented();
        uint256 ended = consented();
        uint256 open = ask(school, Category.MEDICAL_SCHOOL, 3);
        vm.startPrank(hospital);
        vm.expectRevert(wrongStatus(open, Status.OPEN));
        arsc.reopenPath(open, pathOf(1));
        amsc.removeEntry(1, school, 1);
        vm.stopPrank();
        vm.prank(ca);
        amsc.suspendHospital(1, true);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAddressMapping.AddressMappingHospitalSuspended.selector, uint32(1)
            )
        );
        vm.prank(hospital);
        arsc.reopenPath(id, pathOf(1));
        vm.prank(ca);
        amsc.suspendHospital(1, false);
        vm.prank(hospital);
        arsc.reopenPath(id, pathOf(1));
        vm.prank(hospital);
        arsc.revokeInstitute(1, school);
        vm.expectRevert(wrongStatus(ended, Status.ENDED));
        vm.prank(hospital);
        arsc.reopenPath(ended, pathOf(1));
        uint256 last = consented();
        vm.warp(arsc.requestOf(last).until);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessRequest.AccessRequestExpired.selector, last)
        );
        vm.prank(hospital);
        arsc.reopenPath(last, pathOf(1));
    }

    function test_reopenPath_needsALiveCredential() public {
        uint256 id = consented();
        vm.prank(hospital);
        amsc.removeEntry(1, school, 1);
        vm.prank(ca);
        amsc.revokeCredential(school, uint64(uint160(school)));
        check(!arsc.consentLive(id));
        vm.expectRevert(
            abi.encodeWithSelector(
                IAddressMapping.AddressMappingCredentialRevoked.selector,
                school,
                uint64(uint160(school))
            )
        );
        vm.prank(hospital);
        arsc.reopenPath(id, pathOf(1));
    }

    function test_consentLive_endsWithSuspension() public {
        uint256 id = consented();
        vm.prank(ca);
        amsc.suspendHospital(1, true);
        check(!arsc.consentLive(id) && !relationOf(school).isLive(accessOf(id)));
        vm.prank(ca);
        amsc.suspendHospital(1, false);
        check(arsc.consentLive(id));
    }

    function refuse(IAccessRequest.Approval memory approval, bytes memory fault) private {
        bytes memory signature = sign(PATIENT_KEY, approvalDigest(approval));
        bytes32 access = accessOf(approval.request);
        vm.expectRevert(fault);
        vm.prank(hospital);
        arsc.approve(approval, signature, grant, "", access, sealedAccess, pathOf(1));
    }

    function refuseAsk(IAccessRequest.Ask memory wanted, bytes4 selector, uint256 value) private {
        IAddressMapping.Credential memory none;
        vm.expectRevert(abi.encodeWithSelector(selector, value));
        vm.prank(school);
        arsc.request(wanted, none, noSignature);
    }

    function wrongStatus(uint256 id, Status status) private pure returns (bytes memory) {
        return
            abi.encodeWithSelector(IAccessRequest.AccessRequestWrongStatus.selector, id, status);
    }

    function mismatch(uint256 id) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IAccessRequest.AccessRequestMismatch.selector, id);
    }

    function tooHigh(uint8 level, uint8 allowed) private pure returns (bytes memory) {
        return
            abi.encodeWithSelector(
                IAccessRequest.AccessRequestLevelTooHigh.selector, level, allowed
            );
    }

    function badSignature(address who) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IAccessRequest.AccessRequestBadSignature.selector, who);
    }

    function notHospital(address who) private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            IAddressMapping.AddressMappingNotHospital.selector, uint32(1), who
        );
    }
}
