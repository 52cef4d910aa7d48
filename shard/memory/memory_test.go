package memory

import (
	"os"
	"runtime"
	"testing"
)

// TestResidentGrows: memory that is written is resident, and private.
func TestResidentGrows(t *testing.T) {
	if _, err := os.Stat("/proc/self/statm"); err != nil {
		t.Skip(err)
	}
	const size, spare = 64 << 20, 8 << 20
	all, own := Resident(), Private()
	if all < own || own <= 0 {
		t.Fatalf("%d bytes resident, %d of them private", all, own)
	}
	b := make([]byte, size)
	for i := 0; i < size; i += 4096 {
		b[i] = 1
	}
	if grown := Resident() - all; grown < size-spare {
		t.Errorf("resident memory grew by %d bytes, want about %d", grown, size)
	}
	if grown := Private() - own; grown < size-spare {
		t.Errorf("private memory grew by %d bytes, want about %d", grown, size)
	}
	runtime.KeepAlive(b)
}

func TestAvailable(t *testing.T) {
	if n := Available(); n <= 0 || n >= 1<<60 {
		t.Errorf("%d bytes available", n)
	}
}
