#include "textflag.h"

// Whether numbers lie within a bound, eight at a time; inrange.go defines it. The last eight
// are looked at at the end, whether or not some of them were before.
//
// Registers: SI x, CX where the last eight begin, AX number; Y0 the bound, Y1 all bits but the
// sign, Y2 what was outside so far.

// OUTSIDE notes which of eight numbers are not at most the bound, as a NaN is not.
#define OUTSIDE(at) \
	VANDPS at, Y1, Y3 \
	VCMPPS $0x16, Y0, Y3, Y3 \
	VORPS  Y3, Y2, Y2

// func allWithin(x *float32, n int, most float32) bool
TEXT ·allWithin(SB), NOSPLIT, $0-25
	MOVQ x+0(FP), SI
	MOVQ n+8(FP), CX
	SUBQ $8, CX
	VBROADCASTSS most+16(FP), Y0
	VXORPS   Y2, Y2, Y2
	MOVL     $0x7fffffff, AX
	VMOVD    AX, X1
	VSHUFPS  $0, X1, X1, X1
	VINSERTF128 $1, X1, Y1, Y1
	XORQ AX, AX
	JMP  more

eight:
	OUTSIDE((SI)(AX*4))
	ADDQ $8, AX

more:
	CMPQ AX, CX
	JLT  eight
	OUTSIDE((SI)(CX*4))
	VMOVMSKPS Y2, AX
	VZEROUPPER
	TESTL AX, AX
	SETEQ ret+24(FP)
	RET
