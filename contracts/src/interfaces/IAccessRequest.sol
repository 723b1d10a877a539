// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Status} from "../Codes.sol";
import {IAddressMapping} from "./IAddressMapping.sol";

/// @title ARSC: requests, and the decisions of patient and hospital
/// @notice Approval needs both; refusing, denying, withdrawing, revoking and ending need one.
/// A request's id is made of what it asks, so that its sender knows it before sending, and sending
/// twice makes one request: institute (160 bits), hospital (32), deadline (40), purpose (8),
/// number (16), from the highest bit to the lowest.
interface IAccessRequest {
    /// @notice What an institute asks for.
    /// @param hospital Id of the hospital
    /// @param patient The patient's address at that hospital
    /// @param purpose Code of `Purpose`, not 0
    /// @param level Highest level wanted, 1 to 4
    /// @param term Seconds of access wanted, at most ten years
    /// @param deadline Unix time until which it can be approved, at most a year ahead
    /// @param number Chosen by the institute, to tell apart requests that are else the same
    struct Ask {
        uint32 hospital;
        address patient;
        uint8 purpose;
        uint8 level;
        uint64 term;
        uint64 deadline;
        uint16 number;
    }

    /// @notice What a patient signs to consent (EIP-712 `Approval`, domain ARSC).
    /// @param request Id of the request
    /// @param hospital Id of the hospital that must send it
    /// @param patient The patient
    /// @param institute The institute
    /// @param level Level granted, not above the one asked for
    /// @param term Seconds granted, from the approval's block, not above those asked for
    /// @param patientEpoch The epoch E that the grant is for
    /// @param grantDigest keccak256 of the sealed grant
    /// @param nonce `IAddressMapping.nonceOf`; not used up: the request can be approved once
    /// @param deadline Unix time; the signature holds until it, inclusive
    struct Approval {
        uint256 request;
        uint32 hospital;
        address patient;
        address institute;
        uint8 level;
        uint64 term;
        uint32 patientEpoch;
        bytes32 grantDigest;
        uint256 nonce;
        uint64 deadline;
    }

    /// @notice A request as the contract knows it.
    /// @param status Where it stands; an approved one may have run out or been ended with its pair:
    /// ask `consentLive`
    /// @param level Asked for while open, granted once approved
    /// @param term Seconds asked for while open, 0 afterwards
    /// @param until Unix time of the consent's end once approved, 0 before
    /// @param database Number of the database once approved
    /// @param serial Serial of the whitelist entry once approved
    struct Request {
        uint32 hospital;
        address patient;
        address institute;
        uint8 purpose;
        uint64 deadline;
        Status status;
        uint8 level;
        uint64 term;
        uint64 until;
        uint16 database;
        uint24 serial;
    }

    /// @notice An address that must not be zero was zero.
    error AccessRequestZeroAddress();
    /// @notice The purpose is 0.
    error AccessRequestBadPurpose(uint8 purpose);
    /// @notice The level is not 1 to 4.
    error AccessRequestBadLevel(uint8 level);
    /// @notice The term is 0 or above ten years.
    error AccessRequestBadTerm(uint64 term);
    /// @notice The deadline is past or more than a year ahead.
    error AccessRequestBadDeadline(uint64 deadline);
    /// @notice The hospital has no contract with this patient.
    error AccessRequestNoRelationship(uint32 hospital, address patient);
    /// @notice The hospital has no contract with this institute.
    error AccessRequestNoInstitute(uint32 hospital, address institute);
    /// @notice The hospital already has a contract with this institute.
    error AccessRequestInstituteExists(address relation);
    /// @notice This request has been made before.
    error AccessRequestExists(uint256 request);
    /// @notice The request is not in a state that allows this.
    error AccessRequestWrongStatus(uint256 request, Status status);
    /// @notice The signed approval does not fit the request.
    error AccessRequestMismatch(uint256 request);
    /// @notice The level is above what was asked, or what the patient's table or override allows.
    error AccessRequestLevelTooHigh(uint8 level, uint8 allowed);
    /// @notice The term is above what was asked.
    error AccessRequestTermTooLong(uint64 term, uint64 allowed);
    /// @notice The request's deadline has passed.
    error AccessRequestExpired(uint256 request);
    /// @notice The request's time has not passed yet.
    error AccessRequestNotExpired(uint256 request);
    /// @notice The signature's deadline has passed.
    error AccessRequestSignatureExpired(uint64 deadline);
    /// @notice The grant is for another epoch than the present one.
    error AccessRequestWrongEpoch(uint32 given, uint32 current);
    /// @notice The nonce is not the current one.
    error AccessRequestBadNonce(uint256 given, uint256 current);
    /// @notice The grant does not have the digest that was signed.
    error AccessRequestBadGrant(bytes32 given, bytes32 actual);
    /// @notice A payload is longer than its limit.
    error AccessRequestTooLong(uint256 length, uint256 limit);
    /// @notice The signature is not the patient's.
    error AccessRequestBadSignature(address patient);
    /// @notice The caller is not the party that may do this.
    error AccessRequestNotParty(address caller);
    /// @notice The consent still has its whitelist entry.
    error AccessRequestPathOpen(uint256 request);

    /// @notice An institute asked.
    event RequestMade(
        uint256 request,
        uint32 indexed hospital,
        address indexed patient,
        address indexed institute,
        uint8 purpose,
        uint8 level,
        uint64 term,
        uint64 deadline
    );
    /// @notice The patient's decision: yes, with the grant sealed to the institute.
    event ConsentGiven(
        uint256 indexed request, address indexed patient, uint8 level, uint64 until, bytes grant
    );
    /// @notice The hospital's decision: yes, with the access string sealed to the institute.
    event RequestApproved(
        uint256 indexed request, bytes32 indexed accessDigest, bytes sealedAccess
    );
    /// @notice The patient's decision: no.
    event ConsentRefused(uint256 indexed request, address indexed patient);
    /// @notice The hospital's decision: no.
    event RequestDenied(uint256 indexed request, uint32 indexed hospital);
    /// @notice The institute took its request back.
    event RequestWithdrawn(uint256 indexed request, address indexed institute);
    /// @notice A request or a consent ran out.
    event RequestExpired(uint256 indexed request);
    /// @notice The patient ended the consent.
    event ConsentRevoked(uint256 indexed request, address indexed patient);
    /// @notice The hospital or the institute ended the consent.
    event ConsentEnded(uint256 indexed request, address indexed by);
    /// @notice The path of a live consent was opened again.
    event PathReopened(uint256 indexed request, uint16 database, uint24 serial);
    /// @notice A hospital and an institute got their contract.
    event InstituteOpened(
        uint32 indexed hospital, address indexed institute, address indexed relation
    );
    /// @notice The hospital or the institute ended everything between the two.
    event InstituteRevoked(
        uint32 indexed hospital, address indexed institute, address indexed by
    );

    /// @notice Asks for access. Sent by the institute.
    /// @param credential The caller's credential; not read when `signature` is empty
    /// @param signature The CA's signature; empty once a credential has been accepted
    /// @return id The request's id
    function request(
        Ask calldata ask,
        IAddressMapping.Credential calldata credential,
        bytes calldata signature
    ) external returns (uint256 id);

    /// @notice Approves a request. Sent by the hospital, not suspended, with the patient's
    /// signature.
    /// @param approval What the patient signed
    /// @param signature The patient's signature
    /// @param grant The patient's grant key for the level, sealed to the institute
    /// @param attributesDigest Digest of the attributes issued to the institute; 0 if none
    /// @param accessDigest Digest of the access string
    /// @param sealedAccess The access string, sealed to the institute
    /// @param path The way to the database
    function approve(
        Approval calldata approval,
        bytes calldata signature,
        bytes calldata grant,
        bytes32 attributesDigest,
        bytes32 accessDigest,
        bytes calldata sealedAccess,
        IAddressMapping.Path calldata path
    ) external;

    /// @notice Refuses a request for ever. Sent by the patient, or by anyone with the patient's
    /// signature (EIP-712 `Refusal`, domain ARSC).
    function refuse(uint256 id, bytes calldata signature) external;

    /// @notice Denies a request. Sent by the hospital, suspended or not.
    function deny(uint256 id) external;

    /// @notice Takes a request back. Sent by the institute.
    function withdraw(uint256 id) external;

    /// @notice Closes a request or a consent whose time has passed. Anyone.
    function expire(uint256 id) external;

    /// @notice Ends a consent. Sent by the patient, or by anyone with the patient's signature
    /// (EIP-712 `Revocation`, domain ARSC).
    function revoke(uint256 id, bytes calldata signature) external;

    /// @notice Ends one consent. Sent by the hospital, suspended or not, or by the institute.
    function endConsent(uint256 id) external;

    /// @notice Ends everything between a hospital and an institute, at a cost that does not depend
    /// on how many consents there are. Sent by the hospital, suspended or not, or by the institute.
    function revokeInstitute(uint32 hospital, address institute) external;

    /// @notice The same, passed on by the contract of the two. That contract only.
    function endPair(uint32 hospital, address institute, address by) external;

    /// @notice Opens the path of a live consent again after its entry was removed. Sent by the
    /// hospital, not suspended.
    function reopenPath(uint256 id, IAddressMapping.Path calldata path) external;

    /// @notice Makes the contract with an institute before any request. Sent by the hospital, not
    /// suspended.
    /// @return relation The new contract (`IHospitalInstitute`)
    function openInstitute(uint32 hospital, address institute) external returns (address relation);

    /// @notice The id that a request of this institute would have.
    function requestId(address institute, Ask calldata ask) external pure returns (uint256);

    /// @notice A request by id; status NONE if there is none.
    function requestOf(uint256 id) external view returns (Request memory);

    /// @notice Whether a consent holds now: approved, its term not over, not ended alone or with
    /// its pair, the institute's credential live and the hospital not suspended.
    function consentLive(uint256 id) external view returns (bool);

    /// @notice The contract of a hospital and an institute, 0 if there is none.
    function relation(uint32 hospital, address institute) external view returns (address);

    /// @notice Where the contract of a hospital and an institute is or would be.
    function predictRelation(uint32 hospital, address institute) external view returns (address);
}
