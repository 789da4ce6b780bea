#include "evp.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Works on all sectors once; they are numbered in units of 512 bytes. */
static int pass(EVP_CIPHER_CTX *ctx, unsigned char *dst, const unsigned char *src, int bytes, int sector)
{
	for (int at = 0; at < bytes; at += sector) {
		unsigned char iv[16] = {0};
		unsigned number = (unsigned)at / 512;
		int n;
		for (int i = 0; i < 4; i++)
			iv[i] = (unsigned char)(number >> (8 * i));
		if (!EVP_CipherInit_ex(ctx, NULL, NULL, NULL, iv, -1) || !EVP_CipherUpdate(ctx, dst + at, &n, src + at, sector))
			return 0;
	}
	return 1;
}

/* Returns the bytes a second of the best slice, or 0. */
double measure(unsigned char *dst, int bytes, int sector, int encrypt, int slices)
{
	unsigned char key[64];
	unsigned char *src = calloc(1, (size_t)bytes);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	double best = 0;
	for (int i = 0; i < 64; i++) /* the key of all our benchmarks */
		key[i] = (unsigned char)(i * 7 + 1);
	if (src && ctx && EVP_CipherInit_ex(ctx, EVP_aes_256_xts(), NULL, key, NULL, encrypt)) {
		while (slices-- > 0) {
			double began = now(), took;
			int passes = 0;
			do {
				if (!pass(ctx, dst, src, bytes, sector)) {
					best = 0;
					slices = 0;
					break;
				}
				passes++;
				took = now() - began;
			} while (took < 0.002);
			if (slices >= 0 && (double)passes * bytes / took > best && took > 0)
				best = (double)passes * bytes / took;
		}
	}
	EVP_CIPHER_CTX_free(ctx);
	free(src);
	return best;
}

const char *version(void) { return OpenSSL_version(OPENSSL_VERSION_STRING); }
