package sched

import "time"

// graves remember for a while which requests have ended, so that a late copy of a Generate does not start
// them anew.
type graves struct {
	byID map[string]grave
	line []grave // in order of time
}

type grave struct {
	id      string
	attempt uint32 // up to which the request has ended
	at      time.Duration
}

const (
	graveTime = time.Minute
	maxGraves = 4096
)

func (g *graves) add(x grave) {
	if g.byID == nil {
		g.byID = map[string]grave{}
	}
	g.byID[x.id] = x
	g.line = append(g.line, x)
	for len(g.line) > maxGraves || x.at-g.line[0].at > graveTime {
		if old := g.line[0]; g.byID[old.id] == old {
			delete(g.byID, old.id)
		}
		g.line = g.line[1:]
	}
}

// find gives the last attempt of a request that has ended.
func (g *graves) find(id string, now time.Duration) (uint32, bool) {
	x, ok := g.byID[id]
	return x.attempt, ok && now-x.at <= graveTime
}
