/* SPDX-License-Identifier: Apache-2.0 */
#include "eth/abi.h"

#include "base/text.h"
#include "eth/uint256.h"

#include <stdio.h>
#include <string.h>

#define ABI_WORD ((size_t)32)
#define ABI_ARRAY_MAX 4096 /* k of T[k] */

/* A type is a slice of the type text and what it says. */
enum abi_kind { ABI_UINT, ABI_INT, ABI_ADDRESS, ABI_BOOL, ABI_FIXED, ABI_BYTES, ABI_STRING,
                ABI_TUPLE, ABI_ARRAY, ABI_LIST };

struct abi_type {
    enum abi_kind kind;
    size_t size;        /* ABI_UINT, ABI_INT, ABI_FIXED: bytes; ABI_ARRAY: how many */
    struct bytes inner; /* ABI_TUPLE: its members; ABI_ARRAY, ABI_LIST: the element's type */
    bool dynamic;
    size_t words; /* of its head where it is static */
};

static int abi_type_read(struct bytes text, size_t depth, struct abi_type *type);

static bool abi_is(struct bytes text, const char *name)
{
    return bytes_equal(text, bytes_of_string(name));
}

/* The decimal number that is the whole of `text`, 0 for anything else. */
static size_t abi_number(struct bytes text)
{
    size_t sum = 0;

    if (text.len == 0 || text.len > 4 || text.data[0] == '0')
        return 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return 0;
        sum = sum * 10 + (size_t)(text.data[i] - '0');
    }
    return sum;
}

/* The number behind `prefix`, 0 where `text` does not begin with it. */
static size_t abi_number_behind(struct bytes text, const char *prefix)
{
    size_t len = strlen(prefix);

    if (text.len <= len || memcmp(text.data, prefix, len) != 0)
        return 0;
    return abi_number(bytes_of(text.data + len, text.len - len));
}

/* Takes the next member off the list of types `*rest`; false at its end. */
static bool abi_member(struct bytes *rest, struct bytes *member)
{
    size_t depth = 0, i = 0;

    if (rest->len == 0)
        return false;
    for (; i < rest->len && (depth || rest->data[i] != ','); i++) {
        if (rest->data[i] == '(')
            depth++;
        else if (rest->data[i] == ')' && depth)
            depth--;
    }
    *member = bytes_of(rest->data, i);
    i += i < rest->len;
    *rest = bytes_of(rest->data + i, rest->len - i);
    return true;
}

static int abi_type_word(struct bytes text, struct abi_type *type)
{
    size_t bits = abi_number_behind(text, "uint");
    size_t signed_bits = abi_number_behind(text, "int");
    size_t fixed = abi_number_behind(text, "bytes");

    type->words = 1;
    if (abi_is(text, "address")) {
        type->kind = ABI_ADDRESS;
    } else if (abi_is(text, "bool")) {
        type->kind = ABI_BOOL;
    } else if (abi_is(text, "bytes") || abi_is(text, "string")) {
        type->kind = abi_is(text, "bytes") ? ABI_BYTES : ABI_STRING;
        type->dynamic = true;
    } else if (bits || signed_bits) {
        type->kind = bits ? ABI_UINT : ABI_INT;
        type->size = (bits | signed_bits) / 8;
        if ((bits | signed_bits) % 8 || type->size > ABI_WORD)
            return ACESO_EUSAGE;
    } else if (fixed && fixed <= ABI_WORD) {
        type->kind = ABI_FIXED;
        type->size = fixed;
    } else {
        return ACESO_EUSAGE;
    }
    return ACESO_OK;
}

static int abi_type_tuple(struct bytes text, size_t depth, struct abi_type *type)
{
    struct bytes rest, member;
    struct abi_type inner;

    type->kind = ABI_TUPLE;
    type->inner = bytes_of(text.data + 1, text.len - 2);
    rest = type->inner;
    while (abi_member(&rest, &member)) {
        int code = abi_type_read(member, depth, &inner);

        if (code)
            return code;
        type->dynamic |= inner.dynamic;
        type->words += inner.words;
        type->size++;
    }
    return ACESO_OK;
}

static int abi_type_array(struct bytes text, size_t depth, struct abi_type *type)
{
    struct abi_type inner;
    size_t open = text.len - 1;
    int code;

    while (open && text.data[open] != '[')
        open--;
    type->inner = bytes_of(text.data, open);
    code = abi_type_read(type->inner, depth, &inner);
    if (code)
        return code;
    if (inner.words == 0)
        return ACESO_EUSAGE;
    if (open + 2 == text.len) {
        type->kind = ABI_LIST;
        type->dynamic = true;
        type->words = 1;
        return ACESO_OK;
    }
    type->kind = ABI_ARRAY;
    type->size = abi_number(bytes_of(text.data + open + 1, text.len - open - 2));
    type->dynamic = inner.dynamic;
    type->words = inner.words * type->size;
    return type->size && type->size <= ABI_ARRAY_MAX ? ACESO_OK : ACESO_EUSAGE;
}

/* Recursion is bounded by `depth`. */
static int abi_type_read(struct bytes text, size_t depth, struct abi_type *type)
{
    struct abi_type read = { .kind = ABI_UINT };
    int code;

    if (depth == 0 || text.len == 0)
        return ACESO_EUSAGE;
    if (text.data[text.len - 1] == ']')
        code = abi_type_array(text, depth - 1, &read);
    else if (text.data[0] == '(' && text.data[text.len - 1] == ')' && text.len >= 2)
        code = abi_type_tuple(text, depth - 1, &read);
    else
        code = abi_type_word(text, &read);
    if (!code)
        *type = read;
    return code;
}

/* The members of a tuple, or the elements of an array, one after another. */
struct abi_sequence {
    struct bytes rest;
    size_t left; /* elements, where `array` */
    bool array;
    size_t depth;
};

static struct abi_sequence abi_sequence_of(const struct abi_type *type, size_t count, size_t depth)
{
    return (struct abi_sequence){ .rest = type->inner, .left = count,
                                  .array = type->kind != ABI_TUPLE, .depth = depth };
}

static bool abi_sequence_next(struct abi_sequence *sequence, struct abi_type *type)
{
    struct bytes text = sequence->rest;

    if (sequence->array ? sequence->left-- == 0 : !abi_member(&sequence->rest, &text))
        return false;
    return abi_type_read(text, sequence->depth, type) == ACESO_OK;
}

static bool abi_all(const uint8_t *data, size_t len, uint8_t value)
{
    uint8_t differ = 0;

    for (size_t i = 0; i < len; i++)
        differ |= data[i] ^ value;
    return differ == 0;
}

/* Whether `word` is a value of the type, its unused bytes filled as they must be. */
static bool abi_word_fits(const struct abi_type *type, const uint8_t *word)
{
    size_t unused = ABI_WORD - type->size;

    switch (type->kind) {
    case ABI_UINT:
        return abi_all(word, unused, 0);
    case ABI_INT:
        return abi_all(word, unused, word[unused] & 0x80u ? 0xff : 0);
    case ABI_ADDRESS:
        return abi_all(word, 12, 0);
    case ABI_BOOL:
        return abi_all(word, 31, 0) && word[31] <= 1;
    case ABI_FIXED:
        return abi_all(word + type->size, unused, 0);
    default:
        return false;
    }
}

static size_t abi_padding(size_t len)
{
    return (ABI_WORD - len % ABI_WORD) % ABI_WORD;
}

static void abi_put_word(struct buffer *out, uint64_t value)
{
    uint8_t word[UINT256_LEN];

    uint256_put_u64(value, word);
    (void)buffer_put(out, word, sizeof word);
}

struct abi_encoder {
    struct buffer *out;
    struct aceso_error *error;
};

static int abi_encode_sequence(struct abi_encoder *encoder, struct abi_sequence sequence,
                               const struct abi_value *values, size_t count);

static int abi_encode_value(struct abi_encoder *encoder, const struct abi_type *type, size_t depth,
                            const struct abi_value *value)
{
    switch (type->kind) {
    case ABI_BYTES:
    case ABI_STRING:
        if (type->kind == ABI_STRING && !text_is_utf8(value->bytes))
            return error_set(encoder->error, ACESO_EFORMAT, NULL, "ABI: a string is not UTF-8");
        abi_put_word(encoder->out, value->bytes.len);
        (void)buffer_put_bytes(encoder->out, value->bytes);
        return buffer_put_zeros(encoder->out, abi_padding(value->bytes.len));
    case ABI_LIST:
    case ABI_ARRAY:
    case ABI_TUPLE:
        if (type->kind == ABI_LIST)
            abi_put_word(encoder->out, value->count);
        else if (value->count != type->size)
            return error_set(encoder->error, ACESO_EUSAGE, NULL, "ABI: %zu items where %zu belong",
                             value->count, type->size);
        return abi_encode_sequence(encoder, abi_sequence_of(type, value->count, depth),
                                   value->items, value->count);
    default:
        if (!abi_word_fits(type, value->word))
            return error_set(encoder->error, ACESO_EUSAGE, NULL, "ABI: a word is out of range");
        return buffer_put(encoder->out, value->word, ABI_WORD);
    }
}

/* Heads first, with a hole for each dynamic value's offset; then the tails, filling the holes. */
static int abi_encode_sequence(struct abi_encoder *encoder, struct abi_sequence sequence,
                               const struct abi_value *values, size_t count)
{
    struct abi_sequence again = sequence;
    struct buffer *out = encoder->out;
    size_t start = out->len, hole = start;
    struct abi_type type;
    int code = ACESO_OK;

    for (size_t i = 0; i < count && !code && abi_sequence_next(&sequence, &type); i++) {
        if (type.dynamic)
            code = buffer_put_zeros(out, ABI_WORD);
        else
            code = abi_encode_value(encoder, &type, sequence.depth - 1, &values[i]);
    }
    for (size_t i = 0; i < count && !code && abi_sequence_next(&again, &type); i++) {
        if (type.dynamic) {
            uint256_put_u64(out->len - start, out->data + hole);
            code = abi_encode_value(encoder, &type, again.depth - 1, &values[i]);
        }
        hole += ABI_WORD * (type.dynamic ? 1 : type.words);
    }
    return code;
}

/* Reads the whole of `types`, which must be a tuple. */
static int abi_types(const char *types, struct abi_type *type, struct aceso_error *error)
{
    int code = abi_type_read(bytes_of_string(types), ABI_DEPTH_MAX, type);

    if (code || type->kind != ABI_TUPLE)
        return error_set(error, ACESO_EUSAGE, NULL, "ABI: not a list of types");
    return ACESO_OK;
}

int abi_encode(const char *types, const struct abi_value *values, size_t count, struct buffer *out,
               struct aceso_error *error)
{
    struct abi_encoder encoder = { .out = out, .error = error };
    struct abi_type type;
    size_t start = out->len;
    int code = abi_types(types, &type, error);

    if (code)
        return code;
    if (count != type.size)
        return error_set(error, ACESO_EUSAGE, NULL, "ABI: %zu values where %zu belong", count,
                         type.size);
    if (out->failed)
        return error_set(error, out->failed, NULL, "ABI: no room");
    code = abi_encode_sequence(&encoder, abi_sequence_of(&type, count, ABI_DEPTH_MAX - 1), values,
                               count);
    if (out->failed)
        return error_set(error, out->failed, NULL, "ABI: the encoding is too long");
    if (code)
        out->len = start;
    return code;
}

int abi_encode_call(uint32_t selector, const char *types, const struct abi_value *values,
                    size_t count, struct buffer *out, struct aceso_error *error)
{
    size_t start = out->len;
    int code = buffer_put_u32(out, selector);

    if (code)
        return error_set(error, code, NULL, "ABI: no room");
    code = abi_encode(types, values, count, out, error);
    if (code && !out->failed)
        out->len = start;
    return code;
}

struct abi_decoder {
    const uint8_t *start;
    struct abi_value *values;
    size_t room;
    size_t used;
    struct aceso_error *error;
};

static int abi_refuse(const struct abi_decoder *decoder, const uint8_t *at, const char *words)
{
    char place[48];

    (void)snprintf(place, sizeof place, "byte %zu", at ? (size_t)(at - decoder->start) : 0);
    return error_set(decoder->error, ACESO_EFORMAT, place, "ABI: %s", words);
}

static int abi_take_values(struct abi_decoder *decoder, size_t count, struct abi_value **taken)
{
    if (count > decoder->room - decoder->used)
        return error_set(decoder->error, ACESO_ELIMIT, NULL, "ABI: more than %zu values",
                         decoder->room);
    *taken = decoder->values + decoder->used;
    decoder->used += count;
    return ACESO_OK;
}

/* Reads a length or offset off the front of `*in`. */
static int abi_take_length(const struct abi_decoder *decoder, struct bytes *in, uint64_t *value)
{
    if (in->len < ABI_WORD)
        return abi_refuse(decoder, in->data, "cut off");
    if (uint256_u64(in->data, value))
        return abi_refuse(decoder, in->data, "a length is out of range");
    *in = bytes_of(in->data + ABI_WORD, in->len - ABI_WORD);
    return ACESO_OK;
}

static int abi_decode_sequence(struct abi_decoder *decoder, struct abi_sequence sequence,
                               struct bytes *in, struct abi_value *values, size_t count);

static int abi_decode_bytes(struct abi_decoder *decoder, const struct abi_type *type,
                            struct bytes *in, struct abi_value *value)
{
    uint64_t len;
    size_t padding;
    int code = abi_take_length(decoder, in, &len);

    if (code)
        return code;
    if (len > in->len || abi_padding((size_t)len) > in->len - len)
        return abi_refuse(decoder, in->data, "cut off");
    padding = abi_padding((size_t)len);
    value->bytes = bytes_of(in->data, (size_t)len);
    if (!abi_all(in->data + len, padding, 0))
        return abi_refuse(decoder, in->data + len, "the padding is not zero");
    if (type->kind == ABI_STRING && !text_is_utf8(value->bytes))
        return abi_refuse(decoder, in->data, "a string is not UTF-8");
    *in = bytes_of(in->data + len + padding, in->len - (size_t)len - padding);
    return ACESO_OK;
}

static int abi_decode_items(struct abi_decoder *decoder, const struct abi_type *type, size_t depth,
                            struct bytes *in, struct abi_value *value)
{
    struct abi_value *items = NULL;
    uint64_t count = type->size;
    int code = ACESO_OK;

    if (type->kind == ABI_LIST) {
        code = abi_take_length(decoder, in, &count);
        if (!code && count > in->len / ABI_WORD)
            code = abi_refuse(decoder, in->data, "cut off");
    }
    if (!code)
        code = abi_take_values(decoder, (size_t)count, &items);
    if (code)
        return code;
    value->items = items;
    value->count = (size_t)count;
    return abi_decode_sequence(decoder, abi_sequence_of(type, (size_t)count, depth), in, items,
                               (size_t)count);
}

/* Takes one value off the front of `*in`: of a static type its head, of a dynamic one its tail. */
static int abi_decode_value(struct abi_decoder *decoder, const struct abi_type *type, size_t depth,
                            struct bytes *in, struct abi_value *value)
{
    memset(value, 0, sizeof *value);
    switch (type->kind) {
    case ABI_BYTES:
    case ABI_STRING:
        return abi_decode_bytes(decoder, type, in, value);
    case ABI_TUPLE:
    case ABI_ARRAY:
    case ABI_LIST:
        return abi_decode_items(decoder, type, depth, in, value);
    default:
        if (in->len < ABI_WORD)
            return abi_refuse(decoder, in->data, "cut off");
        if (!abi_word_fits(type, in->data))
            return abi_refuse(decoder, in->data, "a word is out of range");
        memcpy(value->word, in->data, ABI_WORD);
        *in = bytes_of(in->data + ABI_WORD, in->len - ABI_WORD);
        return ACESO_OK;
    }
}

/* Takes heads and then tails off the front of `*in`. Each offset must point to where the tails
 * before it ended: so there is one encoding of a value, and nothing is read twice. */
static int abi_decode_sequence(struct abi_decoder *decoder, struct abi_sequence sequence,
                               struct bytes *in, struct abi_value *values, size_t count)
{
    struct abi_sequence again = sequence;
    const uint8_t *start = in->data;
    struct bytes holes = *in;
    struct abi_type type;
    uint64_t offset;
    int code = ACESO_OK;

    for (size_t i = 0; i < count && !code && abi_sequence_next(&sequence, &type); i++) {
        if (type.dynamic)
            code = abi_take_length(decoder, in, &offset);
        else
            code = abi_decode_value(decoder, &type, sequence.depth - 1, in, &values[i]);
    }
    for (size_t i = 0; i < count && !code && abi_sequence_next(&again, &type); i++) {
        size_t head = ABI_WORD * (type.dynamic ? 1 : type.words);

        if (type.dynamic) {
            const uint8_t *at = holes.data;

            code = abi_take_length(decoder, &(struct bytes){ holes.data, holes.len }, &offset);
            if (!code && offset != (size_t)(in->data - start))
                code = abi_refuse(decoder, at, "an offset is not canonical");
            if (!code)
                code = abi_decode_value(decoder, &type, again.depth - 1, in, &values[i]);
        }
        holes = bytes_of(holes.data + head, holes.len - head);
    }
    return code;
}

int abi_decode(const char *types, struct bytes data, struct abi_value *values, size_t room,
               struct aceso_error *error)
{
    struct abi_decoder decoder = { .start = data.data, .values = values, .room = room,
                                   .error = error };
    struct abi_value *top = NULL;
    struct abi_type type;
    int code = abi_types(types, &type, error);

    if (!code)
        code = abi_take_values(&decoder, type.size, &top);
    if (!code)
        code = abi_decode_sequence(&decoder, abi_sequence_of(&type, type.size, ABI_DEPTH_MAX - 1),
                                   &data, top, type.size);
    if (!code && data.len)
        code = abi_refuse(&decoder, data.data, "bytes behind the last value");
    return code;
}

struct abi_value abi_u64(uint64_t value)
{
    struct abi_value made = { .count = 0 };

    uint256_put_u64(value, made.word);
    return made;
}

struct abi_value abi_bool(bool value)
{
    return abi_u64(value);
}

struct abi_value abi_address(const uint8_t address[20])
{
    struct abi_value made = { .count = 0 };

    memcpy(made.word + 12, address, 20);
    return made;
}

struct abi_value abi_word(const uint8_t word[32])
{
    struct abi_value made = { .count = 0 };

    memcpy(made.word, word, ABI_WORD);
    return made;
}

struct abi_value abi_bytes(struct bytes bytes)
{
    return (struct abi_value){ .bytes = bytes };
}

struct abi_value abi_string(const char *text)
{
    return abi_bytes(bytes_of_string(text));
}

struct abi_value abi_items(const struct abi_value *items, size_t count)
{
    return (struct abi_value){ .items = items, .count = count };
}

uint64_t abi_get_u64(const struct abi_value *value)
{
    uint64_t number;

    return uint256_u64(value->word, &number) ? UINT64_MAX : number;
}

bool abi_get_bool(const struct abi_value *value)
{
    return value->word[31] == 1;
}

void abi_get_address(const struct abi_value *value, uint8_t address[20])
{
    memcpy(address, value->word + 12, 20);
}

void abi_get_word(const struct abi_value *value, uint8_t word[32])
{
    memcpy(word, value->word, ABI_WORD);
}
