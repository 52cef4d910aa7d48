package sched

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// TestALightTenantBesideAHeavyOne: however many long requests another tenant has, and although they fill the KV, short ones begin
// soon, and all of the others end.
func TestALightTenantBesideAHeavyOne(t *testing.T) {
	const lights = 20
	firsts := func(heavies int) (took []time.Duration) {
		m := newSim(t, world{requests: 0, faultTime: 10 * time.Second, blocks: [2]int{60, 60}, stages: [2]int{2, 2}, prompt: 20, output: 70, n: 1,
			queue: 1000, maxRows: 64, running: 200}, 11)
		m.faults = false
		for i := range heavies {
			tenantJob(m, i, "heavy", 20, 70)
		}
		for i := range lights {
			j := tenantJob(m, heavies+i, "light", 10, 2)
			at := 150*time.Millisecond + time.Duration(i)*60*time.Millisecond
			m.after(at, func() { m.firstOf(j, m.now, &took) })
		}
		m.run()
		if len(took) != lights {
			t.Fatalf("%d of %d light requests had a first token", len(took), lights)
		}
		slices.Sort(took)
		return took
	}
	alone, beside := firsts(0), firsts(64)
	t.Logf("time to first token: alone %v median, %v at most; beside 64 long requests %v and %v", alone[lights/2], alone[lights-1], beside[lights/2], beside[lights-1])
	if beside[lights/2] > 20*alone[lights/2] || beside[lights-1] > time.Second {
		t.Error("the light tenant starves")
	}
}

// tenantJob is a request of a tenant whose reader is fast. Light ones are started by firstOf.
func tenantJob(m *sim, i int, tenant string, prompt, output int) *job {
	j := &job{m: m, window: 200}
	j.g = wire.Generate{ID: fmt.Sprint("r", i), Router: "a", Boot: "1", Model: "m", MaxTokens: output, Tenant: tenant, Params: wire.Params{Logprobs: 0}}
	for k := range prompt {
		j.g.Prompt = append(j.g.Prompt, int32((i*31+k*7)%50))
	}
	w := wire.Choice{Seed: m.r.Uint64()}
	j.choices = []*reading{{w: w, want: reference(&j.g, &w, simContext, 0)}}
	m.jobs = append(m.jobs, j)
	m.byID[j.g.ID] = j
	if tenant == "heavy" {
		m.after(m.ms(100), j.start)
	}
	return j
}

// firstOf starts a job and notes when its first token has come.
func (m *sim) firstOf(j *job, began time.Duration, took *[]time.Duration) {
	j.start()
	var look func()
	look = func() {
		if len(j.choices[0].tokens) > 0 {
			*took = append(*took, m.now-began)
			return
		}
		m.after(time.Millisecond, look)
	}
	look()
}
