package account

import (
	"encoding/json"
	"testing"
)

func TestCost(t *testing.T) {
	prompt, err := ParsePrice("0.59")
	if err != nil {
		t.Fatal(err)
	}
	completion, err := ParsePrice("0.79")
	if err != nil {
		t.Fatal(err)
	}
	p := Prices{Prompt: prompt, Completion: completion}
	for _, c := range []struct {
		prompt, completion int
		want               string
	}{
		{149, 338, "0.00035493"}, {0, 0, "0"}, {1, 0, "0.00000059"}, {1_000_000, 0, "0.59"}, {1_000_000, 1_000_000, "1.38"},
	} {
		if got := p.Cost(c.prompt, c.completion).String(); got != c.want {
			t.Errorf("%d+%d tokens cost %s, want %s", c.prompt, c.completion, got, c.want)
		}
	}
	if p.Prompt.String() != "0.59" {
		t.Errorf("price %s", p.Prompt)
	}
}

func TestPicoText(t *testing.T) {
	for pico, want := range map[Pico]string{
		0: "0", 1: "0.000000000001", -1: "-0.000000000001", dollar: "1", -3 * dollar / 2: "-1.5", 1<<63 - 1: "9223372.036854775807",
		-1 << 63: "-9223372.036854775808",
	} {
		if got := pico.String(); got != want {
			t.Errorf("%d is %s, want %s", int64(pico), got, want)
		}
	}
	for _, bad := range []string{"", "-", ".5", "5.", "1e3", "0x1", " 1", "1.0000000000001", "9223373", "1,5", "NaN"} {
		if v, err := ParseDollars(bad); err == nil {
			t.Errorf("%q is read as %s", bad, v)
		}
	}
	for _, bad := range []string{"-1", "1001", "0.0000001"} {
		if v, err := ParsePrice(bad); err == nil {
			t.Errorf("price %q is read as %s", bad, v)
		}
	}
}

func FuzzDollars(f *testing.F) {
	for _, s := range []string{"0", "1.5", "-0.00035493", "9223372.036854775807", "00.10"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ParseDollars(s)
		if err != nil {
			return
		}
		data, err := json.Marshal(v)
		var back Pico
		if err == nil {
			err = json.Unmarshal(data, &back)
		}
		if err != nil || back != v {
			t.Errorf("%q is %d, written %s, read %d (%v)", s, v, data, back, err)
		}
	})
}
