/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Test vectors with all intermediate values. `vectors_test FILE` computes them afresh, following
 * the text of docs/abe-format.md step by step with the core's primitives, checks that the library
 * arrives at the same bytes, and compares the whole with FILE; `vectors_test FILE --write` writes
 * FILE. Uses core, the shell's objects and world.
 */
#include "../core/kem.h"
#include "../core/lsss.h"
#include "../core/octets.h"
#include "../shell/objects.h"
#include "world.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const attributes[] = {
    "registered@hospital-a",
    "surgeon@hospital-a",
    "accredited@hospital-b",
    "pharmacist@hospital-b",
    "grant-3.0@0x00112233445566778899aabbccddeeff00112233",
    "self.0@0x00112233445566778899aabbccddeeff00112233",
    "dose.n32.00000005@hospital-b",
    "dose.n31.00000003@hospital-b",
    "dose.n31.00000004@hospital-b",
    "born.d22.0b2441@hospital-a",
    "born.d21.059221@hospital-a",
};

enum { ATTRIBUTES = sizeof(attributes) / sizeof(attributes[0]), ROWS = 16 };

/* Letters stand for the attributes above, in their order, to keep the policies readable. */
struct vector {
    const char *policy;
    const char *holder; /* attributes that open it */
    bool cca;
    const char *context;
};

static const struct vector cases[] = {
    { "A", "A", true, "" },
    { "A and C", "AC", true, "context" },
    { "A or C", "C", true, "context" },
    { "E and A and C", "ACE", true, "level 3" },
    { "F or (E and A and C)", "F", true, "level 4" },
    { "(A or B) and (C or D)", "BC", true, "" },
    { "2 of (A, B, C)", "AC", true, "" },
    { "3 of (A, B, C, D, E)", "BDE", true, "" },
    { "2 of (A and B, C or D, 2 of (D, E, F))", "DF", true, "" },
    { "(A and B) or (A and C)", "AC", true, "a leaf used twice" },
    { "2 of (A, A, B, C)", "AB", true, "a repeated leaf counts once" },
    { "1 of (((A)))", "A", true, "written in another way" },
    { "A and (C or D)", "AD", false, "the CPA form" },
    { "2 of (A, C, E)", "CE", false, "" },
    { "dose@hospital-b in 5..9", "H", true, "numbers" },
    { "A and dose@hospital-b in 5..9", "AG", false, "" },
    { "born@hospital-a in 2000-02-28..2000-03-01", "K", true, "dates" },
};

/* Payloads: `piece`, `repeats` times. The context is what follows from the associated data. */
static const struct {
    struct vector header;
    const char *piece;
    size_t repeats;
} payloads[] = {
    { { "A and C", "AC", true, "visit 1" }, "a payload", 1 },
    { { "2 of (A, C, E)", "CE", false, "" }, "another", 1 },
    { { "A or dose@hospital-b in 5..9", "I", false, "" }, "", 0 },
    { { "F or (E and A and C)", "F", true, "" }, "0123456789abcdef", 4096 },
    { { "C", "C", false, "two chunks" }, "0123456789abcdef", 4097 },
};
enum { CHUNK = 65536 };

static const uint8_t gid[20] = { 0x5a, 0xae, 0xb6, 0x05, 0x3f, 0x3e, 0x94, 0xc9, 0xb9, 0xa0,
                                 0x9f, 0x33, 0x66, 0x94, 0x35, 0xe7, 0xef, 0x1b, 0xea, 0xed };

static struct aceso_abe_public_key *public_keys[ATTRIBUTES];
static struct aceso_abe_user_key *user_keys[ATTRIBUTES];

/* ---- writing --------------------------------------------------------------------------- */

static void put_hex(FILE *out, const char *name, const uint8_t *bytes, size_t length,
                    const char *end)
{
    fprintf(out, "\"%s\": \"", name);
    for (size_t i = 0; i < length; i++)
        fprintf(out, "%02x", bytes[i]);
    fprintf(out, "\"%s", end);
}

static void put_scalar(FILE *out, const char *name, const blst_fr *value, const char *end)
{
    blst_scalar scalar;
    uint8_t bytes[32];

    blst_scalar_from_fr(&scalar, value);
    blst_bendian_from_scalar(bytes, &scalar);
    put_hex(out, name, bytes, sizeof(bytes), end);
}

static void put_scalars(FILE *out, const char *name, const blst_fr *values, size_t count)
{
    fprintf(out, "      \"%s\": [", name);
    for (size_t i = 0; i < count; i++) {
        blst_scalar scalar;
        uint8_t bytes[32];

        blst_scalar_from_fr(&scalar, &values[i]);
        blst_bendian_from_scalar(bytes, &scalar);
        fprintf(out, "%s\n        \"", i > 0 ? "," : "");
        for (size_t j = 0; j < sizeof(bytes); j++)
            fprintf(out, "%02x", bytes[j]);
        fputc('"', out);
    }
    fprintf(out, "],\n");
}

static void put_gt(FILE *out, const char *name, const blst_fp12 *f, const char *end)
{
    uint8_t bytes[ABE_GT_SIZE];

    abe_gt_encode(f, bytes);
    put_hex(out, name, bytes, sizeof(bytes), end);
}

/* ---- keys ------------------------------------------------------------------------------ */

static void put_attribute(FILE *out, size_t index)
{
    const char *attribute = attributes[index];
    uint8_t seed[ACESO_ABE_SEED_SIZE];
    uint8_t bytes[ACESO_ABE_USER_KEY_MAX];
    size_t length = 0;
    struct abe_secret secret;

    world_seed(attribute, seed);
    abe_secret_derive(seed, attribute, strlen(attribute), &secret);
    fprintf(out, "    {\n      \"attribute\": \"%s\",\n      ", attribute);
    put_hex(out, "seed", seed, sizeof(seed), ",\n      ");
    put_scalar(out, "alpha", &secret.alpha, ",\n      ");
    put_scalar(out, "y", &secret.y, ",\n      ");
    put_gt(out, "A", &public_keys[index]->core.a, ",\n      ");
    assert_int_equal(aceso_abe_setup(seed, attribute, bytes, &length), ACESO_ABE_OK);
    put_hex(out, "public_key", bytes, length, ",\n      ");
    abe_sha256(bytes, length, seed);
    put_hex(out, "public_key_digest", seed, sizeof(seed), ",\n      ");
    world_seed(attribute, seed);
    assert_int_equal(aceso_abe_keygen(seed, attribute, gid, sizeof(gid), bytes, &length),
                     ACESO_ABE_OK);
    put_hex(out, "user_key", bytes, length, "\n");
    fprintf(out, "    }%s\n", index + 1 < ATTRIBUTES ? "," : "");
}

static void put_keys(FILE *out)
{
    uint8_t compressed[ABE_G2_SIZE];
    blst_p2_affine h;
    blst_fp12 e;

    abe_gt_generator(&e);
    abe_hash_gid(gid, sizeof(gid), &h);
    blst_p2_affine_compress(compressed, &h);
    fprintf(out, "  \"version\": 1,\n  \"suite\": 1,\n  ");
    put_gt(out, "e_g1_g2", &e, ",\n  ");
    put_hex(out, "gid", gid, sizeof(gid), ",\n  ");
    put_hex(out, "H_gid", compressed, sizeof(compressed), ",\n");
    fprintf(out, "  \"attributes\": [\n");
    for (size_t i = 0; i < ATTRIBUTES; i++)
        put_attribute(out, i);
    fprintf(out, "  ],\n");
}

/* ---- headers --------------------------------------------------------------------------- */

/* The policy with letters replaced by attributes. */
static void expand_letters(const char *policy, char *text, size_t size)
{
    size_t at = 0;

    for (; *policy != '\0'; policy++) {
        bool letter = *policy >= 'A' && *policy < 'A' + ATTRIBUTES;

        at += (size_t)snprintf(text + at, size - at, letter ? "%s" : "%.1s",
                               letter ? attributes[*policy - 'A'] : policy);
        assert_true(at < size);
    }
}

static const struct abe_public *public_of(const char *name, size_t length)
{
    for (size_t i = 0; i < ATTRIBUTES; i++) {
        if (strlen(attributes[i]) == length && memcmp(attributes[i], name, length) == 0)
            return &public_keys[i]->core;
    }
    fail();
    return NULL;
}

/* PRK of the scalars, as the document says. */
static void document_prk(const struct abe_header *header, const struct abe_span *context,
                         const uint8_t *secret, uint8_t prk[ABE_HASH_SIZE])
{
    const struct abe_policy *policy = &header->policy;
    uint8_t digests[ROWS * ABE_HASH_SIZE];
    uint8_t ikm[4 * ABE_HASH_SIZE];
    struct abe_span span = { ikm, sizeof(ikm) };

    for (size_t i = 0; i < policy->count; i++) {
        const struct abe_node *node = &policy->nodes[i];

        if (abe_node_is_leaf(node))
            memcpy(digests + (size_t)node->row * ABE_HASH_SIZE,
                   public_of(abe_policy_name(policy, node), node->length)->digest, ABE_HASH_SIZE);
    }
    memcpy(ikm, secret, ABE_HASH_SIZE);
    abe_sha256(header->bytes, 7 + policy->length, ikm + 32);
    abe_sha256(digests, policy->rows * ABE_HASH_SIZE, ikm + 64);
    abe_sha256(context->bytes, context->length, ikm + 96);
    abe_hkdf_extract(header->cca ? "ACESO-LW11-V01-CCA-RANDOM" : "ACESO-LW11-V01-CPA-RANDOM", &span,
                     1, prk);
}

/* One row from its scalars; must be what stands in the header. */
static void put_row(FILE *out, const struct abe_header *header, const struct abe_node *leaf,
                    const blst_fr *lambda, const blst_fr *omega, const blst_fr *r)
{
    const uint8_t *row = header->rows + leaf->row * ABE_ROW_SIZE;
    const char *name = abe_policy_name(&header->policy, leaf);
    const struct abe_public *key = public_of(name, leaf->length);
    uint8_t bytes[ABE_ROW_SIZE];
    blst_fp12 c1;
    blst_fp12 power;
    blst_p1 c2;
    blst_p1 c3;
    blst_p1 shift;

    abe_gt_generator(&c1);
    abe_fp12_pow_public(&c1, &c1, lambda);
    abe_fp12_pow_public(&power, &key->a, r);
    blst_fp12_mul(&c1, &c1, &power);
    abe_g1_mult_secret(&c2, blst_p1_affine_generator(), r);
    abe_g1_mult_secret(&c3, &key->y, r);
    abe_g1_mult_secret(&shift, blst_p1_affine_generator(), omega);
    blst_p1_add_or_double(&c3, &c3, &shift);
    assert_true(abe_torus_encode(&c1, bytes));
    blst_p1_compress(bytes + ABE_TORUS_SIZE, &c2);
    blst_p1_compress(bytes + ABE_TORUS_SIZE + ABE_G1_SIZE, &c3);
    assert_memory_equal(bytes, row, sizeof(bytes));

    fprintf(out, "        {\n          \"attribute\": \"%.*s\",\n          ", (int)leaf->length,
            name);
    put_scalar(out, "lambda", lambda, ",\n          ");
    put_scalar(out, "omega", omega, ",\n          ");
    put_scalar(out, "r", r, ",\n          ");
    put_gt(out, "C1", &c1, ",\n          ");
    put_hex(out, "C1_torus", row, ABE_TORUS_SIZE, ",\n          ");
    put_hex(out, "C2", row + ABE_TORUS_SIZE, ABE_G1_SIZE, ",\n          ");
    put_hex(out, "C3", row + ABE_TORUS_SIZE + ABE_G1_SIZE, ABE_G1_SIZE, "\n");
    fprintf(out, "        }%s\n", leaf->row + 1u < header->policy.rows ? "," : "");
}

static void put_header_values(FILE *out, const struct abe_header *header,
                              const struct abe_span *context, const uint8_t *secret)
{
    const struct abe_policy *policy = &header->policy;
    uint8_t prk[ABE_HASH_SIZE];
    blst_fr v[ROWS];
    blst_fr w[ROWS];
    blst_fr lambda[ROWS];
    blst_fr omega[ROWS];
    blst_fp12 e;

    assert_true(policy->rows <= ROWS);
    document_prk(header, context, secret, prk);
    memset(w, 0, sizeof(w));
    for (size_t i = 0; i < policy->columns; i++) {
        abe_hkdf_scalar_indexed(prk, 'v', i, &v[i]);
        if (i > 0)
            abe_hkdf_scalar_indexed(prk, 'w', i, &w[i]);
    }
    abe_lsss_share(policy, v, lambda);
    abe_lsss_share(policy, w, omega);
    fprintf(out, "      ");
    put_hex(out, "prk", prk, sizeof(prk), ",\n");
    put_scalars(out, "v", v, policy->columns);
    put_scalars(out, "w", w, policy->columns);
    fprintf(out, "      \"rows\": [\n");
    for (size_t i = 0; i < policy->count; i++) {
        const struct abe_node *node = &policy->nodes[i];
        blst_fr r;

        if (!abe_node_is_leaf(node))
            continue;
        abe_hkdf_scalar_indexed(prk, 'r', node->row, &r);
        put_row(out, header, node, &lambda[node->row], &omega[node->row], &r);
    }
    abe_gt_generator(&e);
    abe_fp12_pow_public(&e, &e, &v[0]);
    fprintf(out, "      ],\n      ");
    put_gt(out, "e_g1_g2_s", &e, ",\n      ");
}

/* The user keys of the holder; gives how many. */
static size_t held_keys(const char *letters, struct aceso_abe_user_key *held[ATTRIBUTES])
{
    size_t count = 0;

    for (; *letters != '\0'; letters++)
        held[count++] = user_keys[*letters - 'A'];
    return count;
}

/* The holder's keys open the header and give the same key. */
static void check_opens(const struct vector *vector, const struct abe_span *context,
                        const uint8_t *header, size_t length, const uint8_t key[ACESO_ABE_KEY_SIZE])
{
    struct aceso_abe_user_key *held[ATTRIBUTES];
    uint8_t found[ACESO_ABE_KEY_SIZE];
    size_t count = held_keys(vector->holder, held);

    if (vector->cca)
        assert_int_equal(aceso_abe_decapsulate(header, length, USER_KEYS(held), count,
                                               PUBLIC_KEYS(public_keys), ATTRIBUTES, context->bytes,
                                               context->length, NULL, found),
                         ACESO_ABE_OK);
    else
        assert_int_equal(aceso_abe_decapsulate_cpa(header, length, USER_KEYS(held), count,
                                                   context->bytes, context->length, found),
                         ACESO_ABE_OK);
    assert_memory_equal(found, key, sizeof(found));
}

/* All members of a header but the context; the header itself is the caller's. */
static void put_header(FILE *out, const struct vector *vector, const struct abe_span *context,
                       uint8_t **header, size_t *length, uint8_t key[ACESO_ABE_KEY_SIZE])
{
    static struct abe_node nodes[ABE_NODES_MAX];
    char text[1024];
    uint8_t secret[32];
    struct abe_header parsed;
    struct aceso_abe_policy *policy;
    size_t tail = vector->cca ? 64 : 32;

    expand_letters(vector->policy, text, sizeof(text));
    abe_sha256((const uint8_t *)text, strlen(text), secret);
    policy = world_policy(text);
    assert_int_equal((vector->cca ? aceso_abe_encapsulate : aceso_abe_encapsulate_cpa)(
                         policy, PUBLIC_KEYS(public_keys), ATTRIBUTES, context->bytes,
                         context->length, secret, header, length, key),
                     ACESO_ABE_OK);
    check_opens(vector, context, *header, *length, key);
    assert_int_equal(abe_header_parse(*header, *length, nodes, ABE_NODES_MAX, &parsed),
                     ACESO_ABE_OK);
    fprintf(out,
            "      \"form\": \"%s\",\n      \"policy\": \"%s\",\n"
            "      \"canonical\": \"%s\",\n      ",
            vector->cca ? "cca" : "cpa", text, aceso_abe_policy_text(policy));
    put_hex(out, vector->cca ? "sigma" : "seed", secret, sizeof(secret), ",\n");
    put_header_values(out, &parsed, context, secret);
    put_hex(out, "tail", *header + *length - tail, tail, ",\n      ");
    abe_sha256(*header, *length, secret);
    put_hex(out, "header_digest", secret, sizeof(secret), ",\n      ");
    put_hex(out, "key", key, ACESO_ABE_KEY_SIZE, "\n");
    aceso_abe_policy_free(policy);
}

static void put_case(FILE *out, size_t index)
{
    const struct vector *vector = &cases[index];
    struct abe_span context = { vector->context, strlen(vector->context) };
    uint8_t key[ACESO_ABE_KEY_SIZE];
    uint8_t *header = NULL;
    size_t length = 0;

    fprintf(out, "    {\n      \"context\": \"%s\",\n", vector->context);
    put_header(out, vector, &context, &header, &length, key);
    fprintf(out, "    }%s\n", index + 1 < sizeof(cases) / sizeof(cases[0]) ? "," : "");
    free(header);
}

/* ---- ciphertexts ----------------------------------------------------------------------- */

/* Seals a payload behind `bytes`, as the document says; gives where it ends. */
static uint8_t *put_chunks(FILE *out, const uint8_t *payload, size_t length, const uint8_t *key,
                           uint8_t *bytes)
{
    size_t count = length > 0 ? (length + CHUNK - 1) / CHUNK : 1;

    fprintf(out, "    \"chunks\": [\n");
    for (size_t i = 0; i < count; i++) {
        uint8_t nonce[12] = { [10] = (uint8_t)i, [11] = i + 1 == count };
        size_t take = i + 1 == count ? length - i * CHUNK : CHUNK;
        uint8_t digest[ABE_HASH_SIZE];
        unsigned long long sealed;

        assert_int_equal(crypto_aead_chacha20poly1305_ietf_encrypt(
                             bytes, &sealed, payload + i * CHUNK, take, NULL, 0, NULL, nonce, key),
                         0);
        abe_sha256(bytes, (size_t)sealed, digest);
        fprintf(out, "      {");
        put_hex(out, "nonce", nonce, sizeof(nonce), ", ");
        put_hex(out, "tag", bytes + take, 16, ",\n       ");
        put_hex(out, "sealed_digest", digest, sizeof(digest), "");
        fprintf(out, "}%s\n", i + 1 < count ? "," : "");
        bytes += sealed;
    }
    fprintf(out, "    ],\n    ");
    return bytes;
}

/* The library opens what the document says to make, to the payload. */
static void check_payload(const struct vector *vector, const uint8_t *ciphertext, size_t length,
                          const uint8_t *payload, size_t payload_length)
{
    struct aceso_abe_user_key *held[ATTRIBUTES];
    size_t count = held_keys(vector->holder, held);
    uint8_t *opened = NULL;
    size_t opened_length = 0;

    assert_int_equal(aceso_abe_decrypt(ciphertext, length, USER_KEYS(held), count,
                                       PUBLIC_KEYS(public_keys), ATTRIBUTES,
                                       (const uint8_t *)vector->context, strlen(vector->context),
                                       &opened, &opened_length),
                     ACESO_ABE_OK);
    assert_int_equal(opened_length, payload_length);
    assert_memory_equal(opened, payload, payload_length);
    free(opened);
}

static void put_payload(FILE *out, size_t index)
{
    static uint8_t payload[2 * CHUNK], ciphertext[3 * CHUNK];
    const struct vector *vector = &payloads[index].header;
    size_t piece = strlen(payloads[index].piece), total = piece * payloads[index].repeats;
    uint8_t context[22 + ABE_HASH_SIZE] = "ACESO-LW11-V01-PAYLOAD";
    struct abe_span span = { context, sizeof(context) }, info = { "payload", 7 };
    uint8_t key[ACESO_ABE_KEY_SIZE], *header = NULL, *end;
    size_t length = 0;

    for (size_t i = 0; i < payloads[index].repeats; i++)
        memcpy(payload + i * piece, payloads[index].piece, piece);
    abe_sha256((const uint8_t *)vector->context, strlen(vector->context), context + 22);
    fprintf(out, "    {\n    \"associated\": \"%s\",\n    \"header\": {\n      ", vector->context);
    put_hex(out, "context_hex", context, sizeof(context), ",\n");
    put_header(out, vector, &span, &header, &length, key);
    fprintf(out, "    },\n    \"piece\": \"%s\",\n    \"repeats\": %zu,\n    ",
            payloads[index].piece, payloads[index].repeats);
    abe_hkdf_expand(key, &info, 1, key, sizeof(key));
    put_hex(out, "payload_key", key, sizeof(key), ",\n");
    memcpy(ciphertext, "\1\1\5", 3);
    abe_put32(ciphertext + 3, length);
    memcpy(ciphertext + 7, header, length);
    end = put_chunks(out, payload, total, key, ciphertext + 7 + length);
    check_payload(vector, ciphertext, (size_t)(end - ciphertext), payload, total);
    abe_sha256(ciphertext, (size_t)(end - ciphertext), key);
    put_hex(out, "ciphertext_digest", key, sizeof(key), "\n");
    fprintf(out, "    }%s\n", index + 1 < sizeof(payloads) / sizeof(payloads[0]) ? "," : "");
    free(header);
}

static void put_all(FILE *out)
{
    uint8_t seed[ACESO_ABE_SEED_SIZE];
    uint8_t bytes[ACESO_ABE_USER_KEY_MAX];
    size_t length = 0;

    for (size_t i = 0; i < ATTRIBUTES; i++) {
        public_keys[i] = world_public(attributes[i]);
        world_seed(attributes[i], seed);
        assert_int_equal(aceso_abe_keygen(seed, attributes[i], gid, sizeof(gid), bytes, &length),
                         ACESO_ABE_OK);
        assert_int_equal(aceso_abe_user_key_import(bytes, length, public_keys[i], &user_keys[i]),
                         ACESO_ABE_OK);
    }
    fprintf(out, "{\n");
    put_keys(out);
    fprintf(out, "  \"headers\": [\n");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        put_case(out, i);
    fprintf(out, "  ],\n  \"ciphertexts\": [\n");
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++)
        put_payload(out, i);
    fprintf(out, "  ]\n}\n");
    for (size_t i = 0; i < ATTRIBUTES; i++) {
        aceso_abe_public_key_free(public_keys[i]);
        aceso_abe_user_key_free(user_keys[i]);
    }
}

/* ---- the test -------------------------------------------------------------------------- */

static const char *path;

static void test_vectors(void **state)
{
    char *computed = NULL;
    size_t computed_length = 0;
    FILE *memory = open_memstream(&computed, &computed_length);
    FILE *file = fopen(path, "rb");
    char *written;
    size_t length;

    (void)state;
    assert_non_null(memory);
    assert_non_null(file);
    put_all(memory);
    assert_int_equal(fclose(memory), 0);
    written = malloc(computed_length + 1);
    assert_non_null(written);
    length = fread(written, 1, computed_length + 1, file);
    fclose(file);
    assert_int_equal(length, computed_length);
    assert_memory_equal(written, computed, length);
    free(written);
    free(computed);
}

static void write_vectors(void **state)
{
    FILE *file = fopen(path, "wb");

    (void)state;
    assert_non_null(file);
    put_all(file);
    assert_int_equal(fclose(file), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest compare[] = { cmocka_unit_test(test_vectors) };
    const struct CMUnitTest write[] = { cmocka_unit_test(write_vectors) };

    if (argc < 2 || argc > 3 || (argc == 3 && strcmp(argv[2], "--write") != 0)) {
        fprintf(stderr, "usage: %s FILE [--write]\n", argv[0]);
        return 2;
    }
    path = argv[1];
    return argc == 3 ? cmocka_run_group_tests(write, NULL, NULL)
                     : cmocka_run_group_tests(compare, NULL, NULL);
}
