package account

import "time"

// rate is a generic cell rate algorithm (ITU-T I.371, virtual scheduling) with a burst of one minute's worth: TAT is the time at which
// everything that was taken so far has been paid back. Its whole state is one number, so it survives a restart.
type rate struct {
	TAT int64 `json:"tat"` // ns since 1970
}

const minute = int64(time.Minute)

// maxRate bounds requests and tokens a minute: minute*maxRate fits into int64.
const maxRate = 100_000_000

// cost is the time in which a limit of perMinute pays back n.
func cost(n, perMinute int) int64 {
	if n <= 0 {
		return 0
	}
	// Rounded up, so that rounding never gives more than the limit.
	whole, rest := int64(n)/int64(perMinute), int64(n)%int64(perMinute)
	return whole*minute + (rest*minute+int64(perMinute)-1)/int64(perMinute)
}

// wait tells how long n has to wait at a time; 0 is not at all. n must not exceed perMinute.
func (r *rate) wait(now int64, n, perMinute int) time.Duration {
	return time.Duration(max(0, max(r.TAT, now)+cost(n, perMinute)-now-minute))
}

// take debits n, without a limit to the debt.
func (r *rate) take(now int64, n, perMinute int) {
	r.TAT = max(r.TAT, now) + cost(n, perMinute)
}

// give pays n back that was taken and not used.
func (r *rate) give(n, perMinute int) { r.TAT -= cost(n, perMinute) }

// left is how much could be taken now.
func (r *rate) left(now int64, perMinute int) int {
	free := minute - (max(r.TAT, now) - now)
	if free <= 0 {
		return 0
	}
	return int(free * int64(perMinute) / minute) // maxRate keeps this within int64
}

// reset is how long it takes until the whole limit is free again.
func (r *rate) reset(now int64) time.Duration { return time.Duration(max(0, r.TAT-now)) }
