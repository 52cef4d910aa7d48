// Package safetensors reads safetensors, the weight format of Hugging Face
// (https://github.com/huggingface/safetensors#format), whole or sharded by an index.
//
//	header size u64 little-endian
//	header      JSON: {"name": {"dtype": "BF16", "shape": [rows, cols], "data_offsets": [begin, end]}, …,
//	            "__metadata__": {"key": "text"}}, padded with spaces
//	data        the tensors, row-major, little-endian; begin and end count from here
//
// [Parse] works on the bytes of a file, which the caller usually maps: it reads the header only and never touches
// tensor data. As the reference implementation does, it demands that the tensors cover the data exactly, without
// overlap, hole or rest. A malformed file gives an error, never a panic and never an allocation larger than a
// small multiple of the header.
//
// [Open] finds the files of a model's folder: those named by model.safetensors.index.json, or model.safetensors,
// or the only safetensors file there is.
//
// # Caveats
//
// Tensor data aliases the bytes given to Parse, and is aligned to nothing. Data is not checksummed.
package safetensors
