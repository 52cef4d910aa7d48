package wire

// Control messages are JSON: fields may be added, a reader ignores what it does not know.

// Generate asks the coordinator for the choices of one request. A router that sees a gap, or a new
// coordinator term, submits it again with Attempt+1 and what was emitted.
type Generate struct {
	ID          string   `json:"id"`
	Attempt     uint32   `json:"attempt"`
	Router      string   `json:"router"`
	Boot        string   `json:"boot"`
	Model       string   `json:"model"` // Card.ID; a coordinator that serves another refuses
	Prompt      []int32  `json:"prompt"`
	Choices     []Choice `json:"choices"`
	Params      Params   `json:"params"`     // Seed of each choice is in Choices
	MaxTokens   int      `json:"max_tokens"` // output tokens per choice
	Tenant      string   `json:"tenant"`     // fair queue key
	Priority    int      `json:"priority"`
	Salt        string   `json:"salt,omitempty"` // separates prefix caches
	RemainingMS int64    `json:"remaining_ms"`   // until the request's deadline; 0: none
	Trace       string   `json:"trace,omitempty"`
	Score       bool     `json:"score,omitempty"`  // log-probabilities of the prompt's tokens, too, with Params.Logprobs alternatives
	Scored      int      `json:"scored,omitempty"` // prompt positions up to here need none: the router has them
	Room        int      `json:"room,omitempty"`   // what GenerateReply said of it the time before
}

// Choice is one of a request's n answers.
type Choice struct {
	Index   uint32  `json:"index"`
	Seed    uint64  `json:"seed"`
	Emitted []int32 `json:"emitted,omitempty"` // output tokens that the router already has
	Credit  uint32  `json:"credit"`            // output tokens allowed so far (absolute)
}

// GenerateReply answers Generate: accepted, or refused with a code.
type GenerateReply struct {
	ID           string `json:"id"`
	Attempt      uint32 `json:"attempt"`
	Term         uint64 `json:"term"`
	Code         string `json:"code,omitempty"` // "" is accepted
	Message      string `json:"message,omitempty"`
	RetryAfterMS int64  `json:"retry_after_ms,omitempty"`
	Room         int    `json:"room,omitempty"` // tokens that KV memory holds, which bounds an answer with its prompt; 0: not known yet
}

// Codes of a refusal and of a choice that ended in error.
const (
	CodeNoPipeline = "no_pipeline" // no plan is live and none is expected before the deadline
	CodeOverloaded = "overloaded"
	CodeTimeout    = "timeout"
	CodeTooLong    = "context_length_exceeded" // prompt + 1 does not fit context or KV memory
	CodeModel      = "model_not_found"
	CodeInvalid    = "invalid_request"
	CodeStage      = "stage_lost"
	CodeMemory     = "kv_memory_lost" // KV memory that was there when the answer began did not come back
	CodeNumeric    = "numeric"        // Inf/NaN or f16 overflow in this sequence
)

// Credit raises a choice's allowance: budget lease and reader's window in one.
type Credit struct {
	ID        string `json:"id"`
	Choice    uint32 `json:"choice"`
	UpTo      uint32 `json:"up_to"`
	Delivered uint32 `json:"delivered"`
}

// Cancel ends a choice, or all with Choice -1.
type Cancel struct {
	ID     string `json:"id"`
	Choice int    `json:"choice"`
	Reason string `json:"reason"`
	At     uint32 `json:"at"`
}

// RouterBeat says every second which requests a router still wants. 5 s of silence cancel them.
type RouterBeat struct {
	Router string   `json:"router"`
	Boot   string   `json:"boot"`
	Live   []string `json:"live"`
}

// Hello introduces a shard to the coordinator: at start, after a reconnect, when announced to.
type Hello struct {
	Node        string  `json:"node"`
	Boot        string  `json:"boot"` // random per process start
	Wire        int     `json:"wire"` // WireVersion
	Arithmetic  int     `json:"arithmetic"`
	Digest      string  `json:"digest"` // kernel self-test
	Model       string  `json:"model"`  // Card.ID
	MemoryBytes int64   `json:"memory_bytes"`
	BytesPerSec float64 `json:"bytes_per_sec"` // measured read bandwidth
	OpsPerSec   float64 `json:"ops_per_sec"`   // measured int8 multiply-adds
	Promised    uint64  `json:"promised"`      // highest term promised
	Kernels     string  `json:"kernels"`       // instruction path
	Threads     int     `json:"threads"`
	Host        string  `json:"host"`
	Version     string  `json:"version"`
	Repack      string  `json:"repack,omitempty"` // whether weights may stay in the file: "auto", "always", "never"
}

// Announce asks every shard (or one) for a Hello.
type Announce struct {
	Term uint64 `json:"term"`
}

// Promise asks a shard to obey no lower term; Promised answers with the highest it has promised.
type Promise struct {
	Term uint64 `json:"term"`
}

// Promised carries the shard's highest promised term, which is Promise.Term unless a newer coordinator exists.
type Promised struct {
	Node string `json:"node"`
	Boot string `json:"boot"`
	Term uint64 `json:"term"`
}

// Stage is one shard's part of a plan: layers [First, Last).
type Stage struct {
	Node  string `json:"node"`
	Boot  string `json:"boot"`
	First int    `json:"first"`
	Last  int    `json:"last"`
}

// Prepare tells a shard the whole plan; it loads its layers and answers Prepared. Stage 0 also embeds, the
// last one norms, heads and samples. Repeating it is harmless.
type Prepare struct {
	Epoch    uint64  `json:"epoch"`
	Lane     uint8   `json:"lane"`
	Model    string  `json:"model"`
	Stages   []Stage `json:"stages"`
	Index    int     `json:"index"` // of the receiver
	KVBlocks int     `json:"kv_blocks"`
	KVType   string  `json:"kv_type"` // "f16", "f32"
}

// Prepared says that a shard has its layers in memory, or why not.
type Prepared struct {
	Node  string `json:"node"`
	Boot  string `json:"boot"`
	Epoch uint64 `json:"epoch"`
	Error string `json:"error,omitempty"`
}

// Commit makes a prepared epoch the active one; frames of older epochs are refused from then on.
type Commit struct {
	Epoch uint64 `json:"epoch"`
}

// Committed answers Commit.
type Committed struct {
	Node  string `json:"node"`
	Boot  string `json:"boot"`
	Epoch uint64 `json:"epoch"`
}

// Resend asks a stage to publish again the outputs it retains from step From on.
type Resend struct {
	Epoch uint64 `json:"epoch"`
	Lane  uint8  `json:"lane"`
	From  uint64 `json:"from"`
}

// Release tells a shard that no plan uses it: it drops weights and KV.
type Release struct {
	Epoch uint64 `json:"epoch"`
}

// Leaving says that a shard is going away by itself.
type Leaving struct {
	Node string `json:"node"`
	Boot string `json:"boot"`
}

// Beat is sent every 100 ms by a goroutine of the shard that does no compute.
type Beat struct {
	Node     string `json:"node"`
	Boot     string `json:"boot"`
	Promised uint64 `json:"promised"`
	Epoch    uint64 `json:"epoch"` // committed; 0 none
	Lane     uint8  `json:"lane"`
	In       uint64 `json:"in"`            // last step executed or executing
	Out      uint64 `json:"out"`           // last step sent on
	Layer    int    `json:"layer"`         // layer being computed, -1 when idle
	Gap      uint64 `json:"gap,omitempty"` // step it misses while it holds later ones; 0 none
	Loaded   int64  `json:"loaded,omitempty"`
	ToLoad   int64  `json:"to_load,omitempty"` // bytes; 0 when not loading
	Resident int64  `json:"resident"`          // bytes
	BusyNS   int64  `json:"busy_ns"`           // compute time since boot
	KVUsed   int    `json:"kv_used"`
}

// NodeMessage is what shards send to the coordinator. Exactly one field is set.
type NodeMessage struct {
	Hello     *Hello     `json:"hello,omitempty"`
	Beat      *Beat      `json:"beat,omitempty"`
	Promised  *Promised  `json:"promised,omitempty"`
	Prepared  *Prepared  `json:"prepared,omitempty"`
	Committed *Committed `json:"committed,omitempty"`
	Leaving   *Leaving   `json:"leaving,omitempty"`
}

// ControlMessage is what the coordinator sends to a shard. Exactly one field is set.
type ControlMessage struct {
	Announce *Announce `json:"announce,omitempty"`
	Promise  *Promise  `json:"promise,omitempty"`
	Prepare  *Prepare  `json:"prepare,omitempty"`
	Commit   *Commit   `json:"commit,omitempty"`
	Resend   *Resend   `json:"resend,omitempty"`
	Release  *Release  `json:"release,omitempty"`
}

// RouterMessage is what a router sends to the coordinator without waiting. Exactly one field is set.
type RouterMessage struct {
	Credit *Credit     `json:"credit,omitempty"`
	Cancel *Cancel     `json:"cancel,omitempty"`
	Beat   *RouterBeat `json:"beat,omitempty"`
}
