/* SPDX-License-Identifier: Apache-2.0 */
/* How a party comes into the network: three documents, carried by people, none of them secret.
 * Uses crypto, eth, config, keys. Reads and writes files of the data directory.
 *
 *     invitation   by a CA (or a hospital, for patients): roots, chain, contracts, who invites
 *     request      by the newcomer: role, label, URL, address, keys (of a patient: address and
 *                  TLS key alone); signed by its account
 *     admission    by the inviter: certificates, and a credential for an institute
 *
 * A node joins while it is not running. A patient joins each of its hospitals with an address and
 * a TLS key made for that one. docs/joining.md has the members. */
#ifndef ACESO_NODE_JOIN_H
#define ACESO_NODE_JOIN_H

#include "base/json.h"
#include "crypto/x509.h"
#include "node/config.h"
#include "node/keys.h"

#define JOIN_DOCUMENT_MAX ((size_t)262144)

/* What a newcomer says of itself, after the signatures were checked. A patient says role and
 * address only; its label is "patient", the rest empty. */
struct join_request {
    enum node_role role;
    char label[CONFIG_LABEL_SIZE];
    char url[CONFIG_URL_SIZE];
    char host[X509_HOST_SIZE];
    uint8_t address[20];
    uint8_t seal_key[32];
    uint8_t tls_key_digest[32];
    struct buffer request;           /* PEM: for the node's certificate */
    struct buffer authority_request; /* PEM: a hospital's, for its patients' issuer */
};

#define JOIN_REQUEST_INIT                                                                          \
    { .request = BUFFER_INIT(X509_PEM_MAX), .authority_request = BUFFER_INIT(X509_PEM_MAX) }
void join_request_free(struct join_request *request);

/* The CA's beginning: root key and certificate, and its own node's certificate. */
ACESO_NODISCARD int join_found(const char *directory, const struct node_config *config,
                               const struct keys *keys, struct aceso_error *error);

/* Appends an invitation as a JSON object: `hospital` is NULL where the CA invites. */
ACESO_NODISCARD int join_invite(const struct network *network, struct bytes roots,
                                const struct hospital_card *hospital, struct buffer *out);

/* The newcomer's side: takes the network of an invitation into the node's configuration, trusts
 * its roots, and appends the request. May be repeated. A patient adds the hospital to its others;
 * ACESO_EVERIFY where that invites into another network or brings other roots. */
ACESO_NODISCARD int join_answer(const char *directory, const struct keys *keys,
                                struct bytes invitation, struct buffer *out,
                                struct aceso_error *error);

/* The inviter's side: reads a request and checks that the account and the TLS keys it names
 * signed it for this network. ACESO_EVERIFY, ACESO_EFORMAT. */
ACESO_NODISCARD int join_read(const struct network *network, struct bytes document,
                              struct join_request *request, struct aceso_error *error);

/* Issues the node's certificate for a request and appends it as PEM; what stands between it and
 * the root is the caller's to append. `issuer` is the certificate of `key`. */
ACESO_NODISCARD int join_certify(const struct x509_key *key, struct bytes issuer,
                                 const struct join_request *request, struct buffer *chain,
                                 struct aceso_error *error);

/* The newcomer's side again: checks an admission against its keys and roots and stores it. */
ACESO_NODISCARD int join_accept(const char *directory, const struct keys *keys,
                                struct bytes admission, struct aceso_error *error);

#endif
