package place

// Speeds assumed of a node that has measured none: an old laptop's.
const (
	DefaultBytesPerSec = 5e9
	DefaultOpsPerSec   = 20e9
)

// Node is a shard that may be given layers.
type Node struct {
	Name        string
	MemoryBytes int64   // budget for weights, KV and scratch
	BytesPerSec float64 // measured read bandwidth
	OpsPerSec   float64 // measured multiply-adds
	Mapping     Mapping

	mapped bool // weights may be larger than memory
}

// Mapping says whether a node's weights may stay in the model's file, which is slower and takes no memory.
type Mapping uint8

const (
	MapNothing Mapping = iota // weights need memory
	MapIfShort                // weights may stay in the file where no placement fits otherwise
	MapAll                    // weights always stay there
)

// Range is layers [First, Last) on a node.
type Range struct {
	Node        string
	First, Last int
}

// Options steer a placement. The zero value uses every node and predicts one row without context.
type Options struct {
	MaxStages int // most stages; 0 is one for each node

	MinKVBlocks  int // fewer than these make a placement infeasible
	WantKVBlocks int // preferred over speed, halved down to MinKVBlocks until something fits
	MaxKVBlocks  int // most blocks given out; 0 is what fits

	Rows    int // rows of the predicted step; 0 is 1
	Context int // positions that each of them attends to

	OverheadNS int64   // of each stage: hop and scheduling; 0 is 200 µs
	IdleFactor float64 // how much slower the slowest stage may get so that one more node is used; 0 is 2
	Stability  float64 // how much better than Current a placement must be to replace it; 0 is 0.02

	Current []Range // ranges in use, in pipeline order
}

// maxBlocks bounds KV blocks: 4 M of them are 64 M positions.
const maxBlocks = 1 << 22

func (o Options) withDefaults() Options {
	if o.Rows <= 0 {
		o.Rows = 1
	}
	if o.OverheadNS <= 0 {
		o.OverheadNS = 200_000
	}
	if o.IdleFactor < 1 {
		o.IdleFactor = 2
	}
	if o.Stability <= 0 {
		o.Stability = 0.02
	}
	o.MinKVBlocks = min(max(o.MinKVBlocks, 0), maxBlocks)
	o.WantKVBlocks = min(o.WantKVBlocks, maxBlocks)
	o.WantKVBlocks = max(o.WantKVBlocks, o.MinKVBlocks)
	if o.MaxKVBlocks > 0 {
		o.WantKVBlocks = min(o.WantKVBlocks, max(o.MaxKVBlocks, o.MinKVBlocks))
	}
	return o
}
