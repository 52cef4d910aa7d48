package main

import (
	"fmt"
	"strings"
)

// V is a vector register, R a general one.
type (
	V int
	R int
)

func (r R) String() string { return fmt.Sprintf("R%d", int(r)) }

// f names a vector register as Go's scalar operations and 128-bit moves do.
func (v V) f() string { return fmt.Sprintf("F%d", int(v)) }

// as names a vector register with an arrangement.
func (v V) as(arrangement string) string { return fmt.Sprintf("V%d.%s", int(v), arrangement) }

// kernel is an assembly function in the making.
type kernel struct {
	name   string
	body   strings.Builder
	offset map[string]int // of the arguments
	r      R              // the next free registers
	v      V
}

// file is a pair of assembly and Go declarations.
type file struct {
	asm, stubs strings.Builder
}

// function adds a function of these arguments, "name type, …"; types are pointers, uintptr, int and float32. The
// result, where there is one, is called ret.
func (f *file) function(name, doc string, args []arg, result string, body func(k *kernel)) {
	k := &kernel{name: name, offset: map[string]int{}}
	size := 0
	var list []string
	for _, a := range args {
		size = (size + a.size() - 1) &^ (a.size() - 1)
		k.offset[a.name] = size
		size += a.size()
		list = append(list, a.name+" "+a.typ)
	}
	ret := ""
	if result != "" {
		size = (size + 7) &^ 7
		k.offset["ret"] = size
		size += arg{typ: result}.size()
		ret = " " + result
	}
	body(k)
	signature := "(" + strings.Join(list, ", ") + ")" + ret
	fmt.Fprintf(&f.asm, "\n// func %s%s\nTEXT ·%s(SB), NOSPLIT, $0-%d\n%s", name, signature, name, size, k.body.String())
	fmt.Fprintf(&f.stubs, "\n// %s %s\n//\n//go:noescape\nfunc %s%s\n", name, doc, name, signature)
}

// arg is an argument of a function.
type arg struct{ name, typ string }

func (a arg) size() int {
	switch a.typ {
	case "bool":
		return 1
	case "float32":
		return 4
	}
	return 8
}

// vec is a register that nothing else of this kernel has.
func (k *kernel) vec() V {
	if k.v > 31 {
		panic(k.name + " needs more than 32 vector registers")
	}
	k.v++
	return k.v - 1
}

func (k *kernel) vecs(n int) []V {
	v := make([]V, n)
	for i := range v {
		v[i] = k.vec()
	}
	return v
}

// reg is a register that nothing else of this kernel has; R18 belongs to the platform and those from R27 on to Go.
func (k *kernel) reg() R {
	if k.r == 18 {
		k.r++
	}
	if k.r > 26 {
		panic(k.name + " needs more than 26 registers")
	}
	k.r++
	return k.r - 1
}

// op writes an instruction that Go's assembler knows, operands in Go's order: the destination last.
func (k *kernel) op(name string, operands ...any) {
	fmt.Fprintf(&k.body, "\t%s", name)
	for i, o := range operands {
		sep := ", "
		if i == 0 {
			sep = " "
		}
		fmt.Fprintf(&k.body, "%s%v", sep, o)
	}
	k.body.WriteByte('\n')
}

// native writes a vector instruction that Go's assembler knows, operands as in the manual: the destination first.
func (k *kernel) native(name, arrangement string, operands ...V) {
	list := make([]any, len(operands))
	for i, v := range operands {
		list[len(list)-1-i] = v.as(arrangement)
	}
	k.op(name, list...)
}

func (k *kernel) word(code uint32, comment string) {
	fmt.Fprintf(&k.body, "\tWORD $0x%08x // %s\n", code, comment)
}

// two, three and element write an instruction as a word; the destination comes first.
func (k *kernel) two(i instruction, d, n V) { k.word(i.two(d, n), i.comment(d, n)) }

func (k *kernel) three(i instruction, d, n, m V) { k.word(i.three(d, n, m), i.comment(d, n, m)) }

func (k *kernel) element(i instruction, d, n, m V, e int) {
	k.word(i.element(d, n, m, e), i.comment(d, n, m, e))
}

func (k *kernel) label(name string) { fmt.Fprintf(&k.body, "%s:\n", name) }

// pointer loads an argument of eight bytes.
func (k *kernel) pointer(name string) R {
	r := k.reg()
	k.op("MOVD", k.fp(name), r)
	return r
}

// spread loads a float32 argument into all lanes.
func (k *kernel) spread(name string) V {
	r, v := k.reg(), k.vec()
	k.op("MOVWU", k.fp(name), r)
	k.op("VDUP", r, v.as("S4"))
	k.r--
	return v
}

func (k *kernel) fp(name string) string {
	at, ok := k.offset[name]
	if !ok {
		panic(k.name + " has no argument " + name)
	}
	return fmt.Sprintf("%s+%d(FP)", name, at)
}

// bits puts a constant in all lanes.
func (k *kernel) bits(value uint32) V {
	r, v := k.reg(), k.vec()
	k.op("MOVD", fmt.Sprintf("$0x%08x", value), r)
	k.op("VDUP", r, v.as("S4"))
	k.r--
	return v
}

func (k *kernel) zero(v V)    { k.native("VEOR", "B16", v, v, v) }
func (k *kernel) move(d, n V) { k.native("VORR", "B16", d, n, n) }

// load and store move 16 bytes.
func (k *kernel) load(v V, base R, at int)  { k.op("FMOVQ", mem(base, at), v.f()) }
func (k *kernel) store(v V, base R, at int) { k.op("FMOVQ", v.f(), mem(base, at)) }

func mem(base R, at int) string { return fmt.Sprintf("%d(%v)", at, base) }

// add moves a register on.
func (k *kernel) add(r R, by int) { k.op("ADD", fmt.Sprintf("$%d", by), r) }

// loop runs body n/by times; n is a positive multiple.
func (k *kernel) loop(label string, n R, by int, body func()) {
	k.label(label)
	body()
	k.op("SUBS", fmt.Sprintf("$%d", by), n)
	k.op("BNE", label)
}
