// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";

/// @title Contracts of a hospital and another party
/// @notice A pair's contract is an EIP-1167 clone that carries the two names in its code, at an
/// address that follows from them: nothing needs to be stored to find it or to trust it.
library Pair {
    /// @notice Makes the contract of a pair; reverts if there is one.
    function deploy(address implementation, uint32 hospital, address party)
        internal
        returns (address)
    {
        bytes memory packed = abi.encodePacked(hospital, party);
        return
            Clones.cloneDeterministicWithImmutableArgs(implementation, packed, keccak256(packed));
    }

    /// @notice Where the contract of a pair is or would be.
    function predict(address implementation, uint32 hospital, address party, address deployer)
        internal
        pure
        returns (address)
    {
        bytes memory packed = abi.encodePacked(hospital, party);
        return Clones.predictDeterministicAddressWithImmutableArgs(
            implementation, packed, keccak256(packed), deployer
        );
    }

    /// @notice The names in this contract's own code. Means nothing in an implementation.
    function names() internal view returns (uint32 hospital, address party) {
        bytes memory packed = Clones.fetchCloneArgs(address(this));
        // 4 and 20 bytes, as packed above.
        uint256 word = uint256(bytes32(packed));
        hospital = uint32(word >> 224);
        party = address(uint160(word >> 64));
    }
}
