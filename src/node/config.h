/* SPDX-License-Identifier: Apache-2.0 */
/* A node's configuration: DATA/node.json, public facts only. Uses base. Reads and writes files. */
#ifndef ACESO_NODE_CONFIG_H
#define ACESO_NODE_CONFIG_H

#include "base/buffer.h"

#define CONFIG_LABEL_SIZE 65
#define CONFIG_URL_SIZE 256
#define CONFIG_RPC_SIZE 1024
#define CONFIG_HOSPITALS_MAX 16 /* of one patient */
#define CONFIG_BYPASS_S 20
#define CONFIG_BYPASS_MAX_S 3600

enum node_role { ROLE_CA, ROLE_HOSPITAL, ROLE_PATIENT, ROLE_INSTITUTE, ROLE_CLOUD };

/* The consortium's chain and contracts, learnt from an invitation (the CA: by deploying). */
struct network {
    bool known;
    uint64_t chain_id;
    uint64_t first_block; /* the contracts' deployment */
    uint8_t amsc[20];
    uint8_t arsc[20];
    uint8_t ca[20];
};

/* A hospital as others see it. */
struct hospital_card {
    bool known;
    uint32_t id;
    uint8_t address[20];
    char label[CONFIG_LABEL_SIZE];
    char url[CONFIG_URL_SIZE];
};

/* A patient at one hospital: an address that is used there and nowhere else. */
struct patient_hospital {
    struct hospital_card card;
    uint8_t address[20]; /* the patient's own */
};

struct node_config {
    enum node_role role;
    char label[CONFIG_LABEL_SIZE];
    char host[64];
    uint16_t port;
    char url[CONFIG_URL_SIZE];
    char rpc[CONFIG_RPC_SIZE]; /* one URL or several, see chain/rpc.h */
    char confirmation[32];
    unsigned bypass_s;   /* a patient's: how long a hospital may take to carry what it ends */
    bool has_address;    /* a patient has one only after it joined a hospital */
    uint8_t address[20]; /* a patient's: that at the first hospital, to name the node by */
    struct network network;
    struct hospital_card hospital; /* ROLE_HOSPITAL: itself */
    struct patient_hospital hospitals[CONFIG_HOSPITALS_MAX]; /* ROLE_PATIENT, as they were joined */
    size_t hospital_count;
};

const char *role_name(enum node_role role);
ACESO_NODISCARD int role_parse(const char *text, enum node_role *role);

/* Reads "host:port" (an IPv4 address or a name, a port that is not 0). A patient's node listens
 * nowhere: it has no host, port 0 and the URL "". */
ACESO_NODISCARD int config_listen(struct node_config *config, const char *listen,
                                  struct aceso_error *error);

ACESO_NODISCARD int config_load(const char *directory, struct node_config *config,
                                struct aceso_error *error);
ACESO_NODISCARD int config_save(const char *directory, const struct node_config *config,
                                struct aceso_error *error);

/* Hospital `id` among a patient's; NULL where it is none of them. */
const struct patient_hospital *config_hospital(const struct node_config *config, uint32_t id);

/* The name, below the data directory, of what belongs to hospital `at` of a patient:
 * tls/hospital-<id>/<name>. That of the first is tls/<name>, as in a node of any other role. */
#define CONFIG_FILE_SIZE 64
void config_hospital_file(const struct node_config *config, size_t at, const char *name,
                          char out[CONFIG_FILE_SIZE]);

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
