package grammar

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

const alphabet = "abcdefghijklmnopqrstuvwxyz"

// parity has an alternative for each letter, which has an even number of it and no space.
func parity(letters string) string {
	return `{"anyOf":[` + each(len(letters), func(i int) string {
		return fmt.Sprintf(`{"type":"string","pattern":"^([^%[1]c ]*%[1]c[^%[1]c ]*%[1]c)*[^%[1]c ]*$"}`, letters[i])
	}) + `]}`
}

// syllables is a vocabulary of the bytes and all words of three letters.
func syllables() *Vocab {
	const n = len(alphabet)
	return NewVocab(256+n*n*n, func(id int32) []byte {
		if id < 256 {
			return []byte{byte(id)}
		}
		i := int(id - 256)
		return []byte{alphabet[i/n/n], alphabet[i/n%n], alphabet[i%n]}
	})
}

// A mask that would take long fails, at a number of steps that does not depend on what is known; its neighbours are served.
func TestMaskTooComplex(t *testing.T) {
	g := NewGuide(syllables)
	defer g.Close()
	for range 2 {
		c := openAt(t, g, parity(alphabet), "")
		if err := c.Seek(bytesOf(`"ab`)); err != nil || !allows(t, c, 'a') || allows(t, c, ' ') {
			t.Fatal(err)
		}
		if _, err := c.Mask(); !errors.Is(err, ErrComplex) || !strings.Contains(err.Error(), "schema") {
			t.Errorf("a mask of %d threads: %v", len(c.place.state.threads), err)
		}
		c.Expect('a')
	}
	maskOf(t, openAt(t, g, parity("abc"), `"ab`))
}

// What is counted is a function of the schema and the text, whatever the automaton knows or has forgotten.
func TestStepsAreOfTheText(t *testing.T) {
	v := syllables()
	never := func() bool { return false }
	for _, p := range append(slices.Clone(places), struct{ name, schema, text string }{"parity", parity("abcdefg"), `"xyz`}) {
		var want []int
		for _, known := range []string{"nothing", "all", "an era ago", "text only"} {
			g := compileSchema(t, p.schema)
			s, total := g.start, 0
			for pass := range 2 {
				s, total = g.current(g.start), 0
				for _, b := range []byte(p.text) {
					if known == "an era ago" {
						g.forget()
						s = g.current(s)
					}
					m := g.move(s, b)
					s, total = m.to, total+int(m.steps)
				}
				if pass == 0 && known == "all" {
					if _, err := g.walk(&v.all, s, v.empty(), never); err != nil {
						t.Fatal(err)
					}
				}
			}
			if known == "an era ago" {
				g.forget()
			}
			walk, err := g.walk(&v.all, g.current(s), v.empty(), never)
			if err != nil {
				t.Fatal(err)
			}
			if got := []int{total, walk}; want == nil {
				want = got
			} else if !slices.Equal(got, want) {
				t.Errorf("%s, known is %s: %d steps, want %d", p.name, known, got, want)
			}
		}
	}
}

// An answer ends where its tokens take too many steps together: whoever takes it up again must not be held up.
func TestAnswerTooComplex(t *testing.T) {
	g := NewGuide(syllables)
	defer g.Close()
	schema := `{"anyOf":[` + each(600, func(i int) string { return fmt.Sprintf(`{"type":"string","maxLength":%d}`, 100_000+i) }) + `]}`
	c := openAt(t, g, schema, "")
	tokens := bytesOf(`"` + strings.Repeat("a", 50_000))
	err := c.Seek(tokens)
	n := len(c.tokens)
	if !errors.Is(err, ErrComplex) || n < 1000 {
		t.Fatalf("after %d tokens: %v", n, err)
	}
	c = openAt(t, g, schema, "")
	for i := range n {
		if err := c.Seek(tokens[:i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Seek(tokens[:n+1]); !errors.Is(err, ErrComplex) {
		t.Errorf("token by token: %v", err)
	}
}

// TestStop: a mask is given up when it is not wanted, however its walk goes.
func TestStop(t *testing.T) {
	v := syllables()
	g := compileSchema(t, parity(alphabet[:8]))
	s := g.start
	for _, b := range []byte(`"ab`) {
		s = g.step(s, b)
	}
	asked := 0
	all, err := g.walk(&v.all, s, v.empty(), func() bool { asked++; return false })
	if err != nil || asked < all/(1<<13) {
		t.Errorf("asked %d times in %d steps: %v", asked, all, err)
	}
	g.forget()
	if err := g.allowed(v, g.current(s), v.empty(), func() bool { return true }); !errors.Is(err, errStopped) {
		t.Error(err)
	}
}
