package sched

import (
	"math/rand/v2"
	"testing"
)

// What is published stays findable with its content until its room is needed, and the longest unused goes first.
func TestPoolForgetsTheOldest(t *testing.T) {
	p := newPool(3)
	names := []sum{{1}, {2}, {3}, {4}}
	for i := range 3 {
		id := p.take()
		p.publish(id, names[i])
		p.release(id)
	}
	a, _ := p.find(names[0])
	p.share(a) // used again: now the newest
	p.release(a)
	id := p.take()
	if _, ok := p.find(names[1]); ok || id == a {
		t.Error("the second was the oldest")
	}
	for _, n := range []sum{names[0], names[2]} {
		if _, ok := p.find(n); !ok {
			t.Errorf("%v is forgotten too early", n[0])
		}
	}
	// The same content twice: the first one stays the one that is found.
	p.publish(id, names[0])
	if got, _ := p.find(names[0]); got != a || p.blocks[id].published {
		t.Error("a copy took the place of what is shared")
	}
}

func TestPoolKeepsCount(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	p := newPool(20)
	var held []int32
	for range 20000 {
		switch name := (sum{byte(r.IntN(30))}); r.IntN(4) {
		case 0:
			if p.available() > 0 {
				held = append(held, p.take())
			}
		case 1:
			if id, ok := p.find(name); ok {
				p.share(id)
				held = append(held, id)
			}
		case 2:
			if n := len(held); n > 0 {
				i := r.IntN(n)
				p.release(held[i])
				held[i] = held[n-1]
				held = held[:n-1]
			}
		case 3:
			if n := len(held); n > 0 {
				p.publish(held[r.IntN(n)], name)
			}
		}
		refs := make([]int32, 20)
		for _, id := range held {
			refs[id]++
		}
		if err := p.check(refs); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNamesChain(t *testing.T) {
	tokens := make([]int32, BlockTokens)
	a := chainSum(rootSum(""), tokens)
	other := append([]int32(nil), tokens...)
	other[BlockTokens-1] = 1
	for name, b := range map[string]sum{"salt": chainSum(rootSum("x"), tokens), "tokens": chainSum(rootSum(""), other),
		"what is before": chainSum(a, tokens)} {
		if a == b {
			t.Errorf("%s makes no difference", name)
		}
	}
}
