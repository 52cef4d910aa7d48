package account

import "time"

// Window is the time that a budget is for.
type Window string

// Windows of a budget. Days and months are those of the calendar in UTC, so that the books of a site do not depend on where
// its routers stand, and no day has 23 or 25 hours.
const (
	Ever  Window = "ever"
	Day   Window = "day"
	Month Window = "month"
)

var windows = []Window{Ever, Day, Month}

// balance is what was spent, ever and in the windows that the latest settlement lies in. It is a function of the usage records
// in their order, which is how Verify proves it.
type balance struct {
	Ever  Pico `json:"ever,omitempty"`
	Day   slot `json:"day,omitzero"`
	Month slot `json:"month,omitzero"`
}

// slot is what was spent in one day or month.
type slot struct {
	Number int64 `json:"number"` // days since 1970-01-01, or months since January of year 0
	Spent  Pico  `json:"spent"`
}

func dayNumber(t time.Time) int64 { return t.Unix() / (24 * 60 * 60) }

func monthNumber(t time.Time) int64 {
	year, month, _ := t.UTC().Date()
	return int64(year)*12 + int64(month) - 1
}

func (s *slot) add(number int64, cost Pico) {
	if number != s.Number {
		*s = slot{Number: number}
	}
	s.Spent += cost
}

func (s slot) at(number int64) Pico {
	if number != s.Number {
		return 0
	}
	return s.Spent
}

// spend books a cost at a time that is not before any earlier one.
func (b *balance) spend(at time.Time, cost Pico) {
	b.Ever += cost
	b.Day.add(dayNumber(at), cost)
	b.Month.add(monthNumber(at), cost)
}

// in is what was spent in the window that a time lies in.
func (b *balance) in(w Window, now time.Time) Pico {
	switch w {
	case Day:
		return b.Day.at(dayNumber(now))
	case Month:
		return b.Month.at(monthNumber(now))
	}
	return b.Ever
}

// renews tells when the next window begins, zero for never.
func (w Window) renews(now time.Time) time.Time {
	year, month, day := now.UTC().Date()
	switch w {
	case Day:
		return time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
	case Month:
		return time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
	}
	return time.Time{}
}
