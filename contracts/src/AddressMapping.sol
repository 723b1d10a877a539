// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {EntryWord, EntryWordLibrary} from "./EntryWord.sol";
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
    /// @dev Counts only until the pair has its contract, which then keeps the nonce.
    mapping(uint32 hospital => mapping(address patient => uint256)) private _nonces;
    mapping(uint256 hospitalUserDatabase => EntryWord) private _entries;
    /// @dev Sum of entry hashes (192 bits), entries (32), openings (32), from the highest bit.
    mapping(uint32 hospital => uint256) private _tallies;

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
    function updateHospital(uint32 id, string calldata url, bytes32 sealKey, bytes32 tlsKeyDigest)
        external
        onlyOwner
    {
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
        Hospital storage held = _hospitals[id];
        (address key, bool suspended) = (held.key, held.suspended);
        if (key != caller) revert AddressMappingNotHospital(id, caller);
        if (suspended) revert AddressMappingHospitalSuspended(id);
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
        _requireValid(
            credential.institute,
            CredentialRecord(
                credential.serial,
                _credentials[credential.institute].revokedThrough,
                _exact(credential.expiry),
                credential.generation,
                credential.category
            )
        );
        bytes32 digest =
            _hashTypedDataV4(keccak256(abi.encode(AMSC_CREDENTIAL_TYPEHASH, credential)));
        if (!Signature.isBy(owner(), digest, signature)) {
            revert AddressMappingBadCredentialSignature();
        }
    }

    /// @inheritdoc IAddressMapping
    function requireCredential(address institute) public view returns (uint8 category) {
        CredentialRecord memory held = _credentials[institute];
        if (held.generation == 0) revert AddressMappingNoCredential(institute);
        _requireValid(institute, held);
        return held.category;
    }

    /// @inheritdoc IAddressMapping
    function acceptCredential(
        address institute,
        Credential calldata credential,
        bytes calldata signature
    ) external onlyAccessRequest {
        if (signature.length == 0) {
            requireCredential(institute);
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
            credential.serial,
            held.revokedThrough,
            _exact(credential.expiry),
            credential.generation,
            credential.category
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
    function revokeCredential(address institute, uint64 serial) external onlyOwner {
        CredentialRecord storage held = _credentials[institute];
        if (serial <= held.revokedThrough) {
            revert AddressMappingCredentialRevoked(institute, serial);
        }
        held.revokedThrough = serial;
        emit CredentialRevoked(institute, serial);
    }

    /// @inheritdoc IAddressMapping
    function credentialOf(address institute) external view returns (CredentialRecord memory) {
        return _credentials[institute];
    }

    /// @inheritdoc IAddressMapping
    function credentialLive(address institute) public view returns (bool) {
        CredentialRecord memory held = _credentials[institute];
        return held.generation == _generation && block.timestamp < held.expiry
            && held.serial > held.revokedThrough;
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
        IHospitalPatient(made)
            .initialize(
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
        uint16 database,
        uint80 way,
        uint40 expiry
    ) external onlyAccessRequest returns (uint24 serial, bool opened) {
        requireActiveHospital(id, caller);
        uint256 place = _place(id, user, database);
        EntryWord held = _entries[place];
        if (held.isHeld() && held.expiry() <= block.timestamp) {
            _remove(id, user, database, held);
            held = EntryWord.wrap(0);
        }
        if (held.isHeld()) {
            if (held.way() != way) revert AddressMappingPathDiffers(id, user, database);
            if (expiry > held.expiry()) emit EntryExtended(id, user, database, expiry);
            _entries[place] = held.joined(expiry);
            return (held.serial(), false);
        }
        uint256 tally = _tallies[id];
        serial = uint24(tally) + 1;
        held = EntryWordLibrary.make(way, expiry, serial);
        unchecked {
            // The sum wraps modulo 2^192 by intent; the two counters cannot reach their neighbours,
            // since there are no more entries than openings, and those are checked above.
            _tallies[id] = tally + _weigh(place, held) + (1 << 32) + 1;
        }
        _entries[place] = held;
        emit EntryOpened(id, user, database, way, expiry, serial);
        return (serial, true);
    }

    /// @inheritdoc IAddressMapping
    function leaveEntry(uint32 id, address user, uint16 database, uint24 serial)
        external
        onlyAccessRequest
    {
        EntryWord held = _entries[_place(id, user, database)];
        if (held.serial() != serial) return;
        if (held.live() == 1) {
            _remove(id, user, database, held);
        } else {
            _entries[_place(id, user, database)] = held.left();
        }
    }

    /// @inheritdoc IAddressMapping
    function closeEntries(uint32 id, address user, uint16[] calldata databases)
        external
        onlyAccessRequest
        returns (uint24 serial)
    {
        for (uint256 i = 0; i < databases.length; ++i) {
            EntryWord held = _entries[_place(id, user, databases[i])];
            if (held.isHeld()) _remove(id, user, databases[i], held);
        }
        return uint24(_tallies[id]);
    }

    /// @inheritdoc IAddressMapping
    function removeEntry(uint32 id, address user, uint16 database) external {
        Hospital storage owned = _hospitals[id];
        if (owned.key != msg.sender && !(owned.suspended && msg.sender == owner())) {
            revert AddressMappingNotHospital(id, msg.sender);
        }
        EntryWord held = _entries[_place(id, user, database)];
        if (!held.isHeld()) revert AddressMappingNoEntry(id, user, database);
        _remove(id, user, database, held);
    }

    /// @inheritdoc IAddressMapping
    function sweepEntries(uint32 id, address[] calldata users, uint16[] calldata databases)
        external
    {
        _requireFits(users.length, SWEEP_LIMIT);
        if (users.length != databases.length) {
            revert AddressMappingLengthMismatch(users.length, databases.length);
        }
        for (uint256 i = 0; i < users.length; ++i) {
            EntryWord held = _entries[_place(id, users[i], databases[i])];
            if (held.isHeld() && held.expiry() <= block.timestamp) {
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
        return _entries[_place(id, user, database)].toEntry();
    }

    /// @inheritdoc IAddressMapping
    function isOpen(uint32 id, address user, uint16 database) external view returns (bool) {
        EntryWord held = _entries[_place(id, user, database)];
        return held.isHeld() && block.timestamp < held.expiry() && !_hospitals[id].suspended
            && credentialLive(user);
    }

    /// @inheritdoc IAddressMapping
    function entrySum(uint32 id)
        external
        view
        returns (uint32 count, uint24 opened, uint256 sum)
    {
        uint256 tally = _tallies[id];
        return (uint32(tally >> 32), uint24(tally), tally >> 64);
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

    function _remove(uint32 id, address user, uint16 database, EntryWord held) private {
        uint256 place = _place(id, user, database);
        unchecked {
            // Takes away what _open added for this entry.
            _tallies[id] -= _weigh(place, held) + (1 << 32);
        }
        _entries[place] = EntryWord.wrap(0);
        emit EntryRemoved(id, user, database, held.serial());
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

    function _requireValid(address institute, CredentialRecord memory held) private view {
        uint32 current = _generation;
        if (held.generation != current) {
            revert AddressMappingWrongGeneration(held.generation, current);
        }
        if (block.timestamp >= held.expiry) {
            revert AddressMappingCredentialExpired(held.serial, held.expiry);
        }
        if (held.serial <= held.revokedThrough) {
            revert AddressMappingCredentialRevoked(institute, held.serial);
        }
    }

    function _requireSignature(address patient, bytes32 structHash, bytes calldata signature)
        private
        view
    {
        if (!Signature.isBy(patient, _hashTypedDataV4(structHash), signature)) {
            revert AddressMappingBadSignature(patient);
        }
    }

    /// @dev Times beyond 40 bits (some 34,000 years) mean never.
    function _exact(uint64 time) private pure returns (uint40) {
        return time > type(uint40).max ? type(uint40).max : uint40(time);
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

    /// @dev The three names as one key: one hash instead of three.
    function _place(uint32 id, address user, uint16 database) private pure returns (uint256) {
        return uint256(id) << 176 | uint256(uint160(user)) << 16 | database;
    }

    /// @dev The entry's hash at the place of the sum in a tally.
    function _weigh(uint256 place, EntryWord held) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(place, held.identity()))) << 64;
    }
}
