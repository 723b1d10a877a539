/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a bundle, plain or gzip, through both passes: what is accepted must also be viewed,
 * and each view must be JSON. */
#include "fhir/check.h"
#include "fhir/view.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int fuzz_pseudonym(void *context, struct bytes type, struct bytes id,
                          char out[FHIR_PSEUDONYM_MAX + 1], struct aceso_error *error)
{
    (void)context;
    (void)type;
    (void)id;
    (void)error;
    memcpy(out, "pseudonym", sizeof "pseudonym");
    return ACESO_OK;
}

static void fuzz_views(const struct fhir_index *index, const struct fhir_entry *entry,
                       struct fhir_views *views)
{
    if (fhir_views(index, entry, fuzz_pseudonym, NULL, views, NULL))
        abort();
    for (size_t i = 0; i < FHIR_LEVELS; i++) {
        yyjson_doc *doc;

        if (!views->present[i])
            continue;
        doc = yyjson_read_opts((char *)views->view[i].data, views->view[i].len, FHIR_READ_FLAGS,
                               NULL, NULL);
        if (!doc)
            abort();
        yyjson_doc_free(doc);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct fhir_bundle *bundle = NULL;
    struct fhir_index *index = NULL;
    struct fhir_views views;
    struct fhir_entry entry;

    if (fhir_index_build_bytes(bytes_of(data, len), "fuzz", &index, NULL))
        return 0;
    if (fhir_bundle_open_bytes(bytes_of(data, len), "fuzz", &bundle, NULL))
        abort();
    fhir_views_init(&views);
    while (fhir_bundle_next(bundle, &entry, NULL) == 1) {
        if (!fhir_index_summary(index, entry.number).directory)
            fuzz_views(index, &entry, &views);
    }
    fhir_views_free(&views);
    fhir_bundle_close(bundle);
    fhir_index_free(index);
    return 0;
}
