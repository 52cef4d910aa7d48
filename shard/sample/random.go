package sample

// uniform is the sampler's only source of randomness: a number in [0, 1), a multiple of 2^-53, that depends on seed,
// choice and position and on nothing else. Neighbouring arguments give unrelated numbers.
func uniform(seed uint64, choice uint32, pos int) float64 {
	h := mix(seed + golden)
	h = mix(h ^ (uint64(choice) + golden))
	h = mix(h ^ (uint64(pos) + golden))
	return float64(h>>11) * 0x1p-53
}

// again is the number for a second draw at the same place. It has nothing to do with the first.
func again(seed uint64, choice uint32, pos int) float64 {
	return uniform(mix(seed^second), choice, pos)
}

const second = 0xd1b54a32d192ed03 // keeps mix(seed^second) from being a seed that somebody counts up to

const golden = 0x9e3779b97f4a7c15 // 2^64/φ: an argument of 0 must not give mix(0), which is 0

// mix is the output function of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
// 2014; the constants are David Stafford's variant 13). It is a bijection.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}
