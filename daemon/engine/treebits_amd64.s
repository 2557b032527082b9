#include "textflag.h"

// Trees by striking out leaves, eight rows at a time; treebits.go explains.
//
// Registers: SI columns, BX test, DX tree, R8 values, R9 trees left, AX tests
// left; Y0 sums, Y1 leaves left (a word for each row), Y14 zero, Y15 all ones.

// func sumTrees(columns *lanes, count int, tests *leafTest, tree *bitTree, trees int, values *float32, sums *lanes) bool
TEXT ·sumTrees(SB), NOSPLIT, $0-57
	MOVQ columns+0(FP), SI
	MOVQ count+8(FP), CX
	MOVQ tests+16(FP), BX
	MOVQ tree+24(FP), DX
	MOVQ trees+32(FP), R9
	MOVQ values+40(FP), R8
	VPXOR Y14, Y14, Y14
	VPCMPEQD Y15, Y15, Y15
	VXORPS Y0, Y0, Y0

	// Any NaN?
	MOVQ SI, DI

column:
	VMOVUPS (DI), Y1
	VCMPPS  $3, Y1, Y1, Y1 // unordered with itself
	VORPS   Y1, Y0, Y0
	ADDQ $32, DI
	DECQ CX
	JNZ  column
	VMOVMSKPS Y0, AX
	TESTL AX, AX
	JNZ  missing
	VXORPS Y0, Y0, Y0

tree:
	VMOVDQA Y15, Y1
	MOVL  (DX), AX
	TESTL AX, AX
	JEQ   leaf

test:
	MOVL         8(BX), CX
	VBROADCASTSS (BX), Y2
	VCMPPS       $1, (SI)(CX*1), Y2, Y2 // threshold < x
	VPBROADCASTD 4(BX), Y3
	VPAND        Y3, Y2, Y2
	VPANDN       Y1, Y2, Y1
	ADDQ $12, BX
	DECL AX
	JNZ  test

leaf:
	// The first leaf left is the lowest bit; as a float it has its number as
	// exponent, with a bias of 127, which the address below takes off. The shift
	// to the left drops the sign that bit 31 gets.
	VPSUBD    Y1, Y14, Y2
	VPAND     Y1, Y2, Y2
	VCVTDQ2PS Y2, Y2
	VPSLLD    $1, Y2, Y2
	VPSRLD    $24, Y2, Y2
	VMOVDQA   Y15, Y5
	VXORPS    Y4, Y4, Y4
	VGATHERDPS Y5, -508(R8)(Y2*4), Y4
	VADDPS    Y4, Y0, Y0
	MOVL 4(DX), CX
	LEAQ (R8)(CX*4), R8
	ADDQ $8, DX
	DECQ R9
	JNZ  tree

	MOVQ sums+48(FP), DI
	VMOVUPS Y0, (DI)
	MOVB $1, ret+56(FP)
	VZEROUPPER
	RET

missing:
	MOVB $0, ret+56(FP)
	VZEROUPPER
	RET
