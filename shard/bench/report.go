package bench

// Report is what Engine measured.
type Report struct {
	Model   string    `json:"model"`
	Layers  int       `json:"layers"`
	KV      string    `json:"kv"`
	Machine Machine   `json:"machine"`
	Load    Load      `json:"load"`
	Prefill []Prefill `json:"prefill"`
	Decode  []Decode  `json:"decode"`
}

// Load is how the weights came into memory.
type Load struct {
	Threads int    `json:"threads"`
	Seconds Spread `json:"seconds"`
	File    int64  `json:"file_bytes"`     // of the loaded weights, as the file holds them
	Packed  int64  `json:"packed_bytes"`   // as the kernels want them
	Mapped  int64  `json:"mapped_bytes"`   // what every step reads from the file
	Private int64  `json:"private_bytes"`  // all that the process has of its own after it
	Total   int64  `json:"resident_bytes"` // with what is mapped
}

// Prefill is one prompt.
type Prefill struct {
	Threads int    `json:"threads"`
	Tokens  int    `json:"tokens"`
	Rate    Spread `json:"tokens_per_second"`
}

// Decode is one step of some sequences, many times.
type Decode struct {
	Threads int     `json:"threads"`
	Batch   int     `json:"batch"`
	Context int     `json:"context"`
	Step    Spread  `json:"step_ms"`
	Rate    Spread  `json:"tokens_per_second"` // of all sequences together
	Weights float64 `json:"weights_gb_per_second"`
}

// Machine is what computed.
type Machine struct {
	Kernels    string `json:"kernels"`
	Arithmetic int    `json:"arithmetic"`
	Cores      int    `json:"cores"`
	Arch       string `json:"arch"`
}
