package wire

// Limits that both ends check. They bound what a reader allocates for a message whose items take fewer bytes on
// the wire than in memory.
const (
	// MaxMessage is the largest message in bytes; the bus usually takes less (bus.Conn.MaxPayload).
	MaxMessage = 64 << 20
	// MaxEntries bounds the entries of a frame and the items of a sampled or delta.
	MaxEntries = 1<<16 - 1
	// MaxOps bounds the operations of all entries of one frame.
	MaxOps = 1<<16 - 1
	// MaxGrammar bounds the bytes of Params.Grammar.
	MaxGrammar = 128 << 10
	// MaxBias bounds the entries of Params.LogitBias, and MaxStopIDs those of Params.StopIDs.
	MaxBias    = 1024
	MaxStopIDs = 1024
	// MaxTerm bounds terms. Nobody gets there by counting; who follows one beyond it could never follow another.
	MaxTerm = 1<<31 - 1
	// MaxTimings bounds the stages a step can pass.
	MaxTimings = 1024
)

// MaxRows is how many rows of width float32 a message of maxPayload bytes carries beside its header and entries,
// for which a sixteenth of the payload (at least 256 bytes) is set aside on top of the token and target id of each
// row. A frame that opens sequences with a long history may need more: look at the length of what AppendFrame gives.
// 0 means that not even one row fits.
func MaxRows(maxPayload, width int) int {
	if maxPayload <= HeaderSize || width <= 0 {
		return 0
	}
	if maxPayload > MaxMessage {
		maxPayload = MaxMessage
	}
	const ids = 8 // token and target
	row := int64(width)*4 + ids
	room := int64(maxPayload) - max(int64(maxPayload)/16, 256) - HeaderSize
	return int(max(room, 0) / row)
}
