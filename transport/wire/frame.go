package wire

// Kind is what a binary frame carries.
type Kind uint8

const (
	KindStep        Kind = 1 // coordinator to stage 0: entries, no rows
	KindActivations Kind = 2 // stage to stage: the same entries with their rows
	KindSampled     Kind = 3 // last stage to coordinator
	KindDelta       Kind = 4 // coordinator to router
)

// DType is the element type of a frame's rows.
type DType uint8

const (
	F32 DType = 0
	F16 DType = 1 // reserved: a cluster-wide choice
	Q8  DType = 2 // reserved
)

// Frame is one step of a lane on its way through the stages: a Step where it has no rows, Activations where
// it has. Entries are forwarded unchanged to the last stage.
type Frame struct {
	Epoch  uint64 // term<<32 | salt<<20 | n; a stage executes frames of its committed epoch only
	Lane   uint8  // the chain of stages
	Step   uint64 // consecutive in a lane, from 1; a stage executes exactly last+1
	Ack    uint64 // every step <= Ack has been sampled and received: retained outputs may go
	SentNS int64  // sender's clock, for hop latency between synchronised machines

	Entries []Entry
	DType   DType
	Rows    int    // sum of len(Entries[i].Tokens) in Activations, 0 in a Step
	Width   int    // hidden size, 0 in a Step
	Body    []byte // [Rows][Width] little-endian in DType
	Timings []Timing
}

// Timing is what one stage spent on a step.
type Timing struct {
	QueueNS   int64 // from arrival to start
	ComputeNS int64
}

// Want is what the last stage does with an entry's rows.
type Want uint8

const (
	WantNone   Want = 0 // prefill that is not the last chunk
	WantSample Want = 1 // sample one token after the entry's last row
	WantScore  Want = 2 // log-probabilities of Targets, one per row; and sample as WantSample does where len(Targets) < rows
	WantFailed Want = 3 // an earlier stage failed the sequence (Inf, NaN, overflow): its rows are zero, the last stage reports it
)

// Entry is the rows of one sequence in a step: Tokens at positions Pos, Pos+1, …
// Executing an entry again writes the same bits.
type Entry struct {
	Seq     uint64
	Pos     uint32
	Tokens  []int32
	Want    Want
	Targets []int32 // WantScore: the token whose log-probability each row gives
	Ops     []Op    // run before the rows, in order, by every stage (Open and Close by the last one only matter)
}

// OpKind is a sequence operation that rides in an entry.
type OpKind uint8

const (
	OpOpen   OpKind = 1 // a new sequence: Params, History
	OpBlocks OpKind = 2 // the block table from index At on becomes Blocks
	OpClose  OpKind = 3 // forget the sequence Seq of the entry
	OpFork   OpKind = 4 // the entry's sequence starts as the first Len tokens of Parent (shares its full blocks)
	OpCopy   OpKind = 5 // copy KV block From to To in every layer
)

// Op is one sequence operation. Only the fields of its Kind are set.
type Op struct {
	Kind    OpKind
	Params  *Params // Open
	Choice  uint32  // Open: which of the n choices; part of the sampler's random function
	History []int32 // Open: tokens at positions 0..len-1 that this epoch does not prefill (prefix cache)
	Parent  uint64  // Fork
	Len     uint32  // Fork
	At      uint32  // Blocks: index of the first block given
	Blocks  []int32 // Blocks
	From    int32   // Copy
	To      int32   // Copy
}

// Params are the sampling parameters of a sequence. Positions count from the first prompt token.
type Params struct {
	Temperature float64 `json:"temperature"` // 0 is greedy
	TopP        float64 `json:"top_p"`       // 1 is off
	TopK        int     `json:"top_k"`       // 0 is off
	MinP        float64 `json:"min_p"`       // 0 is off
	Repetition  float64 `json:"repetition"`  // 1 is off; over prompt and output
	Presence    float64 `json:"presence"`    // over output
	Frequency   float64 `json:"frequency"`   // over output
	Seed        uint64  `json:"seed"`        // with choice and position the sampler's only source of randomness
	Logprobs    int     `json:"logprobs"`    // -1 none, else how many top alternatives (0..20)
	LogitBias   []Bias  `json:"logit_bias,omitempty"`
	StopIDs     []int32 `json:"stop_ids,omitempty"` // end tokens; masked until MinTokens outputs exist
	MinTokens   int     `json:"min_tokens"`
	PromptLen   int     `json:"prompt_len"` // tokens before the first output
	// Grammar is what the output must be, as package grammar encodes it, at most MaxGrammar bytes; "" is anything.
	Grammar string `json:"grammar,omitempty"`
}

// Bias is added to a token's logit before anything else is applied.
type Bias struct {
	ID    int32   `json:"id"`
	Value float32 `json:"value"`
}

// Sampled is what the last stage returns for a step, one item per entry that wanted something or failed.
type Sampled struct {
	Epoch   uint64
	Lane    uint8
	Step    uint64
	SentNS  int64
	Items   []SampledItem
	Timings []Timing // one per stage
}

// SampledItem is the outcome of one entry.
type SampledItem struct {
	Seq      uint64
	Pos      uint32  // position of Tokens[0]
	Tokens   []int32 // sampled; empty when the entry failed
	Logprobs []Logprob
	Scores   []Logprob // WantScore: one per target, with as many alternatives as Params.Logprobs asks for
	Error    string    // this sequence failed; the others of the step did not
}

// FaultOfRequest begins a SampledItem.Error that the request itself is the reason of, and not the numbers: it fails again wherever it
// is computed.
const FaultOfRequest = "request: "

// Logprob is the log-probability of a chosen token and its alternatives, natural logarithm.
type Logprob struct {
	LP  float32   `json:"lp"`
	Top []TokenLP `json:"top,omitempty"` // descending
}

// TokenLP is one alternative.
type TokenLP struct {
	ID int32   `json:"id"`
	LP float32 `json:"lp"`
}

// Delta is everything that one step produced for one router.
type Delta struct {
	Term  uint64
	Items []DeltaItem
}

// DeltaItem extends one choice of a request. Positions are absolute, so a router drops what it has.
type DeltaItem struct {
	ID         string
	Attempt    uint32
	Choice     uint32
	Position   uint32 // index in the choice's output of Tokens[0]
	Tokens     []int32
	Logprobs   []Logprob // one per token where asked for
	Cached     uint32    // prompt tokens taken from the prefix cache
	Recomputed uint32    // tokens prefilled again by recoveries so far; never billed
	Finish     string    // "", FinishStop, FinishLength, FinishCancel
	ErrorCode  string    // ends the choice with an error
	Error      string
	ScorePos   uint32    // position in the prompt of the token that Scores[0] belongs to; 0 without Scores
	Scores     []Logprob // of consecutive tokens of the prompt (Generate.Score); for all choices of the request
}

// Reasons why a choice ended.
const (
	FinishStop   = "stop"   // a stop id; it is the last token of the item
	FinishLength = "length" // max_tokens or the context's end
	FinishCancel = "cancel"
)
