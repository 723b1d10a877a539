// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title HPSC: the contract of one hospital and one patient
/// @notice Every change needs the patient's signature and the hospital's transaction, except that
/// the hospital alone raises its own epoch, and that anyone may carry what only narrows.
/// Digests are not kept one by one: `termsDigest` is the hash of the four in the last `TermsSet`.
interface IHospitalPatient {
    /// @notice What the four digests of `termsDigest` are over.
    /// @param policyDigest Access policy in its canonical form
    /// @param patientKeysDigest The patient's own authority keys
    /// @param authorityKeysDigest Every other authority key that the policy names
    /// @param headersDigest keccak256 of the ABE headers
    struct Terms {
        bytes32 policyDigest;
        bytes32 patientKeysDigest;
        bytes32 authorityKeysDigest;
        bytes32 headersDigest;
    }

    /// @notice What the patient signs to begin a new epoch (EIP-712 `Epoch`, domain this contract).
    /// @param patientEpoch The new epoch E: the present one plus one
    /// @param hospitalEpoch The present N
    struct Epoch {
        uint32 patientEpoch;
        uint32 hospitalEpoch;
        bytes32 policyDigest;
        uint256 levels;
        bytes32 patientKeysDigest;
        bytes32 authorityKeysDigest;
        bytes32 headersDigest;
        uint256 nonce;
        uint64 deadline;
    }

    /// @notice The level for one institute, whatever its category (EIP-712 `Override`).
    /// @param level 0 to 4; 255 removes the override
    struct Override {
        address institute;
        uint8 level;
        uint256 nonce;
        uint64 deadline;
    }

    /// @notice A batch of records that the patient signed (EIP-712 `Batch`, domain this contract).
    /// @param number The last number plus one, from 1
    /// @param previousRoot Root of the batch before, 0 for the first
    /// @param root Merkle root of the batch
    /// @param records How many records
    /// @param leaves How many leaves
    struct Batch {
        uint64 number;
        bytes32 previousRoot;
        bytes32 root;
        uint32 records;
        uint32 leaves;
    }

    /// @notice Only the address mapping calls this.
    error HospitalPatientNotFactory(address caller);
    /// @notice The contract is already initialised.
    error HospitalPatientAlreadyInitialized();
    /// @notice The contract is the implementation, or not initialised.
    error HospitalPatientNotInitialized();
    /// @notice The signature's deadline has passed.
    error HospitalPatientSignatureExpired(uint64 deadline);
    /// @notice The signature is not the patient's.
    error HospitalPatientBadSignature(address patient);
    /// @notice The nonce is not the current one.
    error HospitalPatientBadNonce(uint256 given, uint256 current);
    /// @notice The epochs do not follow the present ones.
    error HospitalPatientBadEpoch(uint32 patientEpoch, uint32 hospitalEpoch);
    /// @notice The given digests are not those in force.
    error HospitalPatientBadTerms(bytes32 given, bytes32 current);
    /// @notice The headers do not have the digest that was given.
    error HospitalPatientBadHeaders(bytes32 given, bytes32 actual);
    /// @notice The headers are longer than the limit.
    error HospitalPatientHeadersTooLong(uint256 length, uint256 limit);
    /// @notice The table has a level above 4 or a category above 31.
    error HospitalPatientBadLevels(uint256 levels);
    /// @notice The level is not 0 to 4 or 255.
    error HospitalPatientBadLevel(uint8 level);
    /// @notice The batch does not follow the last one.
    error HospitalPatientBadBatch(uint64 number, bytes32 previousRoot);
    /// @notice A batch has a root, at least one record, and no fewer leaves than records.
    error HospitalPatientEmptyBatch();

    /// @notice The terms were set: at creation, by a new patient epoch, or by a new hospital epoch.
    event TermsSet(
        uint32 indexed patientEpoch,
        uint32 indexed hospitalEpoch,
        bytes32 policyDigest,
        uint256 levels,
        bytes32 patientKeysDigest,
        bytes32 authorityKeysDigest,
        bytes32 headersDigest,
        bytes headers
    );
    /// @notice The patient set (or with 255 removed) the level of one institute.
    event OverrideSet(address indexed institute, uint8 level);
    /// @notice A batch of records was anchored.
    event BatchAnchored(
        uint64 indexed number,
        bytes32 indexed root,
        bytes32 previousRoot,
        uint32 records,
        uint32 leaves
    );

    /// @notice Sets the first terms, epochs (1, 1). Address mapping only, once.
    function initialize(
        Terms calldata terms,
        uint256 levels,
        uint256 nonce,
        bytes calldata headers
    ) external;

    /// @notice Moves the nonce on. Address mapping only.
    function voidNonce(uint256 nonce) external;

    /// @notice Begins a new patient epoch. Sent by the hospital, not suspended.
    /// @param headers The headers whose digest was signed; empty to keep them off the chain
    function advanceEpoch(Epoch calldata next, bytes calldata signature, bytes calldata headers)
        external;

    /// @notice Begins a new hospital epoch: only the hospital's keys and the headers change. Sent
    /// by the hospital, suspended or not.
    /// @param hospitalEpoch The present N plus one
    /// @param current The terms in force
    /// @param authorityKeysDigest New digest of the authority keys
    /// @param headersDigest keccak256 of the new headers
    /// @param headers The new headers; empty to keep them off the chain
    function advanceSwitch(
        uint32 hospitalEpoch,
        Terms calldata current,
        bytes32 authorityKeysDigest,
        bytes32 headersDigest,
        bytes calldata headers
    ) external;

    /// @notice Sets the level of one institute. Sent by the hospital, not suspended; by anyone when
    /// the level is not above what the institute could be given now.
    function setOverride(Override calldata change, bytes calldata signature) external;

    /// @notice Anchors a batch of records. Sent by the hospital, not suspended.
    function anchorBatch(Batch calldata batch, bytes calldata signature) external;

    /// @notice Id of the hospital.
    function hospital() external view returns (uint32);

    /// @notice The patient's address.
    function patient() external view returns (address);

    /// @notice The epochs E (the patient's) and N (the hospital's).
    function epochs() external view returns (uint32 patientEpoch, uint32 hospitalEpoch);

    /// @notice The table: four bits for each category.
    function levels() external view returns (uint256);

    /// @notice keccak256(abi.encode(policyDigest, patientKeysDigest, authorityKeysDigest,
    /// headersDigest)) of the terms in force.
    function termsDigest() external view returns (bytes32);

    /// @notice The nonce that the patient's next message here must carry.
    function nonce() external view returns (uint256);

    /// @notice The level set for one institute, 255 if none.
    function overrideOf(address institute) external view returns (uint8);

    /// @notice The highest level that may be approved for an institute of this category now.
    function levelFor(address institute, uint8 category) external view returns (uint8);

    /// @notice Number and root of the last batch, zeros if none. Those before are in the events.
    function lastBatch() external view returns (uint64 number, bytes32 root);

    /// @notice All that an approval depends on, in one call.
    function consentTerms(address institute, uint8 category)
        external
        view
        returns (uint8 level, uint32 patientEpoch, uint256 nonce);
}
