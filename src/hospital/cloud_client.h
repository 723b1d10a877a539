/* SPDX-License-Identifier: Apache-2.0 */
/* A HIPAA cloud over HTTPS as a part_store: TLS 1.3, both sides authenticated, the cloud known by
 * its role and address. Uses net, record (part_store). Connections are kept between calls. */
#ifndef ACESO_HOSPITAL_CLOUD_CLIENT_H
#define ACESO_HOSPITAL_CLOUD_CLIENT_H

#include "net/http_client.h"
#include "node/recent.h"
#include "record/part_store.h"

struct cloud_client;

/* `url` ("https://host:port") is copied. `recent` (may be NULL) notes how calls end. */
ACESO_NODISCARD int cloud_client_create(const struct http_client_options *options, const char *url,
                                        const uint8_t address[20], struct recent *recent,
                                        struct cloud_client **client, struct aceso_error *error);
void cloud_client_free(struct cloud_client *client); /* accepts NULL */

/* The store, which lives as long as the client. */
const struct part_store *cloud_client_store(const struct cloud_client *client);

/* Asks how much the cloud keeps for us: whether it answers, and is the one that was meant. */
struct cloud_usage {
    uint64_t objects;
    uint64_t bytes;
    uint64_t quota;
};
ACESO_NODISCARD int cloud_client_usage(struct cloud_client *client, struct cloud_usage *usage,
                                       struct aceso_error *error);

#endif
