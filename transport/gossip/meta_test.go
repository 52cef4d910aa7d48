package gossip

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/*.hex")

func example() description {
	return description{node: "shard-2", boot: "k3v9", cluster: clusterHash("home"), leaving: true,
		Meta: Meta{Role: RoleCoordinator, HTTP: "10.0.0.7:8080", NATS: []string{"nats://10.0.0.7:4222", "nats://10.0.0.8:4222"}}}
}

func TestDescriptionGolden(t *testing.T) {
	d := example()
	b, err := d.encode()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "description.hex")
	if *update {
		if err := os.WriteFile(path, []byte(hex.Dump(b)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if hex.Dump(b) != string(want) {
		t.Errorf("the form changed:\n%swant\n%s", hex.Dump(b), want)
	}
	got, err := parseDescription(append(b, "later fields"...))
	if err != nil || !reflect.DeepEqual(got, d) {
		t.Errorf("got %+v, %v", got, err)
	}
	for n := range b {
		if _, err := parseDescription(b[:n]); err == nil {
			t.Errorf("cut to %d of %d bytes: taken", n, len(b))
		}
	}
	b[0] = 9
	if _, err := parseDescription(b); err == nil || !strings.Contains(err.Error(), "form 9") {
		t.Errorf("another form: %v", err)
	}
}

func FuzzParseDescription(f *testing.F) {
	d := example()
	b, err := d.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte{1, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := parseDescription(b)
		if err != nil {
			return
		}
		again, err := d.encode()
		if err != nil {
			if len(b) <= 512 {
				t.Fatal(err)
			}
			return
		}
		b = bytes.Clone(b)
		b[2] &= flagLeaving
		if !bytes.HasPrefix(b, again) {
			t.Fatalf("%x\nencodes as\n%x", b, again)
		}
	})
}
