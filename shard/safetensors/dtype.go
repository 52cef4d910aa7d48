package safetensors

// DType is a tensor's element type, named as in the file.
type DType string

// The types that model weights come in. Files may hold others (see Bits).
const (
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16"
)

var bits = map[DType]uint64{
	"F64": 64, "I64": 64, "U64": 64, "C64": 64,
	F32: 32, "I32": 32, "U32": 32,
	F16: 16, BF16: 16, "I16": 16, "U16": 16,
	"I8": 8, "U8": 8, "BOOL": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
	"F6_E2M3": 6, "F6_E3M2": 6, "F4": 4,
}

// Bits is the size of an element; 0 for a type that the format does not have.
func (d DType) Bits() int { return int(bits[d]) }
