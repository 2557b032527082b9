#include "textflag.h"

// Trees by striking out leaves, eight rows or sixteen; treebits.go explains.
//
// Registers: SI columns, BX test, DX tree, R8 values, R9 trees left, AX tests
// left, DI sums; Y0 sums of the first eight rows and Y8 of the second, Y1 and Y9
// their leaves left (a word for each row), Y14 zero, Y15 all ones.

// STRIKE takes the leaves Y3 from rows whose value is above the threshold Y2.
#define STRIKE(values, left, tmp) \
	VCMPPS $1, values, Y2, tmp \
	VPAND  Y3, tmp, tmp        \
	VPANDN left, tmp, left

// ADDLEAF adds the value of the first leaf left to the sums. That leaf is the
// lowest bit; as a float it has its number as exponent, with a bias of 127, which
// the address takes off. The shift to the left drops the sign that bit 31 gets.
#define ADDLEAF(left, sums) \
	VPSUBD     left, Y14, Y4           \
	VPAND      left, Y4, Y4            \
	VCVTDQ2PS  Y4, Y4                  \
	VPSLLD     $1, Y4, Y4              \
	VPSRLD     $24, Y4, Y4             \
	VMOVDQA    Y15, Y5                 \
	VXORPS     Y6, Y6, Y6              \
	VGATHERDPS Y5, -508(R8)(Y4*4), Y6  \
	VADDPS     Y6, sums, sums

// func sumTrees(columns *column, count int, tests *leafTest, tree *bitTree, trees int, values *float32, sums *column, both bool) bool
TEXT ·sumTrees(SB), NOSPLIT, $0-65
	MOVQ columns+0(FP), SI
	MOVQ count+8(FP), CX
	MOVQ tests+16(FP), BX
	MOVQ tree+24(FP), DX
	MOVQ trees+32(FP), R9
	MOVQ values+40(FP), R8
	MOVQ sums+48(FP), DI
	VPXOR Y14, Y14, Y14
	VPCMPEQD Y15, Y15, Y15
	VXORPS Y0, Y0, Y0
	VXORPS Y8, Y8, Y8

	// Is any value NaN, unordered with itself?
	MOVQ SI, R10
	CMPB both+56(FP), $0
	JNE  bothColumn

column:
	VMOVUPS (R10), Y1
	VCMPPS  $3, Y1, Y1, Y1
	VORPS   Y1, Y0, Y0
	ADDQ $64, R10
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
	VPBROADCASTD 4(BX), Y3
	STRIKE((SI)(CX*1), Y1, Y4)
	ADDQ $12, BX
	DECL AX
	JNZ  test

leaf:
	ADDLEAF(Y1, Y0)
	MOVL 4(DX), CX
	LEAQ (R8)(CX*4), R8
	ADDQ $8, DX
	DECQ R9
	JNZ  tree

	VMOVUPS Y0, (DI)
	MOVB $1, ret+64(FP)
	VZEROUPPER
	RET

bothColumn:
	VMOVUPS (R10), Y1
	VMOVUPS 32(R10), Y2
	VCMPPS  $3, Y1, Y2, Y1 // unordered if either is
	VORPS   Y1, Y0, Y0
	ADDQ $64, R10
	DECQ CX
	JNZ  bothColumn
	VMOVMSKPS Y0, AX
	TESTL AX, AX
	JNZ  missing
	VXORPS Y0, Y0, Y0

bothTree:
	VMOVDQA Y15, Y1
	VMOVDQA Y15, Y9
	MOVL  (DX), AX
	TESTL AX, AX
	JEQ   bothLeaf

bothTest:
	MOVL         8(BX), CX
	VBROADCASTSS (BX), Y2
	VPBROADCASTD 4(BX), Y3
	STRIKE((SI)(CX*1), Y1, Y4)
	STRIKE(32(SI)(CX*1), Y9, Y5)
	ADDQ $12, BX
	DECL AX
	JNZ  bothTest

bothLeaf:
	ADDLEAF(Y1, Y0)
	ADDLEAF(Y9, Y8)
	MOVL 4(DX), CX
	LEAQ (R8)(CX*4), R8
	ADDQ $8, DX
	DECQ R9
	JNZ  bothTree

	VMOVUPS Y0, (DI)
	VMOVUPS Y8, 32(DI)
	MOVB $1, ret+64(FP)
	VZEROUPPER
	RET

missing:
	MOVB $0, ret+64(FP)
	VZEROUPPER
	RET
