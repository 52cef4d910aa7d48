package grammar

import (
	"math"
	"strconv"
	"strings"
)

// Digits of generated numbers.
const (
	maxDigits   = 15 // before and after the point
	maxWhole    = 18 // of an integer
	maxInteger  = 999_999_999_999_999_999
	maxMultiple = 1000

	maxMultiples = 10_000 // remainders, of all digits of a multiple together
)

// decimal is a number as digits: no leading zeros in whole but for "0", no trailing zeros in fraction.
type decimal struct {
	negative        bool
	whole, fraction string
}

// bound is a minimum or maximum.
type bound struct {
	set       bool
	at        decimal
	exclusive bool
}

// parseDecimal reads a JSON number of moderate size.
func parseDecimal(text string) (decimal, bool) {
	var d decimal
	text, d.negative = strings.CutPrefix(text, "-")
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	shift := 0
	if exponent != "" {
		n, err := strconv.Atoi(exponent)
		if err != nil || n < -100 || n > 100 {
			return d, false
		}
		shift = n
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if shift > 0 {
		fraction += strings.Repeat("0", max(0, shift-len(fraction)))
		whole, fraction = whole+fraction[:shift], fraction[shift:]
	} else if shift < 0 {
		whole = strings.Repeat("0", max(0, -shift-len(whole)+1)) + whole
		whole, fraction = whole[:len(whole)+shift], whole[len(whole)+shift:]+fraction
	}
	d.whole, d.fraction = strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")
	if d.whole == "" {
		d.whole = "0"
	}
	if d.whole == "0" && d.fraction == "" {
		d.negative = false
	}
	return d, len(d.whole) <= 19 && len(d.fraction) <= maxDigits
}

// String is the same for equal numbers.
func (d decimal) String() string {
	text := d.whole
	if d.fraction != "" {
		text += "." + d.fraction
	}
	if d.negative {
		return "-" + text
	}
	return text
}

// integer is d as a whole number, if it is one that fits.
func (d decimal) integer() (int64, bool) {
	n, err := strconv.ParseInt(d.whole, 10, 64)
	if d.negative {
		n = -n
	}
	return n, err == nil && d.fraction == ""
}

// compare is -1, 0 or 1.
func (d decimal) compare(e decimal) int {
	sign := 1
	if d.negative {
		sign = -1
	}
	switch {
	case d.negative != e.negative:
		return sign
	case len(d.whole) != len(e.whole):
		if len(d.whole) < len(e.whole) {
			return -sign
		}
		return sign
	}
	if c := strings.Compare(d.whole, e.whole); c != 0 {
		return sign * c
	}
	return sign * strings.Compare(d.fraction, e.fraction)
}

// tighter is the one of two bounds that allows less; side is 1 for minima and -1 for maxima.
func (b bound) tighter(o bound, side int) bound {
	switch {
	case !o.set:
		return b
	case !b.set:
		return o
	}
	switch c := side * b.at.compare(o.at); {
	case c > 0 || c == 0 && b.exclusive:
		return b
	}
	return o
}

// floor is the largest integer up to b, clamped to what is generated.
func (b bound) floor() int64 {
	n, err := strconv.ParseInt(b.at.whole, 10, 64)
	if err != nil {
		n = math.MaxInt64 / 2
	}
	if b.at.negative {
		n = -n
		if b.at.fraction != "" {
			n--
		}
	}
	return n
}

// integers is the range of whole numbers between the schema's bounds.
func (s *schema) integers() (lo, hi int64) {
	lo, hi = -maxInteger, maxInteger
	if s.lo.set {
		at := s.lo.floor()
		if s.lo.exclusive || s.lo.at.fraction != "" {
			at++
		}
		lo = max(lo, at)
	}
	if s.hi.set {
		at := s.hi.floor()
		if s.hi.exclusive && s.hi.at.fraction == "" {
			at--
		}
		hi = min(hi, at)
	}
	return lo, hi
}

func (l *lowering) lowerNumber(s *schema) int32 {
	whole := s.types&tNumber == 0 || s.multiple > 0
	switch {
	case whole && (s.lo.set || s.hi.set || s.multiple > 0):
		lo, hi := s.integers()
		return l.integerRange(lo, hi, max(s.multiple, 1), l.ret())
	case whole:
		return l.builtin("integer", func() int32 { return l.sign(l.wholePart(maxWhole, l.ret())) })
	case s.lo.set || s.hi.set:
		return l.numberRange(s.lo, s.hi, s.places())
	case s.decimals != infinite:
		return l.sign(l.wholePart(maxDigits, l.alt(l.ret(), l.lit(".", l.digits(1, s.decimals, l.ret())))))
	}
	return l.builtin("number", func() int32 {
		power := l.digits(1, 2, l.ret())
		exponent := l.bytes(edge{'e', 'e', l.alt(power, l.bytes(edge{'+', '+', power}, edge{'-', '-', power}))},
			edge{'E', 'E', l.alt(power, l.bytes(edge{'+', '+', power}, edge{'-', '-', power}))})
		behind := l.alt(l.ret(), exponent)
		fraction := l.lit(".", l.digits(1, maxDigits, behind))
		return l.sign(l.wholePart(maxDigits, l.alt(behind, fraction)))
	})
}

// places is how many digits may follow the point.
func (s *schema) places() int {
	if s.decimals == infinite {
		return maxDigits
	}
	return s.decimals
}

// digits is lo to hi digits.
func (b *builder) digits(lo, hi int, next int32) int32 {
	digit := b.builtin("digit", func() int32 { return b.bytes(edge{'0', '9', b.ret()}) })
	return b.rep(digit, lo, hi, next)
}

// sign is an optional minus.
func (b *builder) sign(next int32) int32 { return b.alt(next, b.lit("-", next)) }

// wholePart is 0, or up to most digits of which the first is not 0.
func (b *builder) wholePart(most int, next int32) int32 {
	return b.bytes(edge{'0', '0', next}, edge{'1', '9', b.digits(0, most-1, next)})
}

// integerRange is the multiples of m from lo to hi.
func (b *builder) integerRange(lo, hi, m int64, next int32) int32 {
	var alts []int32
	if hi >= 0 && lo <= hi {
		alts = append(alts, b.naturals(max(lo, 0), hi, m, next))
	}
	if lo < 0 && lo <= hi {
		alts = append(alts, b.lit("-", b.naturals(max(1, -hi), -lo, m, next)))
	}
	if len(alts) == 0 {
		return b.dead()
	}
	return b.alt(alts...)
}

// naturals is the multiples of m from lo >= 0 to hi.
func (b *builder) naturals(lo, hi, m int64, next int32) int32 {
	d := fixedDigits{builder: b, m: m, next: next}
	var alts []int32
	least := int64(1) // of n digits
	for n := 1; n <= mostDigits(m) && least <= hi; n++ {
		from, to := max(lo, least), min(hi, 10*least-1)
		if n == 1 {
			from = lo
		}
		if from <= to {
			d.lo, d.hi = strconv.FormatInt(from, 10), strconv.FormatInt(to, 10)
			alts = append(alts, d.build(digitState{left: n, low: true, high: true}))
		}
		least *= 10
	}
	if len(alts) == 0 {
		return b.dead()
	}
	return b.alt(alts...)
}

// mostDigits is the length of the longest multiple of m. Each digit takes a state for each remainder that the powers of ten leave apart.
func mostDigits(m int64) int {
	for _, p := range []int64{2, 5} {
		for m%p == 0 {
			m /= p
		}
	}
	return min(maxWhole, int(maxMultiples/m))
}

// fixedDigits builds multiples of m with a fixed number of digits from lo to hi.
type fixedDigits struct {
	*builder
	lo, hi string
	m      int64
	next   int32
}

// digitState is how many digits are left, whether those so far are those of the bounds, and the remainder of the number that has zeros for
// those that are left.
type digitState struct {
	left      int
	low, high bool
	rem       int64
}

// freeDigits are digits within the bounds, whatever they are.
type freeDigits struct {
	m    int64
	next int32
	left int
	rem  int64
}

func (d *fixedDigits) build(s digitState) int32 {
	if s.left == 0 || d.full() {
		return d.next
	}
	free := freeDigits{d.m, d.next, s.left, s.rem}
	isFree := !s.low && !s.high
	if pc, ok := d.digitsOf[free]; ok && isFree {
		return pc
	}
	at := len(d.lo) - s.left
	from, to := byte('0'), byte('9')
	if s.low {
		from = d.lo[at]
	}
	if s.high {
		to = d.hi[at]
	}
	var edges []edge
	for c := from; c <= to; c++ {
		to := digitState{s.left - 1, s.low && c == d.lo[at], s.high && c == d.hi[at], (s.rem + int64(c-'0')*powers[s.left-1]) % d.m}
		if (d.m-to.rem)%d.m >= powers[to.left] { // no multiple is so near
			continue
		}
		next := d.build(to)
		if n := len(edges); n > 0 && edges[n-1].next == next && edges[n-1].hi == c-1 {
			edges[n-1].hi = c
		} else {
			edges = append(edges, edge{c, c, next})
		}
	}
	pc := d.bytes(edges...)
	if isFree {
		d.digitsOf[free] = pc
	}
	return pc
}

// powers are those of ten.
var powers = func() (out [maxWhole + 1]int64) {
	out[0] = 1
	for i := range maxWhole {
		out[i+1] = 10 * out[i]
	}
	return out
}()

// numberRange is the decimal numbers with so many places between two bounds, of which one at least is set.
func (l *lowering) numberRange(lo, hi bound, places int) int32 {
	most := bound{set: true, at: decimal{whole: strings.Repeat("9", maxDigits), fraction: strings.Repeat("9", maxDigits)}}
	zero := bound{set: true, at: decimal{whole: "0"}}
	if !lo.set {
		lo = most.mirrored()
	}
	if !hi.set {
		hi = most
	}
	var alts []int32
	if !hi.at.negative {
		alts = append(alts, l.magnitudes(lo.tighter(zero, 1), hi.tighter(most, -1), places))
	}
	if lo.at.negative {
		zero.exclusive = true
		alts = append(alts, l.lit("-", l.magnitudes(hi.mirrored().tighter(zero, 1), lo.mirrored().tighter(most, -1), places)))
	}
	if len(alts) == 0 {
		return l.dead()
	}
	return l.alt(alts...)
}

func (b bound) mirrored() bound {
	b.at.negative = !b.at.negative && (b.at.whole != "0" || b.at.fraction != "")
	return b
}

// magnitudes is the numbers from lo >= 0 to hi.
func (l *lowering) magnitudes(lo, hi bound, places int) int32 {
	if lo.at.compare(hi.at) > 0 {
		return l.dead()
	}
	any := l.alt(l.ret(), l.lit(".", l.digits(1, places, l.ret())))
	if lo.at.whole == hi.at.whole {
		return l.lit(lo.at.whole, l.fraction(fraction{left: places, lo: &lo, hi: &hi}))
	}
	from, _ := strconv.ParseInt(lo.at.whole, 10, 64)
	to, _ := strconv.ParseInt(hi.at.whole, 10, 64)
	alts := []int32{l.lit(lo.at.whole, l.fraction(fraction{left: places, lo: &lo})), l.lit(hi.at.whole, l.fraction(fraction{left: places, hi: &hi}))}
	if from+1 <= to-1 {
		alts = append(alts, l.naturals(from+1, to-1, 1, any))
	}
	return l.alt(alts...)
}

// fraction is how many digits after the point are written, how many may follow, and the bounds whose digits they are so far; nil where
// they are certainly within one.
type fraction struct {
	n, left int
	lo, hi  *bound
}

// fraction is the end of a number whose whole part is that of its bounds.
func (l *lowering) fraction(f fraction) int32 {
	var targets []int32
	if f.mayEnd() {
		targets = append(targets, l.ret())
	}
	if f.n == 0 {
		targets = append(targets, l.lit(".", l.fractionDigit(f)))
	} else if f.left > 0 {
		targets = append(targets, l.fractionDigit(f))
	}
	if len(targets) == 0 {
		return l.dead()
	}
	return l.alt(targets...)
}

// mayEnd tells whether the number so far is within the bounds.
func (f fraction) mayEnd() bool {
	if b := f.lo; b != nil && (f.n < len(b.at.fraction) || b.exclusive) {
		return false
	}
	b := f.hi
	return b == nil || f.n < len(b.at.fraction) || !b.exclusive
}

func (l *lowering) fractionDigit(f fraction) int32 {
	if f.lo == nil && f.hi == nil {
		return l.digits(1, f.left, l.ret())
	}
	var edges []edge
	from, to := f.lo.digit(f.n, '0'), f.hi.digit(f.n, '9')
	for c := from; c <= to; c++ {
		g := fraction{n: f.n + 1, left: f.left - 1}
		if f.lo != nil && c == from {
			g.lo = f.lo
		}
		if f.hi != nil && c == to {
			g.hi = f.hi
		}
		edges = append(edges, edge{c, c, l.fraction(g)})
	}
	return l.bytes(edges...)
}

// digit is the n-th one after a bound's point; otherwise without a bound.
func (b *bound) digit(n int, otherwise byte) byte {
	switch {
	case b == nil:
		return otherwise
	case n < len(b.at.fraction):
		return b.at.fraction[n]
	}
	return '0'
}
