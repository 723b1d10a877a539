// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What kind of party an institute is. Credentials carry the code; the patient's table maps
/// it to a level. Codes up to 31 may be used by a consortium without a change of the contracts.
enum Category {
    NONE,
    PHARMACY,
    INSURANCE,
    MEDICAL_SCHOOL,
    HOSPITAL
}

/// @notice Why an institute asks: codes of HL7 PurposeOfUse. Requests carry the number; numbers
/// that are not in this list are accepted and have the meaning the consortium gives them.
enum Purpose {
    NONE,
    TREAT,
    HPAYMT,
    HOPERAT,
    HRESCH,
    PATRQT,
    ETREAT,
    PUBHLTH,
    CAREMGT,
    HMARKT,
    FAMRQT,
    COVERAGE,
    CLINTRCH
}

/// @notice Where a request stands. OPEN is the only state that APPROVED, REFUSED, DENIED and
/// WITHDRAWN follow; APPROVED is the only one that REVOKED and ENDED follow; EXPIRED follows both.
enum Status {
    NONE,
    OPEN,
    APPROVED,
    REFUSED,
    DENIED,
    WITHDRAWN,
    EXPIRED,
    REVOKED,
    ENDED
}
