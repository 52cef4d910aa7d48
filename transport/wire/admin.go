package wire

import "encoding/json"

// AdminRequest is a question or an order to the coordinator; Args is the JSON of the verb's request type.
type AdminRequest struct {
	Verb string          `json:"verb"`
	Args json.RawMessage `json:"args,omitempty"`
}

// Verbs of AdminRequest.
const (
	VerbCard   = "card"   // CardRequest -> CardChunk
	VerbStatus = "status" // -> Status
	VerbPlan   = "plan"   // PlanRequest -> PlanReply: what would be placed on the shards that are here
	VerbDrain  = "drain"  // DrainRequest -> {}: move a shard's layers away and keep it out
	VerbScale  = "scale"  // ScaleRequest -> {}: how many shards a plan may use
)

// AdminReply carries the verb's answer in Result, or an error with a code.
type AdminReply struct {
	Result json.RawMessage `json:"result,omitempty"`
	Code   string          `json:"code,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// CardRequest reads the gzipped JSON of the model's checkpoint.Card from Offset on.
type CardRequest struct {
	Offset int `json:"offset"`
}

// CardChunk is a piece of it; Total is the whole's size in bytes.
type CardChunk struct {
	ID    string `json:"id"`
	Total int    `json:"total"`
	Data  []byte `json:"data"`
}

// PlanRequest asks for a placement over the present shards, or over Shards of them when it is not 0.
type PlanRequest struct {
	Shards int `json:"shards,omitempty"`
}

// PlanReply is a placement with predicted stage times for one row.
type PlanReply struct {
	Stages     []StageStatus `json:"stages"`
	KVBlocks   int           `json:"kv_blocks"`
	StepNS     int64         `json:"step_ns"`    // sum of the stages: one token of one sequence
	SlowestNS  int64         `json:"slowest_ns"` // the slowest stage bounds throughput
	Infeasible string        `json:"infeasible,omitempty"`
}

// DrainRequest names a shard; Undo lets it be used again.
type DrainRequest struct {
	Node string `json:"node"`
	Undo bool   `json:"undo,omitempty"`
}

// ScaleRequest bounds the stages of a plan; 0 is every shard that is here.
type ScaleRequest struct {
	Shards int `json:"shards"`
}

// Status is the cluster as the coordinator sees it.
type Status struct {
	Cluster  string        `json:"cluster"`
	Model    string        `json:"model"`    // served name
	ModelID  string        `json:"model_id"` // Card.ID
	Ready    bool          `json:"ready"`    // a canary has gone through every stage of the current plan
	State    string        `json:"state"`    // waiting, promising, preparing, committing, canary, ready, paused
	Reason   string        `json:"reason"`   // why it is not ready
	Term     uint64        `json:"term"`
	Epoch    uint64        `json:"epoch"`
	Recovery int           `json:"recoveries"` // epochs begun after the first
	Stages   []StageStatus `json:"stages"`
	Nodes    []NodeStatus  `json:"nodes"`
	Queue    QueueStatus   `json:"queue"`
	UptimeMS int64         `json:"uptime_ms"`
}

// StageStatus is one stage of a plan.
type StageStatus struct {
	Node        string  `json:"node"`
	First       int     `json:"first"`
	Last        int     `json:"last"`
	WeightBytes int64   `json:"weight_bytes"`
	KVBytes     int64   `json:"kv_bytes"`
	PredictedNS int64   `json:"predicted_ns"`          // one row
	MeasuredNS  int64   `json:"measured_ns,omitempty"` // moving average of a step's compute time
	Busy        float64 `json:"busy"`                  // share of the last seconds spent computing, 0..1
}

// NodeStatus is one shard, in a plan or not.
type NodeStatus struct {
	Node        string  `json:"node"`
	Boot        string  `json:"boot"`
	State       string  `json:"state"` // ready, loading, idle, suspect, dead, draining, refused
	Reason      string  `json:"reason,omitempty"`
	Host        string  `json:"host"`
	Kernels     string  `json:"kernels"`
	Threads     int     `json:"threads"`
	MemoryBytes int64   `json:"memory_bytes"`
	Resident    int64   `json:"resident"`
	BytesPerSec float64 `json:"bytes_per_sec"`
	OpsPerSec   float64 `json:"ops_per_sec"`
	Loaded      int64   `json:"loaded,omitempty"`
	ToLoad      int64   `json:"to_load,omitempty"`
}

// QueueStatus is the scheduler's load.
type QueueStatus struct {
	Running   int    `json:"running"`
	Waiting   int    `json:"waiting"`
	KVBlocks  int    `json:"kv_blocks"`
	KVUsed    int    `json:"kv_used"`
	InFlight  int    `json:"in_flight"` // micro-batches
	Tokens    uint64 `json:"tokens"`    // output tokens since start
	Preempted uint64 `json:"preempted"`
}
