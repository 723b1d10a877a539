/* SPDX-License-Identifier: Apache-2.0 */
/* Key encapsulation. Core: the caller's memory, no I/O. */
#include "kem.h"

#include "lsss.h"
#include "octets.h"

static const char cca_random_tag[] = "ACESO-LW11-V01-CCA-RANDOM";
static const char cpa_random_tag[] = "ACESO-LW11-V01-CPA-RANDOM";
static const char mask_tag[] = "ACESO-LW11-V01-CCA-MASK";
static const char cca_key_tag[] = "ACESO-LW11-V01-CCA-KEY";
static const char cpa_key_tag[] = "ACESO-LW11-V01-CPA-KEY";

enum { CONFIRMATION_SIZE = 32 };

/* ---- layout ---------------------------------------------------------------------------- */

static size_t rows_offset(const struct abe_policy *policy)
{
    return ABE_HEADER_HEAD_SIZE + policy->length;
}

static size_t rows_end(const struct abe_policy *policy)
{
    return rows_offset(policy) + policy->rows * ABE_ROW_SIZE;
}

size_t abe_header_size(const struct abe_policy *policy, bool cca)
{
    return rows_end(policy) + (cca ? ACESO_ABE_SIGMA_SIZE : 0) + CONFIRMATION_SIZE;
}

int abe_header_text(const uint8_t *bytes, size_t length, const char **text, size_t *text_length)
{
    size_t n;

    if (length < ABE_HEADER_HEAD_SIZE || (!abe_has_prefix(bytes, length, ABE_TYPE_HEADER_CCA) &&
                                          !abe_has_prefix(bytes, length, ABE_TYPE_HEADER_CPA)))
        return ACESO_ABE_FORMAT;
    n = abe_get32(bytes + ABE_PREFIX_SIZE);
    if (n > ACESO_ABE_POLICY_TEXT_MAX || n > length - ABE_HEADER_HEAD_SIZE)
        return ACESO_ABE_FORMAT;
    *text = (const char *)bytes + ABE_HEADER_HEAD_SIZE;
    *text_length = n;
    return ACESO_ABE_OK;
}

int abe_header_parse(const uint8_t *bytes, size_t length, struct abe_node *nodes, size_t capacity,
                     struct abe_header *header)
{
    struct abe_header parsed = { .bytes = bytes, .length = length };
    struct aceso_abe_policy_error error;
    const char *text;
    size_t text_length;
    int code = abe_header_text(bytes, length, &text, &text_length);

    if (code != ACESO_ABE_OK)
        return code;
    code = abe_policy_parse(&parsed.policy, text, text_length, nodes, capacity, &error);
    if (code != ACESO_ABE_OK)
        return code == ACESO_ABE_POLICY ? ACESO_ABE_FORMAT : code;
    parsed.cca = abe_has_prefix(bytes, length, ABE_TYPE_HEADER_CCA);
    parsed.rows = bytes + rows_offset(&parsed.policy);
    if (!abe_policy_is_canonical(&parsed.policy) ||
        length != abe_header_size(&parsed.policy, parsed.cca))
        return ACESO_ABE_FORMAT;
    *header = parsed;
    return ACESO_ABE_OK;
}

/* ---- making and comparing -------------------------------------------------------------- */

/* A header in the making: written to memory, or compared with one that is there. */
struct target {
    uint8_t *out; /* NULL: compare only */
    const uint8_t *header;
    uint8_t difference;
};

static void put(struct target *target, size_t at, const uint8_t *bytes, size_t length)
{
    if (target->out != NULL)
        memcpy(target->out + at, bytes, length);
    else
        target->difference |= abe_difference(target->header + at, bytes, length);
}

static void put_head(struct target *target, const struct abe_kem *kem)
{
    uint8_t head[ABE_HEADER_HEAD_SIZE];

    abe_put_prefix(head, kem->cca ? ABE_TYPE_HEADER_CCA : ABE_TYPE_HEADER_CPA);
    abe_put32(head + ABE_PREFIX_SIZE, kem->policy->length);
    put(target, 0, head, sizeof(head));
    put(target, sizeof(head), (const uint8_t *)kem->policy->text, kem->policy->length);
}

/* PRK of all scalars: binds the secret, prefix and policy, the rows' public keys, the context. */
static void random_prk(const struct abe_kem *kem, const uint8_t *header, blst_fr *scratch,
                       const uint8_t context_digest[ABE_HASH_SIZE], uint8_t prk[ABE_HASH_SIZE])
{
    uint8_t head_digest[ABE_HASH_SIZE];
    uint8_t keys_digest[ABE_HASH_SIZE];
    uint8_t *digests = (uint8_t *)scratch; /* ABE_SCRATCH_PER_ROW scalars have room for one each */
    struct abe_span parts[4] = { { kem->secret, ACESO_ABE_SIGMA_SIZE },
                                 { head_digest, ABE_HASH_SIZE },
                                 { keys_digest, ABE_HASH_SIZE },
                                 { context_digest, ABE_HASH_SIZE } };

    for (size_t row = 0; row < kem->policy->rows; row++)
        memcpy(digests + row * ABE_HASH_SIZE, kem->keys[row]->digest, ABE_HASH_SIZE);
    abe_sha256(header, rows_offset(kem->policy), head_digest);
    abe_sha256(digests, kem->policy->rows * ABE_HASH_SIZE, keys_digest);
    abe_hkdf_extract(kem->cca ? cca_random_tag : cpa_random_tag, parts, 4, prk);
}

/* The secrets of one encryption, all in the caller's scratch. */
struct sharing {
    uint8_t prk[ABE_HASH_SIZE];
    blst_fr *v;      /* by column; v[0] = s */
    blst_fr *w;      /* by column; w[0] = 0 */
    blst_fr *lambda; /* by row */
    blst_fr *omega;  /* by row */
};

static void share(const struct abe_policy *policy, struct sharing *sharing)
{
    memset(&sharing->w[0], 0, sizeof(sharing->w[0]));
    for (size_t column = 0; column < policy->columns; column++) {
        abe_hkdf_scalar_indexed(sharing->prk, 'v', column, &sharing->v[column]);
        if (column > 0)
            abe_hkdf_scalar_indexed(sharing->prk, 'w', column, &sharing->w[column]);
    }
    abe_lsss_share(policy, sharing->v, sharing->lambda);
    abe_lsss_share(policy, sharing->w, sharing->omega);
}

/* What the rows of one `or` have in common. */
struct blinded_share {
    blst_fp12 lambda; /* e(g1,g2)^lambda, as the ratio n / conjugate(n) */
    blst_p1 omega;    /* g1^omega */
};

/* n with n / conjugate(n) = e(g1,g2)^scalar. */
static void generator_power(const struct abe_kem *kem, const blst_fr *scalar, blst_fp12 *out)
{
    *out = *blst_fp12_one();
    abe_gt_multiply_secret(out, kem->generators != NULL ? &kem->generators->a : NULL, NULL, scalar);
}

/* sum = sum + g1^scalar. */
static void add_generator(const struct abe_kem *kem, const blst_fr *scalar, blst_p1 *sum)
{
    abe_g1_add_secret(sum, kem->generators != NULL ? &kem->generators->y : NULL, NULL, scalar);
}

static void blind_share(const struct abe_kem *kem, const struct sharing *sharing, size_t row,
                        struct blinded_share *out)
{
    generator_power(kem, &sharing->lambda[row], &out->lambda);
    memset(&out->omega, 0, sizeof(out->omega));
    add_generator(kem, &sharing->omega[row], &out->omega);
}

/* C1, C2, C3 of one row. False when one of them has no encoding. */
static bool put_row(struct target *target, const struct abe_kem *kem, const struct sharing *sharing,
                    size_t row, const struct blinded_share *blinded)
{
    const struct abe_public *key = kem->keys[row];
    const struct abe_tables *tables = kem->tables != NULL ? kem->tables[row] : NULL;
    uint8_t bytes[ABE_ROW_SIZE];
    blst_fr r;
    blst_fp12 c1 = blinded->lambda;
    blst_p1 c2;
    blst_p1 c3 = blinded->omega;
    bool ok;

    abe_hkdf_scalar_indexed(sharing->prk, 'r', row, &r);
    abe_gt_multiply_secret(&c1, tables != NULL ? &tables->a : NULL, &key->a, &r);
    memset(&c2, 0, sizeof(c2));
    add_generator(kem, &r, &c2);
    abe_g1_add_secret(&c3, tables != NULL ? &tables->y : NULL, &key->y, &r);
    /* The numerator of C1 is secret, its torus form is not. */
    ok = abe_torus_encode_ratio(&c1, bytes);
    abe_declassify(bytes, ABE_TORUS_SIZE);
    abe_declassify(&ok, sizeof(ok));
    abe_declassify(&c2, sizeof(c2));
    abe_declassify(&c3, sizeof(c3));
    ok = ok && !blst_p1_is_inf(&c2) && !blst_p1_is_inf(&c3);
    if (ok) {
        blst_p1_compress(bytes + ABE_TORUS_SIZE, &c2);
        blst_p1_compress(bytes + ABE_TORUS_SIZE + ABE_G1_SIZE, &c3);
        put(target, rows_offset(kem->policy) + row * ABE_ROW_SIZE, bytes, sizeof(bytes));
    }
    abe_wipe(&r, sizeof(r));
    abe_wipe(&c1, sizeof(c1));
    abe_wipe(&c3, sizeof(c3));
    return ok;
}

/* The rows of the leaves right under one gate. */
static bool put_gate(struct target *target, const struct abe_kem *kem,
                     const struct sharing *sharing, const struct abe_node *gate)
{
    const struct abe_node *nodes = kem->policy->nodes;
    struct blinded_share blinded;
    bool shared = false;
    bool ok = true;

    for (uint32_t child = gate->first; child != ABE_NODE_NONE && ok; child = nodes[child].next) {
        size_t row = nodes[child].row;

        if (nodes[child].threshold != 0)
            continue;
        if (!shared)
            blind_share(kem, sharing, row, &blinded);
        shared = gate->threshold == 1;
        ok = put_row(target, kem, sharing, row, &blinded);
    }
    abe_wipe(&blinded, sizeof(blinded));
    return ok;
}

static bool put_rows(struct target *target, const struct abe_kem *kem,
                     const struct sharing *sharing)
{
    const struct abe_policy *policy = kem->policy;
    struct blinded_share blinded;
    bool ok = true;

    if (policy->rows == 1) {
        blind_share(kem, sharing, 0, &blinded);
        ok = put_row(target, kem, sharing, 0, &blinded);
        abe_wipe(&blinded, sizeof(blinded));
        return ok;
    }
    for (size_t i = 0; i < policy->count && ok; i++) {
        if (policy->nodes[i].threshold != 0 && policy->nodes[i].row != ABE_ROW_NONE)
            ok = put_gate(target, kem, sharing, &policy->nodes[i]);
    }
    return ok;
}

/* ---- sigma, confirmation, key ---------------------------------------------------------- */

/* in XOR mask, where the mask comes from e(g1,g2)^s and all that stands before it. */
static void apply_mask(const struct abe_policy *policy, const uint8_t *header, const blst_fp12 *e,
                       const uint8_t in[ACESO_ABE_SIGMA_SIZE], uint8_t out[ACESO_ABE_SIGMA_SIZE])
{
    uint8_t encoded[ABE_GT_SIZE];
    uint8_t prk[ABE_HASH_SIZE];
    uint8_t digest[ABE_HASH_SIZE];
    uint8_t mask[ACESO_ABE_SIGMA_SIZE];
    struct abe_span ikm = { encoded, sizeof(encoded) };
    struct abe_span info = { digest, sizeof(digest) };

    abe_gt_encode(e, encoded);
    abe_sha256(header, rows_end(policy), digest);
    abe_hkdf_extract(mask_tag, &ikm, 1, prk);
    abe_hkdf_expand(prk, &info, 1, mask, sizeof(mask));
    for (size_t i = 0; i < sizeof(mask); i++)
        out[i] = in[i] ^ mask[i];
    abe_wipe(encoded, sizeof(encoded));
    abe_wipe(prk, sizeof(prk));
    abe_wipe(mask, sizeof(mask));
}

/* HKDF-Expand(prk, label, SHA-256(header up to `length`), SHA-256(context)). */
static void expand_key(const uint8_t prk[ABE_HASH_SIZE], const char *label, size_t label_length,
                       const uint8_t *header, size_t length,
                       const uint8_t context_digest[ABE_HASH_SIZE], uint8_t out[ABE_HASH_SIZE])
{
    uint8_t digest[ABE_HASH_SIZE];
    struct abe_span info[3] = { { label, label_length },
                                { digest, sizeof(digest) },
                                { context_digest, ABE_HASH_SIZE } };

    abe_sha256(header, length, digest);
    abe_hkdf_expand(prk, info, 3, out, ABE_HASH_SIZE);
}

/* The key's PRK: from sigma in the CCA form, from e(g1,g2)^s in the CPA form. */
static void key_prk(const uint8_t *sigma, const blst_fp12 *e, uint8_t prk[ABE_HASH_SIZE])
{
    uint8_t encoded[ABE_GT_SIZE];
    struct abe_span ikm = { sigma, ACESO_ABE_SIGMA_SIZE };

    if (sigma == NULL) {
        abe_gt_encode(e, encoded);
        ikm = (struct abe_span){ encoded, sizeof(encoded) };
    }
    abe_hkdf_extract(sigma != NULL ? cca_key_tag : cpa_key_tag, &ikm, 1, prk);
    abe_wipe(encoded, sizeof(encoded));
}

static int put_tail(struct target *target, const struct abe_kem *kem, const struct sharing *sharing,
                    const uint8_t context_digest[ABE_HASH_SIZE], uint8_t key[ACESO_ABE_KEY_SIZE])
{
    size_t at = rows_end(kem->policy);
    uint8_t prk[ABE_HASH_SIZE];
    uint8_t bytes[ABE_HASH_SIZE];
    blst_fp12 e;
    int code = ACESO_ABE_REFUSED;

    generator_power(kem, &sharing->v[0], &e);
    abe_torus_ratio(&e, &e);
    if (kem->cca) {
        apply_mask(kem->policy, target->header, &e, kem->secret, bytes);
        put(target, at, bytes, ACESO_ABE_SIGMA_SIZE);
        at += ACESO_ABE_SIGMA_SIZE;
    }
    key_prk(kem->cca ? kem->secret : NULL, &e, prk);
    expand_key(prk, "confirm", 7, target->header, at, context_digest, bytes);
    put(target, at, bytes, CONFIRMATION_SIZE);
    abe_declassify(&target->difference, sizeof(target->difference));
    if (target->difference == 0) {
        expand_key(prk, "key", 3, target->header, at + CONFIRMATION_SIZE, context_digest, key);
        code = ACESO_ABE_OK;
    }
    abe_wipe(&e, sizeof(e));
    abe_wipe(prk, sizeof(prk));
    abe_wipe(bytes, sizeof(bytes));
    return code;
}

static int build(struct target *target, const struct abe_kem *kem, blst_fr *scratch,
                 uint8_t key[ACESO_ABE_KEY_SIZE])
{
    size_t rows = kem->policy->rows;
    uint8_t context_digest[ABE_HASH_SIZE];
    struct sharing sharing = {
        .v = scratch, .w = scratch + rows, .lambda = scratch + 2 * rows, .omega = scratch + 3 * rows
    };
    int code = ACESO_ABE_REFUSED;

    put_head(target, kem);
    abe_sha256(kem->context, kem->context_length, context_digest);
    random_prk(kem, target->header, scratch, context_digest, sharing.prk);
    share(kem->policy, &sharing);
    if (put_rows(target, kem, &sharing))
        code = put_tail(target, kem, &sharing, context_digest, key);
    abe_wipe(scratch, ABE_SCRATCH_PER_ROW * rows * sizeof(*scratch));
    abe_wipe(&sharing, sizeof(sharing));
    return code;
}

int abe_kem_make(const struct abe_kem *kem, blst_fr *scratch, uint8_t *out,
                 uint8_t key[ACESO_ABE_KEY_SIZE])
{
    struct target target = { .out = out, .header = out };

    return build(&target, kem, scratch, key);
}

int abe_kem_check(const struct abe_kem *kem, blst_fr *scratch, const struct abe_header *header,
                  uint8_t key[ACESO_ABE_KEY_SIZE])
{
    struct target target = { .header = header->bytes };

    return build(&target, kem, scratch, key);
}

/* ---- opening --------------------------------------------------------------------------- */

/* A public coefficient as a sign and the shorter of c and r - c. */
static void coefficient_split(const blst_fr *coefficient, blst_fr *magnitude, bool *negative)
{
    blst_fr opposite;
    blst_scalar a;
    blst_scalar b;

    blst_fr_cneg(&opposite, coefficient, true);
    blst_scalar_from_fr(&a, coefficient);
    blst_scalar_from_fr(&b, &opposite);
    *negative = false;
    for (size_t i = sizeof(a.b); i-- > 0;) {
        if (a.b[i] != b.b[i]) {
            *negative = a.b[i] > b.b[i];
            break;
        }
    }
    *magnitude = *negative ? opposite : *coefficient;
}

static bool is_one(const blst_fr *magnitude)
{
    blst_fr one;

    abe_fr_from_integer(&one, 1);
    return memcmp(magnitude, &one, sizeof(one)) == 0;
}

/* out = (negative ? -1 : 1) * magnitude * point, in variable time. */
static void g1_mult_public(blst_p1 *out, const blst_p1_affine *point, const blst_fr *magnitude,
                           bool negative)
{
    blst_scalar bytes;
    size_t bits = 8 * sizeof(bytes.b);

    blst_scalar_from_fr(&bytes, magnitude);
    while (bits > 1 && (bytes.b[(bits - 1) / 8] >> (bits - 1) % 8 & 1) == 0)
        bits--;
    blst_p1_from_affine(out, point);
    if (bits > 1)
        blst_p1_mult(out, out, bytes.b, bits);
    blst_p1_cneg(out, negative);
}

/* One opening: the pairing product, sum of c * C3, and product of C1^c as a torus numerator. */
struct opening {
    struct abe_pairing pairing;
    blst_p1 c3;
    blst_fp12 numerator;
};

static bool open_row(struct opening *opening, const uint8_t *row, const blst_fr *coefficient,
                     const struct abe_user *user, const struct abe_lines *lines)
{
    blst_fp12 c1;
    blst_p1_affine c2;
    blst_p1_affine c3;
    blst_p1 multiple;
    blst_fr magnitude;
    bool negative;

    if (!abe_torus_decode(row, &c1) || !abe_g1_decode(row + ABE_TORUS_SIZE, &c2) ||
        !abe_g1_decode(row + ABE_TORUS_SIZE + ABE_G1_SIZE, &c3))
        return false;
    coefficient_split(coefficient, &magnitude, &negative);
    if (is_one(&magnitude)) {
        blst_fp_cneg(&c2.y, &c2.y, !negative);
        blst_fp_cneg(&c3.y, &c3.y, negative);
        blst_p1_add_or_double_affine(&opening->c3, &opening->c3, &c3);
    } else {
        abe_fp12_pow_public(&c1, &c1, &magnitude);
        g1_mult_public(&multiple, &c2, &magnitude, !negative);
        blst_p1_to_affine(&c2, &multiple);
        g1_mult_public(&multiple, &c3, &magnitude, negative);
        blst_p1_add_or_double(&opening->c3, &opening->c3, &multiple);
    }
    if (negative)
        blst_fp12_conjugate(&c1);
    blst_fp12_mul(&opening->numerator, &opening->numerator, &c1);
    abe_pairing_add(&opening->pairing, &c2, &user->k, lines);
    return true;
}

/* Opens all chosen rows; the user of one of them, NULL when an element does not decode. */
static const struct abe_user *open_rows(struct opening *opening, const struct abe_header *header,
                                        const uint8_t *chosen, const struct abe_openers *openers)
{
    const struct abe_policy *policy = &header->policy;
    const struct abe_user *user = NULL;

    for (size_t i = 0; i < policy->count; i++) {
        size_t row = policy->nodes[i].row;

        if (chosen[i] == 0 || policy->nodes[i].threshold != 0)
            continue;
        user = openers->users[row];
        if (!open_row(opening, header->rows + row * ABE_ROW_SIZE, &openers->coefficients[row], user,
                      openers->k != NULL ? openers->k[row] : NULL))
            return NULL;
    }
    return user;
}

bool abe_kem_recover(const struct abe_header *header, const uint8_t *chosen,
                     const struct abe_openers *openers, blst_fp12 *e)
{
    const struct abe_user *user;
    struct opening opening;
    blst_p1_affine c3;
    blst_fp12 ratio;

    abe_pairing_begin(&opening.pairing);
    memset(&opening.c3, 0, sizeof(opening.c3));
    opening.numerator = *blst_fp12_one();
    user = open_rows(&opening, header, chosen, openers);
    if (user != NULL) {
        blst_p1_to_affine(&c3, &opening.c3);
        abe_pairing_add(&opening.pairing, &c3, &user->h, openers->h);
        abe_pairing_end(&opening.pairing, e);
        abe_torus_ratio(&ratio, &opening.numerator);
        blst_fp12_mul(e, e, &ratio);
    }
    abe_wipe(&opening, sizeof(opening));
    return user != NULL;
}

void abe_kem_unmask(const struct abe_header *header, const blst_fp12 *e,
                    uint8_t sigma[ACESO_ABE_SIGMA_SIZE])
{
    apply_mask(&header->policy, header->bytes, e, header->bytes + rows_end(&header->policy), sigma);
}

int abe_kem_finish_cpa(const struct abe_header *header, const blst_fp12 *e, const uint8_t *context,
                       size_t context_length, uint8_t key[ACESO_ABE_KEY_SIZE])
{
    size_t at = rows_end(&header->policy);
    uint8_t context_digest[ABE_HASH_SIZE];
    uint8_t prk[ABE_HASH_SIZE];
    uint8_t confirmation[CONFIRMATION_SIZE];
    uint8_t difference;
    int code = ACESO_ABE_REFUSED;

    abe_sha256(context, context_length, context_digest);
    key_prk(NULL, e, prk);
    expand_key(prk, "confirm", 7, header->bytes, at, context_digest, confirmation);
    difference = abe_difference(confirmation, header->bytes + at, sizeof(confirmation));
    abe_declassify(&difference, sizeof(difference));
    if (difference == 0) {
        expand_key(prk, "key", 3, header->bytes, header->length, context_digest, key);
        code = ACESO_ABE_OK;
    }
    abe_wipe(prk, sizeof(prk));
    abe_wipe(confirmation, sizeof(confirmation));
    return code;
}
