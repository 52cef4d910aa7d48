package checkpoint

import "fmt"

// Limits far above any Qwen2 model, so that products of sizes cannot overflow.
const (
	maxLayers  = 4096
	maxWidth   = 1 << 22 // hidden, ffn, heads*headDim
	maxVocab   = 1 << 24
	maxContext = 1 << 28
)

// Check refuses configurations that no model can have. Products of the sizes of one that passes do not overflow.
func (c *Config) Check() error {
	for _, f := range []struct {
		name     string
		val, max int
	}{
		{"layers", c.Layers, maxLayers},
		{"hidden size", c.Hidden, maxWidth},
		{"heads", c.Heads, maxWidth},
		{"kv heads", c.KVHeads, maxWidth},
		{"head dimension", c.HeadDim, 1 << 12},
		{"feed-forward size", c.FFN, maxWidth},
		{"vocabulary", c.Vocab, maxVocab},
		{"context length", c.Context, maxContext},
	} {
		if f.val < 1 || f.val > f.max {
			return fmt.Errorf("%s is %d, want 1 to %d", f.name, f.val, f.max)
		}
	}
	switch {
	case c.Heads%c.KVHeads != 0:
		return fmt.Errorf("%d heads are not a multiple of %d kv heads", c.Heads, c.KVHeads)
	case c.HeadDim%2 != 0:
		return fmt.Errorf("head dimension %d is odd, rotary embedding needs pairs", c.HeadDim)
	case c.Heads*c.HeadDim > maxWidth:
		return fmt.Errorf("%d heads of %d are too wide", c.Heads, c.HeadDim)
	case !(c.Eps > 0 && c.Eps < 1):
		return fmt.Errorf("RMSNorm epsilon is %g, want above 0 and below 1", c.Eps)
	case !(c.RopeTheta >= 1 && c.RopeTheta <= 1e12):
		return fmt.Errorf("rope base is %g, want 1 to 1e12", c.RopeTheta)
	}
	return c.Yarn.check()
}

func (y *Yarn) check() error {
	if y == nil {
		return nil
	}
	switch {
	case !(y.Factor >= 1 && y.Factor <= 1e4):
		return fmt.Errorf("YaRN factor is %g, want 1 to 10000", y.Factor)
	case y.OriginalContext < 1 || y.OriginalContext > maxContext:
		return fmt.Errorf("YaRN original context is %d, want 1 to %d", y.OriginalContext, maxContext)
	case !(y.BetaFast > y.BetaSlow && y.BetaSlow > 0 && y.BetaFast < 1e6):
		return fmt.Errorf("YaRN betas are %g and %g, want fast > slow > 0", y.BetaFast, y.BetaSlow)
	case !(y.AttnFactor > 0 && y.AttnFactor < 1e3):
		return fmt.Errorf("YaRN attention factor is %g, want above 0 and below 1000", y.AttnFactor)
	}
	return nil
}

// extendedContext is the context length with YaRN: the file's, or original*factor where that is longer.
func (y *Yarn) extendedContext(context int) int {
	if y == nil || y.check() != nil {
		return context
	}
	return max(context, int(float64(y.OriginalContext)*y.Factor))
}
