package kernels

import "testing"

// pinned is the digest of arithmetic version 1. A change here is a change of ArithmeticVersion.
const pinned = "f7263f310562666b"

func TestDigest(t *testing.T) {
	everyPath(t, func(t *testing.T) {
		if got := digest(); got != pinned {
			t.Errorf("digest %s, want %s: the kernels compute other bits than arithmetic version %d", got, pinned, ArithmeticVersion)
		}
	})
}

// everyPath runs a test once for each path that this machine has.
func everyPath(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	was := Path()
	t.Cleanup(func() { _ = ForcePath(was) })
	for _, p := range Paths() {
		if err := ForcePath(p); err != nil {
			t.Fatal(err)
		}
		t.Run(p, test)
	}
}
