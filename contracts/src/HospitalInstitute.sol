// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Pair} from "./Pair.sol";
import {IAccessRequest} from "./interfaces/IAccessRequest.sol";
import {IAddressMapping} from "./interfaces/IAddressMapping.sol";
import {IHospitalInstitute} from "./interfaces/IHospitalInstitute.sol";

/// @title HISC: one hospital and one institute
/// @notice See IHospitalInstitute for the rules.
contract HospitalInstitute is IHospitalInstitute {
    /// @dev One slot. The numbers of databases are packed, 16 bits each, the last one lowest.
    struct State {
        uint24 endedThrough;
        bool ended;
        uint8 count;
        uint128 databases;
    }

    uint256 private constant DATABASE_LIMIT = 8;

    address private immutable _implementation = address(this);
    IAddressMapping private immutable _addressMapping;
    IAccessRequest private immutable _accessRequest;

    State private _state;
    bytes32 private _attributesDigest;
    mapping(bytes32 accessDigest => uint256 request) private _requests;

    modifier onlyAccessRequest() {
        if (msg.sender != address(_accessRequest)) {
            revert HospitalInstituteNotAccessRequest(msg.sender);
        }
        _;
    }

    modifier onlyClone() {
        if (address(this) == _implementation) revert HospitalInstituteNotInitialized();
        _;
    }

    /// @param addressMapping AMSC, whose address is known before it is deployed
    /// @param accessRequest ARSC, the same
    constructor(address addressMapping, address accessRequest) {
        if (addressMapping == address(0) || accessRequest == address(0)) {
            revert HospitalInstituteNotAccessRequest(address(0));
        }
        _addressMapping = IAddressMapping(addressMapping);
        _accessRequest = IAccessRequest(accessRequest);
    }

    /// @inheritdoc IHospitalInstitute
    function record(
        uint256 request,
        bytes32 accessDigest,
        bytes32 digest,
        uint16 database,
        bool opened
    ) external onlyAccessRequest {
        if (accessDigest == 0) revert HospitalInstituteZeroDigest();
        if (_requests[accessDigest] != 0) revert HospitalInstituteAccessKnown(accessDigest);
        _requests[accessDigest] = request;
        if (opened) _note(database);
        if (digest != 0) _recordAttributes(digest);
    }

    /// @inheritdoc IHospitalInstitute
    function noteDatabase(uint16 database) external onlyAccessRequest {
        _note(database);
    }

    /// @inheritdoc IHospitalInstitute
    function markEnded(uint24 serial) external onlyAccessRequest {
        _state = State(serial, true, 0, 0);
        (uint32 id, address party) = Pair.names();
        emit Ended(id, party, serial);
    }

    /// @inheritdoc IHospitalInstitute
    function recordAttributes(bytes32 digest) external onlyClone {
        (uint32 id,) = Pair.names();
        _addressMapping.requireActiveHospital(id, msg.sender);
        if (digest == 0) revert HospitalInstituteZeroDigest();
        _recordAttributes(digest);
    }

    /// @inheritdoc IHospitalInstitute
    function end() external onlyClone {
        (uint32 id, address party) = Pair.names();
        if (msg.sender != party) _addressMapping.requireHospital(id, msg.sender);
        _accessRequest.endPair(id, party, msg.sender);
    }

    /// @inheritdoc IHospitalInstitute
    function hospital() external view onlyClone returns (uint32 id) {
        (id,) = Pair.names();
    }

    /// @inheritdoc IHospitalInstitute
    function institute() external view onlyClone returns (address party) {
        (, party) = Pair.names();
    }

    /// @inheritdoc IHospitalInstitute
    function isLive(bytes32 accessDigest) external view returns (bool) {
        uint256 request = _requests[accessDigest];
        return request != 0 && _accessRequest.consentLive(request);
    }

    /// @inheritdoc IHospitalInstitute
    function requestOf(bytes32 accessDigest) external view returns (uint256) {
        return _requests[accessDigest];
    }

    /// @inheritdoc IHospitalInstitute
    function attributesDigest() external view returns (bytes32) {
        return _attributesDigest;
    }

    /// @inheritdoc IHospitalInstitute
    function liveConsents() external view onlyClone returns (uint256 live) {
        (uint32 id, address party) = Pair.names();
        uint16[] memory held = databases();
        for (uint256 i = 0; i < held.length; ++i) {
            live += _addressMapping.entry(id, party, held[i]).live;
        }
    }

    /// @inheritdoc IHospitalInstitute
    function ended() external view returns (bool) {
        return _state.ended;
    }

    /// @inheritdoc IHospitalInstitute
    function endedThrough() external view returns (uint24) {
        return _state.endedThrough;
    }

    /// @inheritdoc IHospitalInstitute
    function databases() public view returns (uint16[] memory held) {
        State memory state = _state;
        held = new uint16[](state.count);
        for (uint256 i = 0; i < state.count; ++i) {
            held[i] = uint16(state.databases >> (16 * i));
        }
    }

    function _note(uint16 database) private {
        State memory state = _state;
        bool known = false;
        for (uint256 i = 0; i < state.count; ++i) {
            known = known || uint16(state.databases >> (16 * i)) == database;
        }
        if (!known) {
            if (state.count == DATABASE_LIMIT) {
                revert HospitalInstituteTooManyDatabases(DATABASE_LIMIT);
            }
            ++state.count;
            state.databases = state.databases << 16 | database;
        }
        if (!known || state.ended) {
            state.ended = false;
            _state = state;
        }
    }

    function _recordAttributes(bytes32 digest) private {
        if (_attributesDigest != digest) _attributesDigest = digest;
        (uint32 id, address party) = Pair.names();
        emit AttributesRecorded(id, party, digest);
    }
}
