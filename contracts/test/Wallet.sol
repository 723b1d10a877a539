// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @dev A patient's wallet as a contract: answers for its owner's key, or misbehaves.
contract Wallet {
    enum Mode {
        ANSWER,
        SHORT,
        REVERT,
        SPIN
    }

    address private immutable _owner;
    Mode private _mode;

    constructor(address owner) {
        _owner = owner;
    }

    function setMode(Mode mode) external {
        _mode = mode;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature)
        external
        view
        returns (bytes4)
    {
        require(_mode != Mode.REVERT, "refused");
        while (_mode == Mode.SPIN) {}
        if (_mode == Mode.SHORT) {
            assembly ("memory-safe") {
                mstore(0, 0x1626ba7e)
                return(28, 4)
            }
        }
        return
            ECDSA.recover(digest, signature) == _owner
                ? this.isValidSignature.selector
                : bytes4(0);
    }
}
