package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// A request carries its biases to every stage, with each of its choices: there is a most of them.
func TestBiasesAreBounded(t *testing.T) {
	for _, n := range []int{0, 1, wire.MaxBias, wire.MaxBias + 1} {
		var pairs []string
		for id := range n {
			pairs = append(pairs, fmt.Sprintf(`"%d":1.5`, id))
		}
		o, err := parseObject([]byte(`{"logit_bias":{` + strings.Join(pairs, ",") + `}}`))
		if err != nil {
			t.Fatal(err)
		}
		got := readBias(o, 100_000)
		if refused := o.err != nil; refused != (n > wire.MaxBias) || !refused && len(got) != n {
			t.Errorf("%d biases: %d read, error %v", n, len(got), o.err)
		}
		if n > wire.MaxBias && (o.err.Param != "logit_bias" || o.err.Status != 400) {
			t.Errorf("%+v", o.err)
		}
	}
}
