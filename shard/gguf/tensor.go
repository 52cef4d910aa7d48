package gguf

import (
	"fmt"
	"math/bits"

	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// Tensor is an entry of the tensor table.
type Tensor struct {
	Name string
	Type quant.Type
	// Dims are the elements along each axis, innermost (contiguous) first: a matrix of rows x cols has
	// {cols, rows}. 1 to 4 of them, none 0.
	Dims   []int64
	Offset int64  // of the data, from the start of its file
	Data   []byte // aliases the file; nil where Type is not served (its size is not known)
}

// Elems is the number of elements.
func (t *Tensor) Elems() int64 {
	n := int64(1)
	for _, d := range t.Dims {
		n *= d // Parse has checked the product
	}
	return n
}

// legacyTypes names the element types that quant does not serve, by ggml_type.
var legacyTypes = map[quant.Type]string{
	4: "Q4_2", 5: "Q4_3", 9: "Q8_1", 15: "Q8_K",
	16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 21: "IQ3_S", 22: "IQ2_S", 29: "IQ1_M",
	24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64",
	31: "Q4_0_4_4", 32: "Q4_0_4_8", 33: "Q4_0_8_8", 34: "TQ1_0", 35: "TQ2_0",
	36: "IQ4_NL_4_4", 37: "IQ4_NL_4_8", 38: "IQ4_NL_8_8", 39: "MXFP4", 40: "NVFP4",
}

// TypeName is ggml's name of an element type, served or not.
func TypeName(t quant.Type) string {
	if n, ok := legacyTypes[t]; ok {
		return n
	}
	return t.String()
}

const maxDims = 4 // GGML_MAX_DIMS

// readTensor reads one entry. Offset is left relative to the data section.
func readTensor(c *cursor) (Tensor, error) {
	name, err := c.str()
	if err != nil {
		return Tensor{}, fmt.Errorf("name: %w", err)
	}
	t := Tensor{Name: string(name)}
	if err := t.readShape(c); err != nil {
		return Tensor{}, fmt.Errorf("tensor %s: %w", printable(name), err)
	}
	return t, nil
}

func (t *Tensor) readShape(c *cursor) error {
	n, err := c.u32()
	if err != nil {
		return err
	}
	if n < 1 || n > maxDims {
		return fmt.Errorf("has %d dimensions, want 1 to %d", n, maxDims)
	}
	elems := uint64(1)
	for range n {
		d, err := c.u64()
		if err != nil {
			return err
		}
		hi, lo := bits.Mul64(elems, d)
		if d == 0 || hi != 0 || lo > 1<<62 {
			return fmt.Errorf("dimension %d is zero or too large", d)
		}
		elems = lo
		t.Dims = append(t.Dims, int64(d))
	}
	typ, err := c.u32()
	if err != nil {
		return err
	}
	off, err := c.u64()
	if err != nil {
		return err
	}
	if off > 1<<62 {
		return fmt.Errorf("offset %d is too large", off)
	}
	t.Type, t.Offset = quant.Type(typ), int64(off)
	return nil
}

// bytes is the size of the data; 0 where the type is not served.
func (t *Tensor) bytes() (int64, error) {
	elems, size := t.Type.Block()
	if elems == 0 {
		return 0, nil
	}
	if t.Dims[0]%int64(elems) != 0 {
		return 0, fmt.Errorf("tensor %s: %d columns are not a whole number of %v blocks (%d elements each)",
			printable([]byte(t.Name)), t.Dims[0], t.Type, elems)
	}
	hi, lo := bits.Mul64(uint64(t.Elems())/uint64(elems), uint64(size))
	if hi != 0 || lo > 1<<62 {
		return 0, fmt.Errorf("tensor %s: size overflows", printable([]byte(t.Name)))
	}
	return int64(lo), nil
}

// printable makes a name from an unchecked file fit for an error message: quoted where odd, cut where long.
func printable(b []byte) string {
	const most = 80
	cut := ""
	if len(b) > most {
		b, cut = b[:most], "…"
	}
	for _, c := range b {
		if c <= ' ' || c >= 0x7f {
			return fmt.Sprintf("%q%s", b, cut)
		}
	}
	return string(b) + cut
}
