/* SPDX-License-Identifier: Apache-2.0 */
#include "node/listing.h"

#include "base/text.h"
#include "consent/vocabulary.h"

#include <stdio.h>

void listing_begin(struct listing *listing, const char *member, struct store *store,
                   struct buffer *out)
{
    *listing = (struct listing){ .writer = json_writer_of(out),
                                 .text = BUFFER_INIT(BUFFER_MAX_DEFAULT),
                                 .store = store };
    json_open(&listing->writer, NULL, '{');
    json_open(&listing->writer, member, '[');
}

static void listing_next(struct listing *listing)
{
    if (listing->count++)
        (void)buffer_put_string(&listing->text, "\n");
}

/* The hospital's label, or its number. */
static void listing_hospital(const struct listing *listing, uint32_t id,
                             char out[CONFIG_LABEL_SIZE])
{
    struct ledger_hospital hospital;

    if (listing->store && ledger_hospital_by_id(listing->store, id, &hospital, NULL) == ACESO_OK)
        (void)snprintf(out, CONFIG_LABEL_SIZE, "%s", hospital.card.label);
    else
        (void)snprintf(out, CONFIG_LABEL_SIZE, "hospital %lu", (unsigned long)id);
}

int listing_request(void *data, const struct ledger_request *request, struct aceso_error *error)
{
    struct listing *listing = data;
    struct json_writer *writer = &listing->writer;
    char id[67] = "0x", patient[43] = "0x", institute[43] = "0x";
    char until[21] = "", hospital[CONFIG_LABEL_SIZE];
    int code = ACESO_OK;

    text_hex(request->id, 32, id + 2);
    text_hex(request->patient, 20, patient + 2);
    text_hex(request->institute, 20, institute + 2);
    listing_hospital(listing, request->hospital, hospital);
    if (request->until)
        text_time((int64_t)request->until, until);
    json_open(writer, NULL, '{');
    json_put_string(writer, "request", id);
    json_put_u64(writer, "hospital", request->hospital);
    json_put_string(writer, "at", hospital);
    json_put_string(writer, "patient", patient);
    json_put_string(writer, "institute", institute);
    json_put_string(writer, "purpose", purpose_name(request->purpose));
    json_put_string(writer, "level", level_name(request->level));
    json_put_string(writer, "granted", level_name(request->granted));
    json_put_string(writer, "until", until);
    json_put_string(writer, "status", ledger_status_name(request->status));
    listing_next(listing);
    (void)buffer_printf(&listing->text, "%s %-9s %s asks %s for %s of %s (%s)%s%s", id,
                        ledger_status_name(request->status), institute, hospital,
                        level_name(request->level), patient, purpose_name(request->purpose),
                        request->granted ? ", granted " : "",
                        request->granted ? level_name(request->granted) : "");
    if (listing->more)
        code = listing->more(listing, request, error);
    json_close(writer, '}');
    return code;
}

int listing_patient(void *data, const uint8_t patient[20])
{
    struct listing *listing = data;
    char address[43] = "0x";

    text_hex(patient, 20, address + 2);
    json_put_string(&listing->writer, NULL, address);
    listing_next(listing);
    return buffer_put_string(&listing->text, address);
}

int listing_end(struct listing *listing, const char *nothing, int code)
{
    struct buffer *out = listing->writer.out;

    json_close(&listing->writer, ']');
    json_put_string(&listing->writer, "message",
                    listing->count ? buffer_text(&listing->text) : nothing);
    json_close(&listing->writer, '}');
    if (!code)
        code = listing->text.failed ? listing->text.failed : out->failed;
    buffer_free(&listing->text);
    return code;
}

int listing_requests(struct node *node, const uint8_t *party, uint32_t hospital,
                     struct buffer *out, struct aceso_error *error)
{
    struct listing listing;
    struct store *store = NULL;
    int code = node_store(node, &store, error);

    listing_begin(&listing, "requests", store, out);
    if (!code)
        code = ledger_requests(store, party, hospital, listing_request, &listing, error);
    store_close(store);
    return listing_end(&listing, "nobody has asked for anything yet", code);
}

int listing_patients(struct node *node, uint32_t hospital, struct buffer *out,
                     struct aceso_error *error)
{
    struct listing listing;
    struct store *store = NULL;
    int code = node_store(node, &store, error);

    listing_begin(&listing, "patients", store, out);
    if (!code)
        code = ledger_patients(store, hospital, listing_patient, &listing, error);
    store_close(store);
    return listing_end(&listing, "no patients yet", code);
}
