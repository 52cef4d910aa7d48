// Package quant knows the element formats of model weights: their layout in a file, a scalar reference that
// widens them to float32, exact access to the integers and scales that integer kernels and repacking need,
// and simple quantisers.
//
// The formats are those of ggml (ggml-common.h and ggml-quants.c of llama.cpp), as stored in GGUF files. All
// multi-byte fields are little-endian. Each format has one file here (float.go, q8_0.go, q4.go, q5.go, q2_k.go, …)
// with its layout and its formula.
//
// # Sub-blocks
//
// Every block format is a sequence of 32-element sub-blocks (one in the small formats, eight in the 256-element
// "K" and IQ4_XS super-blocks). [Unpack] gives each as 32 signed integers with scales and mins (see [Sub]):
//
//	x[i] = ws*q[i] - wm
//
// where ws = d*sc is the product of the block's f16 scale and the sub-block's integer scale. f16 has 11
// significant bits, sc at most 8 and q at most 8 (no format has more than 24 for the three together), so ws,
// wm and ws*q are exact in float32 and the subtraction is the only rounding: "mins with one rounding" holds with
// and without a fused multiply-add, and formats without mins are dequantised exactly.
//
// # Caveats
//
// The quantisers fit each block by its extremes (no search, no importance matrix): they are sound, and good
// enough for tests and random weights, but llama.cpp's give smaller errors. NaN or Inf scales in a file are
// passed on as they are: the model's forward pass fails the step that meets them.
package quant
