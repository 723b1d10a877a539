// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Category} from "../src/Codes.sol";
import {HospitalInstitute} from "../src/HospitalInstitute.sol";
import {IAccessRequest} from "../src/interfaces/IAccessRequest.sol";
import {IAddressMapping} from "../src/interfaces/IAddressMapping.sol";
import {IHospitalInstitute} from "../src/interfaces/IHospitalInstitute.sol";
import {Story} from "./Story.sol";
import {vm} from "./Vm.sol";

contract HospitalInstituteTest is Story {
    function setUp() public {
        enrol();
    }

    function test_constructor_revertsWithZeroAddress() public {
        bytes memory fault = abi.encodeWithSelector(
            IHospitalInstitute.HospitalInstituteNotAccessRequest.selector, address(0)
        );
        vm.expectRevert(fault);
        new HospitalInstitute(address(0), address(1));
        vm.expectRevert(fault);
        new HospitalInstitute(address(1), address(0));
    }

    function test_implementation_isLocked() public {
        bytes4 locked = IHospitalInstitute.HospitalInstituteNotInitialized.selector;
        vm.expectRevert(locked);
        hiscCode.recordAttributes("a");
        vm.expectRevert(locked);
        hiscCode.end();
        vm.expectRevert(locked);
        hiscCode.hospital();
        vm.expectRevert(locked);
        hiscCode.institute();
        vm.expectRevert(locked);
        hiscCode.liveConsents();
    }

    function test_changes_areForTheAccessRequestContract() public {
        consented();
        IHospitalInstitute pair = relationOf(school);
        bytes memory fault = abi.encodeWithSelector(
            IHospitalInstitute.HospitalInstituteNotAccessRequest.selector, hospital
        );
        vm.startPrank(hospital);
        vm.expectRevert(fault);
        pair.record(1, "x", "y", 1, true);
        vm.expectRevert(fault);
        pair.noteDatabase(1);
        vm.expectRevert(fault);
        pair.markEnded(0);
        vm.stopPrank();
    }

    function test_approve_recordsDigests() public {
        uint256 id = ask(school, Category.MEDICAL_SCHOOL, 3);
        vm.expectEmit(arsc.predictRelation(1, school));
        emit IHospitalInstitute.AttributesRecorded(1, school, "attributes");
        approve(id, 3);
        IHospitalInstitute pair = relationOf(school);
        equal(pair.hospital(), 1);
        equal(pair.institute(), school);
        equal(pair.attributesDigest(), "attributes");
        equal(pair.requestOf(accessOf(id)), id);
        check(pair.isLive(accessOf(id)));
        check(!pair.isLive("unknown") && !pair.isLive(0));
        equal(pair.liveConsents(), 1);
        check(!pair.ended() && pair.endedThrough() == 0);
        uint16[] memory databases = pair.databases();
        check(databases.length == 1 && databases[0] == 1);
    }

    function test_approve_keepsAttributesWhereNoneAreGiven() public {
        consented();
        attributes = 0;
        consented();
        equal(relationOf(school).attributesDigest(), "attributes");
        equal(relationOf(school).liveConsents(), 2);
    }

    function test_approve_revertsWithBadAccessDigest() public {
        uint256 first = consented();
        uint256 id = ask(school, Category.MEDICAL_SCHOOL, 3);
        IAccessRequest.Approval memory approval = approvalOf(id, 3);
        bytes memory signature = sign(PATIENT_KEY, approvalDigest(approval));
        vm.startPrank(hospital);
        vm.expectRevert(IHospitalInstitute.HospitalInstituteZeroDigest.selector);
        arsc.approve(approval, signature, grant, "a", 0, sealedAccess, pathOf(1));
        bytes32 used = accessOf(first);
        vm.expectRevert(
            abi.encodeWithSelector(IHospitalInstitute.HospitalInstituteAccessKnown.selector, used)
        );
        arsc.approve(approval, signature, grant, "a", used, sealedAccess, pathOf(1));
        vm.stopPrank();
    }

    function test_approve_countsDatabases() public {
        for (uint16 i = 1; i <= 8; ++i) {
            approveOn(ask(school, Category.MEDICAL_SCHOOL, 3), 3, i * 1000);
        }
        approveOn(ask(school, Category.MEDICAL_SCHOOL, 3), 3, 4000);
        uint16[] memory databases = relationOf(school).databases();
        equal(databases.length, 8);
        equal(databases[0], 8000);
        equal(databases[7], 1000);
        equal(relationOf(school).liveConsents(), 9);
        uint256 id = ask(school, Category.MEDICAL_SCHOOL, 3);
        IAccessRequest.Approval memory approval = approvalOf(id, 3);
        bytes memory signature = sign(PATIENT_KEY, approvalDigest(approval));
        vm.expectRevert(
            abi.encodeWithSelector(
                IHospitalInstitute.HospitalInstituteTooManyDatabases.selector, 8
            )
        );
        vm.prank(hospital);
        arsc.approve(approval, signature, grant, "a", "b", sealedAccess, pathOf(9));
        IHospitalInstitute pair = relationOf(school);
        vm.prank(hospital);
        pair.end();
        equal(relationOf(school).liveConsents(), 0);
        (uint32 count,, uint256 sum) = amsc.entrySum(1);
        check(count == 0 && sum == 0);
    }

    function test_recordAttributes_standsAlone() public {
        vm.prank(otherHospital);
        IHospitalInstitute pair = IHospitalInstitute(arsc.openInstitute(2, school));
        vm.expectEmit(address(pair));
        emit IHospitalInstitute.AttributesRecorded(2, school, "accredited");
        vm.prank(otherHospital);
        pair.recordAttributes("accredited");
        equal(pair.attributesDigest(), "accredited");
        equal(pair.liveConsents(), 0);
        vm.expectRevert(notHospital(2, hospital));
        vm.prank(hospital);
        pair.recordAttributes("mine");
        vm.expectRevert(IHospitalInstitute.HospitalInstituteZeroDigest.selector);
        vm.prank(otherHospital);
        pair.recordAttributes(0);
        vm.prank(ca);
        amsc.suspendHospital(2, true);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAddressMapping.AddressMappingHospitalSuspended.selector, uint32(2)
            )
        );
        vm.prank(otherHospital);
        pair.recordAttributes("more");
    }

    function test_end_killsEverythingByEitherSide() public {
        address[2] memory sides = [hospital, school];
        for (uint256 i = 0; i < sides.length; ++i) {
            uint256 first = consented();
            uint256 second = ask(school, Category.MEDICAL_SCHOOL, 3);
            approveOn(second, 3, 2);
            IHospitalInstitute pair = relationOf(school);
            uint24 last = amsc.entry(1, school, 2).serial;
            vm.expectEmit(address(arsc));
            emit IAccessRequest.InstituteRevoked(1, school, sides[i]);
            vm.expectEmit(address(pair));
            emit IHospitalInstitute.Ended(1, school, last);
            vm.prank(sides[i]);
            pair.end();
            check(pair.ended());
            equal(pair.endedThrough(), last);
            check(!pair.isLive(accessOf(first)) && !pair.isLive(accessOf(second)));
            check(!arsc.consentLive(first) && !arsc.consentLive(second));
            check(!amsc.isOpen(1, school, 1) && !amsc.isOpen(1, school, 2));
            equal(pair.liveConsents(), 0);
            equal(pair.databases().length, 0);
            // What was approved before stays dead when a new approval opens the path again.
            uint256 third = consented();
            check(pair.isLive(accessOf(third)) && !pair.isLive(accessOf(first)));
            check(!pair.ended());
            revokeBy(PATIENT_KEY, first);
            check(amsc.isOpen(1, school, 1));
            revokeBy(PATIENT_KEY, third);
            check(!amsc.isOpen(1, school, 1));
        }
    }

    function test_end_worksWhileSuspended() public {
        consented();
        vm.prank(ca);
        amsc.suspendHospital(1, true);
        IHospitalInstitute pair = relationOf(school);
        vm.prank(hospital);
        pair.end();
        equal(relationOf(school).liveConsents(), 0);
    }

    function test_end_revertsForOthers() public {
        consented();
        IHospitalInstitute pair = relationOf(school);
        address[4] memory others = [otherHospital, ca, patient, stranger];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(notHospital(1, others[i]));
            vm.prank(others[i]);
            pair.end();
        }
    }

    function notHospital(uint32 id, address who) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IAddressMapping.AddressMappingNotHospital.selector, id, who);
    }
}
