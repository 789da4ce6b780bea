#!/usr/bin/env python3
"""Writes digests.txt: digests made by other implementations.

Every line is: algorithm, message length, digest in hex, the implementations
that agreed on it. Byte i of every message is (i * 7 + i // 256) mod 256. The
script stops if two implementations disagree.

Needs Python 3.9, openssl 3 with its legacy provider, libgcrypt 1.10 and
libxxhash. usage: digests.py > digests.txt
"""
import ctypes
import hashlib
import subprocess

LENGTHS = [0, 1, 8, 31, 32, 33, 55, 56, 64, 65, 112, 119, 127, 128, 129, 1000, 4128]
MESSAGE = bytes((i * 7 + i // 256) % 256 for i in range(max(LENGTHS)))

gcrypt = ctypes.CDLL("libgcrypt.so.20")
gcrypt.gcry_check_version(None)
xxhash = ctypes.CDLL("libxxhash.so.0")
xxhash.XXH64.restype = ctypes.c_uint64


def by_gcrypt(number, size):
    def run(m):
        b = ctypes.create_string_buffer(64)
        gcrypt.gcry_md_hash_buffer(number, b, m, len(m))
        return b.raw[:size]
    return ("libgcrypt", run)


def by_openssl(name):
    def run(m):
        cmd = ["openssl", "dgst", "-provider", "default", "-provider", "legacy", "-" + name, "-binary"]
        return subprocess.run(cmd, input=m, capture_output=True, check=True).stdout
    return ("openssl", run)


def by_python(make, **options):
    return ("python", lambda m: make(m, **options).digest())


def by_bits(polynomial, first, last):
    """CRC-32 bit by bit, from its definition; register stored little-endian."""
    def run(m):
        c = first
        for x in m:
            c ^= x
            for _ in range(8):
                c = (c >> 1) ^ (polynomial if c & 1 else 0)
        return (c ^ last).to_bytes(4, "little")
    return ("definition", run)


def by_xxhash(m):
    return xxhash.XXH64(m, ctypes.c_size_t(len(m)), ctypes.c_uint64(0)).to_bytes(8, "little")


def blake(make, size, number, *more):
    return [by_python(make, digest_size=size), by_gcrypt(number, size), *more]


ONES = 0xFFFFFFFF
SOURCES = {
    "md4": [by_gcrypt(301, 16), by_openssl("md4")],
    "md5": [by_gcrypt(1, 16), by_openssl("md5")],
    "sha1": [by_gcrypt(2, 20), by_openssl("sha1")],
    "sha224": [by_gcrypt(11, 28), by_openssl("sha224")],
    "sha256": [by_gcrypt(8, 32), by_openssl("sha256")],
    "sha384": [by_gcrypt(9, 48), by_openssl("sha384")],
    "sha512": [by_gcrypt(10, 64), by_openssl("sha512")],
    "sha512-224": [by_openssl("sha512-224")],
    "sha512-256": [by_openssl("sha512-256")],
    "sha3-224": [by_gcrypt(312, 28), by_openssl("sha3-224")],
    "sha3-256": [by_gcrypt(313, 32), by_openssl("sha3-256")],
    "sha3-384": [by_gcrypt(314, 48), by_openssl("sha3-384")],
    "sha3-512": [by_gcrypt(315, 64), by_openssl("sha3-512")],
    "shake128": [by_openssl("shake128")],
    "shake256": [by_openssl("shake256")],
    "blake2b-160": blake(hashlib.blake2b, 20, 321),
    "blake2b-256": blake(hashlib.blake2b, 32, 320),
    "blake2b-384": blake(hashlib.blake2b, 48, 319),
    "blake2b-512": blake(hashlib.blake2b, 64, 318, by_openssl("blake2b512")),
    "blake2s-128": blake(hashlib.blake2s, 16, 325),
    "blake2s-160": blake(hashlib.blake2s, 20, 324),
    "blake2s-224": blake(hashlib.blake2s, 28, 323),
    "blake2s-256": blake(hashlib.blake2s, 32, 322, by_openssl("blake2s256")),
    "rmd160": [by_gcrypt(3, 20), by_openssl("ripemd160")],
    "sm3": [by_gcrypt(326, 32), by_openssl("sm3")],
    "wp256": [by_gcrypt(305, 32)],
    "wp384": [by_gcrypt(305, 48)],
    "wp512": [by_gcrypt(305, 64), by_openssl("whirlpool")],
    "streebog256": [by_gcrypt(309, 32)],
    "streebog512": [by_gcrypt(310, 64)],
    "md5-sha1": [by_openssl("md5-sha1")],
    "crc32": [by_bits(0xEDB88320, 0, 0)],
    "crc32c": [by_bits(0x82F63B78, ONES, ONES)],
    "xxhash64": [("libxxhash", by_xxhash)],
}

print("# made by digests.py; do not edit")
for name, sources in SOURCES.items():
    for n in LENGTHS:
        found = {run(MESSAGE[:n]) for _, run in sources}
        if len(found) != 1:
            raise SystemExit(f"{name}, {n} bytes: implementations disagree")
        print(name, n, found.pop().hex(), ",".join(s for s, _ in sources))
