// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Pair} from "./Pair.sol";
import {Signature} from "./Signature.sol";
import {
    AMSC_CREDENTIAL_TYPEHASH,
    AMSC_NONCE_VOID_TYPEHASH,
    AMSC_RELATIONSHIP_TYPEHASH
} from "./Types.sol";
import {IAddressMapping} from "./interfaces/IAddressMapping.sol";
import {IHospitalPatient} from "./interfaces/IHospitalPatient.sol";

/// @title AMSC: hospitals, credentials, relationships, whitelist
/// @notice See IAddressMapping for the rules.
contract AddressMapping is IAddressMapping, Ownable2Step, EIP712 {
    /// @dev What proves a list of entries complete; one slot, since every opening writes it.
    struct Tally {
        uint192 sum;
        uint32 count;
        uint24 opened;
    }

    uint256 private constant LABEL_LIMIT = 64;
    uint256 private constant URL_LIMIT = 256;
    uint256 private constant SWEEP_LIMIT = 64;
    uint8 private constant CATEGORY_LIMIT = 31;

    address private immutable _hospitalPatient;
    address private immutable _accessRequest;

    uint32 private _generation;
    uint32 private _hospitalCount;
    mapping(uint32 hospital => Hospital) private _hospitals;
    mapping(address key => uint32 hospital) private _hospitalOf;
    mapping(bytes32 labelHash => uint32 hospital) private _byLabel;
    mapping(address institute => CredentialRecord) private _credentials;
    mapping(uint64 serial => bool) private _revoked;
    /// @dev Counts only until the pair has its contract, which then keeps the nonce.
    mapping(uint32 hospital => mapping(address patient => uint256)) private _nonces;
    mapping(uint32 hospital => mapping(address user => mapping(uint16 database => Entry)))
        private _entries;
    mapping(uint32 hospital => Tally) private _tallies;

    modifier onlyAccessRequest() {
        if (msg.sender != _accessRequest) revert AddressMappingNotAccessRequest(msg.sender);
        _;
    }

    /// @param ca The first owner
    /// @param hospitalPatient_ Implementation of HPSC
    /// @param accessRequest_ ARSC, whose address is known before it is deployed
    constructor(address ca, address hospitalPatient_, address accessRequest_)
        Ownable(ca)
        EIP712("aceso", "1")
    {
        if (hospitalPatient_ == address(0) || accessRequest_ == address(0)) {
            revert AddressMappingZeroAddress();
        }
        _hospitalPatient = hospitalPatient_;
        _accessRequest = accessRequest_;
    }

    // Hospitals

    /// @inheritdoc IAddressMapping
    function registerHospital(
        address key,
        string calldata label,
        string calldata url,
        bytes32 sealKey,
        bytes32 tlsKeyDigest
    ) external onlyOwner returns (uint32 id) {
        _requireLabel(label);
        _requireFits(bytes(url).length, URL_LIMIT);
        bytes32 labelHash = keccak256(bytes(label));
        if (_byLabel[labelHash] != 0) revert AddressMappingLabelTaken(label);
        id = ++_hospitalCount;
        _takeKey(key, id);
        _byLabel[labelHash] = id;
        Hospital storage entered = _hospitals[id];
        entered.key = key;
        entered.label = label;
        entered.url = url;
        entered.sealKey = sealKey;
        entered.tlsKeyDigest = tlsKeyDigest;
        emit HospitalRegistered(id, key, label, url, sealKey, tlsKeyDigest);
    }

    /// @inheritdoc IAddressMapping
    function updateHospital(
        uint32 id,
        string calldata url,
        bytes32 sealKey,
        bytes32 tlsKeyDigest
    ) external onlyOwner {
        _requireFits(bytes(url).length, URL_LIMIT);
        Hospital storage held = _known(id);
        held.url = url;
        held.sealKey = sealKey;
        held.tlsKeyDigest = tlsKeyDigest;
        emit HospitalUpdated(id, url, sealKey, tlsKeyDigest);
    }

    /// @inheritdoc IAddressMapping
    function suspendHospital(uint32 id, bool suspended) external onlyOwner {
        Hospital storage held = _known(id);
        if (held.suspended == suspended) revert AddressMappingSuspensionUnchanged(id);
        held.suspended = suspended;
        if (suspended) emit HospitalSuspended(id);
        else emit HospitalReinstated(id);
    }

    /// @inheritdoc IAddressMapping
    function replaceHospitalKey(uint32 id, address key) external onlyOwner {
        Hospital storage held = _known(id);
        address old = held.key;
        _takeKey(key, id);
        delete _hospitalOf[old];
        held.key = key;
        emit HospitalKeyReplaced(id, old, key);
    }

    /// @inheritdoc IAddressMapping
    function publishKeys(bytes32 authorityKeysDigest) external {
        uint32 id = _hospitalOf[msg.sender];
        requireActiveHospital(id, msg.sender);
        _hospitals[id].authorityKeysDigest = authorityKeysDigest;
        emit KeysPublished(id, authorityKeysDigest);
    }

    /// @inheritdoc IAddressMapping
    function hospital(uint32 id) external view returns (Hospital memory) {
        return _known(id);
    }

    /// @inheritdoc IAddressMapping
    function hospitalOf(address key) external view returns (uint32) {
        return _hospitalOf[key];
    }

    /// @inheritdoc IAddressMapping
    function byLabel(string calldata label) external view returns (uint32) {
        return _byLabel[keccak256(bytes(label))];
    }

    /// @inheritdoc IAddressMapping
    function hospitalCount() external view returns (uint32) {
        return _hospitalCount;
    }

    /// @inheritdoc IAddressMapping
    function hospitalSuspended(uint32 id) external view returns (bool) {
        return _known(id).suspended;
    }

    /// @inheritdoc IAddressMapping
    function requireHospital(uint32 id, address caller) public view {
        // An unknown id has the key 0, which no caller has.
        if (_hospitals[id].key != caller) revert AddressMappingNotHospital(id, caller);
    }

    /// @inheritdoc IAddressMapping
    function requireActiveHospital(uint32 id, address caller) public view {
        requireHospital(id, caller);
        if (_hospitals[id].suspended) revert AddressMappingHospitalSuspended(id);
    }

    // Credentials

    /// @inheritdoc IAddressMapping
    function generation() external view returns (uint32) {
        return _generation;
    }

    /// @inheritdoc IAddressMapping
    function checkCredential(Credential calldata credential, bytes calldata signature)
        public
        view
    {
        if (credential.category == 0 || credential.category > CATEGORY_LIMIT) {
            revert AddressMappingBadCategory(credential.category);
        }
        _requireValid(credential.serial, credential.expiry, credential.generation);
        bytes32 digest =
            _hashTypedDataV4(keccak256(abi.encode(AMSC_CREDENTIAL_TYPEHASH, credential)));
        if (!Signature.isBy(owner(), digest, signature)) {
            revert AddressMappingBadCredentialSignature();
        }
    }

    /// @inheritdoc IAddressMapping
    function acceptCredential(
        address institute,
        Credential calldata credential,
        bytes calldata signature
    ) external onlyAccessRequest {
        if (signature.length == 0) {
            _requireCredential(institute);
            return;
        }
        if (credential.institute != institute) revert AddressMappingNotCredentialOf(institute);
        checkCredential(credential, signature);
        CredentialRecord memory held = _credentials[institute];
        if (held.generation == credential.generation) {
            if (held.serial == credential.serial) return;
            if (held.serial > credential.serial) {
                revert AddressMappingCredentialOutdated(credential.serial, held.serial);
            }
        }
        _credentials[institute] = CredentialRecord(
            credential.serial, credential.expiry, credential.generation, credential.category
        );
        emit CredentialAccepted(
            institute,
            credential.serial,
            credential.category,
            credential.sealKey,
            credential.tlsKeyDigest,
            credential.expiry,
            credential.generation
        );
    }

    /// @inheritdoc IAddressMapping
    function revokeCredential(uint64 serial) external onlyOwner {
        if (_revoked[serial]) revert AddressMappingCredentialRevoked(serial);
        _revoked[serial] = true;
        emit CredentialRevoked(serial);
    }

    /// @inheritdoc IAddressMapping
    function credentialRevoked(uint64 serial) external view returns (bool) {
        return _revoked[serial];
    }

    /// @inheritdoc IAddressMapping
    function credentialOf(address institute) external view returns (CredentialRecord memory) {
        return _credentials[institute];
    }

    /// @inheritdoc IAddressMapping
    function credentialLive(address institute) public view returns (bool) {
        CredentialRecord memory held = _credentials[institute];
        return held.generation == _generation && block.timestamp < held.expiry
            && !_revoked[held.serial];
    }

    // Relationships

    /// @inheritdoc IAddressMapping
    function createRelationship(
        Relationship calldata terms,
        bytes calldata signature,
        bytes calldata headers
    ) external returns (address made) {
        requireActiveHospital(terms.hospital, msg.sender);
        if (block.timestamp > terms.deadline) {
            revert AddressMappingSignatureExpired(terms.deadline);
        }
        address place = predictRelationship(terms.hospital, terms.patient);
        if (place.code.length != 0) revert AddressMappingRelationshipExists(place);
        uint256 current = _nonces[terms.hospital][terms.patient];
        if (terms.nonce != current) revert AddressMappingBadNonce(terms.nonce, current);
        made = Pair.deploy(_hospitalPatient, terms.hospital, terms.patient);
        emit RelationshipCreated(terms.hospital, terms.patient, made);
        IHospitalPatient(made).initialize(
            IHospitalPatient.Terms(
                terms.policyDigest,
                terms.patientKeysDigest,
                terms.authorityKeysDigest,
                terms.headersDigest
            ),
            terms.levels,
            terms.nonce + 1,
            headers
        );
        // Last, when all is written: a wallet's code runs here.
        _requireSignature(
            terms.patient, keccak256(abi.encode(AMSC_RELATIONSHIP_TYPEHASH, terms)), signature
        );
    }

    /// @inheritdoc IAddressMapping
    function relationship(uint32 id, address patient) public view returns (address) {
        address place = predictRelationship(id, patient);
        return place.code.length == 0 ? address(0) : place;
    }

    /// @inheritdoc IAddressMapping
    function predictRelationship(uint32 id, address patient) public view returns (address) {
        return Pair.predict(_hospitalPatient, id, patient, address(this));
    }

    /// @inheritdoc IAddressMapping
    function nonceOf(uint32 id, address patient) public view returns (uint256) {
        address held = relationship(id, patient);
        return held == address(0) ? _nonces[id][patient] : IHospitalPatient(held).nonce();
    }

    /// @inheritdoc IAddressMapping
    function voidNonce(uint32 id, address patient, uint256 nonce, bytes calldata signature)
        external
    {
        address held = relationship(id, patient);
        if (held == address(0)) {
            uint256 current = _nonces[id][patient];
            if (nonce != current) revert AddressMappingBadNonce(nonce, current);
            _nonces[id][patient] = current + 1;
        } else {
            IHospitalPatient(held).voidNonce(nonce);
        }
        emit NonceVoided(id, patient, nonce);
        if (msg.sender != patient) {
            _requireSignature(
                patient, keccak256(abi.encode(AMSC_NONCE_VOID_TYPEHASH, id, nonce)), signature
            );
        }
    }

    // Whitelist

    /// @inheritdoc IAddressMapping
    function openEntry(
        uint32 id,
        address caller,
        address user,
        Path calldata path,
        uint40 expiry
    ) external onlyAccessRequest returns (uint24 serial, bool opened, uint8 category) {
        requireActiveHospital(id, caller);
        category = _requireCredential(user);
        Entry memory held = _entries[id][user][path.database];
        if (held.live != 0 && held.expiry <= block.timestamp) {
            _remove(id, user, path.database, held);
            held.live = 0;
        }
        if (held.live == 0) return (_open(id, user, path, expiry), true, category);
        _join(id, user, path, expiry, held);
        return (held.serial, false, category);
    }

    /// @inheritdoc IAddressMapping
    function leaveEntry(uint32 id, address user, uint16 database, uint24 serial)
        external
        onlyAccessRequest
    {
        Entry storage stored = _entries[id][user][database];
        Entry memory held = stored;
        if (held.serial != serial) return;
        if (held.live == 1) {
            _remove(id, user, database, held);
        } else {
            stored.live = --held.live;
            emit EntryLeft(id, user, database, held.live);
        }
    }

    /// @inheritdoc IAddressMapping
    function closeEntries(uint32 id, address user, uint16[] calldata databases)
        external
        onlyAccessRequest
        returns (uint24 serial)
    {
        for (uint256 i = 0; i < databases.length; ++i) {
            Entry memory held = _entries[id][user][databases[i]];
            if (held.live != 0) _remove(id, user, databases[i], held);
        }
        return _tallies[id].opened;
    }

    /// @inheritdoc IAddressMapping
    function removeEntry(uint32 id, address user, uint16 database) external {
        Hospital storage owned = _hospitals[id];
        if (owned.key != msg.sender && !(owned.suspended && msg.sender == owner())) {
            revert AddressMappingNotHospital(id, msg.sender);
        }
        Entry memory held = _entries[id][user][database];
        if (held.live == 0) revert AddressMappingNoEntry(id, user, database);
        _remove(id, user, database, held);
    }

    /// @inheritdoc IAddressMapping
    function sweepEntries(
        uint32 id,
        address[] calldata users,
        uint16[] calldata databases
    ) external {
        _requireFits(users.length, SWEEP_LIMIT);
        if (users.length != databases.length) {
            revert AddressMappingLengthMismatch(users.length, databases.length);
        }
        for (uint256 i = 0; i < users.length; ++i) {
            Entry memory held = _entries[id][users[i]][databases[i]];
            if (held.live != 0 && held.expiry <= block.timestamp) {
                _remove(id, users[i], databases[i], held);
            }
        }
    }

    /// @inheritdoc IAddressMapping
    function entry(uint32 id, address user, uint16 database)
        external
        view
        returns (Entry memory)
    {
        return _entries[id][user][database];
    }

    /// @inheritdoc IAddressMapping
    function isOpen(uint32 id, address user, uint16 database) external view returns (bool) {
        Entry memory held = _entries[id][user][database];
        return held.live != 0 && block.timestamp < held.expiry && !_hospitals[id].suspended
            && credentialLive(user);
    }

    /// @inheritdoc IAddressMapping
    function entrySum(uint32 id)
        external
        view
        returns (uint32 count, uint24 opened, uint256 sum)
    {
        Tally memory tally = _tallies[id];
        return (tally.count, tally.opened, tally.sum);
    }

    // The CA's role

    /// @notice The CA's role is handed over in two steps and cannot be dropped.
    function renounceOwnership() public pure override {
        revert AddressMappingNoRenouncing();
    }

    /// @dev Also runs for the first owner, whose generation is 1.
    function _transferOwnership(address newOwner) internal override {
        super._transferOwnership(newOwner);
        emit GenerationRaised(++_generation, newOwner);
    }

    function _open(uint32 id, address user, Path calldata path, uint40 expiry)
        private
        returns (uint24 serial)
    {
        Tally memory tally = _tallies[id];
        serial = ++tally.opened;
        ++tally.count;
        Entry memory made =
            Entry(path.vpn, path.databaseAddress, path.port, expiry, 1, serial);
        unchecked {
            // A sum modulo 2^192 is what is wanted.
            tally.sum += _hashEntry(id, user, path.database, made);
        }
        _tallies[id] = tally;
        _entries[id][user][path.database] = made;
        emit EntryOpened(
            id, user, path.database, path.vpn, path.databaseAddress, path.port, expiry, serial
        );
    }

    function _join(
        uint32 id,
        address user,
        Path calldata path,
        uint40 expiry,
        Entry memory held
    ) private {
        if (
            held.vpn != path.vpn || held.databaseAddress != path.databaseAddress
                || held.port != path.port
        ) revert AddressMappingPathDiffers(id, user, path.database);
        ++held.live;
        if (expiry > held.expiry) held.expiry = expiry;
        _entries[id][user][path.database] = held;
        emit EntryJoined(id, user, path.database, held.expiry, held.live);
    }

    function _remove(uint32 id, address user, uint16 database, Entry memory held) private {
        Tally memory tally = _tallies[id];
        --tally.count;
        unchecked {
            // The inverse of the sum in _open.
            tally.sum -= _hashEntry(id, user, database, held);
        }
        _tallies[id] = tally;
        delete _entries[id][user][database];
        emit EntryRemoved(id, user, database, held.serial);
    }

    function _takeKey(address key, uint32 id) private {
        if (key == address(0)) revert AddressMappingZeroAddress();
        if (_hospitalOf[key] != 0) revert AddressMappingKeyTaken(key);
        _hospitalOf[key] = id;
    }

    function _known(uint32 id) private view returns (Hospital storage held) {
        held = _hospitals[id];
        if (held.key == address(0)) revert AddressMappingUnknownHospital(id);
    }

    function _requireCredential(address institute) private view returns (uint8 category) {
        CredentialRecord memory held = _credentials[institute];
        if (held.generation == 0) revert AddressMappingNoCredential(institute);
        _requireValid(held.serial, held.expiry, held.generation);
        return held.category;
    }

    function _requireValid(uint64 serial, uint64 expiry, uint32 signedAt) private view {
        if (signedAt != _generation) revert AddressMappingWrongGeneration(signedAt, _generation);
        if (block.timestamp >= expiry) revert AddressMappingCredentialExpired(serial, expiry);
        if (_revoked[serial]) revert AddressMappingCredentialRevoked(serial);
    }

    function _requireSignature(address patient, bytes32 structHash, bytes calldata signature)
        private
        view
    {
        if (!Signature.isBy(patient, _hashTypedDataV4(structHash), signature)) {
            revert AddressMappingBadSignature(patient);
        }
    }

    function _requireFits(uint256 length, uint256 limit) private pure {
        if (length > limit) revert AddressMappingTooLong(length, limit);
    }

    function _requireLabel(string calldata label) private pure {
        bytes calldata text = bytes(label);
        bool good = text.length != 0 && text.length <= LABEL_LIMIT
            && !(text.length >= 2 && text[0] == "0" && text[1] == "x");
        for (uint256 i = 0; good && i < text.length; ++i) {
            bytes1 c = text[i];
            good = (c >= "a" && c <= "z") || (c >= "0" && c <= "9") || c == "." || c == "-";
        }
        if (!good) revert AddressMappingBadLabel(label);
    }

    function _hashEntry(uint32 id, address user, uint16 database, Entry memory held)
        private
        pure
        returns (uint192)
    {
        return uint192(
            uint256(
                keccak256(
                    abi.encode(
                        id, user, database, held.vpn, held.databaseAddress, held.port, held.serial
                    )
                )
            )
        );
    }
}
