//go:build amd64 && !purego

package kernels

import "math"

func largestOf(x []float32) (top float32, ok bool) {
	n := len(x) &^ (scanUnit - 1)
	if active == generic || n == 0 {
		return largestOfGeneric(x)
	}
	var lanes [scanUnit]float32
	for i := range lanes {
		lanes[i] = float32(math.Inf(-1))
	}
	ok = largestAVX2(&x[0], n, &lanes[0])
	top, _ = largestOfGeneric(lanes[:])
	rest, restOK := largestOfGeneric(x[n:])
	return max(top, rest), ok && restOK
}

// firstTurn is where to begin to look for an element of at least low.
func firstTurn(x []float32, low float32) int {
	n := len(x) &^ (scanUnit - 1)
	if active == generic || n == 0 {
		return 0
	}
	return atLeastAVX2(&x[0], n, low)
}

func expSum(x []float32, shift float32) float32 {
	n := whole(len(x))
	if active != avx512 || n == 0 {
		return expSumApart(x, shift)
	}
	var lane [16]float32
	expSumAVX512(&x[0], n, shift, &lane[0])
	for i, v := range x[n:] {
		lane[i] += Exp(v - shift)
	}
	return fold16(&lane)
}

// sumExp computes terms in vectors where they are many.
func sumExp(x []float32, max, inv float64) float64 {
	if active != avx512 || len(x) < termsAtOnce {
		return sumExpFrom(0, x, max, inv)
	}
	return sumTerms(x, max, inv)
}

const termsAtOnce = 512

// sumTerms adds the terms one by one, as the order wants.
func sumTerms(x []float32, max, inv float64) float64 {
	var terms [termsAtOnce]float64
	sum := 0.0
	for ; len(x) >= len(terms); x = x[len(terms):] {
		expTermsAVX512(&terms[0], &x[0], len(terms), max, inv, &expTable[0])
		for _, t := range terms {
			sum += t
		}
	}
	return sumExpFrom(sum, x, max, inv)
}
