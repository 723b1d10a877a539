// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// EIP-712 types. The domain is name "aceso", version "1", the chain id, and as verifying contract
// the one that the prefix names: AMSC and ARSC are single contracts, HPSC is the pair's own. The C
// header takes its type hashes from here.

bytes32 constant AMSC_CREDENTIAL_TYPEHASH = keccak256(
    "Credential(address institute,uint8 category,bytes32 sealKey,bytes32 tlsKeyDigest,"
    "uint64 serial,uint64 expiry,uint32 generation)"
);

bytes32 constant AMSC_RELATIONSHIP_TYPEHASH = keccak256(
    "Relationship(uint32 hospital,address patient,bytes32 policyDigest,uint256 levels,"
    "bytes32 patientKeysDigest,bytes32 authorityKeysDigest,bytes32 headersDigest,"
    "uint256 nonce,uint64 deadline)"
);

bytes32 constant AMSC_NONCE_VOID_TYPEHASH = keccak256("NonceVoid(uint32 hospital,uint256 nonce)");

bytes32 constant HPSC_EPOCH_TYPEHASH = keccak256(
    "Epoch(uint32 patientEpoch,uint32 hospitalEpoch,bytes32 policyDigest,uint256 levels,"
    "bytes32 patientKeysDigest,bytes32 authorityKeysDigest,bytes32 headersDigest,"
    "uint256 nonce,uint64 deadline)"
);

bytes32 constant HPSC_OVERRIDE_TYPEHASH =
    keccak256("Override(address institute,uint8 level,uint256 nonce,uint64 deadline)");

bytes32 constant HPSC_BATCH_TYPEHASH = keccak256(
    "Batch(uint64 number,bytes32 previousRoot,bytes32 root,uint32 records,uint32 leaves)"
);

bytes32 constant ARSC_APPROVAL_TYPEHASH = keccak256(
    "Approval(uint256 request,uint32 hospital,address patient,address institute,"
    "uint8 level,uint64 term,uint32 patientEpoch,bytes32 grantDigest,uint256 nonce,"
    "uint64 deadline)"
);

bytes32 constant ARSC_REFUSAL_TYPEHASH = keccak256("Refusal(uint256 request)");

bytes32 constant ARSC_REVOCATION_TYPEHASH = keccak256("Revocation(uint256 request)");
