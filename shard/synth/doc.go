// Package synth writes GGUF files of the Qwen2 architecture with random weights: any size, any served format, as
// fast as the disk takes them. They serve benchmarks and tests where a real file would have to be downloaded.
//
// A file has the shapes of the size, the mix of tensor types that llama.cpp's quantiser would choose (Q4_K_M has
// Q6_K tensors, and rows that are not a multiple of 256 fall back to Q5_0, Q5_1, Q8_0 or IQ4_NL), and a small but
// whole tokenizer: the 256 bytes, a few merges, ChatML's control tokens and a chat template; the other ids are
// padding. llama.cpp opens it, too.
//
// Quantised blocks are random bytes under the scales of quantised Gaussian noise, so nothing is quantised but a
// few dozen blocks. Matrices have the standard deviation 1/sqrt(columns), the head 3/sqrt(columns), so that
// activations stay near 1 through any number of layers; norms are near 1 and biases small. The head's rows of
// control tokens are zero: such a token is never the likeliest, so that a benchmark's answers are as long as it asks.
//
// The same [Options] give the same bytes, on every machine.
//
// # Caveats
//
// Answers are noise: bytes, often not UTF-8. Quantised values are uniform rather than Gaussian within a block.
package synth
