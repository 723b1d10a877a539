/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The linear secret sharing of a policy. Uses policy and blst's Fr. Core: no heap, no I/O.
 *
 * The matrix (M, rho) has one row for each leaf and `columns` columns. With the vector v, each node
 * has a value: the root v[0]; a child of an `or` its parent's; of an `and` of n with columns
 * c, c+1, ...: child j < n has v[c+j-1] and child n the parent's minus all of these; of a k-of-n
 * threshold: child j has f(j), f(x) = parent + v[c] x + ... + v[c+k-2] x^(k-1) (Shamir). A row's
 * share M_x . v is the value of its leaf.
 */
#ifndef ABE_LSSS_H
#define ABE_LSSS_H

#include "policy.h"

#include <blst.h>

/* shares[row] = M_row . v for all rows; v has policy->columns entries. In constant time in v. */
void abe_lsss_share(const struct abe_policy *policy, const blst_fr *v, blst_fr *shares);

/*
 * coefficients[row], for the rows of chosen leaves (see abe_policy_choose), so that the sum of
 * coefficient times share is v[0]. Other rows are not written. The coefficients are public.
 */
void abe_lsss_reconstruct(const struct abe_policy *policy, const uint8_t *chosen,
                          blst_fr *coefficients);

/* A small integer as an element of Fr. */
void abe_fr_from_integer(blst_fr *out, uint64_t value);

#endif
