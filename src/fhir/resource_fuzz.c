/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as one entry: what is accepted is classified, written, and reads back the same. */
#include "fhir/directory.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void fuzz_resource(const struct fhir_resource *resource)
{
    struct buffer once = BUFFER_INIT(BUFFER_MAX_DEFAULT), twice = BUFFER_INIT(BUFFER_MAX_DEFAULT);
    struct fhir_entry entry = { .number = 1, .line = 1 };
    struct fhir_resource again;
    struct fhir_tags tags;

    if (fhir_classify(resource, &tags))
        abort();
    fhir_tags_free(&tags);
    if (fhir_write(resource->doc->root, &once))
        abort();
    entry.text = buffer_bytes(&once);
    if (fhir_resource_parse(&entry, &again, NULL) || fhir_write(again.doc->root, &twice) ||
        !bytes_equal(buffer_bytes(&once), buffer_bytes(&twice)))
        abort();
    fhir_resource_free(&again);
    buffer_free(&once);
    buffer_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct fhir_entry entry = { .number = 1, .line = 1, .text = bytes_of(data, len) };
    struct buffer text = BUFFER_INIT(BUFFER_MAX_DEFAULT);
    struct fhir_conditional conditional;
    struct fhir_resource resource;

    if (fhir_resource_parse(&entry, &resource, NULL) == ACESO_OK) {
        fuzz_resource(&resource);
        if (resource.full_url)
            (void)fhir_conditional_parse(resource.full_url, &conditional);
        fhir_resource_free(&resource);
    }
    (void)fhir_directory_entry(&entry, &text, NULL, NULL, NULL);
    buffer_free(&text);
    return 0;
}
