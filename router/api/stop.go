package api

import "bytes"

// stopMatcher looks for the first of a few strings in text that comes in pieces.
type stopMatcher struct {
	stops   [][]byte
	longest int
}

func newStopMatcher(stops []string) stopMatcher {
	var m stopMatcher
	for _, s := range stops {
		m.stops = append(m.stops, []byte(s))
		m.longest = max(m.longest, len(s))
	}
	return m
}

// find returns where the first stop string in text begins and ends, ok false if there is none. Text before from has been looked at and
// has no whole one. Of strings that begin at the same place the shortest wins: it was complete first.
func (m *stopMatcher) find(text []byte, from int) (start, end int, ok bool) {
	base := max(0, from-m.longest+1)
	for _, s := range m.stops {
		i := bytes.Index(text[base:], s)
		if i < 0 {
			continue
		}
		if i += base; !ok || i+len(s) < end || (i+len(s) == end && i < start) {
			start, end, ok = i, i+len(s), true
		}
	}
	return start, end, ok
}

// held is the length of the longest end of text that a stop string begins with: it must not be shown yet.
func (m *stopMatcher) held(text []byte) int {
	for n := min(m.longest-1, len(text)); n > 0; n-- {
		tail := text[len(text)-n:]
		for _, s := range m.stops {
			if len(s) > n && bytes.HasPrefix(s, tail) {
				return n
			}
		}
	}
	return 0
}
