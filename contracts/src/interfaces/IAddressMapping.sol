// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title AMSC: the mapping of addresses that the CA keeps, and the global whitelist
/// @notice What widens access needs the patient; what narrows it, either side does alone, a
/// suspended hospital too. The CA may remove a suspended hospital's entries; it opens nothing.
interface IAddressMapping {
    /// @notice A hospital as the CA registered it.
    /// @param key Address whose transactions count as the hospital's
    /// @param suspended While set, the hospital can narrow access but not widen it
    /// @param label Unique name, the authority's name in policies
    /// @param url Where its node answers
    /// @param sealKey X25519 public key that others seal to
    /// @param tlsKeyDigest SHA-256 of the TLS public key
    /// @param authorityKeysDigest Digest of its published attribute authority keys, 0 before that
    struct Hospital {
        address key;
        bool suspended;
        string label;
        string url;
        bytes32 sealKey;
        bytes32 tlsKeyDigest;
        bytes32 authorityKeysDigest;
    }

    /// @notice What the CA signs for an institute (EIP-712 `Credential`, domain AMSC).
    /// @param institute The institute's address
    /// @param category Code of `Category`, 1 to 31
    /// @param sealKey X25519 public key that grants and access strings are sealed to
    /// @param tlsKeyDigest SHA-256 of the TLS public key
    /// @param serial Number from 1 that the CA never gives twice, rising for each institute
    /// @param expiry Unix time; the credential holds before it
    /// @param generation The CA's generation at signing
    struct Credential {
        address institute;
        uint8 category;
        bytes32 sealKey;
        bytes32 tlsKeyDigest;
        uint64 serial;
        uint64 expiry;
        uint32 generation;
    }

    /// @notice The part of an accepted credential that the contract keeps; the event has it all.
    /// @param revokedThrough Serials of this institute up to this one are revoked
    struct CredentialRecord {
        uint64 serial;
        uint64 revokedThrough;
        uint40 expiry;
        uint32 generation;
        uint8 category;
    }

    /// @notice What a patient signs to begin with a hospital (EIP-712 `Relationship`, domain AMSC).
    /// @param hospital Id of the hospital that must send it
    /// @param patient The patient's address at this hospital
    /// @param policyDigest Digest of the access policy in its canonical form
    /// @param levels Level for each category: four bits at 4 * category, values 0 to 4
    /// @param patientKeysDigest Digest of the patient's own authority keys
    /// @param authorityKeysDigest Digest of every other authority key that the policy names
    /// @param headersDigest keccak256 of the headers
    /// @param nonce `nonceOf(hospital, patient)`
    /// @param deadline Unix time; the signature holds until it, inclusive
    struct Relationship {
        uint32 hospital;
        address patient;
        bytes32 policyDigest;
        uint256 levels;
        bytes32 patientKeysDigest;
        bytes32 authorityKeysDigest;
        bytes32 headersDigest;
        uint256 nonce;
        uint64 deadline;
    }

    /// @notice The way to a database: number at the hospital, VPN address of the user, address and
    /// port of the database (IPv4 addresses as numbers).
    struct Path {
        uint16 database;
        uint32 vpn;
        uint32 databaseAddress;
        uint16 port;
    }

    /// @notice A whitelist entry: one slot under (hospital, user, database).
    /// @param vpn VPN address of the user
    /// @param databaseAddress Address of the database
    /// @param port Port of the database
    /// @param expiry Unix time; the entry is open before it. Rises when a longer consent joins
    /// @param live Consents that hold the entry open
    /// @param serial Number of this opening at the hospital, from 1, never given twice
    struct Entry {
        uint32 vpn;
        uint32 databaseAddress;
        uint16 port;
        uint40 expiry;
        uint32 live;
        uint24 serial;
    }

    /// @notice An address that must not be zero was zero.
    error AddressMappingZeroAddress();
    /// @notice Only the access request contract calls this.
    error AddressMappingNotAccessRequest(address caller);
    /// @notice There is no hospital with this id.
    error AddressMappingUnknownHospital(uint32 hospital);
    /// @notice The caller does not hold the current key of this hospital.
    error AddressMappingNotHospital(uint32 hospital, address caller);
    /// @notice The hospital is suspended and cannot widen access.
    error AddressMappingHospitalSuspended(uint32 hospital);
    /// @notice The hospital already is in the state asked for.
    error AddressMappingSuspensionUnchanged(uint32 hospital);
    /// @notice The key already belongs to a hospital.
    error AddressMappingKeyTaken(address key);
    /// @notice The label is already registered.
    error AddressMappingLabelTaken(string label);
    /// @notice Labels are 1 to 64 characters of a-z, 0-9, dot and hyphen, and do not begin with 0x.
    error AddressMappingBadLabel(string label);
    /// @notice A text, list or payload is longer than its limit.
    error AddressMappingTooLong(uint256 length, uint256 limit);
    /// @notice Two lists that belong together differ in length.
    error AddressMappingLengthMismatch(uint256 first, uint256 second);
    /// @notice The CA's role is handed over, never dropped.
    error AddressMappingNoRenouncing();
    /// @notice The credential is not signed by the CA.
    error AddressMappingBadCredentialSignature();
    /// @notice The credential has expired.
    error AddressMappingCredentialExpired(uint64 serial, uint64 expiry);
    /// @notice The CA has revoked this serial of the institute.
    error AddressMappingCredentialRevoked(address institute, uint64 serial);
    /// @notice The credential was signed under another generation of the CA.
    error AddressMappingWrongGeneration(uint32 given, uint32 current);
    /// @notice A newer credential of this institute is already held.
    error AddressMappingCredentialOutdated(uint64 serial, uint64 held);
    /// @notice The category is not 1 to 31.
    error AddressMappingBadCategory(uint8 category);
    /// @notice The credential is not for this institute.
    error AddressMappingNotCredentialOf(address institute);
    /// @notice No credential of this institute has been accepted.
    error AddressMappingNoCredential(address institute);
    /// @notice The pair already has its contract.
    error AddressMappingRelationshipExists(address relationship);
    /// @notice The signature's deadline has passed.
    error AddressMappingSignatureExpired(uint64 deadline);
    /// @notice The signature is not the patient's.
    error AddressMappingBadSignature(address patient);
    /// @notice The nonce is not the current one.
    error AddressMappingBadNonce(uint256 given, uint256 current);
    /// @notice The user has no entry for this database.
    error AddressMappingNoEntry(uint32 hospital, address user, uint16 database);
    /// @notice An open entry holds another path; remove it first.
    error AddressMappingPathDiffers(uint32 hospital, address user, uint16 database);

    /// @notice A hospital was registered.
    event HospitalRegistered(
        uint32 indexed hospital,
        address indexed key,
        string label,
        string url,
        bytes32 sealKey,
        bytes32 tlsKeyDigest
    );
    /// @notice A hospital's url and public keys were replaced.
    event HospitalUpdated(
        uint32 indexed hospital, string url, bytes32 sealKey, bytes32 tlsKeyDigest
    );
    /// @notice A hospital was suspended.
    event HospitalSuspended(uint32 indexed hospital);
    /// @notice A suspension was lifted.
    event HospitalReinstated(uint32 indexed hospital);
    /// @notice A hospital's key was replaced; the old one is refused from here on.
    event HospitalKeyReplaced(
        uint32 indexed hospital, address indexed oldKey, address indexed newKey
    );
    /// @notice A hospital published the digest of its attribute authority keys.
    event KeysPublished(uint32 indexed hospital, bytes32 authorityKeysDigest);
    /// @notice The CA's role was taken over; credentials of the generation before hold no more.
    event GenerationRaised(uint32 generation, address indexed owner);
    /// @notice A credential was checked and accepted.
    event CredentialAccepted(
        address indexed institute,
        uint64 indexed serial,
        uint8 category,
        bytes32 sealKey,
        bytes32 tlsKeyDigest,
        uint64 expiry,
        uint32 generation
    );
    /// @notice An institute's credentials up to this serial were revoked.
    event CredentialRevoked(address indexed institute, uint64 indexed serial);
    /// @notice A patient was listed under a hospital and their contract made.
    event RelationshipCreated(
        uint32 indexed hospital, address indexed patient, address indexed relationship
    );
    /// @notice Signatures with this nonce hold no more.
    event NonceVoided(uint32 indexed hospital, address indexed patient, uint256 nonce);
    /// @notice A whitelist entry was opened.
    /// @param way vpn << 48 | databaseAddress << 16 | port
    event EntryOpened(
        uint32 indexed hospital,
        address indexed user,
        uint16 indexed database,
        uint80 way,
        uint40 expiry,
        uint24 serial
    );
    /// @notice A consent that lasts longer joined an open entry.
    event EntryExtended(
        uint32 indexed hospital, address indexed user, uint16 indexed database, uint40 expiry
    );
    /// @notice A whitelist entry was removed.
    event EntryRemoved(
        uint32 indexed hospital, address indexed user, uint16 indexed database, uint24 serial
    );

    /// @notice Registers a hospital. CA only.
    /// @return hospital Its id, from 1, for ever
    function registerHospital(
        address key,
        string calldata label,
        string calldata url,
        bytes32 sealKey,
        bytes32 tlsKeyDigest
    ) external returns (uint32 hospital);

    /// @notice Replaces a hospital's url, seal key and TLS key digest. CA only.
    function updateHospital(
        uint32 hospital,
        string calldata url,
        bytes32 sealKey,
        bytes32 tlsKeyDigest
    ) external;

    /// @notice Suspends a hospital or lifts the suspension. CA only.
    function suspendHospital(uint32 hospital, bool suspended) external;

    /// @notice Gives a hospital a new key; the old one is refused at once. CA only.
    function replaceHospitalKey(uint32 hospital, address key) external;

    /// @notice Publishes the digest of the caller's attribute authority keys. Hospitals only.
    function publishKeys(bytes32 authorityKeysDigest) external;

    /// @notice A hospital by id; reverts when there is none.
    function hospital(uint32 id) external view returns (Hospital memory);

    /// @notice Id of the hospital that holds this key now, 0 if none.
    function hospitalOf(address key) external view returns (uint32);

    /// @notice Id of the hospital with this label, 0 if none.
    function byLabel(string calldata label) external view returns (uint32);

    /// @notice How many hospitals there are: their ids are 1 to this number.
    function hospitalCount() external view returns (uint32);

    /// @notice Whether a hospital is suspended.
    function hospitalSuspended(uint32 hospital) external view returns (bool);

    /// @notice Reverts unless `caller` holds the hospital's current key.
    function requireHospital(uint32 hospital, address caller) external view;

    /// @notice Reverts unless `caller` holds the hospital's current key and it is not suspended.
    function requireActiveHospital(uint32 hospital, address caller) external view;

    /// @notice The CA's generation: rises by one each time its role is taken over.
    function generation() external view returns (uint32);

    /// @notice Reverts unless the credential holds now.
    function checkCredential(Credential calldata credential, bytes calldata signature)
        external
        view;

    /// @notice Checks and keeps an institute's credential. Access request contract only.
    /// @param institute Who presents it
    /// @param credential The credential; not read when `signature` is empty
    /// @param signature The CA's signature; empty once a credential has been accepted
    function acceptCredential(
        address institute,
        Credential calldata credential,
        bytes calldata signature
    ) external;

    /// @notice Revokes an institute's credential by its serial, and those with lower serials,
    /// whether they were ever presented or not. CA only.
    function revokeCredential(address institute, uint64 serial) external;

    /// @notice Reverts unless the institute's accepted credential holds now.
    function requireCredential(address institute) external view returns (uint8 category);

    /// @notice The accepted credential of an institute, zeros if none.
    function credentialOf(address institute) external view returns (CredentialRecord memory);

    /// @notice Whether an institute's accepted credential holds now.
    function credentialLive(address institute) external view returns (bool);

    /// @notice Creates the contract of a hospital and a patient. Sent by the hospital.
    /// @param terms What the patient signed
    /// @param signature The patient's signature
    /// @param headers The ABE headers whose digest was signed; empty to keep them off the chain
    /// @return relationship The new contract (`IHospitalPatient`)
    function createRelationship(
        Relationship calldata terms,
        bytes calldata signature,
        bytes calldata headers
    ) external returns (address relationship);

    /// @notice The contract of a hospital and a patient, 0 if there is none.
    function relationship(uint32 hospital, address patient) external view returns (address);

    /// @notice Where the contract of a hospital and a patient is or would be.
    function predictRelationship(uint32 hospital, address patient) external view returns (address);

    /// @notice The current nonce of a patient at a hospital, in all messages that carry one.
    function nonceOf(uint32 hospital, address patient) external view returns (uint256);

    /// @notice Makes every unused signature with the current nonce worthless. Sent by the patient,
    /// or by anyone with the patient's signature (EIP-712 `NonceVoid`, domain AMSC).
    function voidNonce(uint32 hospital, address patient, uint256 nonce, bytes calldata signature)
        external;

    /// @notice Opens an entry or joins the open one. Access request contract only, which checks the
    /// user's credential.
    /// @param caller Who must hold the hospital's key
    /// @param way vpn << 48 | databaseAddress << 16 | port
    /// @param expiry Unix time of the consent's end
    /// @return serial The entry's serial
    /// @return opened Whether it is new
    function openEntry(
        uint32 hospital,
        address caller,
        address user,
        uint16 database,
        uint80 way,
        uint40 expiry
    ) external returns (uint24 serial, bool opened);

    /// @notice Counts a consent down; the last one removes the entry. Nothing happens when the
    /// entry is not the one the consent joined. Access request contract only.
    function leaveEntry(uint32 hospital, address user, uint16 database, uint24 serial) external;

    /// @notice Removes the entries of a pair. Access request contract only.
    /// @return serial Highest serial given at the hospital so far
    function closeEntries(uint32 hospital, address user, uint16[] calldata databases)
        external
        returns (uint24 serial);

    /// @notice Removes an entry at once. The hospital, its own only, suspended or not; the CA while
    /// the hospital is suspended.
    function removeEntry(uint32 hospital, address user, uint16 database) external;

    /// @notice Removes expired entries. Anyone.
    /// @param users At most 64, with the database at the same place of `databases`; what is not
    /// expired or not there is passed over
    function sweepEntries(uint32 hospital, address[] calldata users, uint16[] calldata databases)
        external;

    /// @notice The entry of a user for a database, zeros if none.
    function entry(uint32 hospital, address user, uint16 database)
        external
        view
        returns (Entry memory);

    /// @notice Whether the path is open now: entry not expired, hospital not suspended,
    /// credential live.
    function isOpen(uint32 hospital, address user, uint16 database) external view returns (bool);

    /// @notice Proves by one call that a list made from events is complete.
    /// @return count Entries of the hospital
    /// @return opened Openings so far, the last serial given
    /// @return sum Sum modulo 2^192 over the entries of keccak256(abi.encode(hospital << 176 |
    /// user << 16 | database, way << 24 | serial)), two words of 256 bits
    function entrySum(uint32 hospital)
        external
        view
        returns (uint32 count, uint24 opened, uint256 sum);
}
