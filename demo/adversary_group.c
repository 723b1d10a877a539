/* SPDX-License-Identifier: Apache-2.0 */
#include "adversary_group.h"

#include "crypto/digest.h"

#include <string.h>

#define GROUP_ROW_SIZE (GROUP_TORUS_SIZE + 2 * 48) /* C1 in torus form, C2, C3 */

/* f = (g + w) / (g - w); coefficients v^0, v^1, v^2, in each u^0, u^1. */
void group_torus_read(const uint8_t in[GROUP_TORUS_SIZE], blst_fp12 *out)
{
    blst_fp12 above, below, inverse;
    uint8_t one[48] = { 0 };

    one[47] = 1;
    memset(&above, 0, sizeof above);
    for (unsigned i = 0; i < 6; i++)
        blst_fp_from_bendian(&above.fp6[0].fp2[i / 2].fp[i % 2], in + 48 * (size_t)i);
    blst_fp_from_bendian(&above.fp6[1].fp2[0].fp[0], one);
    below = above;
    blst_fp12_conjugate(&below);
    blst_fp12_inverse(&inverse, &below);
    blst_fp12_mul(out, &above, &inverse);
}

/* g = (1 + a) / b for f = a + b w; elements of the lower field as ones of the upper. */
void group_torus_write(const blst_fp12 *in, uint8_t out[GROUP_TORUS_SIZE])
{
    blst_fp12 a = *in, b, g;

    memset(&a.fp6[1], 0, sizeof a.fp6[1]);
    memset(&b, 0, sizeof b);
    b.fp6[0] = in->fp6[1];
    blst_fp2_add(&a.fp6[0].fp2[0], &a.fp6[0].fp2[0], &blst_fp12_one()->fp6[0].fp2[0]);
    blst_fp12_inverse(&g, &b);
    blst_fp12_mul(&g, &g, &a);
    for (unsigned i = 0; i < 6; i++)
        blst_bendian_from_fp(out + 48 * (size_t)i, &g.fp6[0].fp2[i / 2].fp[i % 2]);
}

void group_pair(const blst_p1_affine *p, const blst_p2_affine *q, blst_fp12 *out)
{
    blst_miller_loop(out, q, p);
    blst_final_exp(out, out);
}

static int group_read_row(struct reader *reader, struct group_row *row)
{
    struct bytes bytes = reader_take(reader, GROUP_ROW_SIZE);
    blst_p1 point;

    if (reader->failed ||
        blst_p1_uncompress(&row->c2, bytes.data + GROUP_TORUS_SIZE) != BLST_SUCCESS ||
        blst_p1_uncompress(&row->c3, bytes.data + GROUP_TORUS_SIZE + 48) != BLST_SUCCESS)
        return ACESO_EFORMAT;
    group_torus_read(bytes.data, &row->c1);
    blst_p1_from_affine(&point, &row->c2);
    blst_p1_cneg(&point, true);
    blst_p1_to_affine(&row->c2, &point);
    return ACESO_OK;
}

int group_read(struct bytes bytes, struct group_header *header)
{
    struct reader reader = reader_of(bytes);
    struct bytes text;
    size_t count;
    int code = aceso_abe_header_policy(bytes.data, bytes.len, &header->policy);

    if (code)
        return ACESO_EFORMAT;
    header->header = bytes;
    (void)reader_take(&reader, 3);
    text = reader_take(&reader, reader_u32(&reader));
    count = aceso_abe_policy_rows(header->policy);
    if (reader.failed || count > GROUP_ROWS_MAX)
        return ACESO_ELIMIT;
    header->count = count;
    header->plain = !memmem(text.data, text.len, " of (", 5);
    for (size_t i = 0; i < count; i++) {
        if (aceso_abe_policy_attribute(header->policy, i, header->row[i].attribute) ||
            group_read_row(&reader, &header->row[i]))
            return ACESO_EFORMAT;
    }
    header->body = bytes_of(bytes.data, bytes.len - reader.left);
    header->masked = reader_take(&reader, 32);
    header->confirmation = reader_take(&reader, 32);
    return reader_done(&reader) ? ACESO_OK : ACESO_EFORMAT;
}

void group_free(struct group_header *header)
{
    aceso_abe_policy_free(header->policy);
    header->policy = NULL;
}

static void group_expand(const uint8_t prk[32], const char *label, struct bytes first,
                         struct bytes second, uint8_t out[32])
{
    struct buffer info = BUFFER_INIT(4096);
    uint8_t digest[32];

    (void)buffer_put_string(&info, label);
    sha256(first, digest);
    (void)buffer_put(&info, digest, 32);
    if (second.data) {
        sha256(second, digest);
        (void)buffer_put(&info, digest, 32);
    }
    hkdf_sha256_expand(prk, buffer_bytes(&info), out, 32);
    buffer_free(&info);
}

void group_mask(const blst_fp12 *e, struct bytes body, const uint8_t in[32], uint8_t out[32])
{
    uint8_t text[576], prk[32], mask[32];

    for (unsigned i = 0; i < 12; i++)
        blst_bendian_from_fp(text + 48 * (size_t)i, &e->fp6[i / 6].fp2[i / 2 % 3].fp[i % 2]);
    hkdf_sha256_extract(bytes_of_string("ACESO-LW11-V01-CCA-MASK"), bytes_of(text, sizeof text),
                        prk);
    group_expand(prk, "", body, bytes_of(NULL, 0), mask);
    for (unsigned i = 0; i < 32; i++)
        out[i] = in[i] ^ mask[i];
}

void group_confirm(const uint8_t sigma[32], struct bytes body_and_masked, struct bytes context,
                   uint8_t out[32])
{
    uint8_t prk[32];

    hkdf_sha256_extract(bytes_of_string("ACESO-LW11-V01-CCA-KEY"), bytes_of(sigma, 32), prk);
    group_expand(prk, "confirm", body_and_masked, context, out);
}

bool group_finish(const struct group_header *header, const blst_fp12 *e, uint8_t key[32])
{
    struct bytes context = bytes_of(header->context, header->context_len);
    uint8_t prk[32], sigma[32], confirmation[32];

    group_mask(e, header->body, header->masked.data, sigma);
    group_confirm(sigma, bytes_of(header->body.data, header->body.len + 32), context,
                  confirmation);
    if (memcmp(confirmation, header->confirmation.data, 32) != 0)
        return false;
    hkdf_sha256_extract(bytes_of_string("ACESO-LW11-V01-CCA-KEY"), bytes_of(sigma, 32), prk);
    group_expand(prk, "key", header->header, context, key);
    return true;
}
