#include "go_asm.h"
#include "textflag.h"

// Trees by striking out leaves, eight rows or sixteen; treebits.go explains.
//
// Registers: SI lanes, R11 run, R12 runs left, BX test, DX tree, R8 values, R9
// trees of the run left, AX tests left, R10 which are in use, DI sums; Y0 sums of the first
// eight rows and Y8 of the second, Y1 and Y9 their leaves left (a word for each row),
// Y12 and Y13 which of them pass the gates, Y14 zero, Y15 all ones.

// STRIKE takes the leaves Y3 from rows whose value is above the threshold Y2.
#define STRIKE(values, left, tmp) \
	VCMPPS $1, values, Y2, tmp \
	VPAND  Y3, tmp, tmp        \
	VPANDN left, tmp, left

// ADDLEAF adds the value of the first leaf left to the sums of rows that pass. That
// leaf is the lowest bit; as a float it has its number as exponent, with a bias of
// 127, which the address takes off. The shift to the left drops the sign that bit 31
// gets. To the other rows it adds zero.
#define ADDLEAF(left, pass, sums) \
	VPSUBD     left, Y14, Y4           \
	VPAND      left, Y4, Y4            \
	VCVTDQ2PS  Y4, Y4                  \
	VPSLLD     $1, Y4, Y4              \
	VPSRLD     $24, Y4, Y4             \
	VMOVDQA    pass, Y5                \
	VXORPS     Y6, Y6, Y6              \
	VGATHERDPS Y5, -508(R8)(Y4*4), Y6  \
	VADDPS     Y6, sums, sums

// OPEN reads the gate at place of the run: threshold, offset, left.
#define OPEN(place) \
	VBROADCASTSS place+bitGate_threshold(R11), Y2 \
	MOVL         place+bitGate_offset(R11), CX    \
	VPBROADCASTD place+bitGate_left(R11), Y3

// GATE takes the rows from pass that do not pass that gate.
#define GATE(values, pass, tmp) \
	VCMPPS $1, values, Y2, tmp \
	VPXOR  Y3, tmp, tmp        \
	VPAND  tmp, pass, pass

// SKIP goes on to the tests, trees and values behind those of the run.
#define SKIP \
	MOVL   bitRun_trees(R11), R9   \
	LEAQ   (DX)(R9*8), DX          \
	MOVL   bitRun_tests(R11), R9   \
	IMUL3Q $leafTest__size, R9, R9 \
	ADDQ   R9, BX                  \
	MOVL   bitRun_leaves(R11), R9  \
	LEAQ   (R8)(R9*4), R8

// func sumTrees(lanes *column, count int, run *bitRun, runs int, tests *leafTest, tree *bitTree, values *float32, use *int32, sums *column, both bool) bool
TEXT ·sumTrees(SB), NOSPLIT, $0-81
	MOVQ lanes+0(FP), SI
	MOVQ count+8(FP), CX
	MOVQ run+16(FP), R11
	MOVQ runs+24(FP), R12
	MOVQ tests+32(FP), BX
	MOVQ tree+40(FP), DX
	MOVQ values+48(FP), R8
	MOVQ use+56(FP), R10
	MOVQ sums+64(FP), DI
	VPXOR Y14, Y14, Y14
	VPCMPEQD Y15, Y15, Y15
	VXORPS Y0, Y0, Y0
	VXORPS Y8, Y8, Y8

	// Is any value in use NaN, unordered with itself?
	MOVQ SI, R13
	CMPB both+72(FP), $0
	JNE  bothColumn

column:
	VMOVUPS (R13), Y1
	VCMPPS  $3, Y1, Y1, Y1
	VORPS   Y1, Y0, Y0
	ADDQ $64, R13
	DECQ CX
	JNZ  column
	VANDPS    (R10), Y0, Y0
	VMOVMSKPS Y0, AX
	TESTL AX, AX
	JNZ  missing
	VXORPS Y0, Y0, Y0

run:
	VMOVDQU (R10), Y12
	OPEN(bitRun_gates)
	GATE((SI)(CX*1), Y12, Y4)
	OPEN(bitRun_gates+bitGate__size)
	GATE((SI)(CX*1), Y12, Y4)
	VPTEST Y12, Y12
	JZ     skip
	MOVL bitRun_trees(R11), R9

	PCALIGN $64 // all tests of a tree in one line of code, wherever this is linked to
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
	ADDLEAF(Y1, Y12, Y0)
	MOVL 4(DX), CX
	LEAQ (R8)(CX*4), R8
	ADDQ $8, DX
	DECQ R9
	JNZ  tree

next:
	ADDQ $bitRun__size, R11
	DECQ R12
	JNZ  run

	VMOVUPS Y0, (DI)
	MOVB $1, ret+80(FP)
	VZEROUPPER
	RET

skip:
	SKIP
	JMP next

bothColumn:
	VMOVUPS 32(R10), Y2
	VMOVUPS (R13), Y1
	VANDPS  32(R13), Y2, Y2
	VCMPPS  $3, Y1, Y2, Y1 // unordered if either is
	VORPS   Y1, Y0, Y0
	ADDQ $64, R13
	DECQ CX
	JNZ  bothColumn
	VMOVMSKPS Y0, AX
	TESTL AX, AX
	JNZ  missing
	VXORPS Y0, Y0, Y0

bothRun:
	VMOVDQU (R10), Y12
	VMOVDQU 32(R10), Y13
	OPEN(bitRun_gates)
	GATE((SI)(CX*1), Y12, Y4)
	GATE(32(SI)(CX*1), Y13, Y5)
	OPEN(bitRun_gates+bitGate__size)
	GATE((SI)(CX*1), Y12, Y4)
	GATE(32(SI)(CX*1), Y13, Y5)
	VPOR   Y12, Y13, Y4
	VPTEST Y4, Y4
	JZ     bothSkip
	MOVL bitRun_trees(R11), R9

bothTree:
	VMOVDQA Y15, Y1
	VMOVDQA Y15, Y9
	MOVL  (DX), AX
	TESTL AX, AX
	JEQ   bothLeaf

	PCALIGN $64
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
	ADDLEAF(Y1, Y12, Y0)
	ADDLEAF(Y9, Y13, Y8)
	MOVL 4(DX), CX
	LEAQ (R8)(CX*4), R8
	ADDQ $8, DX
	DECQ R9
	JNZ  bothTree

bothNext:
	ADDQ $bitRun__size, R11
	DECQ R12
	JNZ  bothRun

	VMOVUPS Y0, (DI)
	VMOVUPS Y8, 32(DI)
	MOVB $1, ret+80(FP)
	VZEROUPPER
	RET

bothSkip:
	SKIP
	JMP bothNext

missing:
	MOVB $0, ret+80(FP)
	VZEROUPPER
	RET
