/* SPDX-License-Identifier: Apache-2.0 */
/* HISC (HospitalInstitute.sol): the contract of one hospital and one institute. What each thing
 * means stands in the contract's interface. Uses contract.h. Network I/O in views only. */
#ifndef ACESO_CHAIN_HISC_H
#define ACESO_CHAIN_HISC_H

#include "chain/contract.h"

#define HISC_DATABASES_MAX 8

/* Call data: by the hospital; by either side. */
ACESO_NODISCARD int hisc_call_record_attributes(const uint8_t attributes_digest[32],
                                                struct buffer *call, struct aceso_error *error);
ACESO_NODISCARD int hisc_call_end(struct buffer *call, struct aceso_error *error);

/* Whether the access string with this digest may be run now: what the gateway asks before and
 * while it serves. */
ACESO_NODISCARD int hisc_is_live(const struct contract *hisc, const uint8_t access_digest[32],
                                 bool *live, struct aceso_error *error);

/* The request an access string was recorded for; ACESO_ENOTFOUND if none. */
ACESO_NODISCARD int hisc_request_of(const struct contract *hisc, const uint8_t access_digest[32],
                                    uint8_t request[32], struct aceso_error *error);

struct hisc_state {
    uint32_t hospital;
    uint8_t institute[20];
    uint8_t attributes_digest[32];
    uint64_t live_consents;
    bool ended;
    uint32_t ended_through;
    uint16_t database[HISC_DATABASES_MAX];
    size_t databases;
};

/* All of it at one block (`hisc->block`, or the newest there is). */
ACESO_NODISCARD int hisc_state(const struct contract *hisc, struct hisc_state *state,
                               struct aceso_error *error);

enum hisc_event_kind { HISC_ATTRIBUTES_RECORDED, HISC_ENDED };

/* Which members are set depends on the kind; the others are zero. */
struct hisc_event {
    enum hisc_event_kind kind;
    uint32_t hospital;
    uint8_t institute[20];
    uint8_t attributes_digest[32]; /* attributes recorded */
    uint32_t ended_through;        /* ended */
};

/* ACESO_ENOTFOUND for another contract's event. The caller checks the log's address. */
ACESO_NODISCARD int hisc_event_read(const struct rpc_log *log, struct hisc_event *event,
                                    struct aceso_error *error);

#endif
