/* SPDX-License-Identifier: Apache-2.0 */
/* The hospital's use of a cloud: which one, carrying sealed parts there and back in the background,
 * and what became of them. Uses node, record (records_away), cloud_client. */
#ifndef ACESO_HOSPITAL_CLOUD_H
#define ACESO_HOSPITAL_CLOUD_H

#include "hospital/cloud_client.h"
#include "node/node.h"
#include "record/records_away.h"

/* Which cloud; in node.db. */
struct cloud_setting {
    bool known;
    bool leaving; /* everything is to come home */
    uint8_t address[20];
    char url[CONFIG_URL_SIZE];
};
ACESO_NODISCARD int cloud_setting_load(struct store *store, struct cloud_setting *setting,
                                       struct aceso_error *error);

/* A way to the cloud for one thread. Without a cloud it is empty: `store` and `keys` are NULL. */
struct cloud_access {
    struct cloud_setting setting;
    struct cloud_client *client;
    const struct part_store *store;
    struct object_keys *keys; /* locked memory */
};
ACESO_NODISCARD int cloud_access_open(struct node *node, struct store *store,
                                      struct cloud_access *access, struct aceso_error *error);
void cloud_access_close(struct cloud_access *access); /* accepts a zeroed one */

/* Whether asking the cloud again may help. */
bool cloud_may_pass(int code);

/* Logs what is wrong with a record, by its own id and the patient's address. */
void cloud_log_fault(const struct away_record *record);

int cloud_use(struct operation *operation, struct buffer *result, struct aceso_error *error);
int cloud_carry(struct operation *operation, struct buffer *result, struct aceso_error *error);

/* Sees to it that something carries where there is a cloud; on the chain thread. */
ACESO_NODISCARD int cloud_tick(struct node *node, struct store *store, struct aceso_error *error);

/* audit.c: every record that is kept, here or there, against what it must be. */
int audit_run(struct operation *operation, struct buffer *result, struct aceso_error *error);

/* How things stand, as a member "cloud" of a JSON object, and in a line or two for people. Nothing
 * where there is no cloud and no fault. */
ACESO_NODISCARD int cloud_describe(struct node *node, struct store *store,
                                   struct json_writer *writer, struct buffer *text,
                                   struct aceso_error *error);

#endif
