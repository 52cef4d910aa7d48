// Package gguf reads and writes GGUF, the model file format of llama.cpp
// (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md): versions 2 and 3, little-endian, whole or split.
//
//	magic "GGUF", version u32, tensor count u64, metadata count u64
//	metadata:     key string, value type u32, value        (string: length u64, bytes)
//	tensor table: name string, dimension count u32, dimensions u64 (innermost first), type u32, offset u64
//	padding to general.alignment (32)
//	tensor data, each at its offset from here
//
// [Parse] works on the bytes of a file, which the caller usually maps: it reads the header only and never
// touches tensor data. Nothing the file says is believed before it is checked: counts and lengths against the
// bytes that are left, dimensions and offsets against overflow and against the end of the file. A malformed file
// gives an error, never a panic and never an allocation larger than a small multiple of the bytes parsed.
//
// [Open] also follows the parts of a split file.
//
// # Caveats
//
// Strings, arrays and tensor data alias the bytes given to Parse until they are read out by a getter (which
// copies) or until the mapping goes away ([Tensor].Data does not copy). A file that another process truncates
// while it is mapped kills this process with SIGBUS at the next touch, as with every mapped file. Arrays of
// arrays are refused; nothing that is served uses them.
package gguf
