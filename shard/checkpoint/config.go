package checkpoint

// Config is the shape of a Qwen2 model. All sizes count elements.
type Config struct {
	Name      string  `json:"name"` // the file's own name for the model, "" if it has none
	Layers    int     `json:"layers"`
	Hidden    int     `json:"hidden"`
	Heads     int     `json:"heads"`
	KVHeads   int     `json:"kv_heads"`
	HeadDim   int     `json:"head_dim"` // hidden/heads unless the file says otherwise (key_length)
	FFN       int     `json:"ffn"`
	Vocab     int     `json:"vocab"`      // rows of the embedding and of the head, padding included
	RealVocab int     `json:"real_vocab"` // ids from here on are padding and are never sampled
	Context   int     `json:"context"`    // longest sequence in tokens, YaRN included
	Eps       float32 `json:"eps"`        // RMSNorm's
	RopeTheta float64 `json:"rope_theta"`
	Yarn      *Yarn   `json:"yarn,omitempty"`
	Tied      bool    `json:"tied"` // the head is the embedding
}

// Yarn is the context extension of arXiv 2309.00071, read from rope.scaling.* or rope_scaling.
type Yarn struct {
	Factor          float64 `json:"factor"`
	OriginalContext int     `json:"original_context"`
	BetaFast        float64 `json:"beta_fast"`   // 32 unless the file says otherwise
	BetaSlow        float64 `json:"beta_slow"`   // 1 unless the file says otherwise
	AttnFactor      float64 `json:"attn_factor"` // scales cos and sin; 0.1 ln(factor) + 1 unless the file says otherwise
}

// Defaults are generation_config's sampling values; nil where the file has none.
type Defaults struct {
	Temperature       *float64 `json:"temperature,omitempty"`
	TopP              *float64 `json:"top_p,omitempty"`
	TopK              *int     `json:"top_k,omitempty"`
	RepetitionPenalty *float64 `json:"repetition_penalty,omitempty"`
}
