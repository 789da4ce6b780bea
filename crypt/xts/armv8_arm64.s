//go:build !purego

#include "textflag.h"

// AES with the instructions of ARMv8, eight blocks in flight, all round keys in
// registers. AESE adds the round key before it substitutes bytes and shifts rows,
// so that the last key is added alone.
//
//	R0 keys             V0-V7   blocks
//	R1 rounds           V8-V15  their tweaks
//	R2 dst              V16-V30 round keys; AES-192 begins with V18, AES-128 with V20
//	R3 src
//	R4 tweaks
//	R5 sectors
//	R6 bytes of a sector
//	R7 bytes of it that are left
//	R9 R10 next tweak
//	R11 what is carried out of it
//	R12 x^7 + x^2 + x + 1

#define loadKeys \
	VLD1.P 64(R0), [V16.B16, V17.B16, V18.B16, V19.B16]; \
	VLD1.P 64(R0), [V20.B16, V21.B16, V22.B16, V23.B16]; \
	VLD1.P 64(R0), [V24.B16, V25.B16, V26.B16, V27.B16]; \
	VLD1   (R0), [V28.B16, V29.B16, V30.B16]

#define encrypt1(k, x) \
	AESE  k.B16, x.B16; \
	AESMC x.B16, x.B16

#define decrypt1(k, x) \
	AESD   k.B16, x.B16; \
	AESIMC x.B16, x.B16

#define encrypt8(k) \
	encrypt1(k, V0); \
	encrypt1(k, V1); \
	encrypt1(k, V2); \
	encrypt1(k, V3); \
	encrypt1(k, V4); \
	encrypt1(k, V5); \
	encrypt1(k, V6); \
	encrypt1(k, V7)

#define decrypt8(k) \
	decrypt1(k, V0); \
	decrypt1(k, V1); \
	decrypt1(k, V2); \
	decrypt1(k, V3); \
	decrypt1(k, V4); \
	decrypt1(k, V5); \
	decrypt1(k, V6); \
	decrypt1(k, V7)

#define encryptLast8 \
	AESE V29.B16, V0.B16; \
	AESE V29.B16, V1.B16; \
	AESE V29.B16, V2.B16; \
	AESE V29.B16, V3.B16; \
	AESE V29.B16, V4.B16; \
	AESE V29.B16, V5.B16; \
	AESE V29.B16, V6.B16; \
	AESE V29.B16, V7.B16

#define decryptLast8 \
	AESD V29.B16, V0.B16; \
	AESD V29.B16, V1.B16; \
	AESD V29.B16, V2.B16; \
	AESD V29.B16, V3.B16; \
	AESD V29.B16, V4.B16; \
	AESD V29.B16, V5.B16; \
	AESD V29.B16, V6.B16; \
	AESD V29.B16, V7.B16

#define addLastKey8 \
	VEOR V30.B16, V0.B16, V0.B16; \
	VEOR V30.B16, V1.B16, V1.B16; \
	VEOR V30.B16, V2.B16, V2.B16; \
	VEOR V30.B16, V3.B16, V3.B16; \
	VEOR V30.B16, V4.B16, V4.B16; \
	VEOR V30.B16, V5.B16, V5.B16; \
	VEOR V30.B16, V6.B16, V6.B16; \
	VEOR V30.B16, V7.B16, V7.B16

#define addTweaks8 \
	VEOR V8.B16, V0.B16, V0.B16; \
	VEOR V9.B16, V1.B16, V1.B16; \
	VEOR V10.B16, V2.B16, V2.B16; \
	VEOR V11.B16, V3.B16, V3.B16; \
	VEOR V12.B16, V4.B16, V4.B16; \
	VEOR V13.B16, V5.B16, V5.B16; \
	VEOR V14.B16, V6.B16, V6.B16; \
	VEOR V15.B16, V7.B16, V7.B16

// The tweak of a block, and that of the next one, which is its double (IEEE 1619, 5.2).
#define nextTweak(t) \
	VMOV R9, t.D[0];          \
	VMOV R10, t.D[1];         \
	ASR  $63, R10, R11;       \
	EXTR $63, R9, R10, R10;   \
	AND  R12, R11, R11;       \
	EOR  R9<<1, R11, R9

#define nextTweaks8 \
	nextTweak(V8); \
	nextTweak(V9); \
	nextTweak(V10); \
	nextTweak(V11); \
	nextTweak(V12); \
	nextTweak(V13); \
	nextTweak(V14); \
	nextTweak(V15)

// The rounds that all key sizes have, but the last.
#define encryptCommon8 \
	encrypt8(V20); \
	encrypt8(V21); \
	encrypt8(V22); \
	encrypt8(V23); \
	encrypt8(V24); \
	encrypt8(V25); \
	encrypt8(V26); \
	encrypt8(V27); \
	encrypt8(V28)

#define decryptCommon8 \
	decrypt8(V20); \
	decrypt8(V21); \
	decrypt8(V22); \
	decrypt8(V23); \
	decrypt8(V24); \
	decrypt8(V25); \
	decrypt8(V26); \
	decrypt8(V27); \
	decrypt8(V28)

#define encryptCommon1 \
	encrypt1(V20, V0); \
	encrypt1(V21, V0); \
	encrypt1(V22, V0); \
	encrypt1(V23, V0); \
	encrypt1(V24, V0); \
	encrypt1(V25, V0); \
	encrypt1(V26, V0); \
	encrypt1(V27, V0); \
	encrypt1(V28, V0)

#define decryptCommon1 \
	decrypt1(V20, V0); \
	decrypt1(V21, V0); \
	decrypt1(V22, V0); \
	decrypt1(V23, V0); \
	decrypt1(V24, V0); \
	decrypt1(V25, V0); \
	decrypt1(V26, V0); \
	decrypt1(V27, V0); \
	decrypt1(V28, V0)

#define load8 \
	VLD1.P 64(R3), [V0.B16, V1.B16, V2.B16, V3.B16]; \
	VLD1.P 64(R3), [V4.B16, V5.B16, V6.B16, V7.B16]

#define store8 \
	VST1.P [V0.B16, V1.B16, V2.B16, V3.B16], 64(R2); \
	VST1.P [V4.B16, V5.B16, V6.B16, V7.B16], 64(R2)

// func encryptBlocksARMv8(keys *schedule, rounds int, p *byte, groups int)
TEXT ·encryptBlocksARMv8(SB), NOSPLIT, $0-32
	MOVD keys+0(FP), R0
	MOVD rounds+8(FP), R1
	MOVD p+16(FP), R2
	MOVD groups+24(FP), R5
	MOVD R2, R3
	LSL  $1, R5 // of eight blocks
	loadKeys

group:
	load8
	CMP $12, R1
	BLT rounds10
	BEQ rounds12
	encrypt8(V16)
	encrypt8(V17)

rounds12:
	encrypt8(V18)
	encrypt8(V19)

rounds10:
	encryptCommon8
	encryptLast8
	addLastKey8
	store8
	SUB  $1, R5
	CBNZ R5, group
	RET

// func decryptBlocksARMv8(keys *schedule, rounds int, p *byte, groups int)
TEXT ·decryptBlocksARMv8(SB), NOSPLIT, $0-32
	MOVD keys+0(FP), R0
	MOVD rounds+8(FP), R1
	MOVD p+16(FP), R2
	MOVD groups+24(FP), R5
	MOVD R2, R3
	LSL  $1, R5 // of eight blocks
	loadKeys

group:
	load8
	CMP $12, R1
	BLT rounds10
	BEQ rounds12
	decrypt8(V16)
	decrypt8(V17)

rounds12:
	decrypt8(V18)
	decrypt8(V19)

rounds10:
	decryptCommon8
	decryptLast8
	addLastKey8
	store8
	SUB  $1, R5
	CBNZ R5, group
	RET

// func encryptARMv8(keys *schedule, rounds int, dst, src, tweaks *byte, sectors, size int)
TEXT ·encryptARMv8(SB), NOSPLIT, $0-56
	MOVD keys+0(FP), R0
	MOVD rounds+8(FP), R1
	MOVD dst+16(FP), R2
	MOVD src+24(FP), R3
	MOVD tweaks+32(FP), R4
	MOVD sectors+40(FP), R5
	MOVD size+48(FP), R6
	MOVD $0x87, R12
	loadKeys

sector:
	LDP.P 16(R4), (R9, R10)
	MOVD  R6, R7
	CMP   $128, R7
	BLT   part

group:
	nextTweaks8
	load8
	addTweaks8
	CMP $12, R1
	BLT group10
	BEQ group12
	encrypt8(V16)
	encrypt8(V17)

group12:
	encrypt8(V18)
	encrypt8(V19)

group10:
	encryptCommon8
	encryptLast8
	addLastKey8
	addTweaks8
	store8
	SUB $128, R7
	CMP $128, R7
	BGE group

part:
	CBZ R7, next

block:
	nextTweak(V8)
	VLD1.P 16(R3), [V0.B16]
	VEOR   V8.B16, V0.B16, V0.B16
	CMP    $12, R1
	BLT    block10
	BEQ    block12
	encrypt1(V16, V0)
	encrypt1(V17, V0)

block12:
	encrypt1(V18, V0)
	encrypt1(V19, V0)

block10:
	encryptCommon1
	AESE   V29.B16, V0.B16
	VEOR   V30.B16, V0.B16, V0.B16
	VEOR   V8.B16, V0.B16, V0.B16
	VST1.P [V0.B16], 16(R2)
	SUB    $16, R7
	CBNZ   R7, block

next:
	SUB  $1, R5
	CBNZ R5, sector
	RET

// func decryptARMv8(keys *schedule, rounds int, dst, src, tweaks *byte, sectors, size int)
TEXT ·decryptARMv8(SB), NOSPLIT, $0-56
	MOVD keys+0(FP), R0
	MOVD rounds+8(FP), R1
	MOVD dst+16(FP), R2
	MOVD src+24(FP), R3
	MOVD tweaks+32(FP), R4
	MOVD sectors+40(FP), R5
	MOVD size+48(FP), R6
	MOVD $0x87, R12
	loadKeys

sector:
	LDP.P 16(R4), (R9, R10)
	MOVD  R6, R7
	CMP   $128, R7
	BLT   part

group:
	nextTweaks8
	load8
	addTweaks8
	CMP $12, R1
	BLT group10
	BEQ group12
	decrypt8(V16)
	decrypt8(V17)

group12:
	decrypt8(V18)
	decrypt8(V19)

group10:
	decryptCommon8
	decryptLast8
	addLastKey8
	addTweaks8
	store8
	SUB $128, R7
	CMP $128, R7
	BGE group

part:
	CBZ R7, next

block:
	nextTweak(V8)
	VLD1.P 16(R3), [V0.B16]
	VEOR   V8.B16, V0.B16, V0.B16
	CMP    $12, R1
	BLT    block10
	BEQ    block12
	decrypt1(V16, V0)
	decrypt1(V17, V0)

block12:
	decrypt1(V18, V0)
	decrypt1(V19, V0)

block10:
	decryptCommon1
	AESD   V29.B16, V0.B16
	VEOR   V30.B16, V0.B16, V0.B16
	VEOR   V8.B16, V0.B16, V0.B16
	VST1.P [V0.B16], 16(R2)
	SUB    $16, R7
	CBNZ   R7, block

next:
	SUB  $1, R5
	CBNZ R5, sector
	RET

// func subWord(w uint32) uint32
TEXT ·subWord(SB), NOSPLIT, $0-12
	MOVWU w+0(FP), R0
	VDUP  R0, V0.S4 // all columns are the same: shifting rows changes nothing
	VEOR  V1.B16, V1.B16, V1.B16
	AESE  V1.B16, V0.B16
	VMOV  V0.S[0], R0
	MOVW  R0, ret+8(FP)
	RET

// func invMixColumns(p *[16]byte)
TEXT ·invMixColumns(SB), NOSPLIT, $0-8
	MOVD   p+0(FP), R0
	VLD1   (R0), [V0.B16]
	AESIMC V0.B16, V0.B16
	VST1   [V0.B16], (R0)
	RET
