/* SPDX-License-Identifier: Apache-2.0 */
#include "node/listing.h"

#include "base/text.h"
#include "consent/vocabulary.h"

void listing_begin(struct listing *listing, const char *member, struct buffer *out)
{
    *listing = (struct listing){ .writer = json_writer_of(out),
                                 .text = BUFFER_INIT(BUFFER_MAX_DEFAULT) };
    json_open(&listing->writer, NULL, '{');
    json_open(&listing->writer, member, '[');
}

static void listing_next(struct listing *listing)
{
    if (listing->count++)
        (void)buffer_put_string(&listing->text, "\n");
}

void listing_request(struct listing *listing, const struct ledger_request *request)
{
    struct json_writer *writer = &listing->writer;
    char until[21] = "";

    if (request->until)
        text_time((int64_t)request->until, until);
    json_open(writer, NULL, '{');
    json_put_hex(writer, "request", request->id, 32);
    json_put_u64(writer, "hospital", request->hospital);
    json_put_hex(writer, "patient", request->patient, 20);
    json_put_hex(writer, "institute", request->institute, 20);
    json_put_string(writer, "purpose", purpose_name(request->purpose));
    json_put_string(writer, "level", level_name(request->level));
    json_put_string(writer, "granted", level_name(request->granted));
    json_put_string(writer, "until", until);
    json_put_string(writer, "status", ledger_status_name(request->status));
    json_close(writer, '}');
    listing_next(listing);
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
