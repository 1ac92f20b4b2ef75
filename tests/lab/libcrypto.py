# SPDX-License-Identifier: BSD-2-Clause
"""ES256 by libcrypto in this process: verifies thousands of signatures, sharing no line with the code under test."""
import ctypes
import ctypes.util

_lib = ctypes.CDLL(ctypes.util.find_library("crypto") or "libcrypto.so.3")
for _name, _result, _args in (
        ("BIO_new_mem_buf", ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_int)),
        ("BIO_free", ctypes.c_int, (ctypes.c_void_p,)),
        ("PEM_read_bio_X509", ctypes.c_void_p, (ctypes.c_void_p,) * 4),
        ("X509_get_pubkey", ctypes.c_void_p, (ctypes.c_void_p,)),
        ("X509_free", None, (ctypes.c_void_p,)),
        ("EVP_sha256", ctypes.c_void_p, ()),
        ("EVP_MD_CTX_new", ctypes.c_void_p, ()),
        ("EVP_MD_CTX_free", None, (ctypes.c_void_p,)),
        ("EVP_DigestVerifyInit", ctypes.c_int, (ctypes.c_void_p,) * 5),
        ("EVP_DigestVerify", ctypes.c_int,
         (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t))):
    _f = getattr(_lib, _name)
    _f.restype, _f.argtypes = _result, _args


def public_key(pem):
    """Key of the first certificate of a PEM text (bytes); lives as long as the process."""
    bio = _lib.BIO_new_mem_buf(pem, len(pem))
    x509 = _lib.PEM_read_bio_X509(bio, None, None, None)
    _lib.BIO_free(bio)
    if not x509:
        raise ValueError("no certificate")
    key = _lib.X509_get_pubkey(x509)
    _lib.X509_free(x509)
    return key


def _integer(b):
    b = b.lstrip(b"\0") or b"\0"
    b = b"\0" + b if b[0] & 0x80 else b
    return b"\x02" + bytes([len(b)]) + b


def is_signed_by(key, text, signature):
    """ES256: is @signature (r and s, 64 octets) that of @text?"""
    body = _integer(signature[:32]) + _integer(signature[32:])
    der = b"\x30" + bytes([len(body)]) + body
    ctx = _lib.EVP_MD_CTX_new()
    try:
        return (_lib.EVP_DigestVerifyInit(ctx, None, _lib.EVP_sha256(), None, key) == 1 and
                _lib.EVP_DigestVerify(ctx, der, len(der), text, len(text)) == 1)
    finally:
        _lib.EVP_MD_CTX_free(ctx)
