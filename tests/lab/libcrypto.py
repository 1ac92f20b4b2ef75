# SPDX-License-Identifier: BSD-2-Clause
"""ES256 by libcrypto in this process: signs and verifies by the thousand, sharing no line with the code under test."""
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
        ("PEM_read_bio_PrivateKey", ctypes.c_void_p, (ctypes.c_void_p,) * 4),
        ("EVP_DigestSignInit", ctypes.c_int, (ctypes.c_void_p,) * 5),
        ("EVP_DigestSign", ctypes.c_int,
         (ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_size_t), ctypes.c_char_p, ctypes.c_size_t)),
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


def private_key(pem):
    """Key of a PEM text (bytes); lives as long as the process."""
    bio = _lib.BIO_new_mem_buf(pem, len(pem))
    key = _lib.PEM_read_bio_PrivateKey(bio, None, None, None)
    _lib.BIO_free(bio)
    if not key:
        raise ValueError("no private key")
    return key


def _integer(b):
    b = b.lstrip(b"\0") or b"\0"
    b = b"\0" + b if b[0] & 0x80 else b
    return b"\x02" + bytes([len(b)]) + b


def der(signature):
    """r and s, 64 octets, as DER."""
    body = _integer(signature[:32]) + _integer(signature[32:])
    return b"\x30" + bytes([len(body)]) + body


def sign(key, text):
    """ES256 of @text: r and s, 64 octets (a P-256 key; another curve gives what it gives, cut or filled to 64)."""
    ctx, out, size = _lib.EVP_MD_CTX_new(), ctypes.create_string_buffer(256), ctypes.c_size_t(256)
    try:
        if (_lib.EVP_DigestSignInit(ctx, None, _lib.EVP_sha256(), None, key) != 1 or
                _lib.EVP_DigestSign(ctx, out, ctypes.byref(size), text, len(text)) != 1):
            raise ValueError("cannot sign")
    finally:
        _lib.EVP_MD_CTX_free(ctx)
    data = out.raw[:size.value]
    at, numbers = 3 if data[1] & 0x80 else 2, []
    for _ in range(2):
        length = data[at + 1]
        numbers.append(int.from_bytes(data[at + 2:at + 2 + length], "big") & (1 << 256) - 1)
        at += 2 + length
    return b"".join(n.to_bytes(32, "big") for n in numbers)


def is_signed_by(key, text, signature):
    """ES256: is @signature (r and s, 64 octets) that of @text?"""
    ctx, data = _lib.EVP_MD_CTX_new(), der(signature)
    try:
        return (_lib.EVP_DigestVerifyInit(ctx, None, _lib.EVP_sha256(), None, key) == 1 and
                _lib.EVP_DigestVerify(ctx, data, len(data), text, len(text)) == 1)
    finally:
        _lib.EVP_MD_CTX_free(ctx)
