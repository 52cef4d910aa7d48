// Package wire is what the parts of a cluster say to one another: the types, their binary form, and the
// subjects they travel on.
//
// Control messages (control.go, admin.go) are JSON. Frames, samples and deltas, which are sent for every token,
// are binary: one message is a 64-byte header, a descriptor and a body. This page is the manual of that form.
//
// # Header
//
// All numbers are little-endian.
//
//	byte  size  field       meaning
//	   0     4  magic       "SCW1"
//	   4     2  version     Version
//	   6     1  kind        Kind: step, activations, sampled, delta
//	   7     1  dtype       DType of the body's elements; 0 where there is no body
//	   8     8  epoch       term<<32 | salt<<20 | n; in a delta the term
//	  16     8  step        consecutive in a lane; 0 in a delta
//	  24     1  lane
//	  25     1  flags       by kind, 0 where nothing needs one; a reader refuses bits it does not know
//	  26     2  entries     entries of a frame, items of a sampled or delta
//	  28     4  rows        rows of the body; 0 except in activations
//	  32     4  width       elements of a row; 0 except in activations
//	  36     4  descriptor  bytes after the header
//	  40     4  body        bytes after the descriptor, which end the message
//	  44     4  crc32c      Castagnoli, over the whole message with this field zero
//	  48     8  ack         frames only
//	  56     8  sent        ns, the sender's clock; 0 in a delta
//
// # Descriptor
//
// The descriptor is a sequence of these primitives:
//
//	u8, u32, u64   fixed size
//	uvar           unsigned base-128 varint, in its shortest form (a longer one is refused)
//	svar           zigzag varint: signed numbers
//	f32, f64       IEEE bits, fixed size; NaN payloads survive
//	ints           uvar count, then count times u32 (two's complement int32)
//	text           uvar length in bytes, then the bytes
//
// and its layout depends on the kind:
//
//	step, activations:  entry*  timings
//	sampled:            sample* timings
//	delta:              item*
//
//	entry    uvar seq, uvar pos, ints tokens, u8 want, ints targets, uvar count + op*
//	op       u8 kind, then by kind
//	           open    params, uvar choice, ints history
//	           blocks  uvar at, ints blocks
//	           close   -
//	           fork    uvar parent, uvar len
//	           copy    svar from, svar to
//	params   u8 form (0 none, 1, 2), f64 temperature, f64 top p, svar top k, f64 min p, f64 repetition,
//	         f64 presence, f64 frequency, u64 seed, svar logprobs, uvar count + (u32 id, f32 value)* bias,
//	         ints stop ids, svar min tokens, svar prompt length; form 1 ends with u8 0, form 2 with text grammar
//	timings  uvar count + (svar queue ns, svar compute ns)*
//	sample   uvar seq, uvar pos, ints tokens, logprobs, scores, text error
//	           scores: uvar count + f32*; with flag 1 (a score has alternatives) logprobs
//	logprobs uvar count + (f32 lp, uvar count + (u32 id, f32 lp)* top)*
//	item     text id, uvar attempt, uvar choice, uvar position, ints tokens, logprobs, uvar cached,
//	         uvar recomputed, text finish, text error code, text error; with flag 1 (an item has scores of the
//	         prompt) also logprobs scores, and uvar score position where there are any
//
// The form is canonical: a value has one encoding, so that Append of what Parse returned gives the same bytes.
//
// # Body
//
// Activations carry rows*width float32, row after row. In activations the entries' tokens sum to rows.
//
// # Reading
//
// Every Parse function checks magic, version, lengths and checksum before it looks inside, checks every count
// against the bytes that are left before it allocates, and never panics. Errors name the part and the byte, and
// wrap one of the Err values of this package. After an error the destination's contents are undefined.
//
// Parse functions reuse the slices of their destination, so that a steady stream allocates next to nothing.
//
// # Evolution
//
// Version changes when an old reader would misunderstand a new message; roles compare it in Hello. Params carry
// their own form number. A flag announces a form that only readers who asked for it meet: routers that want scores of
// the prompt, coordinators that score. Unknown kinds, dtypes, flags, ops and forms are refused, never skipped: a sampling
// parameter that is ignored would break "the same tokens, however it is run".
//
// # Caveats
//
//   - Frame.Body aliases the message that was parsed: keep the message as long as the frame.
//   - Everything else in a parsed Frame, Sampled or Delta belongs to the destination and is overwritten by the
//     next Parse into it, except what an Open carries (Params, History), which is newly allocated and may be kept.
//   - A frame without rows is encoded as a step, whoever sends it: a stage that forwards only operations sends one.
//   - The checksum finds damage, not forgery. Who may publish on a subject is the bus's business.
//   - DTypes other than F32 are reserved and refused.
package wire
