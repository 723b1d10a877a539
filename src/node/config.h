/* SPDX-License-Identifier: Apache-2.0 */
/* A node's configuration: DATA/node.json, public facts only. Uses base. Reads and writes files. */
#ifndef ACESO_NODE_CONFIG_H
#define ACESO_NODE_CONFIG_H

#include "base/buffer.h"

#define CONFIG_LABEL_SIZE 65
#define CONFIG_URL_SIZE 256

enum node_role { ROLE_CA, ROLE_HOSPITAL, ROLE_PATIENT, ROLE_INSTITUTE };

/* The consortium's chain and contracts, learnt from an invitation (the CA: by deploying). */
struct network {
    bool known;
    uint64_t chain_id;
    uint64_t first_block; /* the contracts' deployment */
    uint8_t amsc[20];
    uint8_t arsc[20];
    uint8_t ca[20];
};

/* A hospital as others see it: the node's own, or a patient's. */
struct hospital_card {
    bool known;
    uint32_t id;
    uint8_t address[20];
    char label[CONFIG_LABEL_SIZE];
    char url[CONFIG_URL_SIZE];
};

struct node_config {
    enum node_role role;
    char label[CONFIG_LABEL_SIZE];
    char host[64];
    uint16_t port;
    char url[CONFIG_URL_SIZE];
    char rpc[CONFIG_URL_SIZE];
    char confirmation[32];
    bool has_address;    /* a patient has one only after it joined a hospital */
    uint8_t address[20];
    struct network network;
    struct hospital_card hospital; /* ROLE_HOSPITAL: itself; ROLE_PATIENT: its hospital */
};

const char *role_name(enum node_role role);
ACESO_NODISCARD int role_parse(const char *text, enum node_role *role);

/* Reads "host:port" (an IPv4 address or a name, a port that is not 0). */
ACESO_NODISCARD int config_listen(struct node_config *config, const char *listen,
                                  struct aceso_error *error);

ACESO_NODISCARD int config_load(const char *directory, struct node_config *config,
                                struct aceso_error *error);
ACESO_NODISCARD int config_save(const char *directory, const struct node_config *config,
                                struct aceso_error *error);

/* The network and the hospital as members of a JSON object, as node.json and invitations have
 * them. `json` is the object that holds them. */
struct json_writer;
struct yyjson_val;
void network_write(const struct network *network, struct json_writer *writer);
ACESO_NODISCARD int network_read(const struct yyjson_val *json, struct network *network,
                                 struct aceso_error *error);
void hospital_card_write(const struct hospital_card *card, struct json_writer *writer);
ACESO_NODISCARD int hospital_card_read(const struct yyjson_val *json, struct hospital_card *card,
                                       struct aceso_error *error);

#endif
