// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Pair} from "./Pair.sol";
import {Signature} from "./Signature.sol";
import {HPSC_BATCH_TYPEHASH, HPSC_EPOCH_TYPEHASH, HPSC_OVERRIDE_TYPEHASH} from "./Types.sol";
import {IAddressMapping} from "./interfaces/IAddressMapping.sol";
import {IHospitalPatient} from "./interfaces/IHospitalPatient.sol";

/// @title HPSC: one hospital and one patient
/// @notice See IHospitalPatient for the rules.
contract HospitalPatient is IHospitalPatient, EIP712 {
    /// @dev One slot: an approval reads it, every change writes it. `anyOverride` spares an
    /// approval the look for an override where none was ever set.
    struct State {
        uint128 levels;
        uint32 patientEpoch;
        uint32 hospitalEpoch;
        uint32 batches;
        uint24 nonce;
        bool anyOverride;
    }

    uint256 private constant HEADERS_LIMIT = 32_768;
    uint8 private constant LEVEL_LIMIT = 4;
    uint8 private constant NO_OVERRIDE = 255;

    IAddressMapping private immutable _addressMapping;

    State private _state;
    bytes32 private _termsDigest;
    bytes32 private _lastRoot;
    /// @dev Level plus one, 0 where none is set.
    mapping(address institute => uint8) private _overrides;

    /// @param addressMapping AMSC, whose address is known before it is deployed
    constructor(address addressMapping) EIP712("aceso", "1") {
        if (addressMapping == address(0)) revert HospitalPatientNotFactory(address(0));
        _addressMapping = IAddressMapping(addressMapping);
    }

    /// @inheritdoc IHospitalPatient
    function initialize(
        Terms calldata terms,
        uint256 table,
        uint256 firstNonce,
        bytes calldata headers
    ) external {
        _requireFactory();
        if (_state.patientEpoch != 0) revert HospitalPatientAlreadyInitialized();
        if (firstNonce > type(uint24).max) revert HospitalPatientBadNonce(firstNonce, 0);
        _requireTable(table);
        // The check of the table and of the nonce make the casts exact.
        _state = State(uint128(table), 1, 1, 0, uint24(firstNonce), false);
        _setTerms(terms, headers);
        emit TermsSet(
            1,
            1,
            terms.policyDigest,
            table,
            terms.patientKeysDigest,
            terms.authorityKeysDigest,
            terms.headersDigest,
            headers
        );
    }

    /// @inheritdoc IHospitalPatient
    function voidNonce(uint256 used) external {
        _requireFactory();
        State memory state = _live();
        _useNonce(state, used, type(uint64).max);
        _state = state;
    }

    /// @inheritdoc IHospitalPatient
    function advanceEpoch(Epoch calldata next, bytes calldata signature, bytes calldata headers)
        external
    {
        State memory state = _live();
        address party = _requireActiveHospital();
        if (
            next.patientEpoch != uint256(state.patientEpoch) + 1
                || next.hospitalEpoch != state.hospitalEpoch
        ) revert HospitalPatientBadEpoch(next.patientEpoch, next.hospitalEpoch);
        _useNonce(state, next.nonce, next.deadline);
        _requireTable(next.levels);
        state.patientEpoch = next.patientEpoch;
        state.levels = uint128(next.levels);
        _state = state;
        _setTerms(
            Terms(
                next.policyDigest,
                next.patientKeysDigest,
                next.authorityKeysDigest,
                next.headersDigest
            ),
            headers
        );
        emit TermsSet(
            next.patientEpoch,
            next.hospitalEpoch,
            next.policyDigest,
            next.levels,
            next.patientKeysDigest,
            next.authorityKeysDigest,
            next.headersDigest,
            headers
        );
        _requireSignature(party, keccak256(abi.encode(HPSC_EPOCH_TYPEHASH, next)), signature);
    }

    /// @inheritdoc IHospitalPatient
    function advanceSwitch(
        uint32 next,
        Terms calldata current,
        bytes32 authorityKeysDigest,
        bytes32 headersDigest,
        bytes calldata headers
    ) external {
        State memory state = _live();
        (uint32 id,) = Pair.names();
        _addressMapping.requireHospital(id, msg.sender);
        if (next != uint256(state.hospitalEpoch) + 1) {
            revert HospitalPatientBadEpoch(state.patientEpoch, next);
        }
        bytes32 given = _hashTerms(current);
        if (given != _termsDigest) revert HospitalPatientBadTerms(given, _termsDigest);
        state.hospitalEpoch = next;
        _state = state;
        _setTerms(
            Terms(
                current.policyDigest,
                current.patientKeysDigest,
                authorityKeysDigest,
                headersDigest
            ),
            headers
        );
        emit TermsSet(
            state.patientEpoch,
            next,
            current.policyDigest,
            state.levels,
            current.patientKeysDigest,
            authorityKeysDigest,
            headersDigest,
            headers
        );
    }

    /// @inheritdoc IHospitalPatient
    function setOverride(Override calldata change, bytes calldata signature) external {
        State memory state = _live();
        (uint32 id, address party) = Pair.names();
        if (change.level > LEVEL_LIMIT && change.level != NO_OVERRIDE) {
            revert HospitalPatientBadLevel(change.level);
        }
        uint8 category = _addressMapping.credentialOf(change.institute).category;
        // Without an override the level depends on categories to come: never taken as narrower.
        if (change.level > _levelFor(state, change.institute, category)) {
            _addressMapping.requireActiveHospital(id, msg.sender);
        }
        _useNonce(state, change.nonce, change.deadline);
        state.anyOverride = true;
        _state = state;
        _overrides[change.institute] = change.level == NO_OVERRIDE ? 0 : change.level + 1;
        emit OverrideSet(change.institute, change.level);
        _requireSignature(party, keccak256(abi.encode(HPSC_OVERRIDE_TYPEHASH, change)), signature);
    }

    /// @inheritdoc IHospitalPatient
    function anchorBatch(Batch calldata batch, bytes calldata signature) external {
        State memory state = _live();
        address party = _requireActiveHospital();
        if (batch.number != uint256(state.batches) + 1 || batch.previousRoot != _lastRoot) {
            revert HospitalPatientBadBatch(batch.number, batch.previousRoot);
        }
        if (batch.root == 0 || batch.records == 0 || batch.leaves < batch.records) {
            revert HospitalPatientEmptyBatch();
        }
        ++state.batches;
        _state = state;
        _lastRoot = batch.root;
        emit BatchAnchored(
            batch.number, batch.root, batch.previousRoot, batch.records, batch.leaves
        );
        _requireSignature(party, keccak256(abi.encode(HPSC_BATCH_TYPEHASH, batch)), signature);
    }

    /// @inheritdoc IHospitalPatient
    function hospital() external view returns (uint32 id) {
        _live();
        (id,) = Pair.names();
    }

    /// @inheritdoc IHospitalPatient
    function patient() external view returns (address party) {
        _live();
        (, party) = Pair.names();
    }

    /// @inheritdoc IHospitalPatient
    function epochs() external view returns (uint32 patientEpoch, uint32 hospitalEpoch) {
        return (_state.patientEpoch, _state.hospitalEpoch);
    }

    /// @inheritdoc IHospitalPatient
    function levels() external view returns (uint256) {
        return _state.levels;
    }

    /// @inheritdoc IHospitalPatient
    function termsDigest() external view returns (bytes32) {
        return _termsDigest;
    }

    /// @inheritdoc IHospitalPatient
    function nonce() external view returns (uint256) {
        return _state.nonce;
    }

    /// @inheritdoc IHospitalPatient
    function overrideOf(address institute) external view returns (uint8) {
        uint8 held = _overrides[institute];
        return held == 0 ? NO_OVERRIDE : held - 1;
    }

    /// @inheritdoc IHospitalPatient
    function levelFor(address institute, uint8 category) external view returns (uint8) {
        return _levelFor(_state, institute, category);
    }

    /// @inheritdoc IHospitalPatient
    function lastBatch() external view returns (uint64 number, bytes32 root) {
        return (_state.batches, _lastRoot);
    }

    /// @inheritdoc IHospitalPatient
    function consentTerms(address institute, uint8 category)
        external
        view
        returns (uint8 level, uint32 patientEpoch, uint256 current)
    {
        State memory state = _live();
        return (_levelFor(state, institute, category), state.patientEpoch, state.nonce);
    }

    function _setTerms(Terms memory terms, bytes calldata headers) private {
        if (headers.length > HEADERS_LIMIT) {
            revert HospitalPatientHeadersTooLong(headers.length, HEADERS_LIMIT);
        }
        if (headers.length != 0) {
            bytes32 actual = keccak256(headers);
            if (actual != terms.headersDigest) {
                revert HospitalPatientBadHeaders(terms.headersDigest, actual);
            }
        }
        _termsDigest = _hashTerms(terms);
    }

    function _levelFor(State memory state, address institute, uint8 category)
        private
        view
        returns (uint8)
    {
        uint8 held = state.anyOverride ? _overrides[institute] : 0;
        if (held != 0) return held - 1;
        return category > 31 ? 0 : uint8(state.levels >> (4 * uint256(category))) & 15;
    }

    function _live() private view returns (State memory state) {
        state = _state;
        if (state.patientEpoch == 0) revert HospitalPatientNotInitialized();
    }

    function _requireFactory() private view {
        if (msg.sender != address(_addressMapping)) revert HospitalPatientNotFactory(msg.sender);
    }

    function _requireActiveHospital() private view returns (address party) {
        uint32 id;
        (id, party) = Pair.names();
        _addressMapping.requireActiveHospital(id, msg.sender);
    }

    function _requireSignature(address party, bytes32 structHash, bytes calldata signature)
        private
        view
    {
        if (!Signature.isBy(party, _hashTypedDataV4(structHash), signature)) {
            revert HospitalPatientBadSignature(party);
        }
    }

    function _useNonce(State memory state, uint256 used, uint64 deadline) private view {
        if (block.timestamp > deadline) revert HospitalPatientSignatureExpired(deadline);
        if (used != state.nonce) revert HospitalPatientBadNonce(used, state.nonce);
        ++state.nonce;
    }

    function _hashTerms(Terms memory terms) private pure returns (bytes32) {
        return keccak256(abi.encode(terms));
    }

    /// @dev No category above 31, none for category 0, no level above 4.
    function _requireTable(uint256 table) private pure {
        uint256 ones = 0x1111111111111111111111111111111;
        uint256 fours = (table >> 2) & (ones << 4 | 1);
        bool good = table >> 128 == 0 && table & 15 == 0 && table & (ones << 7) == 0
            && fours & (table | table >> 1) == 0;
        if (!good) revert HospitalPatientBadLevels(table);
    }
}
