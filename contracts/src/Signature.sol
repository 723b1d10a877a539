// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title Signatures by keys and by wallets
/// @notice OpenZeppelin's SignatureChecker looks at the signer's code first, which costs 2,600 gas
/// for every key; here the key is tried first, and a wallet gets a bounded amount of gas.
library Signature {
    uint256 private constant WALLET_GAS = 100_000;

    /// @notice Whether `signature` over `digest` is the signer's, by ECDSA or by EIP-1271.
    function isBy(address signer, bytes32 digest, bytes calldata signature)
        internal
        view
        returns (bool)
    {
        (address recovered, ECDSA.RecoverError fault,) = ECDSA.tryRecover(digest, signature);
        if (fault == ECDSA.RecoverError.NoError && recovered == signer) return true;
        if (signer.code.length == 0) return false;
        (bool success, bytes memory answer) = signer.staticcall{gas: WALLET_GAS}(
            abi.encodeCall(IERC1271.isValidSignature, (digest, signature))
        );
        return success && answer.length >= 32
            && abi.decode(answer, (bytes32)) == bytes32(IERC1271.isValidSignature.selector);
    }
}
