/* SPDX-License-Identifier: Apache-2.0 */
#include "fhir/bundle.h"

#include "fhir/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define BUNDLE_CHUNK ((size_t)64 << 10)
#define BUNDLE_MEMBERS_MAX 32                  /* of the Bundle itself; R4 has 12 */
#define BUNDLE_TEXT_MAX ((uint64_t)8 << 30)    /* decoded: a gzip bomb ends there */

enum bundle_state { BUNDLE_START, BUNDLE_MEMBERS, BUNDLE_ENTRIES, BUNDLE_END, BUNDLE_FAILED };

struct fhir_bundle {
    char label[FHIR_LABEL_MAX + 1];
    int fd;              /* -1: from memory */
    struct bytes memory; /* what is left of it */
    bool gzip;
    bool inside; /* of a gzip member */
    bool opened; /* the first chunk was read */
    z_stream zlib;
    uint8_t raw[BUNDLE_CHUNK];   /* as stored */
    uint8_t plain[BUNDLE_CHUNK]; /* decoded; not used where nothing is to decode */
    const uint8_t *at;
    size_t left;
    uint64_t total;
    enum bundle_state state;
    int failed;
    size_t line;
    size_t number;
    size_t members;
    bool comma; /* a member or entry went before */
    bool has_resource_type, has_type, has_entry;
    char names[BUNDLE_MEMBERS_MAX][32];
    struct buffer text;
};

/* --- where errors are --- */

static int bundle_verror(const char *label, size_t number, size_t line, const char *path, int code,
                         struct aceso_error *error, const char *format, va_list args)
    ACESO_PRINTF(7, 0);

static int bundle_verror(const char *label, size_t number, size_t line, const char *path, int code,
                         struct aceso_error *error, const char *format, va_list args)
{
    char place[ACESO_ERROR_PLACE_MAX];
    char words[ACESO_ERROR_TEXT_MAX];
    char entry[32] = "";

    if (!error)
        return code;
    if (number)
        (void)snprintf(entry, sizeof entry, ": entry %zu", number);
    (void)snprintf(place, sizeof place, "%s%s: line %zu%s%.50s", label, entry, line,
                   path && *path ? ": " : "", path ? path : "");
    (void)vsnprintf(words, sizeof words, format, args);
    return error_set(error, code, place, "%s", words);
}

int fhir_entry_error(const struct fhir_entry *entry, size_t line, const char *path, int code,
                     struct aceso_error *error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)bundle_verror(entry->label ? entry->label : "bundle", entry->number, line, path, code,
                        error, format, args);
    va_end(args);
    return code;
}

/* Fails the reader for good. */
static int bundle_fail(struct fhir_bundle *bundle, int code, struct aceso_error *error,
                       const char *format, ...) ACESO_PRINTF(4, 5);

static int bundle_fail(struct fhir_bundle *bundle, int code, struct aceso_error *error,
                       const char *format, ...)
{
    size_t number = bundle->state == BUNDLE_ENTRIES ? bundle->number : 0;
    va_list args;

    va_start(args, format);
    (void)bundle_verror(bundle->label, number, bundle->line, NULL, code, error, format, args);
    va_end(args);
    bundle->state = BUNDLE_FAILED;
    bundle->failed = code;
    return code;
}

/* --- bytes --- */

/* Reads stored bytes into `raw`: their number, 0 at the end. */
static int bundle_source(struct fhir_bundle *bundle, size_t *got, struct aceso_error *error)
{
    ssize_t count;

    if (bundle->fd < 0) {
        *got = bundle->memory.len < BUNDLE_CHUNK ? bundle->memory.len : BUNDLE_CHUNK;
        if (*got)
            memcpy(bundle->raw, bundle->memory.data, *got);
        bundle->memory.data += *got;
        bundle->memory.len -= *got;
        return ACESO_OK;
    }
    do
        count = read(bundle->fd, bundle->raw, BUNDLE_CHUNK);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return bundle_fail(bundle, ACESO_EIO, error, "%s", strerror(errno));
    *got = (size_t)count;
    return ACESO_OK;
}

/* Takes in more of the gzip file where all was used. 1 when there is some, 0 at the end. */
static int bundle_gzip_more(struct fhir_bundle *bundle, struct aceso_error *error)
{
    size_t got = 0;
    int code;

    if (bundle->zlib.avail_in)
        return 1;
    code = bundle_source(bundle, &got, error);
    if (code)
        return code;
    bundle->zlib.next_in = bundle->raw;
    bundle->zlib.avail_in = (uInt)got;
    return got > 0;
}

/* Fills `plain` from the gzip file. A file may hold several members, one after the other. */
static int bundle_inflate(struct fhir_bundle *bundle, struct aceso_error *error)
{
    z_stream *zlib = &bundle->zlib;

    zlib->next_out = bundle->plain;
    zlib->avail_out = (uInt)BUNDLE_CHUNK;
    while (zlib->avail_out == BUNDLE_CHUNK) {
        int more = bundle_gzip_more(bundle, error);
        int result;

        if (more < 0)
            return more;
        if (!more && bundle->inside)
            return bundle_fail(bundle, ACESO_EFORMAT, error, "cut off: the gzip data ends early");
        if (!more)
            break;
        if (!bundle->inside && inflateReset(zlib) != Z_OK)
            return bundle_fail(bundle, ACESO_EINTERNAL, error, "zlib failed");
        bundle->inside = true;
        result = inflate(zlib, Z_NO_FLUSH);
        if (result == Z_STREAM_END)
            bundle->inside = false;
        else if (result == Z_MEM_ERROR)
            return bundle_fail(bundle, ACESO_EMEMORY, error, "%s", error_name(ACESO_EMEMORY));
        else if (result != Z_OK && result != Z_BUF_ERROR)
            return bundle_fail(bundle, ACESO_EFORMAT, error, "damaged gzip data");
    }
    bundle->at = bundle->plain;
    bundle->left = BUNDLE_CHUNK - zlib->avail_out;
    return ACESO_OK;
}

static int bundle_start_source(struct fhir_bundle *bundle, struct aceso_error *error)
{
    size_t got = 0;
    int code = bundle_source(bundle, &got, error);

    if (code)
        return code;
    bundle->opened = true;
    bundle->gzip = got >= 2 && bundle->raw[0] == 0x1f && bundle->raw[1] == 0x8b;
    if (!bundle->gzip) {
        bundle->at = bundle->raw;
        bundle->left = got;
        return ACESO_OK;
    }
    if (inflateInit2(&bundle->zlib, 15 + 16) != Z_OK) {
        bundle->gzip = false;
        return bundle_fail(bundle, ACESO_EMEMORY, error, "%s", error_name(ACESO_EMEMORY));
    }
    bundle->zlib.next_in = bundle->raw;
    bundle->zlib.avail_in = (uInt)got;
    return bundle_inflate(bundle, error);
}

/* Makes sure that a byte is there. 1: `*byte` is the next one, not taken. 0: the end. */
static int bundle_peek(struct fhir_bundle *bundle, uint8_t *byte, struct aceso_error *error)
{
    int code = ACESO_OK;

    if (!bundle->left) {
        if (!bundle->opened) {
            code = bundle_start_source(bundle, error);
        } else if (bundle->gzip) {
            code = bundle_inflate(bundle, error);
        } else {
            bundle->at = bundle->raw;
            code = bundle_source(bundle, &bundle->left, error);
        }
        if (code)
            return code;
        bundle->total += bundle->left;
        if (bundle->total > BUNDLE_TEXT_MAX)
            return bundle_fail(bundle, ACESO_ELIMIT, error, "too large");
    }
    if (!bundle->left)
        return 0;
    *byte = *bundle->at;
    return 1;
}

static void bundle_take(struct fhir_bundle *bundle)
{
    if (*bundle->at == '\n')
        bundle->line++;
    bundle->at++;
    bundle->left--;
}

/* Skips white space and peeks; the end of the input is an error here. */
static int bundle_token(struct fhir_bundle *bundle, uint8_t *byte, struct aceso_error *error)
{
    for (;;) {
        int got = bundle_peek(bundle, byte, error);

        if (got < 0)
            return got;
        if (!got)
            return bundle_fail(bundle, ACESO_EFORMAT, error,
                               bundle->total ? "cut off: the text ends early"
                                             : "the file is empty");
        if (*byte != ' ' && *byte != '\n' && *byte != '\r' && *byte != '\t')
            return ACESO_OK;
        bundle_take(bundle);
    }
}

/* --- one value as text --- */

struct bundle_scan {
    size_t depth; /* of the value's own brackets */
    size_t values;
    bool string;
    bool escape;
    bool scalar; /* a number, true, false, null */
    bool done;
};

/* One byte outside strings. False: the byte is not part of the value, which ended before it. */
static bool bundle_scan_byte(struct bundle_scan *scan, uint8_t byte)
{
    switch (byte) {
    case '"':
        scan->string = true;
        return true;
    case '{':
    case '[':
        scan->depth++;
        scan->values++;
        return true;
    case '}':
    case ']':
        if (scan->scalar)
            return false;
        if (scan->depth)
            scan->depth--;
        scan->done = scan->depth == 0;
        return true;
    case ',':
    case ':':
        scan->values++;
        return !scan->scalar;
    case ' ':
    case '\n':
    case '\r':
    case '\t':
        return !scan->scalar;
    default:
        return true;
    }
}

/* Scans over the chunk in hand; returns how many of its bytes belong to the value. */
static size_t bundle_scan_chunk(struct fhir_bundle *bundle, struct bundle_scan *scan)
{
    size_t i;

    for (i = 0; i < bundle->left && !scan->done; i++) {
        uint8_t byte = bundle->at[i];

        if (scan->string) {
            if (scan->escape)
                scan->escape = false;
            else if (byte == '\\')
                scan->escape = true;
            else if (byte == '"') {
                scan->string = false;
                scan->done = scan->depth == 0;
            }
        } else if (!bundle_scan_byte(scan, byte)) {
            scan->done = true;
            break;
        } else if (scan->depth > FHIR_DEPTH_MAX) {
            break;
        }
        bundle->line += byte == '\n';
    }
    return i;
}

/* Copies the value that begins at the next byte into `text`. `around` brackets are open. */
static int bundle_capture(struct fhir_bundle *bundle, size_t around, struct aceso_error *error)
{
    struct bundle_scan scan = { .values = 1 };
    uint8_t byte = 0;
    int code = bundle_peek(bundle, &byte, error);

    if (code < 0)
        return code;
    scan.scalar = byte != '{' && byte != '[' && byte != '"';
    buffer_clear(&bundle->text);
    while (!scan.done) {
        size_t taken;

        code = bundle_peek(bundle, &byte, error);
        if (code < 0)
            return code;
        if (code == 0)
            return bundle_fail(bundle, ACESO_EFORMAT, error, "cut off: the text ends early");
        taken = bundle_scan_chunk(bundle, &scan);
        if (scan.depth + around > FHIR_DEPTH_MAX)
            return bundle_fail(bundle, ACESO_ELIMIT, error, "deeper than %d levels",
                               FHIR_DEPTH_MAX);
        code = buffer_put(&bundle->text, bundle->at, taken);
        if (code || scan.values > FHIR_ENTRY_VALUES_MAX)
            return bundle_fail(bundle, code == ACESO_EMEMORY ? code : ACESO_ELIMIT, error,
                               "one part is larger than %zu MiB or %zu values",
                               FHIR_ENTRY_MAX >> 20, FHIR_ENTRY_VALUES_MAX);
        bundle->at += taken;
        bundle->left -= taken;
    }
    return ACESO_OK;
}

/* --- the Bundle's own members --- */

static int bundle_parse(struct fhir_bundle *bundle, size_t line, yyjson_doc **doc,
                        struct aceso_error *error)
{
    yyjson_read_err failure;
    size_t now = bundle->line;

    *doc = yyjson_read_opts((char *)bundle->text.data, bundle->text.len, FHIR_READ_FLAGS, NULL,
                            &failure);
    if (*doc)
        return ACESO_OK;
    bundle->line = line;
    for (size_t i = 0; i < failure.pos && i < bundle->text.len; i++)
        bundle->line += bundle->text.data[i] == '\n';
    (void)bundle_fail(bundle, ACESO_EFORMAT, error, "not JSON: %s", failure.msg);
    bundle->line = now;
    return ACESO_EFORMAT;
}

/* Reads a member's name and its colon into `name`; one that R4 has not is cut. */
static int bundle_name(struct fhir_bundle *bundle, char name[32], struct aceso_error *error)
{
    size_t line = bundle->line;
    yyjson_doc *doc = NULL;
    uint8_t byte = 0;
    int code = bundle_capture(bundle, 1, error);

    if (!code)
        code = bundle_parse(bundle, line, &doc, error);
    if (code)
        return code;
    (void)snprintf(name, 32, "%s", yyjson_get_str(doc->root));
    yyjson_doc_free(doc);
    code = bundle_token(bundle, &byte, error);
    if (code)
        return code;
    if (byte != ':')
        return bundle_fail(bundle, ACESO_EFORMAT, error, "not JSON: no colon after a name");
    bundle_take(bundle);
    if (bundle->members == BUNDLE_MEMBERS_MAX)
        return bundle_fail(bundle, ACESO_ELIMIT, error, "too many members in the Bundle itself");
    for (size_t i = 0; i < bundle->members; i++) {
        if (strcmp(bundle->names[i], name) == 0)
            return bundle_fail(bundle, ACESO_EFORMAT, error, "the same member twice in one object");
    }
    memcpy(bundle->names[bundle->members++], name, 32);
    return bundle_token(bundle, &byte, error);
}

static bool bundle_is_type(const char *text)
{
    static const char *const types[] = {
        "document",       "message", "transaction", "transaction-response", "batch",
        "batch-response", "history", "searchset",   "collection",
    };

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(types[i], text) == 0)
            return true;
    }
    return false;
}

static int bundle_check_value(struct fhir_bundle *bundle, const char *name, yyjson_doc *doc,
                              struct aceso_error *error)
{
    struct fhir_check check = { .path = "" };
    const struct fhir_type *type = fhir_type_named("Bundle");
    const struct fhir_element *element = fhir_type_element(type, name, strlen(name));
    const char *text = yyjson_get_str(doc->root);
    int code = fhir_check_members(doc, &check);

    if (!code && element) {
        yyjson_val key = { .tag = strlen(name) << YYJSON_TAG_BIT | YYJSON_TYPE_STR,
                           .uni = { .str = name } };

        code = fhir_check_element(element, &key, doc->root, &check);
    }
    if (code)
        return bundle_fail(bundle, code, error, "%s%s%s", check.path, check.len ? " " : "",
                           check.problem ? check.problem : error_name(code));
    if (strcmp(name, "resourceType") == 0) {
        if (!text || strcmp(text, "Bundle") != 0)
            return bundle_fail(bundle, ACESO_EFORMAT, error, "not a FHIR Bundle%s",
                               text && fhir_resource_type(text) ? " but another resource" : "");
        bundle->has_resource_type = true;
    } else if (strcmp(name, "type") == 0) {
        if (!bundle_is_type(text))
            return bundle_fail(bundle, ACESO_EFORMAT, error, "type is none of R4's bundle types");
        bundle->has_type = true;
    }
    return ACESO_OK;
}

/* One member of the Bundle; entries are only begun. */
static int bundle_member(struct fhir_bundle *bundle, struct aceso_error *error)
{
    char name[32];
    yyjson_doc *doc = NULL;
    size_t line;
    int code = bundle_name(bundle, name, error);

    if (code)
        return code;
    if (strcmp(name, "entry") == 0) {
        if (*bundle->at != '[')
            return bundle_fail(bundle, ACESO_EFORMAT, error, "entry must be an array");
        bundle_take(bundle);
        bundle->has_entry = true;
        bundle->comma = false;
        bundle->state = BUNDLE_ENTRIES;
        return ACESO_OK;
    }
    line = bundle->line;
    code = bundle_capture(bundle, 1, error);
    if (!code)
        code = bundle_parse(bundle, line, &doc, error);
    if (!code)
        code = bundle_check_value(bundle, name, doc, error);
    yyjson_doc_free(doc);
    bundle->comma = true;
    return code;
}

/* What may stand before the next member or entry: a comma, or the closing bracket, which is taken.
 * 1: a value follows. 0: closed. */
static int bundle_between(struct fhir_bundle *bundle, uint8_t closing, struct aceso_error *error)
{
    uint8_t byte = 0;
    int code = bundle_token(bundle, &byte, error);

    if (code)
        return code;
    if (byte == closing) {
        bundle_take(bundle);
        return 0;
    }
    if (!bundle->comma)
        return 1;
    if (byte != ',')
        return bundle_fail(bundle, ACESO_EFORMAT, error, "not JSON: a comma or bracket is missing");
    bundle_take(bundle);
    code = bundle_token(bundle, &byte, error);
    if (code)
        return code;
    if (byte == closing)
        return bundle_fail(bundle, ACESO_EFORMAT, error, "not JSON: a comma before a bracket");
    return 1;
}

static int bundle_begin(struct fhir_bundle *bundle, struct aceso_error *error)
{
    uint8_t byte = 0;
    int code = bundle_token(bundle, &byte, error);

    if (code)
        return code;
    if (byte != '{')
        return bundle_fail(bundle, ACESO_EFORMAT, error,
                           byte == '[' ? "not a FHIR Bundle: an array" : "not JSON: no object");
    bundle_take(bundle);
    bundle->state = BUNDLE_MEMBERS;
    return ACESO_OK;
}

static int bundle_members(struct fhir_bundle *bundle, struct aceso_error *error)
{
    int code = bundle_between(bundle, '}', error);

    if (code < 0)
        return code;
    if (code == 0) {
        bundle->state = BUNDLE_END;
        return ACESO_OK;
    }
    if (*bundle->at != '"')
        return bundle_fail(bundle, ACESO_EFORMAT, error, "not JSON: a name is missing");
    return bundle_member(bundle, error);
}

/* 1: an entry was read. 0: there is none left. */
static int bundle_entries(struct fhir_bundle *bundle, struct fhir_entry *entry,
                          struct aceso_error *error)
{
    size_t line;
    int code = bundle_between(bundle, ']', error);

    if (code < 0)
        return code;
    if (code == 0) {
        bundle->state = BUNDLE_MEMBERS;
        bundle->comma = true;
        return 0;
    }
    bundle->number++;
    if (bundle->number > FHIR_ENTRIES_MAX)
        return bundle_fail(bundle, ACESO_ELIMIT, error, "more than %zu entries", FHIR_ENTRIES_MAX);
    if (*bundle->at != '{')
        return bundle_fail(bundle, ACESO_EFORMAT, error, "an entry must be an object");
    line = bundle->line;
    code = bundle_capture(bundle, 2, error);
    if (code)
        return code;
    bundle->comma = true;
    *entry = (struct fhir_entry){ .number = bundle->number,
                                  .line = line,
                                  .text = buffer_bytes(&bundle->text),
                                  .label = bundle->label };
    return 1;
}

static int bundle_finish(struct fhir_bundle *bundle, struct aceso_error *error)
{
    uint8_t byte = 0;
    int got;

    while ((got = bundle_peek(bundle, &byte, error)) == 1) {
        if (byte != ' ' && byte != '\n' && byte != '\r' && byte != '\t')
            return bundle_fail(bundle, ACESO_EFORMAT, error, "more text after the Bundle's end");
        bundle_take(bundle);
    }
    if (got < 0)
        return got;
    if (!bundle->has_resource_type)
        return bundle_fail(bundle, ACESO_EFORMAT, error, "not FHIR: no resourceType");
    if (!bundle->has_type)
        return bundle_fail(bundle, ACESO_EFORMAT, error, "not a FHIR Bundle: no type");
    return ACESO_OK;
}

int fhir_bundle_next(struct fhir_bundle *bundle, struct fhir_entry *entry,
                     struct aceso_error *error)
{
    int code = ACESO_OK;

    while (!code) {
        switch (bundle->state) {
        case BUNDLE_START:
            code = bundle_begin(bundle, error);
            break;
        case BUNDLE_MEMBERS:
            code = bundle_members(bundle, error);
            break;
        case BUNDLE_ENTRIES:
            code = bundle_entries(bundle, entry, error);
            break;
        case BUNDLE_END:
            return bundle_finish(bundle, error);
        case BUNDLE_FAILED:
            return error_set(error, bundle->failed, bundle->label, "the reader failed before");
        }
    }
    return code;
}

/* --- open and close --- */

static struct fhir_bundle *bundle_create(const char *label)
{
    struct fhir_bundle *bundle = calloc(1, sizeof *bundle);
    size_t len = strlen(label);

    if (!bundle)
        return NULL;
    /* Not in the middle of a character. */
    if (len > FHIR_LABEL_MAX)
        len = FHIR_LABEL_MAX;
    while (label[len] && len && ((uint8_t)label[len] & 0xc0) == 0x80)
        len--;
    memcpy(bundle->label, label, len);
    bundle->fd = -1;
    bundle->line = 1;
    bundle->text.max = FHIR_ENTRY_MAX;
    return bundle;
}

int fhir_bundle_open(const char *path, const char *label, struct fhir_bundle **out,
                     struct aceso_error *error)
{
    const char *slash = strrchr(path, '/');
    struct fhir_bundle *bundle;

    if (!label)
        label = slash ? slash + 1 : path;
    bundle = bundle_create(label);
    if (!bundle)
        return error_set(error, ACESO_EMEMORY, label, "%s", error_name(ACESO_EMEMORY));
    bundle->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (bundle->fd < 0) {
        int code = errno == ENOENT ? ACESO_ENOTFOUND : ACESO_EIO;

        (void)error_set(error, code, bundle->label, "%s", strerror(errno));
        fhir_bundle_close(bundle);
        return code;
    }
    *out = bundle;
    return ACESO_OK;
}

int fhir_bundle_open_bytes(struct bytes bytes, const char *label, struct fhir_bundle **out,
                           struct aceso_error *error)
{
    struct fhir_bundle *bundle = bundle_create(label ? label : "bundle");

    if (!bundle)
        return error_set(error, ACESO_EMEMORY, label, "%s", error_name(ACESO_EMEMORY));
    bundle->memory = bytes;
    *out = bundle;
    return ACESO_OK;
}

void fhir_bundle_close(struct fhir_bundle *bundle)
{
    if (!bundle)
        return;
    if (bundle->gzip)
        (void)inflateEnd(&bundle->zlib);
    if (bundle->fd >= 0)
        (void)close(bundle->fd);
    buffer_free(&bundle->text);
    free(bundle);
}
