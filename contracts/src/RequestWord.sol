// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Status} from "./Codes.sol";

/// @notice What is kept of a request, in one word, from the highest bit: serial of the whitelist
/// entry (24), database (16), time (40), level (8), status (8), patient (160). The time is the term
/// asked for until the approval and the end of the consent from then on; the serial tells which.
/// The rest of a request is in its id.
type RequestWord is uint256;

using RequestWordLibrary for RequestWord global;

/// @title What is done with a request
library RequestWordLibrary {
    /// @notice An open request.
    function make(address patient_, uint8 level_, uint40 term)
        internal
        pure
        returns (RequestWord)
    {
        return RequestWord.wrap(
            uint256(term) << 176 | uint256(level_) << 168 | uint256(Status.OPEN) << 160
                | uint160(patient_)
        );
    }

    /// @notice The request once approved.
    function approved(
        RequestWord word,
        uint8 level_,
        uint40 until,
        uint16 database_,
        uint24 serial_
    ) internal pure returns (RequestWord) {
        return RequestWord.wrap(
            uint256(serial_) << 232 | uint256(database_) << 216 | uint256(until) << 176
                | uint256(level_) << 168 | uint256(Status.APPROVED) << 160
                | uint160(RequestWord.unwrap(word))
        );
    }

    /// @notice The request in another status.
    function withStatus(RequestWord word, Status status_) internal pure returns (RequestWord) {
        return RequestWord.wrap(
            RequestWord.unwrap(word) & ~(uint256(255) << 160) | uint256(status_) << 160
        );
    }

    /// @notice The patient.
    function patient(RequestWord word) internal pure returns (address) {
        return address(uint160(RequestWord.unwrap(word)));
    }

    /// @notice Where the request stands; NONE if there is none.
    function status(RequestWord word) internal pure returns (Status) {
        return Status(uint8(RequestWord.unwrap(word) >> 160));
    }

    /// @notice The level asked for, or granted once approved.
    function level(RequestWord word) internal pure returns (uint8) {
        return uint8(RequestWord.unwrap(word) >> 168);
    }

    /// @notice The term asked for, or the end of the consent once approved.
    function time(RequestWord word) internal pure returns (uint40) {
        return uint40(RequestWord.unwrap(word) >> 176);
    }

    /// @notice Number of the database, once approved.
    function database(RequestWord word) internal pure returns (uint16) {
        return uint16(RequestWord.unwrap(word) >> 216);
    }

    /// @notice Serial of the whitelist entry, once approved; 0 before.
    function serial(RequestWord word) internal pure returns (uint24) {
        return uint24(RequestWord.unwrap(word) >> 232);
    }
}
