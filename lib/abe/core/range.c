/* SPDX-License-Identifier: Apache-2.0 */
/* Dyadic prefixes. Core: no heap, no I/O. */
#include "range.h"

#include "octets.h"

enum { NAME_MAX_LENGTH = 64, SUFFIX_MAX = 13 /* .n32.ffffffff */, DATE_LENGTH = 10 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* `length` digits; at most ten of them. */
static bool read_digits(const char *text, size_t length, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < length; i++) {
        if (!is_digit(text[i]))
            return false;
        *value = *value * 10 + (uint64_t)(text[i] - '0');
    }
    return length > 0 && length <= 10;
}

static bool is_leap(uint64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static bool read_date(const char *text, struct abe_value *value)
{
    static const uint8_t days_of[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    uint64_t year;
    uint64_t month;
    uint64_t day;
    uint64_t days;

    if (!read_digits(text, 4, &year) || !read_digits(text + 5, 2, &month) ||
        !read_digits(text + 8, 2, &day) || text[4] != '-' || text[7] != '-' || year == 0 ||
        month == 0 || month > 12 || day == 0)
        return false;
    if (day > (uint64_t)days_of[month - 1] + (month == 2 && is_leap(year)))
        return false;
    days = (year - 1) * 365 + (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
    for (uint64_t i = 1; i < month; i++)
        days += (uint64_t)days_of[i - 1] + (i == 2 && is_leap(year));
    value->number = (uint32_t)(days + day - 1);
    value->date = true;
    return true;
}

bool abe_value_read(const char *text, size_t length, struct abe_value *value)
{
    uint64_t number;

    if (length == DATE_LENGTH && text[4] == '-')
        return read_date(text, value);
    if (!read_digits(text, length, &number) || number > UINT32_MAX ||
        (text[0] == '0' && length > 1))
        return false;
    value->number = (uint32_t)number;
    value->date = false;
    return true;
}

struct abe_prefix abe_value_prefix(const struct abe_value *value, unsigned length)
{
    unsigned rest = abe_value_bits(value->date) - length;
    struct abe_prefix prefix = { .bits = rest < 32 ? value->number >> rest : 0, .length = length };

    return prefix;
}

bool abe_range_next(bool date, uint32_t *first, uint32_t last, struct abe_prefix *prefix)
{
    uint64_t left = (uint64_t)last - *first + 1;
    unsigned bits = abe_value_bits(date);
    unsigned rest = 0;

    while (rest < bits && ((uint64_t)*first >> rest & 1) == 0 && (UINT64_C(2) << rest) <= left)
        rest++;
    prefix->bits = rest < 32 ? *first >> rest : 0;
    prefix->length = bits - rest;
    if ((UINT64_C(1) << rest) == left)
        return false;
    *first += (uint32_t)(UINT64_C(1) << rest);
    return true;
}

size_t abe_prefix_attribute(const char *attribute, size_t length, bool date,
                            const struct abe_prefix *prefix, char out[ACESO_ABE_ATTRIBUTE_MAX])
{
    size_t digits = prefix->length > 4 ? (prefix->length + 3) / 4 : 1;
    size_t name = 0;
    size_t at;

    while (attribute[name] != '@')
        name++;
    if (name > NAME_MAX_LENGTH - SUFFIX_MAX)
        return 0;
    memcpy(out, attribute, name);
    at = name;
    out[at++] = '.';
    out[at++] = date ? 'd' : 'n';
    if (prefix->length >= 10)
        out[at++] = (char)('0' + prefix->length / 10);
    out[at++] = (char)('0' + prefix->length % 10);
    out[at++] = '.';
    while (digits-- > 0)
        out[at++] = "0123456789abcdef"[prefix->bits >> 4 * digits & 15];
    memcpy(out + at, attribute + name, length - name);
    return at + length - name;
}
