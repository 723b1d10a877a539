/* SPDX-License-Identifier: Apache-2.0 */
/* Opening sealed parts that lie in a file with the keys at hand: what somebody who has them is
 * worth without the gateway. Uses node. */
#include "base/log.h"
#include "consent/vocabulary.h"
#include "institute/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int opening_grant(void *data, const struct ledger_request *request,
                         struct aceso_error *error)
{
    struct fetching *fetching = data;
    struct ledger_request whole = LEDGER_REQUEST_INIT;
    int code = ACESO_OK;

    if (memcmp(request->patient, fetching->patient, 20) != 0 || !request->granted)
        return ACESO_OK;
    code = ledger_request(fetching->store, request->id, &whole, error);
    if (!code && fetching_add_grant(fetching, &whole, error))
        log_info("a grant that was given earlier does not open any more");
    ledger_request_free(&whole);
    return code;
}

static int opening_feed(struct fetching *fetching, struct aceso_error *error)
{
    FILE *file = fopen(fetching->path, "rbe");
    uint8_t piece[65536];
    size_t got;
    int code = ACESO_OK;

    if (!file)
        return error_set(error, ACESO_ENOTFOUND, NULL, "the file of parts: %s", strerror(errno));
    while (!code && (got = fread(piece, 1, sizeof piece, file)) > 0)
        code = reading_feed(fetching->reading, bytes_of(piece, got), error);
    if (!code && ferror(file))
        code = error_set(error, ACESO_EIO, NULL, "the file of parts cannot be read");
    (void)fclose(file);
    return code ? code : reading_finish(fetching->reading, error);
}

/* Every grant ever received for this patient is tried: what a consent's end does not undo is what
 * was opened before, and it is honest to show what keys at hand are worth. */
static int opening_work(struct pump *pump, void *data, struct aceso_error *error)
{
    struct fetching *fetching = data;
    struct export *export = NULL;
    int code = fetching_open_reading(fetching, error);

    if (!code)
        code = ledger_requests(fetching->store, fetching->node->config.address, 0, opening_grant,
                               fetching, error);
    if (!code)
        code = fetching_unlock(fetching, error);
    if (!code)
        code = export_create(pump, false, &export, error);
    if (!code)
        code = reading_begin(fetching->reading, export, true, error);
    if (!code)
        code = opening_feed(fetching, error);
    if (!code)
        code = export_finish(export, NULL, error);
    export_free(export);
    return code;
}

int institute_open(struct node *node, const yyjson_val *input, struct http_stream *stream,
                   struct aceso_error *error)
{
    const char *path = NULL, *hospital = NULL, *level = NULL;
    struct fetching *fetching = NULL;
    int code = fetching_make(node, &fetching, error);

    if (code)
        return code;
    code = json_string(input, "path", &path, error);
    if (!code)
        code = json_hex(input, "patient", fetching->patient, 20, error);
    if (!code)
        code = json_string(input, "hospital", &hospital, error);
    if (!code)
        code = ledger_hospital_by_label(fetching->store, hospital, &fetching->hospital, error);
    if (!code)
        code = json_string(input, "level", &level, error);
    if (!code)
        code = level_parse(level, &fetching->level, error);
    if (!code && !(fetching->path = strdup(path)))
        code = error_set(error, ACESO_EMEMORY, NULL, "out of memory");
    if (!code)
        code = pump_start(opening_work, fetching, fetching_free, stream, error);
    if (code)
        fetching_free(fetching);
    return code;
}
