// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title HISC: the contract of one hospital and one institute
/// @notice Records what was issued and given access to. It opens nothing: an access string is live
/// only as long as the consent it was made for.
interface IHospitalInstitute {
    /// @notice Only the access request contract calls this.
    error HospitalInstituteNotAccessRequest(address caller);
    /// @notice The contract is the implementation.
    error HospitalInstituteNotInitialized();
    /// @notice Only the hospital or the institute ends the contract.
    error HospitalInstituteNotParty(address caller);
    /// @notice A digest must not be zero.
    error HospitalInstituteZeroDigest();
    /// @notice The access string has been recorded before.
    error HospitalInstituteAccessKnown(bytes32 accessDigest);
    /// @notice The pair uses as many databases as it may.
    error HospitalInstituteTooManyDatabases(uint256 limit);

    /// @notice The hospital recorded the attributes it issued.
    event AttributesRecorded(
        uint32 indexed hospital, address indexed institute, bytes32 attributesDigest
    );
    /// @notice Everything between the two ended: what was live up to this serial is dead.
    event Ended(uint32 indexed hospital, address indexed institute, uint24 endedThrough);

    /// @notice Records an approval, which that contract announces. Access request contract only.
    /// @param attributesDigest Digest of the attributes issued; 0 if none were
    /// @param opened Whether the whitelist entry is new
    function record(
        uint256 request,
        bytes32 accessDigest,
        bytes32 attributesDigest,
        uint16 database,
        bool opened
    ) external;

    /// @notice Notes a database whose entry was opened again. Access request contract only.
    function noteDatabase(uint16 database) external;

    /// @notice Makes everything up to the serial dead. Access request contract only.
    function markEnded(uint24 serial) external;

    /// @notice Records attributes issued without a request. The hospital, not suspended.
    function recordAttributes(bytes32 attributesDigest) external;

    /// @notice Ends everything between the two. Either side, a suspended hospital too.
    function end() external;

    /// @notice Id of the hospital.
    function hospital() external view returns (uint32);

    /// @notice The institute's address.
    function institute() external view returns (address);

    /// @notice Whether the access string with this digest may be run now.
    function isLive(bytes32 accessDigest) external view returns (bool);

    /// @notice The request an access string was recorded for, 0 if none.
    function requestOf(bytes32 accessDigest) external view returns (uint256);

    /// @notice Digest of the attributes issued last, 0 if none.
    function attributesDigest() external view returns (bytes32);

    /// @notice How many consents hold whitelist entries of the pair.
    function liveConsents() external view returns (uint256);

    /// @notice Whether the pair was ended and nothing has been approved since.
    function ended() external view returns (bool);

    /// @notice Consents whose entry has this serial or a lower one are dead.
    function endedThrough() external view returns (uint24);

    /// @notice The databases for which entries were opened since the last end.
    function databases() external view returns (uint16[] memory);
}
