/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/password.h"
#include "node/join.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static int init_bypass(const struct command_line *line, struct node_config *config,
                       struct aceso_error *error)
{
    const char *text = command_value(line, "bypass");
    uint64_t seconds = CONFIG_BYPASS_S;

    if (text && (text_u64(text, CONFIG_BYPASS_MAX_S, &seconds) || seconds == 0))
        return error_set(error, ACESO_EUSAGE, "bypass", "1 to %d seconds", CONFIG_BYPASS_MAX_S);
    config->bypass_s = (unsigned)seconds;
    return ACESO_OK;
}

static int init_config(const struct command_line *line, struct node_config *config,
                       struct aceso_error *error)
{
    const char *label = command_value(line, "label"), *rpc = command_value(line, "rpc");
    const char *confirmation = command_value(line, "confirmation");
    size_t length = strlen(label);

    if (role_parse(command_value(line, "role"), &config->role))
        return error_set(error, ACESO_EUSAGE, "role", "ca, hospital, patient, institute or cloud");
    if (length == 0 || length >= sizeof config->label ||
        strspn(label, "abcdefghijklmnopqrstuvwxyz0123456789.-") != length ||
        strncmp(label, "0x", 2) == 0)
        return error_set(error, ACESO_EUSAGE, "label", "1 to 64 of a-z, 0-9, '.', '-', not 0x...");
    if (!rpc && config->role != ROLE_CLOUD)
        return error_set(error, ACESO_EUSAGE, "rpc", "the chain node of this party");
    if (rpc && strlen(rpc) >= sizeof config->rpc)
        return error_set(error, ACESO_EUSAGE, "rpc", "the URL is too long");
    (void)snprintf(config->label, sizeof config->label, "%s", label);
    (void)snprintf(config->rpc, sizeof config->rpc, "%s", rpc ? rpc : "");
    (void)snprintf(config->confirmation, sizeof config->confirmation, "%s",
                   confirmation ? confirmation : "depth:0");
    if (config->role == ROLE_PATIENT)
        return init_bypass(line, config, error);
    if (!command_value(line, "listen"))
        return error_set(error, ACESO_EUSAGE, "listen", "where others reach this node");
    return config_listen(config, command_value(line, "listen"), error);
}

static int init_make(const struct command_line *line, struct node_config *config,
                     struct aceso_error *error)
{
    enum keystore_cost cost =
        command_value(line, "light-keystore") ? KEYSTORE_LIGHT : KEYSTORE_STANDARD;
    struct buffer password = BUFFER_INIT_SECRET(4096);
    struct keys *keys = NULL;
    char path[PATH_MAX];
    int code = file_make_directory(line->data, error);

    if (!code && (file_path(line->data, "node.json", path, sizeof path) || file_exists(path)))
        code = error_set(error, ACESO_EEXISTS, line->data, "there is a node already");
    if (!code)
        code = password_make(line, &password, error);
    if (!code)
        code = keys_make(line->data, buffer_bytes(&password), cost, config->role != ROLE_PATIENT,
                         error);
    if (!code)
        code = keys_open(line->data, buffer_bytes(&password), &keys, error);
    if (!code)
        config->has_address = keys_address(keys, config->address) == ACESO_OK;
    if (!code && config->role == ROLE_CA)
        code = join_found(line->data, config, keys, error);
    if (!code)
        code = config_save(line->data, config, error);
    keys_free(keys);
    buffer_free(&password);
    return code;
}

int command_init(const struct command_line *line)
{
    struct node_config config = { .has_address = false };
    struct aceso_error error = { 0 };
    char address[41] = "";
    int code = line->data ? init_config(line, &config, &error)
                          : error_set(&error, ACESO_EUSAGE, NULL,
                                      "no data directory: --data or ACESO_DATA");

    if (!code)
        code = init_make(line, &config, &error);
    if (code) {
        command_complain(line, &error);
        return code == ACESO_EUSAGE ? EXIT_USAGE : EXIT_FAILED;
    }
    if (config.has_address)
        text_hex(config.address, sizeof config.address, address);
    if (line->json)
        (void)printf(config.has_address ? "{\"address\":\"0x%s\"}\n" : "{}\n", address);
    else if (config.has_address)
        (void)printf("%s %s is ready; its address is 0x%s\n", role_name(config.role), config.label,
                     address);
    else
        (void)printf("%s %s is ready; it gets an address at each hospital it joins\n",
                     role_name(config.role), config.label);
    return EXIT_DONE;
}
