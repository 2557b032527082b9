#include "textflag.h"

// Standardising rows, eight columns at a time; affine.go defines it. Every stage is an
// instruction of its own and so rounds by itself, as the Go code does; affine_test.go checks that
// both give the same bits.
//
// Registers: DI y, SI x, BX parameters, R8 rows left, R9 panels, R10 bytes from one row
// to the next, R11 whether to divide, R12 bytes from one panel's parameters to the next's, DX
// parameters of this panel, AX bytes into the row, CX panels left.

// func standardise(y, x *float32, p *affinePanel, rows, panels, stride int, divide, step bool)
TEXT ·standardise(SB), NOSPLIT, $0-50
	MOVQ y+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ p+16(FP), BX
	MOVQ rows+24(FP), R8
	MOVQ panels+32(FP), R9
	MOVQ stride+40(FP), R10
	SHLQ $2, R10
	MOVBLZX divide+48(FP), R11
	MOVBLZX step+49(FP), R12
	IMULQ $160, R12

row:
	MOVQ BX, DX
	XORQ AX, AX
	MOVQ R9, CX

panel:
	VMOVUPS (SI)(AX*1), Y0
	VSUBPS  (DX), Y0, Y0
	TESTL   R11, R11
	JNE     divide
	VMULPS  32(DX), Y0, Y0

rest:
	VADDPS  64(DX), Y0, Y0
	VMOVUPS 96(DX), Y1
	VMAXPS  Y0, Y1, Y0 // the value as the second operand lets NaN through
	VMOVUPS 128(DX), Y2
	VMINPS  Y0, Y2, Y0
	VMOVUPS Y0, (DI)(AX*1)
	ADDQ R12, DX
	ADDQ $32, AX
	DECQ CX
	JNZ  panel
	ADDQ R10, SI
	ADDQ R10, DI
	DECQ R8
	JNZ  row
	VZEROUPPER
	RET

divide:
	VDIVPS 32(DX), Y0, Y0
	JMP    rest
