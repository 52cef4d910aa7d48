package kernels

import "testing"

func TestRates(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 128 MiB")
	}
	pool := NewPool(1)
	defer pool.Close()
	read, err := ReadBandwidth(pool)
	if err != nil {
		t.Fatal(err)
	}
	ops, err := Int8Rate(pool)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %.1f GB/s, %.1f GOP/s on one thread", Path(), read/1e9, ops/1e9)
	if read <= 0 || ops <= 0 {
		t.Errorf("rates %g and %g", read, ops)
	}
}
