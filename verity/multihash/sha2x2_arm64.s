//go:build !purego

#include "textflag.h"

// SHA-256 with the SHA-2 instructions of ARMv8. The eight working variables are in
// two registers, (A,B,C,D) and (E,F,G,H) with the first in the lowest lane; two
// instructions do four rounds. Those of a message wait for the result of the four
// before, so two messages take turns.
//
//	R0 job                  V0 V1   state of the first message, V2 V3 of the second
//	R1 dst                  V4-V7   the same before the piece
//	R2 src                  V16-V19 last 16 words of its schedule, V20-V23
//	R3 groups               V24-V27 next 16 constants
//	R4 phase                V28 V29 words and constants added
//	R5 phases left          V30 V31 A to D before the rounds
//	R6 pieces left
//	R7 ahead
//	R8 R9 next pieces
//	R10 next constants
//	R12 bytes of a block
//	R13 states in the job

#define phase_inJob 0
#define phase_offset 8
#define phase_lane 16
#define phase_count 24
#define phase_ahead 32
#define phase_size 40
#define job_live 160
#define job_resume 168
#define job_finish 176
#define job_block 184
#define job_state 192
#define job_head 256
#define job_tail 264
#define job_states 272
#define lane_size 128

// Four rounds of both messages with the words a0 and b0.
#define rounds4(k, a0, b0) \
	VADD     k.S4, a0.S4, V28.S4; \
	VADD     k.S4, b0.S4, V29.S4; \
	VMOV     V0.B16, V30.B16;     \
	VMOV     V2.B16, V31.B16;     \
	SHA256H  V28.S4, V1, V0;      \
	SHA256H  V29.S4, V3, V2;      \
	SHA256H2 V28.S4, V30, V1;     \
	SHA256H2 V29.S4, V31, V3

// The same, and the four words that come 16 after a0 and b0 in their place.
#define schedule4(k, a0, a1, a2, a3, b0, b1, b2, b3) \
	VADD      k.S4, a0.S4, V28.S4; \
	VADD      k.S4, b0.S4, V29.S4; \
	SHA256SU0 a1.S4, a0.S4;        \
	SHA256SU0 b1.S4, b0.S4;        \
	VMOV      V0.B16, V30.B16;     \
	VMOV      V2.B16, V31.B16;     \
	SHA256H   V28.S4, V1, V0;      \
	SHA256H   V29.S4, V3, V2;      \
	SHA256SU1 a3.S4, a2.S4, a0.S4; \
	SHA256SU1 b3.S4, b2.S4, b0.S4; \
	SHA256H2  V28.S4, V30, V1;     \
	SHA256H2  V29.S4, V31, V3

#define schedule16 \
	VLD1.P 64(R10), [V24.S4, V25.S4, V26.S4, V27.S4];          \
	schedule4(V24, V16, V17, V18, V19, V20, V21, V22, V23); \
	schedule4(V25, V17, V18, V19, V16, V21, V22, V23, V20); \
	schedule4(V26, V18, V19, V16, V17, V22, V23, V20, V21); \
	schedule4(V27, V19, V16, V17, V18, V23, V20, V21, V22)

// Copies 64 bytes at R11 and those a block further on to the first two lanes at R4.
#define copy2 \
	ADD  R0, R4;                                      \
	VLD1 (R11), [V16.B16, V17.B16, V18.B16, V19.B16]; \
	VST1 [V16.B16, V17.B16, V18.B16, V19.B16], (R4);  \
	ADD  R12, R11;                                    \
	ADD  $lane_size, R4;                              \
	VLD1 (R11), [V16.B16, V17.B16, V18.B16, V19.B16]; \
	VST1 [V16.B16, V17.B16, V18.B16, V19.B16], (R4)

// func sha2x2(j *job, dst, src *byte, groups int)
TEXT ·sha2x2(SB), NOSPLIT, $0-32
	MOVD j+0(FP), R0
	MOVD dst+8(FP), R1
	MOVD src+16(FP), R2
	MOVD groups+24(FP), R3
	MOVD job_block(R0), R12
	ADD  $job_states, R0, R13

group:
	MOVD job_resume(R0), R4
	CBNZ R4, resume
	ADD  $job_state, R0, R4
	VLD1 (R4), [V0.S4, V1.S4]
	VMOV V0.B16, V2.B16
	VMOV V1.B16, V3.B16
	B    head

resume:
	VLD1 (R13), [V0.S4, V1.S4, V2.S4, V3.S4]

head:
	MOVD job_head(R0), R4
	CBZ  R4, tail
	MOVD R2, R11
	copy2

tail:
	MOVD job_tail(R0), R4
	CBZ  R4, phases
	ADD  R12, R2, R11
	SUB  $64, R11
	copy2

phases:
	MOVD R0, R4
	MOVD job_live(R0), R5

phase:
	MOVD phase_inJob(R4), R6
	CMP  $0, R6
	CSEL EQ, R2, R0, R8
	MOVD phase_offset(R4), R6
	ADD  R6, R8
	MOVD phase_lane(R4), R6
	ADD  R6, R8, R9
	MOVD phase_count(R4), R6
	MOVD phase_ahead(R4), R7

piece:
	MOVD   $sha2k<>(SB), R10
	ADD    R7, R8, R11
	PRFM   (R11), PLDL1KEEP
	ADD    R7, R9, R11
	PRFM   (R11), PLDL1KEEP
	VLD1.P 64(R8), [V16.B16, V17.B16, V18.B16, V19.B16]
	VLD1.P 64(R9), [V20.B16, V21.B16, V22.B16, V23.B16]
	VMOV   V0.B16, V4.B16
	VMOV   V1.B16, V5.B16
	VMOV   V2.B16, V6.B16
	VMOV   V3.B16, V7.B16
	VREV32 V16.B16, V16.B16
	VREV32 V20.B16, V20.B16
	VREV32 V17.B16, V17.B16
	VREV32 V21.B16, V21.B16
	VREV32 V18.B16, V18.B16
	VREV32 V22.B16, V22.B16
	VREV32 V19.B16, V19.B16
	VREV32 V23.B16, V23.B16
	schedule16
	schedule16
	schedule16
	VLD1   (R10), [V24.S4, V25.S4, V26.S4, V27.S4]
	rounds4(V24, V16, V20)
	rounds4(V25, V17, V21)
	rounds4(V26, V18, V22)
	rounds4(V27, V19, V23)
	VADD   V4.S4, V0.S4, V0.S4
	VADD   V5.S4, V1.S4, V1.S4
	VADD   V6.S4, V2.S4, V2.S4
	VADD   V7.S4, V3.S4, V3.S4
	SUBS   $1, R6
	BNE    piece

	ADD  $phase_size, R4
	SUBS $1, R5
	BNE  phase

	MOVD   job_finish(R0), R4
	CBZ    R4, unfinished
	VREV32 V0.B16, V0.B16
	VREV32 V1.B16, V1.B16
	VREV32 V2.B16, V2.B16
	VREV32 V3.B16, V3.B16
	VST1.P [V0.B16, V1.B16, V2.B16, V3.B16], 64(R1)
	B      next

unfinished:
	VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (R13)

next:
	ADD  R12<<1, R2
	SUBS $1, R3
	BNE  group
	RET

// FIPS 180-4, section 4.2.2.
DATA sha2k<>+0(SB)/4, $0x428a2f98
DATA sha2k<>+4(SB)/4, $0x71374491
DATA sha2k<>+8(SB)/4, $0xb5c0fbcf
DATA sha2k<>+12(SB)/4, $0xe9b5dba5
DATA sha2k<>+16(SB)/4, $0x3956c25b
DATA sha2k<>+20(SB)/4, $0x59f111f1
DATA sha2k<>+24(SB)/4, $0x923f82a4
DATA sha2k<>+28(SB)/4, $0xab1c5ed5
DATA sha2k<>+32(SB)/4, $0xd807aa98
DATA sha2k<>+36(SB)/4, $0x12835b01
DATA sha2k<>+40(SB)/4, $0x243185be
DATA sha2k<>+44(SB)/4, $0x550c7dc3
DATA sha2k<>+48(SB)/4, $0x72be5d74
DATA sha2k<>+52(SB)/4, $0x80deb1fe
DATA sha2k<>+56(SB)/4, $0x9bdc06a7
DATA sha2k<>+60(SB)/4, $0xc19bf174
DATA sha2k<>+64(SB)/4, $0xe49b69c1
DATA sha2k<>+68(SB)/4, $0xefbe4786
DATA sha2k<>+72(SB)/4, $0x0fc19dc6
DATA sha2k<>+76(SB)/4, $0x240ca1cc
DATA sha2k<>+80(SB)/4, $0x2de92c6f
DATA sha2k<>+84(SB)/4, $0x4a7484aa
DATA sha2k<>+88(SB)/4, $0x5cb0a9dc
DATA sha2k<>+92(SB)/4, $0x76f988da
DATA sha2k<>+96(SB)/4, $0x983e5152
DATA sha2k<>+100(SB)/4, $0xa831c66d
DATA sha2k<>+104(SB)/4, $0xb00327c8
DATA sha2k<>+108(SB)/4, $0xbf597fc7
DATA sha2k<>+112(SB)/4, $0xc6e00bf3
DATA sha2k<>+116(SB)/4, $0xd5a79147
DATA sha2k<>+120(SB)/4, $0x06ca6351
DATA sha2k<>+124(SB)/4, $0x14292967
DATA sha2k<>+128(SB)/4, $0x27b70a85
DATA sha2k<>+132(SB)/4, $0x2e1b2138
DATA sha2k<>+136(SB)/4, $0x4d2c6dfc
DATA sha2k<>+140(SB)/4, $0x53380d13
DATA sha2k<>+144(SB)/4, $0x650a7354
DATA sha2k<>+148(SB)/4, $0x766a0abb
DATA sha2k<>+152(SB)/4, $0x81c2c92e
DATA sha2k<>+156(SB)/4, $0x92722c85
DATA sha2k<>+160(SB)/4, $0xa2bfe8a1
DATA sha2k<>+164(SB)/4, $0xa81a664b
DATA sha2k<>+168(SB)/4, $0xc24b8b70
DATA sha2k<>+172(SB)/4, $0xc76c51a3
DATA sha2k<>+176(SB)/4, $0xd192e819
DATA sha2k<>+180(SB)/4, $0xd6990624
DATA sha2k<>+184(SB)/4, $0xf40e3585
DATA sha2k<>+188(SB)/4, $0x106aa070
DATA sha2k<>+192(SB)/4, $0x19a4c116
DATA sha2k<>+196(SB)/4, $0x1e376c08
DATA sha2k<>+200(SB)/4, $0x2748774c
DATA sha2k<>+204(SB)/4, $0x34b0bcb5
DATA sha2k<>+208(SB)/4, $0x391c0cb3
DATA sha2k<>+212(SB)/4, $0x4ed8aa4a
DATA sha2k<>+216(SB)/4, $0x5b9cca4f
DATA sha2k<>+220(SB)/4, $0x682e6ff3
DATA sha2k<>+224(SB)/4, $0x748f82ee
DATA sha2k<>+228(SB)/4, $0x78a5636f
DATA sha2k<>+232(SB)/4, $0x84c87814
DATA sha2k<>+236(SB)/4, $0x8cc70208
DATA sha2k<>+240(SB)/4, $0x90befffa
DATA sha2k<>+244(SB)/4, $0xa4506ceb
DATA sha2k<>+248(SB)/4, $0xbef9a3f7
DATA sha2k<>+252(SB)/4, $0xc67178f2
GLOBL sha2k<>(SB), RODATA|NOPTR, $256
