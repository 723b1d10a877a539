// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Status} from "./Codes.sol";
import {EntryWordLibrary} from "./EntryWord.sol";
import {Pair} from "./Pair.sol";
import {RequestWord, RequestWordLibrary} from "./RequestWord.sol";
import {Signature} from "./Signature.sol";
import {
    ARSC_APPROVAL_TYPEHASH,
    ARSC_REFUSAL_TYPEHASH,
    ARSC_REVOCATION_TYPEHASH
} from "./Types.sol";
import {IAccessRequest} from "./interfaces/IAccessRequest.sol";
import {IAddressMapping} from "./interfaces/IAddressMapping.sol";
import {IHospitalInstitute} from "./interfaces/IHospitalInstitute.sol";
import {IHospitalPatient} from "./interfaces/IHospitalPatient.sol";

/// @title ARSC: requests and decisions
/// @notice See IAccessRequest for the rules.
contract AccessRequest is IAccessRequest, EIP712 {
    uint64 private constant TERM_LIMIT = 3653 days;
    uint64 private constant DEADLINE_LIMIT = 365 days;
    uint256 private constant PAYLOAD_LIMIT = 8_192;
    uint8 private constant LEVEL_LIMIT = 4;

    IAddressMapping private immutable _addressMapping;
    address private immutable _hospitalPatient;
    address private immutable _hospitalInstitute;

    mapping(uint256 id => RequestWord) private _requests;

    /// @param addressMapping AMSC
    /// @param hospitalPatient Implementation of HPSC
    /// @param hospitalInstitute Implementation of HISC
    constructor(address addressMapping, address hospitalPatient, address hospitalInstitute)
        EIP712("aceso", "1")
    {
        if (
            addressMapping == address(0) || hospitalPatient == address(0)
                || hospitalInstitute == address(0)
        ) revert AccessRequestZeroAddress();
        _addressMapping = IAddressMapping(addressMapping);
        _hospitalPatient = hospitalPatient;
        _hospitalInstitute = hospitalInstitute;
    }

    /// @inheritdoc IAccessRequest
    function request(
        Ask calldata ask,
        IAddressMapping.Credential calldata credential,
        bytes calldata signature
    ) external returns (uint256 id) {
        if (ask.purpose == 0) {
            revert AccessRequestBadPurpose(ask.purpose);
        }
        if (ask.level == 0 || ask.level > LEVEL_LIMIT) revert AccessRequestBadLevel(ask.level);
        if (ask.term == 0 || ask.term > TERM_LIMIT) revert AccessRequestBadTerm(ask.term);
        if (ask.deadline < block.timestamp || ask.deadline > block.timestamp + DEADLINE_LIMIT) {
            revert AccessRequestBadDeadline(ask.deadline);
        }
        if (_relationship(ask.hospital, ask.patient).code.length == 0) {
            revert AccessRequestNoRelationship(ask.hospital, ask.patient);
        }
        id = requestId(msg.sender, ask);
        if (_requests[id].status() != Status.NONE) revert AccessRequestExists(id);
        // The limit on terms makes the cast exact.
        _requests[id] = RequestWordLibrary.make(ask.patient, ask.level, uint40(ask.term));
        emit RequestMade(
            id,
            ask.hospital,
            ask.patient,
            msg.sender,
            ask.purpose,
            ask.level,
            ask.term,
            ask.deadline
        );
        _addressMapping.acceptCredential(msg.sender, credential, signature);
    }

    /// @inheritdoc IAccessRequest
    function approve(
        Approval calldata approval,
        bytes calldata signature,
        bytes calldata grant,
        bytes32 attributesDigest,
        bytes32 accessDigest,
        bytes calldata sealedAccess,
        IAddressMapping.Path calldata path
    ) external {
        uint256 longer = grant.length > sealedAccess.length ? grant.length : sealedAccess.length;
        if (longer > PAYLOAD_LIMIT) revert AccessRequestTooLong(longer, PAYLOAD_LIMIT);
        bool opened = _consent(approval, grant, path);
        IHospitalInstitute held = _open(approval.hospital, approval.institute);
        held.record(approval.request, accessDigest, attributesDigest, path.database, opened);
        emit RequestApproved(approval.request, accessDigest, sealedAccess);
        // Last, when all is written: a wallet's code runs here.
        _requireSignature(
            approval.patient, keccak256(abi.encode(ARSC_APPROVAL_TYPEHASH, approval)), signature
        );
    }

    /// @inheritdoc IAccessRequest
    function refuse(uint256 id, bytes calldata signature) external {
        address patient = _close(id, Status.OPEN, Status.REFUSED).patient();
        emit ConsentRefused(id, patient);
        _requirePatient(patient, keccak256(abi.encode(ARSC_REFUSAL_TYPEHASH, id)), signature);
    }

    /// @inheritdoc IAccessRequest
    function deny(uint256 id) external {
        uint32 hospital = _hospitalIn(id);
        _addressMapping.requireHospital(hospital, msg.sender);
        _close(id, Status.OPEN, Status.DENIED);
        emit RequestDenied(id, hospital);
    }

    /// @inheritdoc IAccessRequest
    function withdraw(uint256 id) external {
        if (msg.sender != _instituteIn(id)) revert AccessRequestNotParty(msg.sender);
        _close(id, Status.OPEN, Status.WITHDRAWN);
        emit RequestWithdrawn(id, msg.sender);
    }

    /// @inheritdoc IAccessRequest
    function expire(uint256 id) external {
        RequestWord held = _requests[id];
        if (held.status() == Status.OPEN) {
            if (block.timestamp <= _deadlineIn(id)) revert AccessRequestNotExpired(id);
        } else if (held.status() == Status.APPROVED) {
            if (block.timestamp < held.time()) revert AccessRequestNotExpired(id);
        } else {
            revert AccessRequestWrongStatus(id, held.status());
        }
        _requests[id] = held.withStatus(Status.EXPIRED);
        emit RequestExpired(id);
        if (held.status() == Status.APPROVED) _leave(id, held);
    }

    /// @inheritdoc IAccessRequest
    function revoke(uint256 id, bytes calldata signature) external {
        RequestWord held = _close(id, Status.APPROVED, Status.REVOKED);
        emit ConsentRevoked(id, held.patient());
        _leave(id, held);
        _requirePatient(
            held.patient(), keccak256(abi.encode(ARSC_REVOCATION_TYPEHASH, id)), signature
        );
    }

    /// @inheritdoc IAccessRequest
    function endConsent(uint256 id) external {
        _requireSide(_hospitalIn(id), _instituteIn(id));
        RequestWord held = _close(id, Status.APPROVED, Status.ENDED);
        emit ConsentEnded(id, msg.sender);
        _leave(id, held);
    }

    /// @inheritdoc IAccessRequest
    function revokeInstitute(uint32 hospital, address institute) external {
        _requireSide(hospital, institute);
        _end(hospital, institute, msg.sender);
    }

    /// @inheritdoc IAccessRequest
    function endPair(uint32 hospital, address institute, address by) external {
        if (msg.sender != predictRelation(hospital, institute)) {
            revert AccessRequestNotParty(msg.sender);
        }
        _end(hospital, institute, by);
    }

    /// @inheritdoc IAccessRequest
    function reopenPath(uint256 id, IAddressMapping.Path calldata path) external {
        RequestWord held = _requests[id];
        if (held.status() != Status.APPROVED) revert AccessRequestWrongStatus(id, held.status());
        if (block.timestamp >= held.time()) revert AccessRequestExpired(id);
        uint32 hospital = _hospitalIn(id);
        address institute = _instituteIn(id);
        IHospitalInstitute pair = IHospitalInstitute(predictRelation(hospital, institute));
        if (held.serial() <= pair.endedThrough()) {
            revert AccessRequestWrongStatus(id, Status.ENDED);
        }
        if (_addressMapping.entry(hospital, institute, held.database()).serial == held.serial()) {
            revert AccessRequestPathOpen(id);
        }
        _addressMapping.requireCredential(institute);
        (uint24 serial, bool opened) = _addressMapping.openEntry(
            hospital,
            msg.sender,
            institute,
            path.database,
            EntryWordLibrary.pack(path),
            held.time()
        );
        _requests[id] = held.approved(held.level(), held.time(), path.database, serial);
        if (opened) pair.noteDatabase(path.database);
        emit PathReopened(id, path.database, serial);
    }

    /// @inheritdoc IAccessRequest
    function openInstitute(uint32 hospital, address institute) external returns (address) {
        _addressMapping.requireActiveHospital(hospital, msg.sender);
        if (institute == address(0)) revert AccessRequestZeroAddress();
        address held = predictRelation(hospital, institute);
        if (held.code.length != 0) revert AccessRequestInstituteExists(held);
        return address(_open(hospital, institute));
    }

    /// @inheritdoc IAccessRequest
    function requestOf(uint256 id) external view returns (Request memory found) {
        RequestWord held = _requests[id];
        if (held.status() == Status.NONE) return found;
        bool open = held.serial() == 0;
        found = Request(
            _hospitalIn(id),
            held.patient(),
            _instituteIn(id),
            uint8(id >> 16),
            _deadlineIn(id),
            held.status(),
            held.level(),
            open ? held.time() : 0,
            open ? 0 : held.time(),
            held.database(),
            held.serial()
        );
    }

    /// @inheritdoc IAccessRequest
    function consentLive(uint256 id) external view returns (bool) {
        RequestWord held = _requests[id];
        if (held.status() != Status.APPROVED || block.timestamp >= held.time()) return false;
        uint32 hospital = _hospitalIn(id);
        address institute = _instituteIn(id);
        return held.serial()
                > IHospitalInstitute(predictRelation(hospital, institute)).endedThrough()
            && _addressMapping.credentialLive(institute)
            && !_addressMapping.hospitalSuspended(hospital);
    }

    /// @inheritdoc IAccessRequest
    function relation(uint32 hospital, address institute) external view returns (address) {
        address held = predictRelation(hospital, institute);
        return held.code.length == 0 ? address(0) : held;
    }

    /// @inheritdoc IAccessRequest
    function predictRelation(uint32 hospital, address institute) public view returns (address) {
        return Pair.predict(_hospitalInstitute, hospital, institute, address(this));
    }

    /// @inheritdoc IAccessRequest
    function requestId(address institute, Ask calldata ask) public pure returns (uint256) {
        return _partiesOf(ask.hospital, institute) << 64 | uint256(uint40(ask.deadline)) << 24
            | uint256(ask.purpose) << 16 | ask.number;
    }

    /// @dev Checks an approval against the request and the patient's terms, opens the path, and
    /// writes the consent down.
    function _consent(
        Approval calldata approval,
        bytes calldata grant,
        IAddressMapping.Path calldata path
    ) private returns (bool opened) {
        RequestWord held = _requests[approval.request];
        _checkApproval(approval, held, grant);
        uint40 until = uint40(block.timestamp + approval.term);
        uint24 serial;
        (serial, opened) = _addressMapping.openEntry(
            approval.hospital,
            msg.sender,
            approval.institute,
            path.database,
            EntryWordLibrary.pack(path),
            until
        );
        _checkTerms(approval, _addressMapping.requireCredential(approval.institute));
        _requests[approval.request] = held.approved(approval.level, until, path.database, serial);
        emit ConsentGiven(approval.request, approval.patient, approval.level, until, grant);
    }

    /// @dev Makes the contract of a hospital and an institute if there is none.
    function _open(uint32 hospital, address institute) private returns (IHospitalInstitute) {
        address held = predictRelation(hospital, institute);
        if (held.code.length == 0) {
            Pair.deploy(_hospitalInstitute, hospital, institute);
            emit InstituteOpened(hospital, institute, held);
        }
        return IHospitalInstitute(held);
    }

    function _close(uint256 id, Status from, Status to) private returns (RequestWord held) {
        held = _requests[id];
        if (held.status() != from) revert AccessRequestWrongStatus(id, held.status());
        _requests[id] = held.withStatus(to);
    }

    function _leave(uint256 id, RequestWord held) private {
        _addressMapping.leaveEntry(
            _hospitalIn(id), _instituteIn(id), held.database(), held.serial()
        );
    }

    function _end(uint32 hospital, address institute, address by) private {
        address held = predictRelation(hospital, institute);
        if (held.code.length == 0) revert AccessRequestNoInstitute(hospital, institute);
        emit InstituteRevoked(hospital, institute, by);
        uint24 serial = _addressMapping.closeEntries(
            hospital, institute, IHospitalInstitute(held).databases()
        );
        IHospitalInstitute(held).markEnded(serial);
    }

    function _checkApproval(Approval calldata approval, RequestWord held, bytes calldata grant)
        private
        view
    {
        uint256 id = approval.request;
        if (held.status() != Status.OPEN) revert AccessRequestWrongStatus(id, held.status());
        if (
            id >> 64 != _partiesOf(approval.hospital, approval.institute)
                || approval.patient != held.patient()
        ) revert AccessRequestMismatch(id);
        if (block.timestamp > _deadlineIn(id)) revert AccessRequestExpired(id);
        if (block.timestamp > approval.deadline) {
            revert AccessRequestSignatureExpired(approval.deadline);
        }
        if (approval.level == 0) revert AccessRequestBadLevel(0);
        if (approval.level > held.level()) {
            revert AccessRequestLevelTooHigh(approval.level, held.level());
        }
        if (approval.term == 0) revert AccessRequestBadTerm(0);
        if (approval.term > held.time()) {
            revert AccessRequestTermTooLong(approval.term, held.time());
        }
        bytes32 actual = keccak256(grant);
        if (actual != approval.grantDigest) {
            revert AccessRequestBadGrant(approval.grantDigest, actual);
        }
    }

    function _checkTerms(Approval calldata approval, uint8 category) private view {
        (uint8 level, uint32 patientEpoch, uint256 nonce) = IHospitalPatient(
                _relationship(approval.hospital, approval.patient)
            ).consentTerms(approval.institute, category);
        if (approval.level > level) revert AccessRequestLevelTooHigh(approval.level, level);
        if (approval.patientEpoch != patientEpoch) {
            revert AccessRequestWrongEpoch(approval.patientEpoch, patientEpoch);
        }
        if (approval.nonce != nonce) revert AccessRequestBadNonce(approval.nonce, nonce);
    }

    function _relationship(uint32 hospital, address patient) private view returns (address) {
        return Pair.predict(_hospitalPatient, hospital, patient, address(_addressMapping));
    }

    function _requireSide(uint32 hospital, address institute) private view {
        if (msg.sender != institute) _addressMapping.requireHospital(hospital, msg.sender);
    }

    function _requirePatient(address patient, bytes32 structHash, bytes calldata signature)
        private
        view
    {
        if (msg.sender != patient) _requireSignature(patient, structHash, signature);
    }

    function _requireSignature(address patient, bytes32 structHash, bytes calldata signature)
        private
        view
    {
        if (!Signature.isBy(patient, _hashTypedDataV4(structHash), signature)) {
            revert AccessRequestBadSignature(patient);
        }
    }

    function _partiesOf(uint32 hospital, address institute) private pure returns (uint256) {
        return uint256(uint160(institute)) << 32 | hospital;
    }

    function _instituteIn(uint256 id) private pure returns (address) {
        return address(uint160(id >> 96));
    }

    function _hospitalIn(uint256 id) private pure returns (uint32) {
        return uint32(id >> 64);
    }

    function _deadlineIn(uint256 id) private pure returns (uint40) {
        return uint40(id >> 24);
    }
}
