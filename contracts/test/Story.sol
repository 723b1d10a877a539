// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessRequest} from "../src/AccessRequest.sol";
import {AddressMapping} from "../src/AddressMapping.sol";
import {Category, Purpose, Status} from "../src/Codes.sol";
import {HospitalInstitute} from "../src/HospitalInstitute.sol";
import {HospitalPatient} from "../src/HospitalPatient.sol";
import {IAccessRequest} from "../src/interfaces/IAccessRequest.sol";
import {IAddressMapping} from "../src/interfaces/IAddressMapping.sol";
import {IHospitalInstitute} from "../src/interfaces/IHospitalInstitute.sol";
import {IHospitalPatient} from "../src/interfaces/IHospitalPatient.sol";
import {vm} from "./Vm.sol";

/// @dev The parties of the story and what they do, for the tests to go on from. Type hashes and
/// domains are written out here once more, not taken from the contracts.
abstract contract Story {
    bytes32 internal constant CREDENTIAL = keccak256(
        "Credential(address institute,uint8 category,bytes32 sealKey,bytes32 tlsKeyDigest,"
        "uint64 serial,uint64 expiry,uint32 generation)"
    );
    bytes32 internal constant RELATIONSHIP = keccak256(
        "Relationship(uint32 hospital,address patient,bytes32 policyDigest,uint256 levels,"
        "bytes32 patientKeysDigest,bytes32 authorityKeysDigest,bytes32 headersDigest,"
        "uint256 nonce,uint64 deadline)"
    );
    bytes32 internal constant NONCE_VOID = keccak256("NonceVoid(uint32 hospital,uint256 nonce)");
    bytes32 internal constant EPOCH = keccak256(
        "Epoch(uint32 patientEpoch,uint32 hospitalEpoch,bytes32 policyDigest,uint256 levels,"
        "bytes32 patientKeysDigest,bytes32 authorityKeysDigest,bytes32 headersDigest,"
        "uint256 nonce,uint64 deadline)"
    );
    bytes32 internal constant OVERRIDE =
        keccak256("Override(address institute,uint8 level,uint256 nonce,uint64 deadline)");
    bytes32 internal constant BATCH = keccak256(
        "Batch(uint64 number,bytes32 previousRoot,bytes32 root,uint32 records,uint32 leaves)"
    );
    bytes32 internal constant APPROVAL = keccak256(
        "Approval(uint256 request,uint32 hospital,address patient,address institute,uint8 level,"
        "uint64 term,uint32 patientEpoch,bytes32 grantDigest,uint256 nonce,uint64 deadline)"
    );
    bytes32 internal constant REFUSAL = keccak256("Refusal(uint256 request)");
    bytes32 internal constant REVOCATION = keccak256("Revocation(uint256 request)");

    uint256 internal constant CA_KEY = 0xca;
    uint256 internal constant HOSPITAL_KEY = 0xa1;
    uint256 internal constant OTHER_HOSPITAL_KEY = 0xa2;
    uint256 internal constant PATIENT_KEY = 0xb1;
    uint256 internal constant OTHER_PATIENT_KEY = 0xb2;
    uint256 internal constant STRANGER_KEY = 0xdd;

    /// @dev Table: pharmacy 2, insurance 1, medical school 3, hospital 4.
    uint256 internal constant TABLE = 0x43120;
    uint64 internal constant TERM = 30 days;
    uint64 internal constant NEVER = type(uint64).max;

    address internal ca = vm.addr(CA_KEY);
    address internal hospital = vm.addr(HOSPITAL_KEY);
    address internal otherHospital = vm.addr(OTHER_HOSPITAL_KEY);
    address internal patient = vm.addr(PATIENT_KEY);
    address internal otherPatient = vm.addr(OTHER_PATIENT_KEY);
    address internal stranger = vm.addr(STRANGER_KEY);
    address internal school = address(0x5c);
    address internal pharmacy = address(0x5d);

    AddressMapping internal amsc;
    AccessRequest internal arsc;
    HospitalPatient internal hpscCode;
    HospitalInstitute internal hiscCode;
    HospitalPatient internal hpsc;

    bytes internal headers = hex"01a1b2c3";
    bytes internal grant = hex"01d4e5f6";
    bytes internal sealedAccess = hex"0107080910";
    bytes internal noSignature = "";
    bytes32 internal attributes = "attributes";
    uint16 internal requests;

    function deploy() internal {
        vm.warp(1_800_000_000);
        uint64 nonce = vm.getNonce(ca);
        address amscPlace = vm.computeCreateAddress(ca, nonce + 2);
        address arscPlace = vm.computeCreateAddress(ca, nonce + 3);
        vm.startPrank(ca);
        hpscCode = new HospitalPatient(amscPlace);
        hiscCode = new HospitalInstitute(amscPlace, arscPlace);
        amsc = new AddressMapping(ca, address(hpscCode), arscPlace);
        arsc = new AccessRequest(amscPlace, address(hpscCode), address(hiscCode));
        amsc.registerHospital(hospital, "mercy", "https://mercy.example", "s1", "t1");
        amsc.registerHospital(otherHospital, "county", "https://county.example", "s2", "t2");
        vm.stopPrank();
    }

    /// @dev As `deploy`, and the patient has begun with the first hospital.
    function enrol() internal {
        deploy();
        hpsc = begin(1, hospital, PATIENT_KEY);
    }

    function begin(uint32 id, address key, uint256 patientKey)
        internal
        returns (HospitalPatient)
    {
        IAddressMapping.Relationship memory terms = termsOf(id, vm.addr(patientKey));
        bytes memory signature = sign(patientKey, relationshipDigest(terms));
        vm.prank(key);
        return HospitalPatient(amsc.createRelationship(terms, signature, headers));
    }

    function termsOf(uint32 id, address who)
        internal
        view
        returns (IAddressMapping.Relationship memory)
    {
        return IAddressMapping.Relationship(
            id, who, "policy", TABLE, "patient keys", "keys", keccak256(headers), 0, NEVER
        );
    }

    function firstTerms() internal view returns (IHospitalPatient.Terms memory) {
        return IHospitalPatient.Terms("policy", "patient keys", "keys", keccak256(headers));
    }

    function nextEpoch() internal view returns (IHospitalPatient.Epoch memory) {
        return IHospitalPatient.Epoch(
            2, 1, "policy 2", 0x22220, "patient keys 2", "keys 2", keccak256(headers), 1, NEVER
        );
    }

    function credentialOf(address institute, Category category, uint64 serial)
        internal
        view
        returns (IAddressMapping.Credential memory)
    {
        return IAddressMapping.Credential(
            institute,
            uint8(category),
            "seal key",
            "tls key",
            serial,
            uint64(block.timestamp + 365 days),
            amsc.generation()
        );
    }

    function askOf(uint8 level) internal returns (IAccessRequest.Ask memory) {
        return IAccessRequest.Ask(
            1,
            patient,
            uint8(Purpose.HRESCH),
            level,
            TERM,
            uint64(block.timestamp + 7 days),
            ++requests
        );
    }

    function ask(address institute, Category category, uint8 level) internal returns (uint256) {
        return submit(institute, category, askOf(level));
    }

    function submit(address institute, Category category, IAccessRequest.Ask memory wanted)
        internal
        returns (uint256)
    {
        IAddressMapping.Credential memory credential =
            credentialOf(institute, category, uint64(uint160(institute)));
        bytes memory signature = sign(CA_KEY, credentialDigest(credential));
        vm.prank(institute);
        return arsc.request(wanted, credential, signature);
    }

    function approvalOf(uint256 id, uint8 level)
        internal
        view
        returns (IAccessRequest.Approval memory)
    {
        IAccessRequest.Request memory held = arsc.requestOf(id);
        return IAccessRequest.Approval(
            id,
            held.hospital,
            held.patient,
            held.institute,
            level,
            TERM,
            1,
            keccak256(grant),
            amsc.nonceOf(held.hospital, held.patient),
            NEVER
        );
    }

    function pathOf(uint16 database) internal pure returns (IAddressMapping.Path memory) {
        return IAddressMapping.Path(database, 0x0a090002, 0x0a010005, 8443);
    }

    function approve(uint256 id, uint8 level) internal {
        approveOn(id, level, 1);
    }

    function approveOn(uint256 id, uint8 level, uint16 database) internal {
        IAccessRequest.Approval memory approval = approvalOf(id, level);
        send(hospital, approval, sign(PATIENT_KEY, approvalDigest(approval)), database);
    }

    function send(
        address from,
        IAccessRequest.Approval memory approval,
        bytes memory signature,
        uint16 database
    ) internal {
        bytes32 access = accessOf(approval.request);
        vm.prank(from);
        arsc.approve(
            approval, signature, grant, attributes, access, sealedAccess, pathOf(database)
        );
    }

    function accessOf(uint256 id) internal pure returns (bytes32) {
        return keccak256(abi.encode("access", id));
    }

    /// @dev A request of the school that patient and hospital have approved.
    function consented() internal returns (uint256 id) {
        id = ask(school, Category.MEDICAL_SCHOOL, 3);
        approve(id, 3);
    }

    function revokeBy(uint256 key, uint256 id) internal {
        bytes memory signature = sign(key, digestOf(address(arsc), structOf(REVOCATION, id)));
        vm.prank(stranger);
        arsc.revoke(id, signature);
    }

    function anchor(uint64 number, bytes32 previous, bytes32 root) internal {
        IHospitalPatient.Batch memory batch = IHospitalPatient.Batch(number, previous, root, 2, 8);
        bytes memory signature = sign(PATIENT_KEY, batchDigest(address(hpsc), batch));
        vm.prank(hospital);
        hpsc.anchorBatch(batch, signature);
    }

    function relationOf(address institute) internal view returns (IHospitalInstitute) {
        return IHospitalInstitute(arsc.relation(1, institute));
    }

    function structOf(bytes32 typeHash, uint256 id) internal pure returns (bytes32) {
        return keccak256(abi.encode(typeHash, id));
    }

    function credentialDigest(IAddressMapping.Credential memory message)
        internal
        view
        returns (bytes32)
    {
        return digestOf(address(amsc), keccak256(abi.encode(CREDENTIAL, message)));
    }

    function relationshipDigest(IAddressMapping.Relationship memory message)
        internal
        view
        returns (bytes32)
    {
        return digestOf(address(amsc), keccak256(abi.encode(RELATIONSHIP, message)));
    }

    function epochDigest(IHospitalPatient.Epoch memory message) internal view returns (bytes32) {
        return digestOf(address(hpsc), keccak256(abi.encode(EPOCH, message)));
    }

    function overrideDigest(IHospitalPatient.Override memory message)
        internal
        view
        returns (bytes32)
    {
        return digestOf(address(hpsc), keccak256(abi.encode(OVERRIDE, message)));
    }

    function batchDigest(address place, IHospitalPatient.Batch memory message)
        internal
        view
        returns (bytes32)
    {
        return digestOf(place, keccak256(abi.encode(BATCH, message)));
    }

    function approvalDigest(IAccessRequest.Approval memory message)
        internal
        view
        returns (bytes32)
    {
        return digestOf(address(arsc), keccak256(abi.encode(APPROVAL, message)));
    }

    function digestOf(address place, bytes32 structHash) internal view returns (bytes32) {
        return digestOn(block.chainid, place, structHash);
    }

    function digestOn(uint256 chain, address place, bytes32 structHash)
        internal
        pure
        returns (bytes32)
    {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,"
                    "address verifyingContract)"
                ),
                keccak256("aceso"),
                keccak256("1"),
                chain,
                place
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function check(bool condition) internal pure {
        require(condition, "check failed");
    }

    function equal(uint256 a, uint256 b) internal pure {
        if (a != b) revert Unequal(bytes32(a), bytes32(b));
    }

    function equal(address a, address b) internal pure {
        if (a != b) revert Unequal(bytes32(uint256(uint160(a))), bytes32(uint256(uint160(b))));
    }

    function equal(bytes32 a, bytes32 b) internal pure {
        if (a != b) revert Unequal(a, b);
    }

    function equal(Status a, Status b) internal pure {
        equal(uint256(a), uint256(b));
    }

    error Unequal(bytes32 left, bytes32 right);
}
