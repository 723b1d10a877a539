/* SPDX-License-Identifier: Apache-2.0 */
/* The input as node.json, parsed from memory: what is taken has an address to listen at, or is a
 * patient's. */
#include "node/config.c"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct node_config config = { .role = ROLE_CA };
    yyjson_doc *doc = NULL;

    if (json_parse(bytes_of(data, size), &doc, NULL))
        return 0;
    if (config_read(yyjson_doc_get_root(doc), &config, NULL) == ACESO_OK &&
        config.role != ROLE_PATIENT && (config.port == 0 || config.host[0] == '\0'))
        abort();
    yyjson_doc_free(doc);
    return 0;
}
