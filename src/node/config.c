/* SPDX-License-Identifier: Apache-2.0 */
#include "node/config.h"

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define CONFIG_VERSION 2 /* 1: a patient with one hospital, in the members of a node */
#define CONFIG_SIZE_MAX 65536

static const char *const role_names[] = {
    [ROLE_CA] = "ca",
    [ROLE_HOSPITAL] = "hospital",
    [ROLE_PATIENT] = "patient",
    [ROLE_INSTITUTE] = "institute",
    [ROLE_CLOUD] = "cloud",
};

const char *role_name(enum node_role role)
{
    return role_names[role];
}

int role_parse(const char *text, enum node_role *role)
{
    for (size_t i = 0; i < sizeof role_names / sizeof role_names[0]; i++) {
        if (strcmp(text, role_names[i]) == 0) {
            *role = (enum node_role)i;
            return ACESO_OK;
        }
    }
    return ACESO_EUSAGE;
}

static int config_copy(const char *text, char *out, size_t size, const char *what,
                       struct aceso_error *error)
{
    int len = snprintf(out, size, "%s", text);

    if (len < 0 || (size_t)len >= size)
        return error_set(error, ACESO_ELIMIT, what, "longer than %zu bytes", size - 1);
    return ACESO_OK;
}

int config_listen(struct node_config *config, const char *listen, struct aceso_error *error)
{
    const char *colon = strrchr(listen, ':');
    uint64_t port;

    if (!colon || colon == listen || (size_t)(colon - listen) >= sizeof config->host ||
        text_u64(colon + 1, 65535, &port) || port == 0)
        return error_set(error, ACESO_EUSAGE, "listen", "not an address of the form host:port");
    memcpy(config->host, listen, (size_t)(colon - listen));
    config->host[colon - listen] = '\0';
    config->port = (uint16_t)port;
    (void)snprintf(config->url, sizeof config->url, "https://%s:%u", config->host,
                   (unsigned)config->port);
    return ACESO_OK;
}

void network_write(const struct network *network, struct json_writer *writer)
{
    json_open(writer, "network", '{');
    json_put_u64(writer, "chain_id", network->chain_id);
    json_put_u64(writer, "first_block", network->first_block);
    json_put_hex(writer, "amsc", network->amsc, 20);
    json_put_hex(writer, "arsc", network->arsc, 20);
    json_put_hex(writer, "ca", network->ca, 20);
    json_close(writer, '}');
}

int network_read(const yyjson_val *json, struct network *network, struct aceso_error *error)
{
    const yyjson_val *object = yyjson_obj_get((yyjson_val *)(uintptr_t)json, "network");
    struct network read = { .known = true };
    int code = json_u64(object, "chain_id", UINT32_MAX, &read.chain_id, error);

    if (!code)
        code = json_u64(object, "first_block", UINT64_MAX, &read.first_block, error);
    if (!code)
        code = json_hex(object, "amsc", read.amsc, 20, error);
    if (!code)
        code = json_hex(object, "arsc", read.arsc, 20, error);
    if (!code)
        code = json_hex(object, "ca", read.ca, 20, error);
    if (code)
        return error_at(error, code, "network");
    *network = read;
    return ACESO_OK;
}

void hospital_card_write(const struct hospital_card *card, struct json_writer *writer)
{
    json_open(writer, "hospital", '{');
    json_put_u64(writer, "id", card->id);
    json_put_hex(writer, "address", card->address, 20);
    json_put_string(writer, "label", card->label);
    json_put_string(writer, "url", card->url);
    json_close(writer, '}');
}

int hospital_card_read(const yyjson_val *json, struct hospital_card *card,
                       struct aceso_error *error)
{
    const yyjson_val *object = yyjson_obj_get((yyjson_val *)(uintptr_t)json, "hospital");
    struct hospital_card read = { .known = true };
    const char *label = NULL, *url = NULL;
    uint64_t id = 0;
    int code = json_u64(object, "id", UINT32_MAX, &id, error);

    if (!code)
        code = json_hex(object, "address", read.address, 20, error);
    if (!code)
        code = json_string(object, "label", &label, error);
    if (!code)
        code = json_string(object, "url", &url, error);
    if (!code)
        code = config_copy(label, read.label, sizeof read.label, "label", error);
    if (!code)
        code = config_copy(url, read.url, sizeof read.url, "url", error);
    if (code)
        return error_at(error, code, "hospital");
    read.id = (uint32_t)id;
    *card = read;
    return ACESO_OK;
}

const struct patient_hospital *config_hospital(const struct node_config *config, uint32_t id)
{
    for (size_t i = 0; i < config->hospital_count; i++) {
        if (config->hospitals[i].card.id == id)
            return &config->hospitals[i];
    }
    return NULL;
}

void config_hospital_file(const struct node_config *config, size_t at, const char *name,
                          char out[CONFIG_FILE_SIZE])
{
    if (at == 0)
        (void)snprintf(out, CONFIG_FILE_SIZE, "tls/%s", name);
    else
        (void)snprintf(out, CONFIG_FILE_SIZE, "tls/hospital-%lu/%s",
                       (unsigned long)config->hospitals[at].card.id, name);
}

static int config_read_hospital(const yyjson_val *json, struct node_config *config,
                                struct aceso_error *error)
{
    struct patient_hospital read;
    int code = config->hospital_count == CONFIG_HOSPITALS_MAX
                   ? error_set(error, ACESO_ELIMIT, "hospitals", "more than %d",
                               CONFIG_HOSPITALS_MAX)
                   : hospital_card_read(json, &read.card, error);

    if (!code)
        code = json_hex(json, "address", read.address, 20, error);
    if (!code && config_hospital(config, read.card.id))
        code = error_set(error, ACESO_EFORMAT, "hospitals", "the same one twice");
    if (!code)
        config->hospitals[config->hospital_count++] = read;
    return code;
}

/* A patient's hospitals; in version 1 there was one, and its members stood with the others. */
static int config_read_patient(const yyjson_val *json, struct node_config *config,
                               struct aceso_error *error)
{
    yyjson_val *root = (yyjson_val *)(uintptr_t)json, *entry;
    uint64_t bypass = json_u64_or(json, "bypass", CONFIG_BYPASS_S);
    size_t at, count;
    int code = ACESO_OK;

    if (bypass < 1 || bypass > CONFIG_BYPASS_MAX_S)
        return error_set(error, ACESO_EFORMAT, "bypass", "not 1 to %d seconds",
                         CONFIG_BYPASS_MAX_S);
    config->bypass_s = (unsigned)bypass;
    if (yyjson_obj_get(root, "hospital"))
        code = config_read_hospital(json, config, error);
    yyjson_arr_foreach(yyjson_obj_get(root, "hospitals"), at, count, entry)
    {
        if (!code)
            code = config_read_hospital(entry, config, error);
    }
    if (!code && config->hospital_count) {
        memcpy(config->address, config->hospitals[0].address, 20);
        config->has_address = true;
    }
    return code;
}

static int config_read(const yyjson_val *json, struct node_config *config,
                       struct aceso_error *error)
{
    const char *role = NULL, *label = NULL, *listen = NULL, *rpc = NULL;
    uint64_t version = 0;
    int code = json_u64(json, "version", CONFIG_VERSION, &version, error);

    if (!code && version < 1)
        code = error_set(error, ACESO_EFORMAT, "version", "unknown version");
    if (!code)
        code = json_string(json, "role", &role, error);
    if (!code && role_parse(role, &config->role))
        code = error_set(error, ACESO_EFORMAT, "role", "there is no such role");
    if (!code)
        code = json_string(json, "label", &label, error);
    if (!code)
        code = config_copy(label, config->label, sizeof config->label, "label", error);
    if (!code && config->role != ROLE_PATIENT) {
        code = json_string(json, "listen", &listen, error);
        if (!code)
            code = config_listen(config, listen, error);
    }
    if (!code)
        code = json_string(json, "rpc", &rpc, error);
    if (!code)
        code = config_copy(rpc, config->rpc, sizeof config->rpc, "rpc", error);
    if (!code)
        code = config_copy(json_string_or(json, "confirmation", "depth:0"), config->confirmation,
                           sizeof config->confirmation, "confirmation", error);
    if (!code && config->role != ROLE_PATIENT &&
        yyjson_obj_get((yyjson_val *)(uintptr_t)json, "address")) {
        code = json_hex(json, "address", config->address, 20, error);
        config->has_address = true;
    }
    if (!code && yyjson_obj_get((yyjson_val *)(uintptr_t)json, "network"))
        code = network_read(json, &config->network, error);
    if (!code && config->role == ROLE_PATIENT)
        code = config_read_patient(json, config, error);
    else if (!code && yyjson_obj_get((yyjson_val *)(uintptr_t)json, "hospital"))
        code = hospital_card_read(json, &config->hospital, error);
    return code;
}

int config_load(const char *directory, struct node_config *config, struct aceso_error *error)
{
    struct buffer text = BUFFER_INIT(CONFIG_SIZE_MAX);
    struct node_config loaded = { .role = ROLE_CA };
    yyjson_doc *doc = NULL;
    char path[PATH_MAX];
    int code = file_path(directory, "node.json", path, sizeof path);

    if (!code)
        code = file_read(path, &text, error);
    if (!code)
        code = json_parse(buffer_bytes(&text), &doc, error);
    if (!code)
        code = config_read(yyjson_doc_get_root(doc), &loaded, error);
    if (code)
        (void)error_wrap(error, code, "the node's configuration");
    else
        *config = loaded;
    yyjson_doc_free(doc);
    buffer_free(&text);
    return code;
}

static void config_write_patient(const struct node_config *config, struct json_writer *writer)
{
    json_put_u64(writer, "bypass", config->bypass_s);
    json_open(writer, "hospitals", '[');
    for (size_t i = 0; i < config->hospital_count; i++) {
        json_open(writer, NULL, '{');
        hospital_card_write(&config->hospitals[i].card, writer);
        json_put_hex(writer, "address", config->hospitals[i].address, 20);
        json_close(writer, '}');
    }
    json_close(writer, ']');
}

int config_save(const char *directory, const struct node_config *config, struct aceso_error *error)
{
    struct buffer text = BUFFER_INIT(CONFIG_SIZE_MAX);
    struct json_writer writer = json_writer_of(&text);
    char path[PATH_MAX], listen[80];
    int code = file_path(directory, "node.json", path, sizeof path);

    (void)snprintf(listen, sizeof listen, "%s:%u", config->host, (unsigned)config->port);
    json_open(&writer, NULL, '{');
    json_put_u64(&writer, "version", CONFIG_VERSION);
    json_put_string(&writer, "role", role_name(config->role));
    json_put_string(&writer, "label", config->label);
    if (config->role != ROLE_PATIENT)
        json_put_string(&writer, "listen", listen);
    json_put_string(&writer, "rpc", config->rpc);
    json_put_string(&writer, "confirmation", config->confirmation);
    if (config->has_address && config->role != ROLE_PATIENT)
        json_put_hex(&writer, "address", config->address, 20);
    if (config->network.known)
        network_write(&config->network, &writer);
    if (config->role == ROLE_PATIENT)
        config_write_patient(config, &writer);
    else if (config->hospital.known)
        hospital_card_write(&config->hospital, &writer);
    json_close(&writer, '}');
    (void)buffer_put_u8(&text, '\n');
    if (!code)
        code = text.failed;
    if (!code)
        code = file_write(path, buffer_bytes(&text), 0600, error);
    buffer_free(&text);
    return code;
}
