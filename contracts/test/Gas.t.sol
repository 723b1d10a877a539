// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Category} from "../src/Codes.sol";
import {IAccessRequest} from "../src/interfaces/IAccessRequest.sol";
import {IAddressMapping} from "../src/interfaces/IAddressMapping.sol";
import {IHospitalPatient} from "../src/interfaces/IHospitalPatient.sol";
import {AddressMapping} from "../src/AddressMapping.sol";
import {Story} from "./Story.sol";
import {vm} from "./Vm.sol";

/// @dev Whole transactions with payloads of real size, against their limits. Each call is a
/// transaction of its own (`isolate`), under London rules.
contract GasTest is Story {
    event Used(string name, uint256 gas);
    error TooMuchGas(string name, uint256 gas, uint256 limit);

    function setUp() public {
        enrol();
        headers = filler(7_680);
        grant = filler(150);
        sealedAccess = filler(200);
    }

    function test_createRelationship_staysWithinLimit() public {
        IAddressMapping.Relationship memory terms = termsOf(1, otherPatient);
        bytes memory signature = sign(OTHER_PATIENT_KEY, relationshipDigest(terms));
        vm.prank(hospital);
        amsc.createRelationship(terms, signature, headers);
        within("hpsc_create", 415_000);
    }

    function test_request_staysWithinLimit() public {
        school = address(uint160(uint256(keccak256("school"))));
        ask(school, Category.MEDICAL_SCHOOL, 3);
        within("request_first", 110_000);
        IAddressMapping.Credential memory none;
        IAccessRequest.Ask memory wanted = askOf(3);
        vm.prank(school);
        arsc.request(wanted, none, "");
        within("request_next", 75_000);
    }

    function test_approveAndRevoke_stayWithinLimits() public {
        school = address(uint160(uint256(keccak256("school"))));
        pharmacy = address(uint160(uint256(keccak256("pharmacy"))));
        approve(ask(pharmacy, Category.PHARMACY, 1), 1);
        uint256 first = ask(school, Category.MEDICAL_SCHOOL, 3);
        uint256 second = ask(school, Category.MEDICAL_SCHOOL, 3);
        approve(first, 3);
        within("approve_first", 260_000);
        attributes = 0;
        vm.warp(block.timestamp + 1);
        approve(second, 3);
        within("approve_next", 120_000);
        revokeBy(PATIENT_KEY, first);
        within("revoke", 46_000);
        revokeBy(PATIENT_KEY, second);
        within("revoke_last", 50_000);
    }

    function test_anchorBatch_staysWithinLimit() public {
        anchor(1, 0, keccak256("1"));
        anchor(2, keccak256("1"), keccak256("2"));
        within("anchor_batch", 57_000);
    }

    function test_advanceEpoch_staysWithinLimit() public {
        IHospitalPatient.Epoch memory next = nextEpoch();
        next.policyDigest = keccak256("a");
        next.patientKeysDigest = keccak256("b");
        next.authorityKeysDigest = keccak256("c");
        bytes memory signature = sign(PATIENT_KEY, epochDigest(next));
        vm.prank(hospital);
        hpsc.advanceEpoch(next, signature, headers);
        within("rotate_epoch", 250_000);
    }

    function test_advanceSwitch_staysWithinLimit() public {
        bytes memory before = hex"01a1b2c3";
        IHospitalPatient.Terms memory terms = firstTerms();
        terms.headersDigest = keccak256(before);
        vm.prank(hospital);
        hpsc.advanceSwitch(2, terms, keccak256("keys"), keccak256(headers), headers);
        within("rotate", 245_000);
    }

    function test_whitelist_staysWithinLimits() public {
        AddressMapping mapped = new AddressMapping(ca, address(hpscCode), address(this));
        amsc = mapped;
        vm.prank(ca);
        mapped.registerHospital(hospital, "mercy", "", "s", "t");
        school = address(uint160(uint256(keccak256("school"))));
        pharmacy = address(uint160(uint256(keccak256("pharmacy"))));
        mapped.openEntry(
            1, hospital, school, 1, 0x0a0900020a01000520fb, uint40(block.timestamp + TERM)
        );
        mapped.openEntry(
            1, hospital, pharmacy, 1, 0x0a0900020a01000520fb, uint40(block.timestamp + TERM)
        );
        within("whitelist_add", 58_000);
        vm.prank(hospital);
        mapped.removeEntry(1, pharmacy, 1);
        within("whitelist_remove", 33_000);
    }

    function filler(uint256 length) private pure returns (bytes memory made) {
        made = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            made[i] = bytes1(uint8(i % 255 + 1));
        }
    }

    function within(string memory name, uint256 limit) private {
        uint256 used = vm.lastCallGas().gasTotalUsed;
        emit Used(name, used);
        if (used > limit) revert TooMuchGas(name, used, limit);
    }
}
