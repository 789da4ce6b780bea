#include "units.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <time.h>

#define BLOCKS 32 /* in eight registers: enough to hide how long a round takes */
#define ROUNDS 14

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

#define EACH(do) do(0) do(1) do(2) do(3) do(4) do(5) do(6) do(7)

__attribute__((noipa, target("avx512f,vaes"))) static int run(int times)
{
	__m512i k = _mm512_set1_epi32(0x01020304);
#define DECLARE(i) __m512i x##i = _mm512_set1_epi32(i);
#define ROUND(i) x##i = _mm512_aesenc_epi128(x##i, k);
#define ADD(i) k = _mm512_xor_si512(k, x##i);
	EACH(DECLARE)
	while (times-- > 0) {
		for (int round = 0; round < ROUNDS; round++) {
			EACH(ROUND)
		}
	}
	EACH(ADD)
	return _mm_cvtsi128_si32(_mm512_castsi512_si128(k));
}

/* Returns the bytes a second of the best slice, or 0. */
double measure(int slices)
{
	double best = 0;
	volatile int sink = 0;
	if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("vaes"))
		return 0;
	while (slices-- > 0) {
		const int times = 1000;
		double began = now(), took;
		int passes = 0;
		do {
			sink += run(times);
			passes++;
			took = now() - began;
		} while (took < 0.002);
		if ((double)passes * times * BLOCKS * 16 / took > best)
			best = (double)passes * times * BLOCKS * 16 / took;
	}
	return best;
}

#else

double measure(int slices)
{
	(void)slices;
	return 0;
}

#endif
