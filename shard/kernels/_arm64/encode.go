package main

import "fmt"

// Go's assembler has no word for most vector instructions of arm64. These are the ones that the kernels need, encoded
// as the Arm Architecture Reference Manual (DDI 0487, C7.2) has them: Rd in bits 0-4, Rn in 5-9, Rm in 16-20.

// instruction is an encoding with zeros for registers. Its syntax is the manual's, with a verb for each operand.
type instruction struct {
	syntax string
	code   uint32
}

// instructions are all of them.
var instructions []instruction

func define(syntax string, code uint32) instruction {
	i := instruction{syntax, code}
	instructions = append(instructions, i)
	return i
}

// Three registers: destination, first and second source.
var (
	fadd   = define("fadd v%d.4s, v%d.4s, v%d.4s", 0x4e20d400)     // FADD (vector)
	fsub   = define("fsub v%d.4s, v%d.4s, v%d.4s", 0x4ea0d400)     // FSUB (vector)
	fmul   = define("fmul v%d.4s, v%d.4s, v%d.4s", 0x6e20dc00)     // FMUL (vector)
	fdiv   = define("fdiv v%d.4s, v%d.4s, v%d.4s", 0x6e20fc00)     // FDIV (vector)
	fcmge  = define("fcmge v%d.4s, v%d.4s, v%d.4s", 0x6e20e400)    // FCMGE (register)
	fcmgt  = define("fcmgt v%d.4s, v%d.4s, v%d.4s", 0x6ea0e400)    // FCMGT (register)
	smull  = define("smull v%d.8h, v%d.8b, v%d.8b", 0x0e20c000)    // SMULL (vector)
	smlal  = define("smlal v%d.8h, v%d.8b, v%d.8b", 0x0e208000)    // SMLAL (vector)
	smull2 = define("smull2 v%d.8h, v%d.16b, v%d.16b", 0x4e20c000) // SMULL2 (vector)
	smlal2 = define("smlal2 v%d.8h, v%d.16b, v%d.16b", 0x4e208000) // SMLAL2 (vector)
)

// Two registers.
var (
	fneg    = define("fneg v%d.4s, v%d.4s", 0x6ea0f800)       // FNEG (vector)
	fabs    = define("fabs v%d.4s, v%d.4s", 0x4ea0f800)       // FABS (vector)
	frintn  = define("frintn v%d.4s, v%d.4s", 0x4e218800)     // FRINTN (vector): ties to even
	fcvtns  = define("fcvtns v%d.4s, v%d.4s", 0x4e21a800)     // FCVTNS (vector): ties to even
	scvtf   = define("scvtf v%d.4s, v%d.4s", 0x4e21d800)      // SCVTF (vector, integer)
	fcvtl   = define("fcvtl v%d.4s, v%d.4h", 0x0e217800)      // FCVTL
	fcvtl2  = define("fcvtl2 v%d.4s, v%d.8h", 0x4e217800)     // FCVTL2
	shll    = define("shll v%d.4s, v%d.4h, #16", 0x2e613800)  // SHLL
	shll2   = define("shll2 v%d.4s, v%d.8h, #16", 0x6e613800) // SHLL2
	fcvtn   = define("fcvtn v%d.4h, v%d.4s", 0x0e216800)      // FCVTN
	fcvtn2  = define("fcvtn2 v%d.8h, v%d.4s", 0x4e216800)     // FCVTN2
	umaxv8  = define("umaxv h%d, v%d.8h", 0x6e70a800)         // UMAXV
	uminv   = define("uminv s%d, v%d.4s", 0x6eb1a800)         // UMINV
	umaxv   = define("umaxv s%d, v%d.4s", 0x6eb0a800)         // UMAXV
	saddlv  = define("saddlv h%d, v%d.16b", 0x4e303800)       // SADDLV
	sqxtn4  = define("sqxtn v%d.4h, v%d.4s", 0x0e614800)      // SQXTN
	sqxtn4h = define("sqxtn2 v%d.8h, v%d.4s", 0x4e614800)     // SQXTN2
	sqxtn8  = define("sqxtn v%d.8b, v%d.8h", 0x0e214800)      // SQXTN
	sqxtn8h = define("sqxtn2 v%d.16b, v%d.8h", 0x4e214800)    // SQXTN2
	saddlp  = define("saddlp v%d.4s, v%d.8h", 0x4e602800)     // SADDLP
	sadalp  = define("sadalp v%d.4s, v%d.8h", 0x4e606800)     // SADALP
	sxtl8   = define("sshll v%d.8h, v%d.8b, #0", 0x0f08a400)  // SSHLL
	sxtl4   = define("sshll v%d.4s, v%d.4h, #0", 0x0f10a400)  // SSHLL
)

// fcvtzs converts to integers, times 4, 8, 16 or 32: FCVTZS (vector, fixed-point).
var fcvtzs = map[int]instruction{
	4:  define("fcvtzs v%d.4s, v%d.4s, #2", 0x4f3efc00),
	8:  define("fcvtzs v%d.4s, v%d.4s, #3", 0x4f3dfc00),
	16: define("fcvtzs v%d.4s, v%d.4s, #4", 0x4f3cfc00),
	32: define("fcvtzs v%d.4s, v%d.4s, #5", 0x4f3bfc00),
}

// Two registers and an element of a third.
var (
	fmulE = define("fmul v%d.4s, v%d.4s, v%d.s[%d]", 0x4f809000)   // FMUL (by element)
	fmlaE = define("fmla v%d.4s, v%d.4s, v%d.s[%d]", 0x4f801000)   // FMLA (by element)
	sdotE = define("sdot v%d.4s, v%d.16b, v%d.4b[%d]", 0x4f80e000) // SDOT (by element), FEAT_DotProd
)

// two is the word of an instruction of two registers.
func (i instruction) two(d, n V) uint32 { return i.code | uint32(n)<<5 | uint32(d) }

// three is the word of an instruction of three registers.
func (i instruction) three(d, n, m V) uint32 { return i.two(d, n) | uint32(m)<<16 }

// element is the word of an instruction with element e of m, 0 to 3: bits H (11) and L (21).
func (i instruction) element(d, n, m V, e int) uint32 {
	return i.three(d, n, m) | uint32(e>>1)<<11 | uint32(e&1)<<21
}

func (i instruction) comment(operands ...any) string { return fmt.Sprintf(i.syntax, operands...) }
