#include "textflag.h"

// The inner loops of a dense layer, eight outputs wide. Products and sums are
// separate instructions, as fusing them rounds once where the Go code in gemm.go
// rounds twice; the order of additions is that of the features. Both give the
// same bits, which gemm_test.go checks.
//
// Registers: DI y, SI x, BX weights, DX bias, R8 features, R9 panels left,
// R10 bytes from one row of y to the next, R11 bytes from one row of x to the
// next, R12 = 3·R10, R13 = 3·R11, CX x of this feature, AX features left, R15
// bytes from one panel to the next; Y0-Y7 sums, Y8 and Y9 weights, Y15 zero.

// ADD adds feature · weights to a sum, by way of tmp.
#define ADD(feature, weights, sum, tmp) \
	VMULPS weights, feature, tmp \
	VADDPS tmp, sum, sum

// RELU is max(sum, 0): the sum as the second operand lets NaN through, and adding
// 0 then turns -0 into 0, as the Go code does.
#define RELU(sum) \
	VMAXPS sum, Y15, sum \
	VADDPS Y15, sum, sum

// func tile(y, x *float32, panel, bias *lanes, rows, features, panels, stride int, relu bool)
TEXT ·tile(SB), NOSPLIT, $0-65
	MOVQ y+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ panel+16(FP), BX
	MOVQ bias+24(FP), DX
	MOVQ features+40(FP), R8
	MOVQ panels+48(FP), R9
	MOVQ stride+56(FP), R10
	SHLQ $2, R10
	LEAQ (R10)(R10*2), R12
	MOVQ R8, R15
	SHLQ $5, R15
	MOVQ R8, R11
	SHLQ $2, R11
	LEAQ (R11)(R11*2), R13
	VXORPS Y15, Y15, Y15
	CMPQ rows+32(FP), $1
	JEQ  oneByFour

// Four rows by two panels: eight sums in flight, which is what it takes to keep
// both the multipliers and the adders busy.
four:
	CMPQ R9, $2
	JLT  fourLast
	VMOVUPS (DX), Y0
	VMOVAPS Y0, Y1
	VMOVAPS Y0, Y2
	VMOVAPS Y0, Y3
	VMOVUPS 32(DX), Y4
	VMOVAPS Y4, Y5
	VMOVAPS Y4, Y6
	VMOVAPS Y4, Y7
	MOVQ SI, CX
	MOVQ R8, AX

fourFeature:
	VMOVUPS (BX), Y8
	VMOVUPS (BX)(R15*1), Y9
	VBROADCASTSS (CX), Y10
	ADD(Y10, Y8, Y0, Y11)
	ADD(Y10, Y9, Y4, Y12)
	VBROADCASTSS (CX)(R11*1), Y13
	ADD(Y13, Y8, Y1, Y14)
	ADD(Y13, Y9, Y5, Y11)
	VBROADCASTSS (CX)(R11*2), Y10
	ADD(Y10, Y8, Y2, Y12)
	ADD(Y10, Y9, Y6, Y14)
	VBROADCASTSS (CX)(R13*1), Y13
	ADD(Y13, Y8, Y3, Y11)
	ADD(Y13, Y9, Y7, Y12)
	ADDQ $32, BX
	ADDQ $4, CX
	DECQ AX
	JNZ  fourFeature

	CMPB relu+64(FP), $0
	JEQ  fourStore
	RELU(Y0)
	RELU(Y1)
	RELU(Y2)
	RELU(Y3)
	RELU(Y4)
	RELU(Y5)
	RELU(Y6)
	RELU(Y7)

fourStore:
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, (DI)(R10*1)
	VMOVUPS Y2, (DI)(R10*2)
	VMOVUPS Y3, (DI)(R12*1)
	VMOVUPS Y4, 32(DI)
	VMOVUPS Y5, 32(DI)(R10*1)
	VMOVUPS Y6, 32(DI)(R10*2)
	VMOVUPS Y7, 32(DI)(R12*1)
	ADDQ R15, BX // the second panel's weights are used up, too
	ADDQ $64, DI
	ADDQ $64, DX
	SUBQ $2, R9
	JMP  four

// An odd last panel.
fourLast:
	TESTQ R9, R9
	JEQ   done
	VMOVUPS (DX), Y0
	VMOVAPS Y0, Y1
	VMOVAPS Y0, Y2
	VMOVAPS Y0, Y3

fourLastFeature:
	VMOVUPS (BX), Y8
	VBROADCASTSS (SI), Y10
	ADD(Y10, Y8, Y0, Y11)
	VBROADCASTSS (SI)(R11*1), Y10
	ADD(Y10, Y8, Y1, Y12)
	VBROADCASTSS (SI)(R11*2), Y10
	ADD(Y10, Y8, Y2, Y13)
	VBROADCASTSS (SI)(R13*1), Y10
	ADD(Y10, Y8, Y3, Y14)
	ADDQ $32, BX
	ADDQ $4, SI
	DECQ R8
	JNZ  fourLastFeature

	CMPB relu+64(FP), $0
	JEQ  fourLastStore
	RELU(Y0)
	RELU(Y1)
	RELU(Y2)
	RELU(Y3)

fourLastStore:
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, (DI)(R10*1)
	VMOVUPS Y2, (DI)(R10*2)
	VMOVUPS Y3, (DI)(R12*1)

done:
	VZEROUPPER
	RET

// One row by four panels: a sum waits for the one before, so that four of them take as
// long as one. From here on R13 = 3·R15.
oneByFour:
	LEAQ (R15)(R15*2), R13

onePanels:
	CMPQ R9, $4
	JLT  oneLeft
	VMOVUPS (DX), Y0
	VMOVUPS 32(DX), Y1
	VMOVUPS 64(DX), Y2
	VMOVUPS 96(DX), Y3
	MOVQ SI, CX
	MOVQ R8, AX

onePanelsFeature:
	VBROADCASTSS (CX), Y10
	ADD(Y10, (BX), Y0, Y11)
	ADD(Y10, (BX)(R15*1), Y1, Y12)
	ADD(Y10, (BX)(R15*2), Y2, Y13)
	ADD(Y10, (BX)(R13*1), Y3, Y14)
	ADDQ $32, BX
	ADDQ $4, CX
	DECQ AX
	JNZ  onePanelsFeature

	CMPB relu+64(FP), $0
	JEQ  onePanelsStore
	RELU(Y0)
	RELU(Y1)
	RELU(Y2)
	RELU(Y3)

onePanelsStore:
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	VMOVUPS Y2, 64(DI)
	VMOVUPS Y3, 96(DI)
	ADDQ R13, BX // three further panels' weights are used up, too
	ADDQ $128, DI
	ADDQ $128, DX
	SUBQ $4, R9
	JMP  onePanels

oneLeft:
	TESTQ R9, R9
	JEQ   done

// The panels that are left, one by one: the processor overlaps them where a row is short.
one:
	VMOVUPS (DX), Y0
	MOVQ SI, CX
	MOVQ R8, AX

oneFeature:
	VBROADCASTSS (CX), Y10
	ADD(Y10, (BX), Y0, Y11)
	ADDQ $32, BX
	ADDQ $4, CX
	DECQ AX
	JNZ  oneFeature

	CMPB relu+64(FP), $0
	JEQ  oneStore
	RELU(Y0)

oneStore:
	VMOVUPS Y0, (DI)
	ADDQ $32, DI
	ADDQ $32, DX
	DECQ R9
	JNZ  one
	VZEROUPPER
	RET
