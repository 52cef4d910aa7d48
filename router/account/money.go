package account

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Pico is money in units of 1e-12 US dollars. Its text and JSON form is an exact decimal number of dollars.
type Pico int64

const (
	picoDigits = 12
	dollar     = Pico(1_000_000_000_000)
	// maxPrice, $1000 a million tokens, keeps the cost of the largest request (128 choices of a million tokens) within int64.
	maxPrice = Price(1_000_000_000)
)

// String writes dollars without trailing zeros: 354930000 is "0.00035493".
func (p Pico) String() string {
	sign, u := "", uint64(p)
	if p < 0 {
		sign, u = "-", -u
	}
	whole, part := u/uint64(dollar), u%uint64(dollar)
	if part == 0 {
		return sign + strconv.FormatUint(whole, 10)
	}
	return sign + strconv.FormatUint(whole, 10) + "." + strings.TrimRight(fmt.Sprintf("%012d", part), "0")
}

// MarshalJSON writes a JSON number.
func (p Pico) MarshalJSON() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalJSON reads a JSON number without going through a float.
func (p *Pico) UnmarshalJSON(b []byte) error {
	v, err := ParseDollars(string(b))
	if err == nil {
		*p = v
	}
	return err
}

// ParseDollars reads a plain decimal number of dollars, at most 12 digits behind the point.
func ParseDollars(s string) (Pico, error) {
	v, err := parseDecimal(s, picoDigits)
	return Pico(v), err
}

// Price is pico-dollars a token, which is a millionth of a dollar a million tokens.
type Price int64

// ParsePrice reads dollars a million tokens, "0.59", at most 6 digits behind the point.
func ParsePrice(s string) (Price, error) {
	v, err := parseDecimal(s, 6)
	switch {
	case err != nil:
		return 0, err
	case v < 0 || Price(v) > maxPrice:
		return 0, fmt.Errorf("price %q is outside 0..1000 dollars a million tokens", s)
	}
	return Price(v), nil
}

// String writes dollars a million tokens.
func (p Price) String() string { return (Pico(p) * 1_000_000).String() }

// Prices are what one model costs.
type Prices struct {
	Prompt     Price `json:"prompt"`     // pico-dollars a prompt token
	Completion Price `json:"completion"` // pico-dollars an output token
}

// Check tells prices that no ParsePrice gives.
func (p Prices) Check() error {
	if min(p.Prompt, p.Completion) < 0 || max(p.Prompt, p.Completion) > maxPrice {
		return fmt.Errorf("prices %s and %s are outside 0..1000 dollars a million tokens", p.Prompt, p.Completion)
	}
	return nil
}

// Cost is what so many tokens cost.
func (p Prices) Cost(prompt, completion int) Pico {
	return Pico(int64(p.Prompt)*int64(prompt) + int64(p.Completion)*int64(completion))
}

// parseDecimal reads [-]digits[.digits] as an integer of 10^-places.
func parseDecimal(s string, places int) (int64, error) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, part, point := strings.Cut(digits, ".")
	if !isDigits(whole) || (point && !isDigits(part)) {
		return 0, fmt.Errorf("%.40q is not a plain decimal number such as 0.59", s)
	}
	if len(part) > places {
		return 0, fmt.Errorf("%.40q has more than %d digits behind the point", s, places)
	}
	v, err := strconv.ParseUint(whole+part+strings.Repeat("0", places-len(part)), 10, 64)
	if err != nil || v > math.MaxInt64 {
		return 0, fmt.Errorf("%.40q is too large", s)
	}
	if negative {
		return -int64(v), nil
	}
	return int64(v), nil
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
