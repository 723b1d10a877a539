#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Seals a letter to doctors and opens it, through libaceso-abe: abe-example.py [LIBRARY]"""

import ctypes
import os
import sys

abe = ctypes.CDLL(sys.argv[1] if len(sys.argv) > 1 else "libaceso-abe.so.1")
abe.aceso_abe_strerror.restype = ctypes.c_char_p


def check(code):
    if code:
        raise RuntimeError(abe.aceso_abe_strerror(code).decode())


def made(function, *arguments):
    """The bytes of a key that a function writes."""
    out, length = ctypes.create_string_buffer(512), ctypes.c_size_t()
    check(function(*arguments, out, ctypes.byref(length)))
    return out.raw[:length.value]


seed, name, user = os.urandom(32), b"doctor@clinic", b"alice"
public_key, user_key, policy = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
sealed, opened, length = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_size_t()
size = ctypes.c_size_t

key = made(abe.aceso_abe_setup, seed, name)
check(abe.aceso_abe_public_key_import(key, size(len(key)), ctypes.byref(public_key)))
key = made(abe.aceso_abe_keygen, seed, name, user, size(len(user)))
check(abe.aceso_abe_user_key_import(key, size(len(key)), public_key, ctypes.byref(user_key)))
check(abe.aceso_abe_policy_parse(name, size(len(name)), ctypes.byref(policy), None))
check(abe.aceso_abe_encrypt(0, policy, ctypes.byref(public_key), size(1), None, size(0), b"letter",
                            size(6), ctypes.byref(sealed), ctypes.byref(length)))
check(abe.aceso_abe_decrypt(sealed, length, ctypes.byref(user_key), size(1), None, size(0), None,
                            size(0), ctypes.byref(opened), ctypes.byref(length)))
print(ctypes.string_at(opened, length.value).decode())
