/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/text.h"
#include "ca/ca.h"
#include "cli/command.h"
#include "cli/password.h"
#include "cloud/cloud.h"
#include "hospital/hospital.h"
#include "institute/institute.h"
#include "node/node.h"
#include "patient/patient.h"

/* What stands in each line of the log: a label, but for a patient the address alone. */
static void serve_name_log(const struct node_config *config)
{
    char address[43] = "0x";

    if (config->role == ROLE_PATIENT) {
        text_hex(config->address, 20, address + 2);
        log_init(address, LOG_LEVEL_INFO);
    } else {
        log_init(config->label, LOG_LEVEL_INFO);
    }
}

int command_serve(const struct command_line *line)
{
    /* A hospital asks other hospitals as an institute does. */
    static const struct roles roles[] = {
        [ROLE_CA] = { { &ca_role }, 1 },
        [ROLE_HOSPITAL] = { { &hospital_role, &institute_role }, 2 },
        [ROLE_PATIENT] = { { &patient_role }, 1 },
        [ROLE_INSTITUTE] = { { &institute_role }, 1 },
        [ROLE_CLOUD] = { { &cloud_role }, 1 },
    };
    struct buffer password = BUFFER_INIT_SECRET(4096);
    struct aceso_error error = { 0 };
    struct node_config config;
    int code = password_read(line, &password, &error);

    if (!code)
        code = config_load(line->data, &config, &error);
    if (!code) {
        serve_name_log(&config);
        code = node_serve(line->data, buffer_bytes(&password), &roles[config.role], &error);
    }
    if (code)
        command_complain(line, &error);
    buffer_free(&password);
    return code ? (code == ACESO_EUSAGE ? EXIT_USAGE : EXIT_FAILED) : EXIT_DONE;
}
