// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAddressMapping} from "./interfaces/IAddressMapping.sol";

/// @notice A whitelist entry in one word, from the highest bit: 72 unused, the way (80), the serial
/// (24), consents that hold it (40), expiry (40). Packed by hand because every approval and every
/// revocation pays for it.
type EntryWord is uint256;

using EntryWordLibrary for EntryWord global;

/// @title What is done with an entry
library EntryWordLibrary {
    /// @notice VPN address (32), database address (32) and port (16) as one number.
    function pack(IAddressMapping.Path calldata path) internal pure returns (uint80) {
        return uint80(path.vpn) << 48 | uint80(path.databaseAddress) << 16 | path.port;
    }

    /// @notice A new entry, held by one consent.
    function make(uint80 way_, uint40 expiry_, uint24 serial_) internal pure returns (EntryWord) {
        return EntryWord.wrap(uint256(way_) << 104 | uint256(serial_) << 80 | 1 << 40 | expiry_);
    }

    /// @notice With one consent more, and no shorter than that.
    function joined(EntryWord word, uint40 expiry_) internal pure returns (EntryWord) {
        uint256 raw = EntryWord.unwrap(word) + (1 << 40);
        return EntryWord.wrap(expiry_ > expiry(word) ? raw >> 40 << 40 | expiry_ : raw);
    }

    /// @notice With one consent less.
    function left(EntryWord word) internal pure returns (EntryWord) {
        return EntryWord.wrap(EntryWord.unwrap(word) - (1 << 40));
    }

    /// @notice Whether there is an entry.
    function isHeld(EntryWord word) internal pure returns (bool) {
        return EntryWord.unwrap(word) != 0;
    }

    /// @notice The way, as `pack` makes it.
    function way(EntryWord word) internal pure returns (uint80) {
        return uint80(EntryWord.unwrap(word) >> 104);
    }

    /// @notice What does not change while the entry lives: the way and the serial.
    function identity(EntryWord word) internal pure returns (uint256) {
        return EntryWord.unwrap(word) >> 80;
    }

    /// @notice Unix time of the end.
    function expiry(EntryWord word) internal pure returns (uint40) {
        return uint40(EntryWord.unwrap(word));
    }

    /// @notice Consents that hold it.
    function live(EntryWord word) internal pure returns (uint32) {
        return uint32(EntryWord.unwrap(word) >> 40);
    }

    /// @notice Number of the opening.
    function serial(EntryWord word) internal pure returns (uint24) {
        return uint24(EntryWord.unwrap(word) >> 80);
    }

    /// @notice The entry in the form of the interface.
    function toEntry(EntryWord word) internal pure returns (IAddressMapping.Entry memory) {
        uint256 raw = EntryWord.unwrap(word);
        return IAddressMapping.Entry(
            uint32(raw >> 152),
            uint32(raw >> 120),
            uint16(raw >> 104),
            expiry(word),
            live(word),
            serial(word)
        );
    }
}
