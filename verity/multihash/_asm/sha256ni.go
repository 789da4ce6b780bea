//go:generate go run . -out ../sha256_amd64.s -pkg multihash

// Command _asm writes the SHA-256 kernels of package multihash for amd64.
//
// FIPS 180-4 names: a round uses W[t]+K[t]; W[t] for t ≥ 16 is made from
// W[t-16], W[t-15], W[t-7] and W[t-2]. The SHA extensions hold the eight working
// variables in two registers, (A,B,E,F) and (C,D,G,H), highest lane first, and do
// two rounds an instruction with a latency of four cycles but a throughput of one.
// One message alone therefore leaves three quarters of the unit idle: the kernels
// here keep two or three messages in flight.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

var k256 = [64]uint32{
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
}

func main() {
	ConstraintExpr("!purego")
	k := GLOBL("sha256k", RODATA|NOPTR)
	for i, v := range k256 {
		DATA(4*i, U32(v))
	}
	swap := GLOBL("sha256swap", RODATA|NOPTR)
	DATA(0, U64(0x0405060700010203))
	DATA(8, U64(0x0c0d0e0f08090a0b))
	for _, n := range []int{2, 3} {
		blocksNI(n, k, swap)
	}
	Generate()
}

// message is one of the messages in flight.
type message struct {
	p          reg.GPVirtual // next 64 bytes
	abef, cdgh reg.VecVirtual
	prev, next reg.VecVirtual // W[4t-4..4t-1] and the four words being made
	w          Mem            // ring of the last 16 words of the schedule
	state      Mem            // (F,E,B,A) and (H,G,D,C) in memory
}

// blocksNI writes blocksNI<n>: it feeds count 64-byte blocks to each of n states.
func blocksNI(n int, k, swap Mem) {
	signature := "func(state *[%d][8]uint32, "
	args := []string{"p0, p1 *byte", "p0, p1, p2 *byte"}[n-2]
	TEXT(fmt.Sprintf("blocksNI%d", n), NOSPLIT, fmt.Sprintf(signature+args+", count, ahead int)", n))
	Doc(fmt.Sprintf("blocksNI%d feeds count ≥ 1 blocks of 64 bytes from p0, p1, … to %d states and prefetches ahead bytes further on.", n, n))
	Pragma("noescape")

	state := Load(Param("state"), GP64())
	messages := make([]*message, n)
	for i := range messages {
		messages[i] = &message{p: GP64()}
		Load(Param(fmt.Sprintf("p%d", i)), messages[i].p)
	}
	count := Load(Param("count"), GP64())
	ahead := Load(Param("ahead"), GP64())

	// The schedule lives on the stack, 16-byte aligned for its use as an operand.
	ring := GP64()
	LEAQ(AllocLocal(64*n+16), ring)
	ADDQ(Imm(15), ring)
	ANDQ(I8(-16), ring)

	mask := XMM()
	MOVOU(swap, mask)
	for i, m := range messages {
		m.abef, m.cdgh, m.prev, m.next = XMM(), XMM(), XMM(), XMM()
		m.w = Mem{Base: ring, Disp: 64 * i}
		m.state = Mem{Base: state, Disp: 32 * i}
		MOVOU(m.state, m.abef)
		MOVOU(m.state.Offset(16), m.cdgh)
	}

	Label("block")
	for t := range 16 {
		step(messages, t, k, mask)
	}
	for _, m := range messages {
		PREFETCHT0(Mem{Base: m.p, Index: ahead, Scale: 1})
		ADDQ(Imm(64), m.p)
		sum := m.next
		MOVOU(m.state, sum)
		PADDL(sum, m.abef)
		MOVOU(m.abef, m.state)
		MOVOU(m.state.Offset(16), sum)
		PADDL(sum, m.cdgh)
		MOVOU(m.cdgh, m.state.Offset(16))
	}
	DECQ(count)
	JNZ(LabelRef("block"))
	RET()
}

// step does rounds 4t to 4t+3 of every message, instruction by instruction across
// the messages, so that their latencies overlap.
func step(messages []*message, t int, k Mem, mask reg.VecVirtual) {
	slot := func(m *message, i int) Mem { return m.w.Offset(16 * (i & 3)) }
	if t < 4 {
		for _, m := range messages {
			MOVOU(Mem{Base: m.p, Disp: 16 * t}, m.next)
			PSHUFB(mask, m.next)
			MOVOA(m.next, slot(m, t))
		}
	} else {
		for _, m := range messages {
			shifted := XMM()
			MOVOA(slot(m, t-4), m.next)
			SHA256MSG1(slot(m, t-3), m.next)
			MOVOA(m.prev, shifted)
			PALIGNR(Imm(4), slot(m, t-2), shifted)
			PADDL(shifted, m.next)
			SHA256MSG2(m.prev, m.next)
			if t < 15 {
				MOVOA(m.next, slot(m, t))
			}
		}
	}
	for _, m := range messages {
		MOVOU(k.Offset(16*t), reg.X0)
		PADDL(m.next, reg.X0)
		SHA256RNDS2(reg.X0, m.abef, m.cdgh)
		PSHUFD(Imm(0x0e), reg.X0, reg.X0)
		SHA256RNDS2(reg.X0, m.cdgh, m.abef)
		m.prev, m.next = m.next, m.prev
	}
}
