package wire

import (
	"fmt"
	"math"
)

// AppendSampled appends s's message to dst. On error dst is returned as it was.
func AppendSampled(dst []byte, s *Sampled) ([]byte, error) {
	if len(s.Items) > MaxEntries || len(s.Timings) > MaxTimings {
		return dst, fmt.Errorf("wire: sampled: %d items, %d timings: %w", len(s.Items), len(s.Timings), ErrTooLarge)
	}
	h := header{kind: KindSampled, epoch: s.Epoch, step: s.Step, lane: s.Lane, entries: len(s.Items), sent: s.SentNS, flags: sampledFlags(s)}
	start := len(dst)
	b := begin(dst)
	for i := range s.Items {
		b = putSample(b, &s.Items[i], h.flags)
	}
	b = putTimings(b, s.Timings)
	b, err := finish(b, start, &h)
	if err != nil {
		return dst, err
	}
	return b, nil
}

const minSample = 6 // bytes: every field of a sample in its shortest form

// ParseSampled reads a sampled message into s, whose slices are reused.
func ParseSampled(m []byte, s *Sampled) error {
	h, err := parseHeader(m)
	if err != nil {
		return err
	}
	if h.kind != KindSampled {
		return fmt.Errorf("wire: %s: want sampled: %w", h.kind, ErrKind)
	}
	if err := h.bare(); err != nil {
		return err
	}
	s.Epoch, s.Lane, s.Step, s.SentNS = h.epoch, h.lane, h.step, h.sent
	d := decoder{b: m[HeaderSize:]}
	if h.entries > d.left()/minSample {
		return fmt.Errorf("wire: sampled: %d items in %d bytes: %w", h.entries, d.left(), ErrShort)
	}
	s.Items = resize(s.Items, h.entries)
	for i := range s.Items {
		parseSample(&d, &s.Items[i], h.flags)
		if d.err != nil {
			return fmt.Errorf("wire: sampled: item %d: %w", i, d.err)
		}
	}
	s.Timings = parseTimings(&d, s.Timings)
	d.end()
	if d.err != nil {
		return fmt.Errorf("wire: sampled: %w", d.err)
	}
	if h.flags != sampledFlags(s) {
		return fmt.Errorf("wire: sampled: flags announce alternatives that no score has: %w", ErrMalformed)
	}
	return nil
}

// sampledFlags are those that the items need.
func sampledFlags(s *Sampled) uint8 {
	for i := range s.Items {
		for _, lp := range s.Items[i].Scores {
			if len(lp.Top) > 0 {
				return flagTops
			}
		}
	}
	return 0
}

func putSample(b []byte, it *SampledItem, flags uint8) []byte {
	b = putUvar(b, it.Seq)
	b = putUvar(b, uint64(it.Pos))
	b = putInts(b, it.Tokens)
	b = putLogprobs(b, it.Logprobs)
	if flags == 0 {
		b = putBare(b, it.Scores)
	} else {
		b = putLogprobs(b, it.Scores)
	}
	return putText(b, it.Error)
}

func parseSample(d *decoder, it *SampledItem, flags uint8) {
	it.Seq = d.uvar("seq")
	it.Pos = d.uvar32("pos")
	it.Tokens = d.ints(it.Tokens, "tokens")
	it.Logprobs = parseLogprobs(d, it.Logprobs)
	if flags == 0 {
		it.Scores = parseBare(d, it.Scores)
	} else {
		it.Scores = parseLogprobs(d, it.Scores)
	}
	it.Error = d.text(it.Error, "error")
}

// putBare writes log-probabilities without alternatives.
func putBare(b []byte, lps []Logprob) []byte {
	b = putUvar(b, uint64(len(lps)))
	for i := range lps {
		b = putF32(b, lps[i].LP)
	}
	return b
}

func parseBare(d *decoder, dst []Logprob) []Logprob {
	dst = resize(dst, d.count(4, math.MaxInt32, "scores"))
	for i := range dst {
		dst[i].LP, dst[i].Top = d.f32("score"), dst[i].Top[:0]
	}
	return dst
}

func putLogprobs(b []byte, lps []Logprob) []byte {
	b = putUvar(b, uint64(len(lps)))
	for i := range lps {
		b = putF32(b, lps[i].LP)
		b = putUvar(b, uint64(len(lps[i].Top)))
		for _, t := range lps[i].Top {
			b = putU32(b, uint32(t.ID))
			b = putF32(b, t.LP)
		}
	}
	return b
}

func parseLogprobs(d *decoder, dst []Logprob) []Logprob {
	n := d.count(5, math.MaxInt32, "logprobs")
	dst = resize(dst, n)
	for i := 0; i < n && d.err == nil; i++ {
		lp := &dst[i]
		lp.LP = d.f32("logprob")
		lp.Top = resize(lp.Top, d.count(8, math.MaxInt32, "alternatives"))
		for j := range lp.Top {
			lp.Top[j] = TokenLP{ID: int32(d.u32("alternative")), LP: d.f32("alternative")}
		}
	}
	return dst
}
