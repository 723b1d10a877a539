/* SPDX-License-Identifier: Apache-2.0 */
/* Views as fhir/ makes them, through patches and back: each level reads exactly its view. */
#include "fhir/view.h"
#include "record/patch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ID(n) "00000000-0000-4000-8000-00000000000" n
#define URN(n) "urn:uuid:" ID(n)

static const char bundle_text[] =
    "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":["
    "{\"fullUrl\":\"" URN("1") "\","
    "\"resource\":{\"resourceType\":\"Patient\",\"id\":\"" ID("1") "\","
    "\"text\":{\"status\":\"generated\",\"div\":\"<div>Ann Example</div>\"},"
    "\"identifier\":[{\"system\":\"http://hospital.example\",\"value\":\"MRN-1\"}],"
    "\"name\":[{\"use\":\"official\",\"family\":\"Example\",\"given\":[\"Ann\",\"B\"]}],"
    "\"gender\":\"female\",\"birthDate\":\"1970-02-03\",\"maritalStatus\":{\"text\":\"M\"},"
    "\"address\":[{\"line\":[\"1 Road\"],\"city\":\"Town\",\"state\":\"MA\","
    "\"postalCode\":\"02134\",\"country\":\"US\"}]},"
    "\"request\":{\"method\":\"POST\",\"url\":\"Patient\"}},"
    "{\"fullUrl\":\"" URN("2") "\","
    "\"resource\":{\"resourceType\":\"Encounter\",\"id\":\"" ID("2") "\","
    "\"status\":\"finished\",\"class\":{\"code\":\"AMB\"},"
    "\"subject\":{\"reference\":\"" URN("1") "\",\"display\":\"Ann Example\"},"
    "\"participant\":[{\"individual\":{\"reference\":"
    "\"Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|9\",\"display\":\"Dr. D\"}}],"
    "\"period\":{\"start\":\"2020-01-01T10:00:00Z\"}}},"
    "{\"fullUrl\":\"" URN("3") "\","
    "\"resource\":{\"resourceType\":\"Observation\",\"id\":\"" ID("3") "\","
    "\"status\":\"final\",\"category\":[{\"coding\":[{\"system\":"
    "\"http://terminology.hl7.org/CodeSystem/observation-category\",\"code\":\"laboratory\"}]}],"
    "\"code\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"718-7\"}]},"
    "\"subject\":{\"reference\":\"" URN("1") "\"},\"encounter\":{\"reference\":\"" URN("2") "\"},"
    "\"valueQuantity\":{\"value\":13.50,\"unit\":\"g/dL\"},"
    "\"note\":[{\"text\":\"Ann was here \\u00e9\\n\"}]}},"
    "{\"fullUrl\":\"" URN("4") "\","
    "\"resource\":{\"resourceType\":\"Claim\",\"id\":\"" ID("4") "\","
    "\"status\":\"active\",\"use\":\"claim\",\"patient\":{\"reference\":\"" URN("1") "\","
    "\"display\":\"Ann Example\"},\"item\":["
    "{\"sequence\":1,\"productOrService\":{\"text\":\"Visit\"},"
    "\"encounter\":[{\"reference\":\"" URN("2") "\"}]},"
    "{\"sequence\":2,\"productOrService\":{\"coding\":[{\"code\":\"8\"}]},"
    "\"net\":{\"value\":1.00E2,\"currency\":\"USD\"}}],"
    "\"total\":{\"value\":129.160,\"currency\":\"USD\"}}}]}";

static int pseudonym(void *context, struct bytes type, struct bytes id,
                     char out[FHIR_PSEUDONYM_MAX + 1], struct aceso_error *error)
{
    (void)context;
    (void)type;
    (void)error;
    (void)snprintf(out, FHIR_PSEUDONYM_MAX + 1, "pseudonym-%c", id.data[id.len - 1]);
    return ACESO_OK;
}

/* Climbs from level to level by patches alone. Returns the levels that show something. */
static unsigned climb(const struct fhir_views *views)
{
    struct buffer seen = BUFFER_INIT(1 << 16);
    unsigned shown = 0;

    for (size_t level = 0; level < FHIR_LEVELS; level++) {
        struct buffer patch = BUFFER_INIT(1 << 16), next = BUFFER_INIT(1 << 16);
        struct buffer wanted = BUFFER_INIT(1 << 16);
        struct bytes lower = seen.len ? buffer_bytes(&seen) : bytes_of(NULL, 0);

        if (!views->present[level]) {
            assert_int_equal(seen.len, 0);
            continue;
        }
        shown++;
        assert_int_equal(patch_make(lower, buffer_bytes(&views->view[level]), &patch, NULL), 0);
        if (patch.len) {
            assert_int_equal(patch_apply(lower, buffer_bytes(&patch), &next, NULL), ACESO_OK);
            buffer_free(&seen);
            seen = next;
        }
        assert_int_equal(patch_minify(buffer_bytes(&views->view[level]), &wanted, NULL), ACESO_OK);
        assert_string_equal(buffer_text(&seen), buffer_text(&wanted));
        buffer_free(&wanted);
        buffer_free(&patch);
    }
    buffer_free(&seen);
    return shown;
}

static void test_views_climb(void **state)
{
    struct bytes text = bytes_of_string(bundle_text);
    struct fhir_index *index;
    struct fhir_bundle *bundle;
    struct fhir_entry entry;
    struct fhir_views views;
    unsigned entries = 0, shown = 0;
    int code;

    (void)state;
    fhir_views_init(&views);
    assert_int_equal(fhir_index_build_bytes(text, "test", &index, NULL), ACESO_OK);
    assert_int_equal(fhir_bundle_open_bytes(text, "test", &bundle, NULL), ACESO_OK);
    while ((code = fhir_bundle_next(bundle, &entry, NULL)) == 1) {
        assert_int_equal(fhir_views(index, &entry, pseudonym, NULL, &views, NULL), ACESO_OK);
        shown += climb(&views);
        entries++;
    }
    assert_int_equal(code, 0);
    assert_int_equal(entries, 4);
    assert_true(shown > entries); /* something is visible below complete */
    fhir_bundle_close(bundle);
    fhir_index_free(index);
    fhir_views_free(&views);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_views_climb),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
