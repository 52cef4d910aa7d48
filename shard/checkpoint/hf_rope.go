package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
)

// hfRope is rope_scaling, or its successor rope_parameters, which has the base too.
type hfRope struct {
	Theta    *float64 `json:"rope_theta"`
	Type     string   `json:"rope_type"`
	OldType  string   `json:"type"`
	Factor   *float64 `json:"factor"`
	Original *int     `json:"original_max_position_embeddings"`
	BetaFast *float64 `json:"beta_fast"`
	BetaSlow *float64 `json:"beta_slow"`
	Attn     *float64 `json:"attention_factor"`
	MScale   *float64 `json:"mscale"`
	MScaleD  *float64 `json:"mscale_all_dim"`
	Truncate *bool    `json:"truncate"`

	Full     json.RawMessage `json:"full_attention"` // parameters by layer type
	Partial  *float64        `json:"partial_rotary_factor"`
	Sections json.RawMessage `json:"mrope_section"`
}

// rope fills base, YaRN and the context that YaRN gives.
func (h *hfConfig) rope(c *Config) error {
	r := h.RopeParameters
	if r == nil {
		r = h.RopeScaling
	}
	if h.RopeTheta != nil {
		c.RopeTheta = *h.RopeTheta
	}
	if r == nil {
		return nil
	}
	if r.Theta != nil {
		c.RopeTheta = *r.Theta
	}
	y, err := r.yarn(c.Context)
	if err != nil {
		return err
	}
	c.Yarn = y
	c.Context = y.extendedContext(c.Context)
	return nil
}

// yarn gives nil for no scaling.
func (r *hfRope) yarn(context int) (*Yarn, error) {
	typ := r.Type
	if typ == "" {
		typ = r.OldType
	}
	switch {
	case len(r.Sections) > 0:
		return nil, errors.New("mrope_section is set: vision models are not served")
	case len(r.Full) > 0:
		return nil, errors.New("rope_parameters by layer type are not served")
	case r.Partial != nil && *r.Partial != 1:
		return nil, fmt.Errorf("partial_rotary_factor %g is not served, want 1", *r.Partial)
	case typ == "" || typ == "default":
		return nil, nil
	case typ != "yarn":
		return nil, fmt.Errorf("rope scaling %s is not served (served: default, yarn)", quoteOdd(typ))
	case r.Truncate != nil && !*r.Truncate:
		return nil, errors.New("YaRN with truncate false is not served")
	}
	y := &Yarn{OriginalContext: context, BetaFast: 32, BetaSlow: 1}
	if r.Original != nil {
		y.OriginalContext = *r.Original
	}
	switch {
	case r.Factor != nil:
		y.Factor = *r.Factor
	case r.Original != nil && *r.Original > 0:
		y.Factor = float64(context) / float64(*r.Original)
	default:
		return nil, errors.New("YaRN without factor and original_max_position_embeddings")
	}
	if r.BetaFast != nil {
		y.BetaFast = *r.BetaFast
	}
	if r.BetaSlow != nil {
		y.BetaSlow = *r.BetaSlow
	}
	return y, r.attention(y)
}

// attention sets the factor of cos and sin. Here, unlike in GGUF, attention_factor replaces YaRN's own.
func (r *hfRope) attention(y *Yarn) error {
	scaled := func(m *float64) bool { return m != nil && *m != 0 && *m != 1 }
	if scaled(r.MScale) || scaled(r.MScaleD) {
		return errors.New("YaRN with mscale or mscale_all_dim is not served")
	}
	switch {
	case r.Attn != nil:
		y.AttnFactor = *r.Attn
	case r.MScale != nil && r.MScaleD != nil && *r.MScale == *r.MScaleD && *r.MScale != 0:
		y.AttnFactor = 1 // their quotient
	default:
		y.AttnFactor = yarnAttention(y.Factor)
	}
	return nil
}
