// Package checkpoint opens a Qwen2 model, whatever its file format, and hands out its configuration, tokenizer,
// chat templates and weights under one set of names.
//
// Served: a GGUF file (whole or split, any quant.Type) and a Hugging Face folder (config.json, tokenizer.json,
// safetensors in F32, F16 or BF16). [Open] maps the files and reads their headers; a weight's pages are read from
// disk when the user of its [Tensor] touches them, so a shard reads the tensors of its own layers only.
//
// Everything is checked at Open: that the architecture is Qwen2 and uses nothing that is not served, and that
// every tensor exists with exactly the shape that the configuration implies. What is unknown is refused, not
// guessed. Errors are one line: file, what was found, what was expected, what to do.
//
// Tensor names, whatever the file format (N is a layer from 0; shapes are [rows = out, cols = in]):
//
//	token_embd.weight          [vocab, hidden]
//	blk.N.attn_norm.weight     [hidden]
//	blk.N.attn_q.weight, .bias [heads*headDim, hidden], [heads*headDim]
//	blk.N.attn_k.weight, .bias [kvHeads*headDim, hidden], [kvHeads*headDim]
//	blk.N.attn_v.weight, .bias [kvHeads*headDim, hidden], [kvHeads*headDim]
//	blk.N.attn_output.weight   [hidden, heads*headDim]
//	blk.N.ffn_norm.weight      [hidden]
//	blk.N.ffn_gate.weight      [ffn, hidden]
//	blk.N.ffn_up.weight        [ffn, hidden]
//	blk.N.ffn_down.weight      [hidden, ffn]
//	output_norm.weight         [hidden]
//	output.weight              [vocab, hidden]; a tied head is token_embd.weight under this name
//
// Vectors are F32, F16 or BF16.
//
// # Caveats
//
// Weights alias the mapped file: they must not be written, and not be read after Close. Truncating a file that is
// mapped kills the process (SIGBUS). Weights are not checksummed and may hold NaN.
package checkpoint
